"""A random forest as one ONNX node whose leaves hold the share of buyers and the credit of each reason.

One pass through the trees gives both, at the cost of the probability alone. The credits are sums along the path from root to leaf
(Saabas), so they are constants of a leaf and can be stored there.
"""

from collections.abc import Sequence
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


def base_of(forest: Any) -> float:
    """The forest's output before any split: the mean of its roots."""
    return float(np.mean([_shares(tree.tree_)[0] for tree in forest.estimators_]))


def onnx_of(forest: Any, reason_of: Sequence[int], reason_count: int) -> bytes:
    """A fitted binary `RandomForestClassifier` as ONNX. Output column 0 is the raw probability, column 1 + r the credit of reason r.

    `reason_of` gives the reason of each feature. The forest must have been trained without NaN.
    """
    nodes: dict[str, Any] = {
        f"nodes_{name}": []
        for name in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")
    }
    targets: dict[str, Any] = {f"target_{name}": [] for name in ("treeids", "nodeids", "ids", "weights")}
    weight = 1.0 / len(forest.estimators_)

    def add_node(tree: int, node: int, feature: int, mode: str, value: float, true: int, false: int) -> None:
        for cells, cell in zip(nodes.values(), (tree, node, feature, mode, value, true, false), strict=True):
            cells.append(cell)

    def add_target(tree: int, node: int, target: int, value: float) -> None:
        for cells, cell in zip(targets.values(), (tree, node, target, value * weight), strict=True):
            cells.append(cell)

    for number, estimator in enumerate(forest.estimators_):
        tree = estimator.tree_
        shares = _shares(tree)
        credits = np.zeros((tree.node_count, reason_count))
        for node in range(tree.node_count):  # parents come before their children
            left, right = int(tree.children_left[node]), int(tree.children_right[node])
            if left < 0:
                add_node(number, node, 0, "LEAF", 0.0, 0, 0)
                add_target(number, node, 0, shares[node])
                for reason in np.flatnonzero(credits[node]):
                    add_target(number, node, 1 + int(reason), credits[node, reason])
                continue
            feature = int(tree.feature[node])
            add_node(number, node, feature, "BRANCH_LEQ", _float32_below(tree.threshold[node]), left, right)
            for child in (left, right):
                credits[child] = credits[node]
                credits[child, reason_of[feature]] += shares[child] - shares[node]

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
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="shopstream")
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _shares(tree: Any) -> NDArray[np.float64]:
    """Share of buyers in each node."""
    counts: NDArray[np.float64] = tree.value[:, 0, :]
    shares: NDArray[np.float64] = counts[:, 1] / counts.sum(axis=1)
    return shares


def _float32_below(threshold: float) -> float:
    # scikit-learn compares a float32 with a float64 threshold; the largest float32 not above it decides the same way.
    near = np.float32(threshold)
    return float(np.nextafter(near, np.float32(-np.inf)) if near > threshold else near)
