"""How a fetch is to be answered, by how thick records have come of late."""

from stream_processors.pace import BUSY, IDLE, Pace


def after(pace: Pace, seconds: float, per_second: float, began_at: float = 0.0) -> tuple[int, int]:
    """What is asked of Kafka after so many records a second, fetched one by one."""
    for number in range(int(seconds * per_second)):
        pace.took(1, began_at + number / per_second)
    return pace.max_wait_ms, pace.min_bytes


def test_records_that_come_now_and_then_are_told_at_once() -> None:
    assert after(Pace(), 0, 0) == IDLE
    assert after(Pace(), 2, 500) == IDLE


def test_records_that_come_thick_are_gathered_until_they_come_thin_again() -> None:
    pace = Pace()
    assert after(pace, 2, 2_000) == BUSY
    pace.took(0, 2.01)
    assert (pace.max_wait_ms, pace.min_bytes) == BUSY
    assert after(pace, 1, 50, began_at=2.2) == IDLE


def test_one_large_poll_after_a_long_silence_gathers_only_for_a_moment() -> None:
    pace = Pace()
    pace.took(2_000, 100.0)
    assert (pace.max_wait_ms, pace.min_bytes) == BUSY
    pace.took(1, 101.0)
    assert (pace.max_wait_ms, pace.min_bytes) == IDLE
