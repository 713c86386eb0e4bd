"""An ensemble of trees as one ONNX node whose leaves hold the raw output and the credit of each reason.

One pass through the trees gives both, at the cost of the probability alone. The credits are sums along the path from root to leaf
(Saabas), so they are constants of a leaf and can be stored there. A random forest's raw output is its probability; that of boosted
trees is log-odds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

INPUT: Final = "features"
OUTPUT: Final = "raw_and_credits"
OPSET: Final = 17
ML_OPSET: Final = 3
IR_VERSION: Final = 9


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree as columns, parents before their children. `left` is below 0 at a leaf; `value` is the expected output at a node."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    value: NDArray[np.float64]


def base_of(model: Any) -> float:
    """The raw output before any split: what the roots expect."""
    start, trees = trees_of(model)
    return start + float(sum(tree.value[0] for tree in trees))


def trees_of(model: Any) -> tuple[float, list[Tree]]:
    """A constant, and the trees whose leaves are added to it, of a fitted binary random forest or gradient boosting."""
    if hasattr(model, "estimators_"):
        return 0.0, [_of_forest(each.tree_, 1.0 / len(model.estimators_)) for each in model.estimators_]
    # scikit-learn has no public way to the trees of its histogram boosting; `train` compares the export with the model itself.
    return float(model._baseline_prediction.ravel()[0]), [_of_boosting(each.nodes) for (each,) in model._predictors]


def onnx_of(model: Any, reason_of: Sequence[int], reason_count: int) -> bytes:
    """The trees as ONNX. Output column 0 is the raw output, column 1 + r the credit of reason r.

    `reason_of` gives the reason of each feature. The model must have been trained without NaN.
    """
    nodes: dict[str, Any] = {
        f"nodes_{name}": []
        for name in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")
    }
    targets: dict[str, Any] = {f"target_{name}": [] for name in ("treeids", "nodeids", "ids", "weights")}
    start, trees = trees_of(model)
    for number, tree in enumerate(trees):
        for node in _nodes(tree):
            for cells, cell in zip(nodes.values(), (number, *node), strict=True):
                cells.append(cell)
        for target in _targets(tree, reason_of, reason_count):
            for cells, cell in zip(targets.values(), (number, *target), strict=True):
                cells.append(cell)
    if start:
        nodes["base_values"] = [start] + [0.0] * reason_count
    graph = helper.make_graph(
        [
            helper.make_node(
                "TreeEnsembleRegressor",
                [INPUT],
                [OUTPUT],
                domain="ai.onnx.ml",
                n_targets=1 + reason_count,
                aggregate_function="SUM",
                post_transform="NONE",
                **nodes,
                **targets,
            )
        ],
        "likelihood",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, len(reason_of)])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 1 + reason_count])],
    )
    opsets = [helper.make_opsetid("ai.onnx.ml", ML_OPSET), helper.make_opsetid("", OPSET)]
    model_proto = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="shopstream")
    onnx.checker.check_model(model_proto)
    return bytes(model_proto.SerializeToString(deterministic=True))


def _nodes(tree: Tree) -> Iterator[tuple[int, int, str, float, int, int]]:
    for node, left in enumerate(tree.left.tolist()):
        if left < 0:
            yield node, 0, "LEAF", 0.0, 0, 0
        else:
            threshold = _float32_below(tree.threshold[node])
            yield node, int(tree.feature[node]), "BRANCH_LEQ", threshold, left, int(tree.right[node])


def _targets(tree: Tree, reason_of: Sequence[int], reason_count: int) -> Iterator[tuple[int, int, float]]:
    """Node, target and weight of every leaf: its output, and the credits of the path to it."""
    credits = np.zeros((len(tree.left), reason_count))
    for node, left in enumerate(tree.left.tolist()):
        if left < 0:
            yield node, 0, float(tree.value[node])
            for reason in np.flatnonzero(credits[node]).tolist():
                yield node, 1 + reason, float(credits[node, reason])
            continue
        for child in (left, int(tree.right[node])):
            credits[child] = credits[node]
            credits[child, reason_of[int(tree.feature[node])]] += tree.value[child] - tree.value[node]


def _of_forest(tree: Any, weight: float) -> Tree:
    counts: NDArray[np.float64] = tree.value[:, 0, :]
    return Tree(
        left=tree.children_left,
        right=tree.children_right,
        feature=tree.feature,
        threshold=tree.threshold,
        value=counts[:, 1] / counts.sum(axis=1) * weight,
    )


def _of_boosting(nodes: Any) -> Tree:
    is_leaf = nodes["is_leaf"].astype(bool)
    left = np.where(is_leaf, -1, nodes["left"].astype(np.int64))
    right = np.where(is_leaf, -1, nodes["right"].astype(np.int64))
    value, count = nodes["value"].astype(np.float64), nodes["count"].astype(np.float64)
    for node in np.flatnonzero(~is_leaf)[::-1]:  # children come after their parents
        below = [left[node], right[node]]
        value[node] = np.average(value[below], weights=count[below])
    return Tree(left, right, nodes["feature_idx"].astype(np.int64), nodes["num_threshold"].astype(np.float64), value)


def _float32_below(threshold: np.float64) -> float:
    # scikit-learn compares a float32 with a float64 threshold; the largest float32 not above it decides the same way.
    # A plain float would be compared as a float32 itself.
    near = np.float32(threshold)
    return float(np.nextafter(near, np.float32(-np.inf)) if near > threshold else near)
