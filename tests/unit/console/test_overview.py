"""The figures of the live page."""

import pytest

from console.bodies import Minute
from console.overview import events_per_s, percentile
from tests.factories import at


def minute(clock: str, events: int) -> Minute:
    return Minute(minute=at(clock), sessions=0, converted_sessions=0, events=events)


def test_the_rate_is_that_of_the_last_sixty_seconds() -> None:
    minutes = [minute("11:59", 120), minute("12:00", 30)]
    assert events_per_s(minutes, at("12:00:15")) == pytest.approx((30 + 90) / 60)


def test_a_minute_that_just_began_does_not_look_like_silence() -> None:
    assert events_per_s([minute("11:59", 120), minute("12:00", 0)], at("12:00")) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.5, None),
        ([7.0], 0.95, 7.0),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.95, 95.0),
    ],
)
def test_a_percentile_is_one_of_the_values(values: list[float], share: float, expected: float | None) -> None:
    assert percentile(values, share) == expected
