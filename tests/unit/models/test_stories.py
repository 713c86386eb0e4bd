"""A visit as letters: events and pauses in their order, the newest kept; and the line that learns from them."""

import numpy as np

from models.algorithms import MISSING
from models.features import NAMES
from models.lines import loss_of_lines
from models.stories import EVENTS, LETTERS, Story
from tests.factories import event


def told(*acts: tuple[str, str]) -> bytes:
    story = Story()
    for clock, name in acts:
        story.add(event(name, clock))
    return story.told()


def test_events_are_letters_and_pauses_are_digits() -> None:
    first, pause, second = list(told(("12:00", "view_item"), ("12:01", "add_to_cart")).decode())
    assert first.isalpha()
    assert second.isalpha()
    assert first != second
    assert pause == "5", "a minute lies between 32 and 64 seconds, one more counted"


def test_a_longer_pause_is_a_higher_digit_of_at_most_9() -> None:
    short, long = told(("12:00", "search"), ("12:00", "search")), told(("12:00", "search"), ("23:00", "search"))
    assert (short[1:2], long[1:2]) == (b"0", b"9")


def test_of_a_long_visit_the_newest_events_are_kept() -> None:
    story = told(*[("12:00", "view_item")] * 60, ("12:00", "add_to_cart"))
    assert len(story) == LETTERS == 2 * EVENTS
    assert story.endswith(told(("12:00", "add_to_cart")))


def test_what_no_step_of_ours_gives_a_meaning_is_one_letter() -> None:
    assert told(("12:00", "made_up")) == told(("12:00", "another"))


def test_a_line_learns_from_the_order_of_events_alone() -> None:
    random = np.random.default_rng(3)
    bought = random.random(2_000) < 0.5
    stories = np.where(bought, b"C3k", b"k3C").astype(f"S{LETTERS}")
    rows = np.full((2_000, len(NAMES)), MISSING, dtype=np.float32)
    fit, judged = np.arange(1_500), np.arange(1_500, 2_000)
    assert loss_of_lines(rows, stories, bought.astype(np.float64), fit, judged, seed=1) < 0.35, "chance is 0.69"
