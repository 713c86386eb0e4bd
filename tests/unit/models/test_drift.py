"""Drift: none where live is like training, much where it is not, and nothing said from too few states."""

import math
from datetime import timedelta

import numpy as np
import pytest
from scipy.stats import ks_2samp

from models.drift import BINS, CALENDAR, COUNTED, MIN_STATES, SCORE, Drift, DriftMeter, FeatureBins, bins_of, ks, psi
from models.examples import LENGTHS
from models.features import NAMES, Row, matrix
from shopstream.event_logs import TAUGHT
from tests.factories import DAY
from tests.unit.models.conftest import made_up_examples

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def rows() -> Row:
    return matrix([example.features for example in made_up_examples(1_500, seed=3)])


def scores_of(rows: Row) -> list[float]:
    """Some number that depends on a row."""
    cart = rows[:, NAMES.index("cart_value")]
    scores: list[float] = (1 / (1 + np.exp(2 - cart / 50))).tolist()
    return scores


def measured(bins: tuple[FeatureBins, ...], rows: Row) -> dict[str, Drift]:
    meter = DriftMeter(bins, HOUR)
    meter.turn(DAY)
    for start in range(0, len(rows), 100):
        meter.observe(rows[start : start + 100], scores_of(rows[start : start + 100]))
    return {each.name: each for each in meter.drifts()}


def test_psi_is_the_sum_over_bins_of_difference_times_log_ratio() -> None:
    expected, actual = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.4, 0.2])
    assert psi(expected, actual) == pytest.approx(-0.1 * math.log(0.8) + 0.1 * math.log(4 / 3))
    assert psi(expected, expected) == 0
    assert psi(expected, actual) == pytest.approx(psi(actual, expected))


def test_an_empty_bin_is_finite() -> None:
    assert 0 < psi(np.array([1.0, 0.0]), np.array([0.9, 0.1])) < 1


def test_ks_at_the_bins_edges_is_close_to_that_of_the_values() -> None:
    random = np.random.default_rng(1)
    one, other = random.normal(0, 1, 4_000), random.normal(0.5, 1, 4_000)
    edges = np.quantile(one, np.arange(1, BINS) / BINS)
    shares = [np.bincount(np.searchsorted(edges, each), minlength=BINS) / len(each) for each in (one, other)]
    exact = float(ks_2samp(one, other).statistic)
    assert exact - 0.03 < ks(*shares) <= exact + 1e-9


def test_the_same_sessions_have_not_drifted(rows: Row) -> None:
    found = measured(bins_of(rows, np.array(scores_of(rows))), rows)
    assert set(found) == {*NAMES, SCORE} - CALENDAR
    assert max(each.psi for each in found.values()) < 1e-3
    assert max(each.ks for each in found.values()) < 1e-3


def test_a_feature_that_moved_is_told_and_the_others_are_not(rows: Row) -> None:
    moved = rows.copy()
    moved[:, NAMES.index("cart_value")] = moved[:, NAMES.index("cart_value")] * 3 + 20
    found = measured(bins_of(rows, np.array(scores_of(rows))), moved)
    assert found["cart_value"].psi > 0.25
    assert found["cart_value"].ks > 0.3
    assert found[SCORE].psi > 0.25
    assert found["event_count"].psi < 1e-3


def test_a_feature_that_nobody_sends_any_more_has_moved(rows: Row) -> None:
    silent = rows.copy()
    silent[:, NAMES.index("active_s")] = np.nan
    found = measured(bins_of(rows, np.array(scores_of(rows))), silent)
    assert found["active_s"].psi > 0.25
    assert found["active_s"].ks == 0.0


def test_a_value_that_training_never_saw_has_moved(rows: Row) -> None:
    never, now = rows.copy(), rows.copy()
    never[:, NAMES.index("from_email")], now[:, NAMES.index("from_email")] = 0.0, 1.0
    found = measured(bins_of(never, np.array(scores_of(rows))), now)
    assert found["from_email"].psi > 0.25


def test_states_are_counted_at_the_lengths_that_every_training_takes() -> None:
    """A length that one side has more states of would look like shoppers who behave otherwise."""
    assert COUNTED == LENGTHS & TAUGHT


def test_too_few_states_say_nothing(rows: Row) -> None:
    bins = bins_of(rows, np.array(scores_of(rows)))
    assert measured(bins, rows[: MIN_STATES - 1]) == {}
    assert measured((), rows) == {}


def test_what_is_older_than_the_window_is_forgotten(rows: Row) -> None:
    meter = DriftMeter(bins_of(rows, np.array(scores_of(rows))), HOUR)
    meter.turn(DAY)
    for start in range(0, 1_200, 100):
        meter.observe(rows[start : start + 100], scores_of(rows[start : start + 100]))
    meter.turn(DAY + timedelta(minutes=54))
    assert meter.drifts()
    meter.turn(DAY + timedelta(minutes=61))
    assert meter.drifts() == []


def test_a_large_poll_is_counted_in_part_and_all_over(rows: Row) -> None:
    """Its first half has no cart, its second half has one."""
    cart = NAMES.index("cart_value")
    halves = np.concatenate([rows[rows[:, cart] == 0][:700], rows[rows[:, cart] > 0][:700]])
    bins = bins_of(halves, np.array(scores_of(halves)))
    meter = DriftMeter(bins, HOUR)
    for _ in range(6):
        meter.observe(halves, scores_of(halves))
    (found,) = [each for each in meter.drifts() if each.name == "cart_value"]
    assert found.psi < 0.02


def test_a_bin_for_a_feature_of_another_version_is_passed_over(rows: Row) -> None:
    strange = FeatureBins(name="mood", edges=(1.0,), shares=(0.0, 0.5, 0.5))
    found = measured((strange, *bins_of(rows, np.array(scores_of(rows)))), rows)
    assert "mood" not in found
    assert found["cart_value"].psi < 1e-3


def test_who_comes_at_night_is_measured_against_the_night(rows: Row) -> None:
    """By day everybody has a large cart, at night nobody has one; a live hour of the night is as it should be."""
    many = np.tile(rows, (6, 1))
    cart, sine, cosine = (NAMES.index(name) for name in ("cart_value", "hour_sin", "hour_cos"))
    half = len(many) // 2
    many[:half, cart], many[half:, cart] = 0.0, 100.0
    many[:half, [sine, cosine]] = math.sin(math.tau * 3 / 24), math.cos(math.tau * 3 / 24)
    many[half:, [sine, cosine]] = math.sin(math.tau * 15 / 24), math.cos(math.tau * 15 / 24)
    bins = bins_of(many, np.array(scores_of(many)))
    night = many[: half // 2]
    assert measured(bins, night)["cart_value"].psi < 1e-3
    assert measured(bins, many)["cart_value"].psi < 1e-3
    rich = night.copy()
    rich[:, cart] = 100.0
    assert measured(bins, rich)["cart_value"].psi > 0.25
    assert not next(each for each in bins if each.name == "page_count").shares_by_part
