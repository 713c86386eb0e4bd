"""Event time is repaired from clocks that cannot be trusted."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.ingest.clock import instant, repaired
from producers.ingest.rejections import Unfit
from tests.factories import at

DAY = timedelta(hours=24)
UTC_TIMES = st.datetimes(timezones=st.just(UTC))


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T12:00:00Z",
        "2026-03-02T12:00:00",
        "2026-03-02 13:00:00+01:00",
        "2026-03-02T06:30:00.000-05:30",
        "2026-03-02T12:00:00+00:00",
        "20260302T120000Z",
        "2026-3-2T12:00:00Z",
        "2026-03-2T12:00:00.000Z",
        "2026-03-02 12:00:00 UTC",
        1772452800,
        1772452800000.0,
        "1772452800",
        "1772452800.0",
        "1772452800000",
    ],
)
def test_an_instant_is_utc(text: object) -> None:
    assert instant(text, "timestamp") == at("12:00")


@given(since_noon=st.timedeltas(timedelta(days=-100_000), timedelta(days=100_000)), minutes=st.integers(-1_439, 1_439))
def test_an_instant_of_any_zone_is_the_same_in_utc(since_noon: timedelta, minutes: int) -> None:
    when = at("12:00") + since_noon
    read = instant(when.astimezone(timezone(timedelta(minutes=minutes))).isoformat(), "timestamp")
    assert read is not None
    assert (read, read.tzinfo) == (when, UTC)


def test_a_number_in_a_text_is_never_a_day_of_another_century() -> None:
    assert instant("1711122800012", "timestamp") == datetime(2024, 3, 22, 15, 53, 20, 12_000, UTC)


@pytest.mark.parametrize("value", [None, ""])
def test_no_instant_is_none(value: object) -> None:
    assert instant(value, "timestamp") is None


@pytest.mark.parametrize(
    "value", ["soon", True, [], {}, 1e300, float("nan"), "0001-01-01T00:00:00+23:00", "2026-13-01"]
)
def test_what_is_no_instant_says_so(value: object) -> None:
    with pytest.raises(Unfit, match="timestamp must be an ISO 8601 date-time"):
        instant(value, "timestamp")


def test_a_wrong_clock_is_repaired_by_what_it_says_about_sending() -> None:
    time = repaired(at("15:00:00"), sent_at=at("15:00:10"), received_at=at("12:00:11"), clamp=DAY)
    assert time == (at("12:00:01"), False)


def test_without_a_time_of_sending_the_time_stands() -> None:
    assert repaired(at("11:00"), sent_at=None, received_at=at("12:00"), clamp=DAY) == (at("11:00"), False)


def test_without_a_time_it_happened_on_arrival() -> None:
    assert repaired(None, sent_at=at("11:00"), received_at=at("12:00"), clamp=DAY) == (at("12:00"), False)


@given(happened_at=UTC_TIMES, sent_at=st.none() | UTC_TIMES)
def test_event_time_is_never_more_than_the_clamp_away(happened_at: datetime, sent_at: datetime | None) -> None:
    time = repaired(happened_at, sent_at=sent_at, received_at=at("12:00"), clamp=DAY)
    distance = abs(time.occurred_at - at("12:00"))
    assert distance == DAY if time.is_clamped else distance <= DAY
