"""The ways to learn a likelihood from rows: each takes rows without NaN and gives a fitted model of scikit-learn."""

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from models.calibration import fit_calibration, fit_log_odds
from models.card import Calibration, Forest
from models.features import NAMES, Row
from models.metrics import Numbers

Algorithm = Literal["forest", "boosting"]

MONOTONE: Final = frozenset({"add_to_cart_count", "cart_value", "cart_item_count", "checkout_step_count"})
"""Features whose growth alone never lowers the likelihood. It keeps luck in the data from telling a shop that a fuller cart is bad news."""
MISSING: Final = -1000.0


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the trees of an algorithm may grow."""

    trees: int
    max_leaves: int
    min_leaf_examples: int
    features_per_split: float
    examples_per_tree: float = 1.0


SMALL_FOREST: Final = Shape(80, 64, 40, 0.2, 0.2)
"""For the model that ships. States of one session are alike: a tree that sees a fifth of them learns as much, and differs more."""
FOREST: Final = Shape(40, 600, 15, 0.25, 0.4)
"""At most 24,000 leaves, so that its file stays below 5 MB; three times the trees foresee no better (`docs/models.md`)."""
BOOSTING: Final = Shape(250, 12, 400, 0.15)
LEARNING_RATE: Final = 0.04
SHRINKAGE: Final = 20.0


def fitted(algorithm: Algorithm, shape: Shape, rows: Row, bought: Numbers, seed: int) -> Any:
    """A model fitted to the rows; the same rows and seed give the same model."""
    labels = bought.astype(np.intp)
    monotone = [int(name in MONOTONE) for name in NAMES]
    if algorithm == "boosting":
        return HistGradientBoostingClassifier(
            max_iter=shape.trees,
            max_leaf_nodes=shape.max_leaves,
            min_samples_leaf=min(shape.min_leaf_examples, max(20, len(rows) // 500)),
            max_features=shape.features_per_split,
            learning_rate=LEARNING_RATE,
            l2_regularization=SHRINKAGE,
            monotonic_cst=monotone,
            early_stopping=False,
            random_state=seed,
        ).fit(rows, labels)
    forest = RandomForestClassifier(
        n_estimators=shape.trees,
        max_leaf_nodes=shape.max_leaves,
        min_samples_leaf=shape.min_leaf_examples,
        max_features=shape.features_per_split,
        max_samples=shape.examples_per_tree,
        monotonic_cst=monotone,
        random_state=seed,
        n_jobs=-1,
    ).fit(rows, labels)
    # Threads would add the trees up in an order of their own; with one, the same rows always give the same sum.
    forest.set_params(n_jobs=1)
    return forest


def raw_of(model: Any, rows: Row) -> Numbers:
    """What the exported trees give: a forest's probability, or the log-odds of boosting."""
    if isinstance(model, HistGradientBoostingClassifier):
        margin: Numbers = model.decision_function(rows)
        return margin
    return probability_of(model, rows)


def probability_of(model: Any, rows: Row) -> Numbers:
    """The model's own probability, before calibration."""
    probability: Numbers = model.predict_proba(rows)[:, 1]
    return probability


def calibration_of(model: Any, raw: Numbers, bought: Numbers, events: Numbers) -> Calibration:
    """From the raw outputs of a model of this kind for examples that it has not seen, and how many events each had."""
    if isinstance(model, HistGradientBoostingClassifier):
        return fit_log_odds(raw, bought, events)
    return fit_calibration(raw, bought)


def shape_of(algorithm: Algorithm, shape: Shape, leaves: int, seed: int) -> Forest:
    """As the card tells it."""
    return Forest(
        algorithm=algorithm,
        trees=shape.trees,
        leaves=leaves,
        max_leaves=shape.max_leaves,
        min_leaf_examples=shape.min_leaf_examples,
        seed=seed,
    )
