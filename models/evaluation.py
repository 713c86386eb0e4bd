"""How early a model knows: the figures after the first events of a visit, each with the interval that chance alone would give."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from models.features import NAMES
from models.metrics import Numbers, expected_calibration_error, precision_in_any_order
from models.serving import Scorer
from models.tables import Table

TOP_SHARE: Final = 0.05
WIDTHS: Final = 10
RESAMPLES: Final = 200
GROUPINGS: Final = {"device": "is_", "source": "from_"}
"""What groups are made by, and how the features that tell them begin."""
SHARES: Final = (0.5, 1.0)
SMALLEST_GROUP: Final = 200
"""Visits below which a group's figures say nothing."""
SEED: Final = 5


class Bin(msgspec.Struct, frozen=True):
    """One tenth of the scale of probability: how many sessions were promised that much, what was promised, what happened."""

    count: int
    promised: float
    happened: float


class PrefixRow(msgspec.Struct, frozen=True, kw_only=True):
    """The figures over all visits that reached `k` events and had not bought by then. Intervals are of 95 %.

    `pr_auc` takes equal scores in every order, and the mean (`models.metrics.precision_in_any_order`); `average_precision` is
    scikit-learn's, which counts them as found at the last of them: it is lower where a model tells few groups apart.
    `lift` is the share of buyers among the top 5 % by score, divided by the base rate; it and `gains` take equal scores likewise. `ece` is
    the calibration error over ten bins of equal width, `ece_equal_count` over ten of equal count, and `ece_by_chance` what a perfectly
    calibrated model would show in the second, because a bin holds few visits: an error near it is none.
    """

    k: int
    n: int
    base_rate: float
    auc: float | None
    pr_auc: float | None
    average_precision: float | None
    lift: float | None
    brier: float
    brier_of_base_rate: float
    log_loss: float
    ece: float
    ece_equal_count: float
    ece_by_chance: float
    auc_interval: tuple[float, float] | None
    pr_auc_interval: tuple[float, float] | None
    lift_interval: tuple[float, float] | None
    ece_interval: tuple[float, float] | None
    """Resampling adds noise of its own, so it lies a little high."""
    reliability: tuple[Bin, ...]
    gains: tuple[float, ...]
    """Share of all buyers among the top 10 %, 20 % … 100 % by score."""


class ShareRow(msgspec.Struct, frozen=True, kw_only=True):
    """The figures after a share of each visit's events, those at and after a purchase not counted; `figures.k` is their median.

    Live nobody knows how much of a visit is over: it shows what is there to be known, not what can be known early.
    """

    share: float
    figures: PrefixRow


class GroupRow(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of the visits of one device or one source, after `figures.k` events."""

    by: str
    group: str
    figures: PrefixRow


def likelihoods_of(scorer: Scorer, table: Table) -> Numbers:
    """What the live pipeline would have said at each row."""
    after = scorer.card.likelihood_after_purchase
    return np.where(table.has_bought, after, scorer.likelihoods(table.rows))


def curve_of(
    table: Table, likelihood: Numbers, lengths: Sequence[int], *, resamples: int = RESAMPLES
) -> tuple[PrefixRow, ...]:
    """One row for each length that any visit without a purchase reached."""
    curve = []
    for k in lengths:
        chosen = (table.length == k) & ~table.visit_has_bought
        if chosen.any():
            bought = table.buys_later[chosen].astype(np.float64)
            curve.append(row_of(k, likelihood[chosen], bought, resamples=resamples))
    return tuple(curve)


def shares_of(
    table: Table, likelihood: Numbers, shares: Sequence[float] = SHARES, *, resamples: int = RESAMPLES
) -> tuple[ShareRow, ...]:
    """One row for each share; of a visit, the last of its judged states that lies within the share."""
    rows = []
    is_open = np.flatnonzero(~table.visit_has_bought)
    visit = np.unique(np.column_stack([table.visitor, table.started_s.view(np.uint64)]), axis=0, return_inverse=True)[1]
    for share in shares:
        within = is_open[table.length[is_open] <= np.maximum(1, np.ceil(share * table.open_length[is_open]))]
        within = within[np.argsort(-table.length[within], kind="stable")]
        last = within[np.unique(visit[within], return_index=True)[1]]
        if len(last):
            k = int(np.median(table.length[last]))
            figures = row_of(k, likelihood[last], table.buys_later[last].astype(np.float64), resamples=resamples)
            rows.append(ShareRow(share=share, figures=figures))
    return tuple(rows)


def groups_of(table: Table, likelihood: Numbers, k: int, *, resamples: int = RESAMPLES) -> tuple[GroupRow, ...]:
    """By device and by source, whichever the log tells of: a model that is good on the whole may fail some of the visitors."""
    rows = []
    chosen = (table.length == k) & ~table.visit_has_bought
    for by, prefix in GROUPINGS.items():
        names = [name for name in NAMES if name.startswith(prefix)]
        for name in names:
            part = chosen & (table.rows[:, NAMES.index(name)] == 1.0)
            bought = table.buys_later[part].astype(np.float64)
            if len(bought) >= SMALLEST_GROUP:
                figures = row_of(k, likelihood[part], bought, resamples=resamples)
                rows.append(GroupRow(by=by, group=name.removeprefix(prefix), figures=figures))
    return tuple(rows)


def row_of(k: int, probability: Numbers, bought: Numbers, *, resamples: int = RESAMPLES) -> PrefixRow:
    """The figures of one prefix length."""
    rate = float(bought.mean())
    has_both = 0 < rate < 1
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    return PrefixRow(
        k=k,
        n=len(bought),
        base_rate=round(rate, 5),
        auc=round(_auc(probability, bought), 4) if has_both else None,
        pr_auc=round(precision_in_any_order(probability, bought), 4) if has_both else None,
        average_precision=round(_average_precision(probability, bought), 4) if has_both else None,
        lift=round(lift_of(probability, bought), 3) if has_both else None,
        brier=round(float(np.mean((probability - bought) ** 2)), 6),
        brier_of_base_rate=round(rate * (1 - rate), 6),
        log_loss=round(float(-np.mean(bought * np.log(clipped) + (1 - bought) * np.log(1 - clipped))), 5),
        ece=round(calibration_error(probability, bought), 5),
        ece_equal_count=round(expected_calibration_error(probability, bought), 5),
        ece_by_chance=round(_error_by_chance(probability, resamples), 5),
        auc_interval=_interval(_auc, probability, bought, resamples) if has_both else None,
        pr_auc_interval=_interval(precision_in_any_order, probability, bought, resamples) if has_both else None,
        lift_interval=_interval(lift_of, probability, bought, resamples) if has_both else None,
        ece_interval=_interval(calibration_error, probability, bought, resamples) if has_both else None,
        reliability=reliability_of(probability, bought),
        gains=gains_of(probability, bought) if has_both else (),
    )


def _average_precision(probability: Numbers, bought: Numbers) -> float:
    return float(average_precision_score(bought, probability))


def lift_of(probability: Numbers, bought: Numbers) -> float:
    """Buyers among the top 5 % by score against buyers among all; the mean over all orders of equal scores."""
    top = np.argsort(-probability, kind="stable")[: max(1, int(len(probability) * TOP_SHARE))]
    return float(_among_equals(probability, bought)[top].mean() / bought.mean())


def gains_of(probability: Numbers, bought: Numbers) -> tuple[float, ...]:
    """Share of all buyers that the best-scored tenths hold; the mean over all orders of equal scores."""
    order = np.argsort(-probability, kind="stable")
    found = np.cumsum(_among_equals(probability, bought)[order]) / bought.sum()
    return tuple(round(float(found[max(0, int(len(found) * tenths / 10) - 1)]), 4) for tenths in range(1, 11))


def _among_equals(probability: Numbers, bought: Numbers) -> Numbers:
    """The share of buyers among those with the same score, in the place of each."""
    _, group = np.unique(probability, return_inverse=True)
    shares: Numbers = np.bincount(group, weights=bought) / np.bincount(group)
    return shares[group]


def reliability_of(probability: Numbers, bought: Numbers) -> tuple[Bin, ...]:
    """Promise and outcome in each tenth of the scale that any visit falls into."""
    bins = np.minimum((probability * WIDTHS).astype(np.intp), WIDTHS - 1)
    parts = [bins == each for each in range(WIDTHS)]
    return tuple(
        Bin(int(part.sum()), round(float(probability[part].mean()), 5), round(float(bought[part].mean()), 5))
        for part in parts
        if part.any()
    )


def calibration_error(probability: Numbers, bought: Numbers) -> float:
    """Mean distance between promise and outcome over ten bins of equal width, weighted by how many they hold."""
    bins = np.minimum((probability * WIDTHS).astype(np.intp), WIDTHS - 1)
    gaps = np.abs(np.bincount(bins, weights=probability - bought, minlength=WIDTHS))
    return float(gaps.sum() / len(probability))


def _error_by_chance(probability: Numbers, resamples: int) -> float:
    random = np.random.default_rng(SEED)
    errors = [
        expected_calibration_error(probability, (random.random(len(probability)) < probability).astype(np.float64))
        for _ in range(max(1, min(resamples, 50)))
    ]
    return float(np.mean(errors))


def _auc(probability: Numbers, bought: Numbers) -> float:
    return float(roc_auc_score(bought, probability))


def _interval(
    figure: Callable[[Numbers, Numbers], float], probability: Numbers, bought: Numbers, resamples: int
) -> tuple[float, float]:
    """From resampling the visits with replacement, always in the same way."""
    random = np.random.default_rng(SEED)
    figures = []
    for _ in range(resamples):
        chosen: NDArray[np.intp] = random.integers(0, len(bought), len(bought))
        if 0 < bought[chosen].mean() < 1:
            figures.append(figure(probability[chosen], bought[chosen]))
    low, high = np.quantile(figures, (0.025, 0.975)) if figures else (np.nan, np.nan)
    return round(float(low), 4), round(float(high), 4)
