"""Where a console begins to read, so that it knows what visitors may still be told and yet starts soon."""

import pytest

from console.follow import first_to_read


@pytest.mark.parametrize(
    ("begin", "end", "of_that_time", "first"),
    [
        (0, 900, 700, 700),  # what is older speaks of earlier visits
        (0, 900, None, 900),  # nothing was decided since
        (0, 90_000, 20, 89_000),  # too busy a shop to read all
        (500, 900, 0, 500),  # Kafka has dropped what was before
        (0, 0, None, 0),
    ],
)
def test_a_console_begins_with_the_time_that_counts_but_not_too_far_back(
    begin: int, end: int, of_that_time: int | None, first: int
) -> None:
    assert first_to_read(begin, end, of_that_time, most=1_000) == first
