"""Calibration: the raw output becomes what really happens, never falling and never impossible."""

import math

import msgspec
import numpy as np
import pytest

from models.calibration import fit_calibration, fit_log_odds
from models.metrics import Numbers, expected_calibration_error
from models.serving import calibrator


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


@pytest.mark.parametrize("seed", range(5))
def test_a_forest_that_tells_few_groups_apart_is_calibrated_too(seed: int) -> None:
    random = np.random.default_rng(seed)
    raw = random.choice(random.uniform(size=8), 300)
    fitted = fit_calibration(raw, (random.uniform(size=300) < raw).astype(float))
    assert not np.isnan(fitted.probability).any(), (
        "one output fills several bins, and their means differ in the last bit"
    )
    assert list(fitted.probability) == sorted(fitted.probability)


def sure_of_itself(count: int, seed: int) -> tuple[Numbers, Numbers, Numbers]:
    """Log-odds that are right after one event, and ever too far from 0 after more; who buys; and how many events there were."""
    random = np.random.default_rng(seed)
    events = random.choice([1.0, 3.0, 10.0, 30.0], count)
    truth = random.normal(-1, 1.5, count)
    bought = (random.uniform(size=count) < 1 / (1 + np.exp(-truth))).astype(float)
    return truth * (1 + 0.3 * np.log(events)), bought, events


def test_surer_than_it_should_be_of_long_sessions_is_put_right_too() -> None:
    fitted = fit_log_odds(*sure_of_itself(20_000, 1))
    raw, bought, events = sure_of_itself(20_000, 2)
    is_long = events == 30
    for calibration, is_right in ((fitted, True), (msgspec.structs.replace(fitted, by_length=None), False)):
        calibrate = calibrator(calibration)
        told = np.array(
            [calibrate(*each) for each in zip(raw[is_long].tolist(), events[is_long].tolist(), strict=True)]
        )
        assert (expected_calibration_error(told, bought[is_long]) < 0.02) is is_right


def test_where_the_number_of_events_is_unknown_the_plain_curve_speaks() -> None:
    fitted = fit_log_odds(*sure_of_itself(5_000, 1))
    plain = calibrator(msgspec.structs.replace(fitted, by_length=None))
    assert calibrator(fitted)(-1.0, math.nan) == plain(-1.0, math.nan)
    assert calibrator(fitted)(-1.0, 30.0) != plain(-1.0, 30.0)


def test_a_curve_that_would_turn_the_order_around_is_not_used() -> None:
    raw, bought, events = sure_of_itself(5_000, 1)
    assert fit_log_odds(np.where(events > 5, -raw, raw), bought, events).by_length is None
