"""Raw forest outputs and what happened in, the map from raw output to probability out."""

import math
from typing import Final

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from models.card import Calibration, LengthCurve
from models.metrics import Numbers

BINS: Final = 32
LONGEST: Final = round(math.log(512), 6)

LOG_ODDS: Final = tuple(round(-12.0 + 0.25 * step, 2) for step in range(89))
"""Where a smooth calibration is written down: straight lines between are within 0.001 of the curve."""


def fit_log_odds(raw: Numbers, bought: Numbers, events: Numbers | None = None) -> Calibration:
    """Platt's logistic curve over log-odds, which boosted trees give: two numbers are learnt, and no two raw outputs become one.

    With the number of `events` of each, also a curve that depends on it.
    """
    curve = LogisticRegression(C=1e6).fit(raw[:, None], bought.astype(np.intp))
    slope, start = max(float(curve.coef_[0, 0]), 0.01), float(curve.intercept_[0])
    points = np.array(LOG_ODDS)
    probability = 1.0 / (1.0 + np.exp(-(slope * points + start)))
    return Calibration(
        raw=LOG_ODDS,
        probability=tuple(probability.round(6).tolist()),
        by_length=None if events is None else _by_length(raw, bought, events),
    )


def _by_length(raw: Numbers, bought: Numbers, events: Numbers) -> LengthCurve | None:
    """None where it would turn the order of two sessions of one length around."""
    n = np.minimum(np.log(events), LONGEST)
    inputs = np.column_stack([raw, n, n * raw, n * n])
    curve = LogisticRegression(C=1e6, max_iter=1_000).fit(inputs, bought.astype(np.intp))
    slope, length, length_slope, length_squared = curve.coef_[0].round(6).tolist()
    if min(slope, slope + LONGEST * length_slope) <= 0:
        return None
    return LengthCurve(
        start=round(float(curve.intercept_[0]), 6),
        slope=slope,
        length=length,
        length_slope=length_slope,
        length_squared=length_squared,
        longest=LONGEST,
    )


def fit_calibration(raw: Numbers, bought: Numbers) -> Calibration:
    """Isotonic over bins that hold like parts of the buyers and of the others, so that the rare high scores are not one bin."""
    order = np.argsort(raw, kind="stable")
    raw, bought = raw[order], bought[order]
    mass = np.cumsum(np.where(bought > 0, 0.5 / bought.sum(), 0.5 / (len(bought) - bought.sum())))
    bins = np.minimum((mass * BINS).astype(np.intp), BINS - 1)
    used = np.unique(bins)
    rate = bought.mean()
    counts = np.array([np.sum(bins == each) for each in used], dtype=np.float64)
    # Rounded before the fit: of one output in several bins the means differ in the last bit, and a line between those has no slope.
    means = np.maximum.accumulate(np.array([raw[bins == each].mean() for each in used]).round(6))
    # One example's worth of the overall rate keeps a bin without a buyer above 0.
    shares = np.array([(bought[bins == each].sum() + rate) / (np.sum(bins == each) + 1) for each in used])
    steps = IsotonicRegression().fit(means, shares, sample_weight=counts).predict(means)
    return Calibration(raw=tuple(means.tolist()), probability=tuple(steps.round(6).tolist()))
