"""Raw forest outputs and what happened in, the map from raw output to probability out."""

from typing import Final

import numpy as np
from sklearn.isotonic import IsotonicRegression

from models.card import Calibration
from models.metrics import Numbers

BINS: Final = 32


def fit_calibration(raw: Numbers, bought: Numbers) -> Calibration:
    """Isotonic over bins that hold like parts of the buyers and of the others, so that the rare high scores are not one bin."""
    order = np.argsort(raw, kind="stable")
    raw, bought = raw[order], bought[order]
    mass = np.cumsum(np.where(bought > 0, 0.5 / bought.sum(), 0.5 / (len(bought) - bought.sum())))
    bins = np.minimum((mass * BINS).astype(np.intp), BINS - 1)
    used = np.unique(bins)
    rate = bought.mean()
    counts = np.array([np.sum(bins == each) for each in used], dtype=np.float64)
    means = np.array([raw[bins == each].mean() for each in used])
    # One example's worth of the overall rate keeps a bin without a buyer above 0.
    shares = np.array([(bought[bins == each].sum() + rate) / (np.sum(bins == each) + 1) for each in used])
    steps = IsotonicRegression().fit(means, shares, sample_weight=counts).predict(means)
    return Calibration(
        raw=tuple(np.maximum.accumulate(means.round(6)).tolist()), probability=tuple(steps.round(6).tolist())
    )
