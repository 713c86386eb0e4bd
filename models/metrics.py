"""How good a likelihood is: ranking, calibration, and the curve over a session's first events."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

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


def metrics_of(events: str, probability: Numbers, bought: Numbers) -> PrefixMetrics:
    """The figures of one prefix length."""
    rate = float(bought.mean())
    has_both = 0 < rate < 1
    return PrefixMetrics(
        events=events,
        sessions=len(bought),
        base_rate=round(rate, 5),
        auc=round(float(roc_auc_score(bought, probability)), 4) if has_both else None,
        pr_auc=round(float(average_precision_score(bought, probability)), 4) if has_both else None,
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
