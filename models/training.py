"""Examples in, a model's two files out: the forest, its calibration, the personas and the card.

The same examples and seed give the same files. Visitors are cut by time into those the forest learns from, those that calibrate it
and those it is judged on; nobody is on two sides. Only moments before a session's first purchase are learnt from.
"""

import dataclasses
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec
import numpy as np
import sklearn
from msgspec.structs import replace
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from contracts.features import SessionFeatures
from models import styles
from models.algorithms import (
    BOOSTING,
    FOREST,
    MISSING,
    SMALL_FOREST,
    Algorithm,
    Shape,
    calibration_of,
    fitted,
    probability_of,
    raw_of,
    shape_of,
)
from models.artifact import Artifact
from models.card import Calibration, Card, DataSource, PrefixMetrics
from models.drift import bins_of, is_counted
from models.examples import Example, digest_of, sides_of
from models.features import NAMES, Row, definition_digest, known_columns
from models.forest import base_of, onnx_of, trees_of
from models.golden import golden_sessions
from models.knowledge import EARLIER_SYSTEM, known_mask
from models.lines import loss_of_lines
from models.metrics import Numbers, prefix_curve
from models.personas_training import ENOUGH_VISITS, fit_personas, shipped_personas
from models.reasons import REASONS
from models.serving import Scorer, onnx_digest
from models.tables import Table, table_of

CHALLENGERS: Final[Mapping[Algorithm, Shape]] = {
    "boosting": BOOSTING,
    "forest": FOREST,
}
FIT_SHARE: Final = 0.6
CALIBRATE_SHARE: Final = 0.2
CALIBRATION_PARTS: Final = 3
LARGEST_DIFFERENCE: Final = 1e-5
BINNED_EXAMPLES: Final = 50_000
"""About so many examples tell the bins of drift."""
FIVE_NUMBERS_EVERY: Final = 10
"""In a log, every so manieth example is learnt from once more as the earlier system would have seen it."""

UNNAMED: Final = DataSource(name="unnamed examples", licence="unknown")


class TrainingFailed(ValueError):
    """The examples cannot make a model; the text says what is missing."""


def train(examples: Iterable[Example], *, seed: int, data: DataSource = UNNAMED) -> Artifact:
    """Fit, calibrate, judge and pack a small forest. Raises `TrainingFailed` when there are too few buyers on a side.

    Of some visitors less is known than of others (`models/knowledge.py`): the model is for shops it has not met.
    """
    everything = list(examples)
    table = table_of(everything)
    mask = known_mask((str(visitor) for visitor in table.visitor.tolist()), seed)
    artifact = _trained(
        table.known(mask),
        [example.features for example in _last_of_each_session(everything)],
        {"forest": SMALL_FOREST},
        seed,
        replace(data, digest=digest_of(everything)),
        is_refitted=False,
    )
    return _with_marks(artifact, table)


def train_on_log(
    table: Table,
    *,
    seed: int,
    data: DataSource = UNNAMED,
    algorithms: Mapping[Algorithm, Shape] = CHALLENGERS,
    tell: Callable[[str], None] = lambda _: None,
) -> Artifact:
    """Train on a shop's own log: the algorithm with the least log loss on later visitors is fitted once more to everything.

    What the shop sends is known of every visitor. Raises `TrainingFailed`.
    """
    table = table.at((~table.visit_has_bought | table.has_bought) & ~table.is_bot)
    artifact = _trained(
        table, table.visits, algorithms, seed, replace(data, digest=table.digest()), is_refitted=True, tell=tell
    )
    return _with_marks(artifact, table)


def _trained(
    table: Table,
    visits: Sequence[SessionFeatures],
    algorithms: Mapping[Algorithm, Shape],
    seed: int,
    data: DataSource,
    *,
    is_refitted: bool,
    tell: Callable[[str], None] = lambda _: None,
) -> Artifact:
    before, after = table.at(~table.has_bought), table.at(table.has_bought)
    if not len(before):
        raise TrainingFailed(
            "there is no person's session before its first purchase, and bots teach nothing; nothing can be learnt"
        )
    rows = np.where(np.isnan(before.rows), np.float32(MISSING), before.rows)
    bought = before.buys_later.astype(np.float64)
    fit, calibrate, test = sides_of(before.visitor, before.started_s, fit=FIT_SHARE, calibrate=CALIBRATE_SHARE)
    for name, places in (("train", fit), ("calibrate", calibrate), ("test", test)):
        _require_both_outcomes(name, bought[places])

    def learnt(algorithm: Algorithm, places: NDArray[np.intp]) -> Any:
        tell(f"fitting {algorithm} to {len(places):,} examples")
        inputs, labels = rows[places], bought[places]
        if is_refitted:
            inputs, labels = _with_five_numbers(inputs, labels)
        return fitted(algorithm, algorithms[algorithm], inputs, labels, seed)

    models = {algorithm: learnt(algorithm, fit) for algorithm in algorithms}
    losses = {
        algorithm: round(float(log_loss(bought[calibrate], probability_of(model, rows[calibrate]))), 5)
        for algorithm, model in models.items()
    }
    best = min(algorithms, key=lambda each: losses[each])
    tried: dict[str, float] = {}
    if len(losses) > 1:
        tell("fitting logistic regression on n-grams")
        line = loss_of_lines(rows, before.story, bought, fit, calibrate, seed)
        tried = {**{str(each): loss for each, loss in losses.items()}, "logistic": round(line, 5)}
    model, shape = models[best], algorithms[best]

    def packed(model: Any, calibration: Calibration, metrics: tuple[PrefixMetrics, ...]) -> Artifact:
        onnx = onnx_of(model, _reason_of_features(), len(REASONS))
        card = Card(
            model_version="",
            onnx_digest=onnx_digest(onnx),
            features=NAMES,
            features_digest=definition_digest(),
            reasons=tuple(reason.name for reason in REASONS),
            missing=MISSING,
            base=round(base_of(model), 7),
            calibration=calibration,
            # As if twenty more sessions had been seen, of which one bought again: without data nobody does so for sure, or never.
            likelihood_after_purchase=round((int(after.buys_later.sum()) + 1) / (len(after) + 20), 5),
            personas=personas,
            styles=styles.DEFAULT,
            forest=shape_of(best, shape, sum(int((tree.left < 0).sum()) for tree in trees_of(model)[1]), seed),
            challengers=tried,
            is_refitted=is_refitted,
            data=described,
            metrics=(),
            made_with={},
        )
        digest = blake2b(msgspec.json.encode(card), digest_size=6).hexdigest()
        card = replace(
            card,
            model_version=f"{best}-{digest}",
            metrics=metrics,
            made_with={
                "python": platform.python_version(),
                "scikit-learn": sklearn.__version__,
                "numpy": np.__version__,
            },
        )
        _require_equal(Scorer(card, onnx), model, rows)
        return Artifact(onnx, card, model)

    # Visits that all end early have no kinds: then the personas of the model that ships are better than clusters of nothing.
    personas = fit_personas(visits, seed) if len(visits) >= ENOUGH_VISITS else shipped_personas()
    described = _described(data, table)
    events = rows[:, NAMES.index("event_count")].astype(np.float64)
    told = raw_of(model, rows[calibrate])
    artifact = packed(model, calibration_of(model, told, bought[calibrate], np.maximum(events[calibrate], 1.0)), ())
    probability = artifact.scorer().likelihoods(rows[test])
    metrics = prefix_curve(probability, bought[test], before.length[test].tolist())
    if is_refitted:
        # A shop's rate goes up and down with the weeks: what is calibrated on the newest alone is wrong by as much soon.
        # So each third of the visitors, of all weeks, is told by a model that has not seen them.
        third = before.visitor % np.uint64(CALIBRATION_PARTS)
        raw = np.empty(len(rows))
        for part in range(CALIBRATION_PARTS):
            unseen = third == part
            if not unseen.any():
                continue
            _require_both_outcomes(f"calibrate, without part {part + 1} of {CALIBRATION_PARTS},", bought[~unseen])
            raw[unseen] = raw_of(learnt(best, np.flatnonzero(~unseen)), rows[unseen])
        return packed(
            learnt(best, np.arange(len(rows))), calibration_of(model, raw, bought, np.maximum(events, 1.0)), metrics
        )
    return Artifact(artifact.onnx, replace(artifact.card, metrics=metrics), model)


def _with_marks(artifact: Artifact, table: Table) -> Artifact:
    """The card with what the model is told apart by later: its golden scores, and the bins that drift is measured in.

    The bins are of all that was known, also where the trees were shown less.
    """
    scorer, before = artifact.scorer(), table.at(~table.has_bought)
    counted = before.rows[is_counted(before.rows)]
    sample = counted[:: max(1, len(counted) // BINNED_EXAMPLES)]
    golden = tuple(each.likelihood for each in scorer.score(golden_sessions()))
    return dataclasses.replace(
        artifact, card=replace(artifact.card, golden=golden, bins=bins_of(sample, scorer.likelihoods(sample)))
    )


def _with_five_numbers(rows: Row, bought: Numbers) -> tuple[Row, Numbers]:
    """The examples, and some of them again with no more known than `POST /api/predict` tells."""
    some = rows[::FIVE_NUMBERS_EVERY].copy()
    some[:, ~known_columns(EARLIER_SYSTEM)] = MISSING
    return np.concatenate([rows, some]), np.concatenate([bought, bought[::FIVE_NUMBERS_EVERY]])


def _require_both_outcomes(side: str, bought: Numbers) -> None:
    buyers = int(bought.sum())
    if buyers < 20 or len(bought) - buyers < 20:
        raise TrainingFailed(
            f"the {side} side has {buyers} examples that buy and {len(bought) - buyers} that do not; each side needs "
            "20 of both: give more sessions, or a longer time of them"
        )


def _require_equal(scorer: Scorer, forest: Any, rows: Row) -> None:
    """The exported trees must give the probability that scikit-learn gives."""
    sample = rows[:: max(1, len(rows) // 5_000)]
    ours, theirs = scorer.raw(sample), raw_of(forest, sample)
    if theirs.min() < 0 or theirs.max() > 1:  # log-odds
        ours, theirs = 1 / (1 + np.exp(-ours)), 1 / (1 + np.exp(-theirs))
    difference = float(np.abs(ours - theirs).max())
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


def _described(data: DataSource, table: Table) -> DataSource:
    buying = table.session[table.buys_later | table.has_bought]
    return replace(
        data,
        examples=len(table),
        sessions=len(np.unique(table.session)),
        visitors=len(np.unique(table.visitor)),
        buying_sessions=len(np.unique(buying)),
    )
