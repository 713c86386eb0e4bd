"""How much of a shop's Postgres recommendations take."""

import pytest

from console.recommender import pause_after


@pytest.mark.parametrize(("took_s", "pause_s"), [(0.1, 30), (4, 36), (60, 540)])
def test_what_takes_long_is_done_less_often(took_s: float, pause_s: float) -> None:
    assert pause_after(took_s, 30) == pytest.approx(pause_s)
