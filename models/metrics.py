"""How good a likelihood is: ranking, calibration, and the curve over a session's first events."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from models.card import PrefixMetrics

Numbers = NDArray[np.float64]
BINS: Final = 10
PREFIXES: Final = (1, 3, 5, 10, 20)


def expected_calibration_error(probability: Numbers, bought: Numbers) -> float:
    """Mean distance between what was promised and what happened, over ten bins of equal count, weighted by size."""
    order = np.argsort(probability, kind="stable")
    bins = [part for part in np.array_split(order, BINS) if len(part)]
    gaps = [abs(probability[part].mean() - bought[part].mean()) * len(part) for part in bins]
    return float(sum(gaps) / len(probability))


def precision_in_any_order(probability: Numbers, bought: Numbers) -> float:
    """PR-AUC: mean precision at each buyer, down the order of likelihoods; equal ones stand in any order, and the mean over all orders is taken.

    The closed form is McSherry and Najork's (ECIR 2008). Without ties it is scikit-learn's average precision, which counts equal ones as
    found at the last of them, and so gives a model that tells few groups apart less than one that orders each group by noise.
    """
    _, group, counts = np.unique(-probability, return_inverse=True, return_counts=True)
    buyers = np.bincount(group, weights=bought)
    before = np.cumsum(buyers) - buyers
    place, of = np.arange(len(bought)), np.repeat(np.arange(len(counts)), counts)
    within = place - (np.cumsum(counts) - counts)[of]
    others = (buyers[of] - 1) / np.maximum(counts[of] - 1, 1)
    precision = (before[of] + 1 + within * others) / (place + 1)
    return float(np.sum(buyers[of] / counts[of] * precision) / bought.sum())


def metrics_of(events: str, probability: Numbers, bought: Numbers) -> PrefixMetrics:
    """The figures of one prefix length."""
    rate = float(bought.mean())
    has_both = 0 < rate < 1
    return PrefixMetrics(
        events=events,
        sessions=len(bought),
        base_rate=round(rate, 5),
        auc=round(float(roc_auc_score(bought, probability)), 4) if has_both else None,
        pr_auc=round(precision_in_any_order(probability, bought), 4) if has_both else None,
        brier=round(float(np.mean((probability - bought) ** 2)), 5),
        brier_of_base_rate=round(rate * (1 - rate), 5),
        ece=round(expected_calibration_error(probability, bought), 5),
    )


def prefix_curve(probability: Numbers, bought: Numbers, event_counts: Sequence[int]) -> tuple[PrefixMetrics, ...]:
    """The figures after exactly 1, 3, 5, 10, 20 events, for sessions that have not bought by then, and over all examples.

    A session that never reaches a length is not in that length's figures.
    """
    counts = np.array(event_counts)
    curve = []
    for events in PREFIXES:
        chosen = counts == events
        if chosen.any():
            curve.append(metrics_of(str(events), probability[chosen], bought[chosen]))
    curve.append(metrics_of("all", probability, bought))
    return tuple(curve)
