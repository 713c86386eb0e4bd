"""The exported forest gives what scikit-learn gives, and its credits add up to it."""

import numpy as np
import onnxruntime
import pytest
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier

from models.features import Row
from models.forest import INPUT, base_of, onnx_of

FEATURES = 6
REASON_OF = [0, 0, 1, 2, 2, 1]
REASONS = 3


@pytest.fixture(scope="module")
def rows() -> Row:
    return np.random.default_rng(1).normal(size=(3_000, FEATURES)).astype(np.float32)


@pytest.fixture(scope="module")
def forest(rows: Row) -> RandomForestClassifier:
    noise = np.random.default_rng(2).normal(size=len(rows))
    bought = (rows[:, 0] + rows[:, 1] * rows[:, 2] + noise > 1).astype(int)
    return RandomForestClassifier(30, max_leaf_nodes=40, random_state=1).fit(rows, bought)


@pytest.fixture(scope="module")
def output(forest: RandomForestClassifier, rows: Row) -> Row:
    return run(onnx_of(forest, REASON_OF, REASONS), rows)


def run(onnx: bytes, rows: Row) -> Row:
    output: Row = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"]).run(None, {INPUT: rows})[0]
    return output


def test_the_raw_probability_is_scikit_learns(forest: RandomForestClassifier, rows: Row, output: Row) -> None:
    assert np.abs(output[:, 0] - forest.predict_proba(rows)[:, 1]).max() < 1e-6


def test_it_is_what_skl2onnx_makes_of_the_same_forest(forest: RandomForestClassifier, rows: Row, output: Row) -> None:
    model = to_onnx(forest, rows[:1], options={id(forest): {"zipmap": False}})
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    assert np.abs(session.run(None, {"X": rows})[1][:, 1] - output[:, 0]).max() < 1e-6


def test_base_and_credits_add_up_to_the_raw_probability(forest: RandomForestClassifier, output: Row) -> None:
    assert np.abs(base_of(forest) + output[:, 1:].sum(axis=1) - output[:, 0]).max() < 1e-5


def test_a_credit_is_the_change_along_the_path(rows: Row) -> None:
    stump = RandomForestClassifier(1, max_depth=1, max_features=None, bootstrap=False, random_state=1)
    stump.fit(rows, (rows[:, 3] > 0).astype(int))
    output = run(onnx_of(stump, REASON_OF, REASONS), rows)
    credits = output[:, 1:]
    assert not credits[:, [0, 1]].any(), "only feature 3 was looked at, which is of reason 2"
    np.testing.assert_allclose(credits[:, 2], (rows[:, 3] > 0) - base_of(stump), atol=1e-6)


def test_a_value_on_a_threshold_goes_the_way_scikit_learn_sends_it(forest: RandomForestClassifier) -> None:
    edges = [
        np.float32(threshold)
        for tree in forest.estimators_
        for threshold in tree.tree_.threshold[tree.tree_.children_left >= 0]
    ]
    near = np.array([step for edge in edges for step in (edge, np.nextafter(edge, np.float32(9)))], dtype=np.float32)
    rows = np.repeat(near[:600, None], FEATURES, axis=1)
    output = run(onnx_of(forest, REASON_OF, REASONS), rows)
    assert np.abs(output[:, 0] - forest.predict_proba(rows)[:, 1]).max() < 1e-6


def test_the_same_forest_gives_the_same_bytes(forest: RandomForestClassifier) -> None:
    assert onnx_of(forest, REASON_OF, REASONS) == onnx_of(forest, REASON_OF, REASONS)
