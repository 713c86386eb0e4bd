"""What requests hold is counted while they are read and while they wait, and given back whatever happens."""

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.ingest.in_flight import InFlight


def test_a_request_gives_back_what_it_held_also_when_it_fails() -> None:
    in_flight = InFlight(100)

    def failing_request() -> None:
        with in_flight.hold() as hold:
            assert hold.keep(60)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        failing_request()
    assert in_flight.bytes == 0


def test_beyond_the_bound_there_is_no_room_until_another_ends() -> None:
    in_flight = InFlight(100)
    with in_flight.hold() as one, in_flight.hold() as other:
        assert one.keep(60)
        assert not other.keep(50)
        assert other.keep(40)
        assert one.keep(20)
        assert other.keep(80)
    assert in_flight.bytes == 0


def test_bodies_that_are_still_being_read_get_half_of_the_room() -> None:
    in_flight = InFlight(100)
    with in_flight.hold() as slow, in_flight.hold() as whole:
        assert slow.keep(50, is_reading=True)
        assert not slow.keep(51, is_reading=True)
        assert whole.keep(50)
        assert slow.keep(50)
        assert in_flight.reading_bytes == 0


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 60), st.booleans()), max_size=40))
def test_whatever_requests_do_the_bound_holds(steps: list[tuple[int, int, bool]]) -> None:
    in_flight = InFlight(100)
    with ExitStack() as stack:
        holds = [stack.enter_context(in_flight.hold()) for _ in range(5)]
        for number, size, is_reading in steps:
            holds[number].keep(size, is_reading=is_reading)
            assert 0 <= in_flight.reading_bytes <= 50
            assert in_flight.reading_bytes <= in_flight.bytes <= 100
    assert (in_flight.bytes, in_flight.reading_bytes) == (0, 0)
