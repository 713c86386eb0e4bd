"""Examples in, a model's two files out: the forest, its calibration, the personas and the card.

The same examples and seed give the same files. Visitors are cut by time into those the forest learns from, those that calibrate it
and those it is judged on; nobody is on two sides. Only moments before a session's first purchase are learnt from.
"""

import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import sklearn
from msgspec.structs import replace
from sklearn.ensemble import RandomForestClassifier

from models import styles
from models.calibration import fit_calibration
from models.card import CARD_FILE, MODEL_FILE, Card, DataSource, Forest
from models.examples import Example, digest_of, sides
from models.features import NAMES, Row, definition_digest, matrix
from models.forest import base_of, onnx_of
from models.knowledge import known_mask
from models.metrics import Numbers, prefix_curve
from models.personas_training import fit_personas
from models.reasons import REASONS
from models.serving import Scorer, onnx_digest

TREES: Final = 80
MAX_LEAVES: Final = 64
MIN_LEAF_EXAMPLES: Final = 40
FEATURES_PER_SPLIT: Final = 0.2
EXAMPLES_PER_TREE: Final = 0.2
"""States of one session are alike: a tree that sees a fifth of them learns as much, and differs more from the others."""
MISSING: Final = -1000.0
FIT_SHARE: Final = 0.6
CALIBRATE_SHARE: Final = 0.2
LARGEST_DIFFERENCE: Final = 1e-5
MONOTONE: Final = frozenset({"add_to_cart_count", "cart_value", "cart_item_count", "checkout_step_count"})
"""Features whose growth alone never lowers the likelihood. It keeps luck in the data from telling a shop that a fuller cart is bad news."""

UNNAMED: Final = DataSource(name="unnamed examples", licence="unknown")


class TrainingFailed(ValueError):
    """The examples cannot make a model; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model: the bytes of `likelihood.onnx` and its card. `forest` is scikit-learn's, to compare with; it is never saved."""

    onnx: bytes
    card: Card
    forest: RandomForestClassifier = field(repr=False)

    def save(self, folder: Path) -> None:
        """Write both files; the card last, so that a folder with a card is whole."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MODEL_FILE).write_bytes(self.onnx)
        text = msgspec.json.format(msgspec.json.encode(self.card), indent=2)
        (folder / CARD_FILE).write_bytes(text + b"\n")

    def scorer(self) -> Scorer:
        return Scorer(self.card, self.onnx)


def train(examples: Iterable[Example], *, seed: int, data: DataSource = UNNAMED) -> Artifact:
    """Fit, calibrate, judge and pack a model. Raises `TrainingFailed` when there are too few buyers on a side."""
    everything = list(examples)
    before = [example for example in everything if not example.features.purchase_count]
    after = [example for example in everything if example.features.purchase_count]
    if not before:
        raise TrainingFailed("there is no example of a session before its first purchase; nothing can be learnt")
    rows = matrix([example.features for example in before])
    rows[~known_mask((example.visitor_id for example in before), seed)] = MISSING
    rows[np.isnan(rows)] = MISSING
    bought = np.array([example.buys_later for example in before], dtype=np.float64)
    fit, calibrate, test = sides(before, fit=FIT_SHARE, calibrate=CALIBRATE_SHARE)
    for name, places in (("train", fit), ("calibrate", calibrate), ("test", test)):
        _require_both_outcomes(name, bought[places])

    forest = _fitted(rows[fit], bought[fit], seed)
    onnx = onnx_of(forest, _reason_of_features(), len(REASONS))
    card = Card(
        model_version="",
        onnx_digest=onnx_digest(onnx),
        features=NAMES,
        features_digest=definition_digest(),
        reasons=tuple(reason.name for reason in REASONS),
        missing=MISSING,
        base=round(base_of(forest), 7),
        calibration=fit_calibration(_raw(forest, rows[calibrate]), bought[calibrate]),
        # As if twenty more sessions had been seen, of which one bought again: without data nobody does so for sure, or never.
        likelihood_after_purchase=round((sum(example.buys_later for example in after) + 1) / (len(after) + 20), 5),
        personas=fit_personas([example.features for example in _last_of_each_session(everything)], seed),
        styles=styles.DEFAULT,
        forest=_shape(forest, seed),
        data=_described(data, everything),
        metrics=(),
        made_with={},
    )
    card = replace(card, model_version="forest-" + blake2b(msgspec.json.encode(card), digest_size=6).hexdigest())
    scorer = Scorer(card, onnx)
    _require_equal(scorer, forest, rows)
    probability = scorer.likelihoods(rows[test])
    card = replace(
        card,
        metrics=prefix_curve(probability, bought[test], [before[place].features.event_count for place in test]),
        made_with={"python": platform.python_version(), "scikit-learn": sklearn.__version__, "numpy": np.__version__},
    )
    return Artifact(onnx, card, forest)


def _fitted(rows: Row, bought: Numbers, seed: int) -> RandomForestClassifier:
    forest = RandomForestClassifier(
        n_estimators=TREES,
        max_leaf_nodes=MAX_LEAVES,
        min_samples_leaf=MIN_LEAF_EXAMPLES,
        max_features=FEATURES_PER_SPLIT,
        max_samples=EXAMPLES_PER_TREE,
        monotonic_cst=[int(name in MONOTONE) for name in NAMES],
        random_state=seed,
        n_jobs=-1,
    )
    forest.fit(rows, bought.astype(np.intp))
    # Threads would add the trees up in an order of their own; with one, the same rows always give the same sum.
    forest.set_params(n_jobs=1)
    return forest


def _shape(forest: RandomForestClassifier, seed: int) -> Forest:
    return Forest(
        trees=TREES,
        leaves=sum(int(tree.tree_.n_leaves) for tree in forest.estimators_),
        max_leaves=MAX_LEAVES,
        min_leaf_examples=MIN_LEAF_EXAMPLES,
        seed=seed,
    )


def _raw(forest: Any, rows: Row) -> Numbers:
    probability: Numbers = forest.predict_proba(rows)[:, 1]
    return probability


def _require_both_outcomes(side: str, bought: Numbers) -> None:
    buyers = int(bought.sum())
    if buyers < 20 or len(bought) - buyers < 20:
        raise TrainingFailed(
            f"the {side} side has {buyers} examples that buy and {len(bought) - buyers} that do not; each side needs "
            "20 of both: give more sessions, or a longer time of them"
        )


def _require_equal(scorer: Scorer, forest: Any, rows: Row) -> None:
    """The exported forest must give what scikit-learn gives."""
    sample = rows[:: max(1, len(rows) // 5_000)]
    difference = float(np.abs(scorer.raw(sample) - _raw(forest, sample)).max())
    if difference > LARGEST_DIFFERENCE:
        raise TrainingFailed(
            f"the exported forest differs from scikit-learn's by {difference:.2g}; report this with the versions of "
            "scikit-learn, onnx and onnxruntime"
        )


def _reason_of_features() -> list[int]:
    places = {name: place for place, reason in enumerate(REASONS) for name in reason.features}
    return [places[name] for name in NAMES]


def _last_of_each_session(examples: Sequence[Example]) -> list[Example]:
    last: dict[str, Example] = {}
    for example in examples:
        kept = last.get(example.features.session_id)
        if kept is None or example.features.event_count >= kept.features.event_count:
            last[example.features.session_id] = example
    return list(last.values())


def _described(data: DataSource, examples: Sequence[Example]) -> DataSource:
    buying = {e.features.session_id for e in examples if e.buys_later or e.features.purchase_count}
    return replace(
        data,
        digest=digest_of(examples),
        examples=len(examples),
        sessions=len({example.features.session_id for example in examples}),
        visitors=len({example.visitor_id for example in examples}),
        buying_sessions=len(buying),
    )
