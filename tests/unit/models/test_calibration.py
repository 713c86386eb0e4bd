"""Calibration: the raw output becomes what really happens, never falling and never impossible."""

import numpy as np

from models.calibration import fit_calibration
from models.metrics import expected_calibration_error


def test_a_forest_that_promises_half_of_what_happens_is_put_right() -> None:
    random = np.random.default_rng(1)
    raw = random.uniform(0, 0.4, 20_000)
    bought = (random.uniform(size=raw.size) < 2 * raw).astype(float)
    fitted = fit_calibration(raw[:10_000], bought[:10_000])
    probability = np.interp(raw[10_000:], fitted.raw, fitted.probability)
    assert expected_calibration_error(raw[10_000:], bought[10_000:]) > 0.15
    assert expected_calibration_error(probability, bought[10_000:]) < 0.02


def test_the_map_never_falls() -> None:
    random = np.random.default_rng(2)
    fitted = fit_calibration(random.uniform(size=2_000), (random.uniform(size=2_000) < 0.1).astype(float))
    assert list(fitted.raw) == sorted(fitted.raw)
    assert list(fitted.probability) == sorted(fitted.probability)
    assert fitted.probability[0] > 0
    assert fitted.probability[-1] < 1
