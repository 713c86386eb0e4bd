"""Features: one definition, unknown is not zero, and nothing of the session's own purchase leaks in."""

import math

import msgspec
import numpy as np
import pytest

from contracts.features import SessionFeatures
from models.features import FEATURES, LARGEST, NAMES, SOURCES, definition_digest, known_columns, matrix, vector
from models.reasons import REASONS
from tests.factories import features


def value(name: str, session: SessionFeatures) -> float:
    return float(vector(session)[NAMES.index(name)])


def test_every_feature_says_what_it_means_in_which_unit_and_where_from() -> None:
    fields = set(SessionFeatures.__struct_fields__)
    for feature in FEATURES:
        assert feature.meaning.endswith(".")
        assert feature.unit
        assert set(feature.sources) <= fields
    assert len(set(NAMES)) == len(NAMES)


def test_the_sessions_own_purchase_is_not_a_feature() -> None:
    assert not SOURCES & {"purchase_count", "revenue", "closed_at"}
    session = features(event_count=9)
    bought = msgspec.structs.replace(session, purchase_count=1, revenue=80.0)
    np.testing.assert_array_equal(vector(session), vector(bought))


def test_columns_are_in_the_order_of_the_features() -> None:
    session = features("12:00", "12:01", event_count=5, cart_value=20.5, active_ms=30_000.0, previous_revenue=7.0)
    for feature in FEATURES:
        expected = getattr(session, feature.name) if feature.of is None else feature.of(session)
        expected = math.nan if expected is None else np.float32(expected)
        np.testing.assert_equal(value(feature.name, session), float(expected))


def test_what_is_not_known_is_nan_and_not_zero() -> None:
    session = features(device_type="unknown")
    for name in ("viewed_price_mean", "active_s", "scroll_percent_max", "is_mobile", "days_since_previous_session"):
        assert math.isnan(value(name, session)), name
    for name in ("seconds_per_event", "views_per_product", "active_share", "pointer_speed_px_s"):
        assert math.isnan(value(name, session)), f"{name} has nothing to divide by at the first event"


def test_pace_and_engagement_are_rates() -> None:
    session = features("12:00", "12:02", event_count=5, page_count=3, active_ms=60_000.0, pointer_distance_px=1_200.0)
    assert value("seconds_per_event", session) == 30
    assert value("seconds_per_page", session) == 40
    assert value("active_share", session) == 0.5
    assert value("pointer_speed_px_s", session) == 20


def test_midnight_is_as_near_to_23_as_to_1() -> None:
    def distance(a: int, b: int) -> float:
        x, y = vector(features(hour=a)), vector(features(hour=b))
        return float(np.linalg.norm((x - y)[[NAMES.index("hour_sin"), NAMES.index("hour_cos")]]))

    assert distance(23, 0) == pytest.approx(distance(0, 1), abs=1e-6)


def test_an_unheard_of_channel_is_none_of_the_known() -> None:
    row = vector(features(channel="carrier pigeon"))
    assert [row[NAMES.index(name)] for name in NAMES if name.startswith("from_")] == [0.0] * 6


@pytest.mark.parametrize("absurd", [10**400, 2**70, 10**40])
def test_a_number_made_up_to_break_us_stays_a_number(absurd: int) -> None:
    assert value("click_count", features(click_count=absurd)) <= np.float32(LARGEST)


def test_a_batch_is_bit_equal_to_its_rows(sessions: list[SessionFeatures]) -> None:
    rows = matrix(sessions)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, np.array([vector(session) for session in sessions]))
    assert matrix([]).shape == (0, len(FEATURES))


def test_a_feature_is_known_when_all_it_is_made_from_is() -> None:
    known = dict(zip(NAMES, known_columns({"active_ms", "page_count"}), strict=True))
    assert known["active_s"]
    assert known["page_count"]
    assert not known["active_share"], "needs the time on site too"


def test_the_digest_is_of_the_definition() -> None:
    assert definition_digest() == definition_digest()
    assert len(definition_digest()) == 16


def test_every_feature_has_exactly_one_reason() -> None:
    named = [name for reason in REASONS for name in reason.features]
    assert sorted(named) == sorted(NAMES)
    for reason in REASONS:
        assert reason.needs in SessionFeatures.__struct_fields__
