"""A program gives itself away by its name, its pace or its regularity; a person does not."""

from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.events import Event
from contracts.features import SessionFeatures
from models.bots import BOT_FROM, MAX_PAGE_TIMES, bot_score, is_bot, keep_page_times
from models.session_features import features_of
from models.visitor import Visitor
from tests.factories import at, event


def session_of(*events: Event) -> SessionFeatures:
    visitor = Visitor("ada")
    for each in events:
        visitor.observe(each)
    (session,) = visitor.sessions
    return features_of(visitor, session, events[-1].message_id)


def pages(*after_s: float, **fields: Any) -> list[Event]:
    return [event(occurred_at=at("12:00") + timedelta(seconds=each), **fields) for each in after_s]


def test_a_program_that_says_so_is_one_from_its_first_event() -> None:
    assert is_bot(session_of(*pages(0, bot_score=1.0)))
    assert session_of(*pages(0, 30, 90)).bot_score == 0


def test_twenty_pages_in_ten_seconds_are_no_persons_work() -> None:
    assert is_bot(session_of(*pages(*(n * 0.5 + n % 3 * 0.1 for n in range(20)))))


def test_a_page_every_four_seconds_is_regular_and_a_persons_pauses_are_not() -> None:
    assert is_bot(session_of(*pages(*(n * 4 + n % 2 * 0.2 for n in range(16)))))
    chance = Random(1)
    pauses = [chance.lognormvariate(2.5, 0.7) for _ in range(16)]
    assert not is_bot(session_of(*pages(*(sum(pauses[:n]) for n in range(16)))))


def test_who_is_seen_using_the_page_is_not_judged_by_regularity() -> None:
    slides = pages(*(n * 4 for n in range(16)))
    used = event("user_engagement", "12:00:30", engagement_time_msec=3_000.0)
    assert session_of(*slides, used).bot_score == 0


def test_pages_without_times_of_their_own_say_nothing_about_a_pace() -> None:
    assert session_of(*pages(*[0] * 30)).bot_score == 0


def test_hundreds_of_pages_without_a_sign_of_use_are_suspicious() -> None:
    irregular = [n * 5 + n * n % 7 for n in range(320)]
    few, many = session_of(*pages(*irregular[:90])), session_of(*pages(*irregular))
    assert few.bot_score == 0
    assert is_bot(many)


def test_signs_add_up_and_never_exceed_one() -> None:
    regular = [n * 500 for n in range(MAX_PAGE_TIMES)]
    assert (
        bot_score(0.0, regular, 32, 5_000.0)
        < bot_score(0.0, regular, 32, None)
        < bot_score(0.5, regular, 400, None)
        <= 1
    )
    assert bot_score(1.0, [], 0, None) == 1
    assert BOT_FROM == 0.5, "the views in sql/views say 0.5"


times = st.lists(st.integers(0, 200), max_size=80)


@given(times, times, st.randoms(use_true_random=False))
def test_page_times_are_the_same_in_whatever_order_and_parts_they_came(
    one: list[int], other: list[int], chance: Random
) -> None:
    together: list[int] = []
    keep_page_times(together, sorted(one + other))
    first: list[int] = []
    second: list[int] = []
    chance.shuffle(one)
    keep_page_times(first, one)
    keep_page_times(second, other)
    keep_page_times(second, first)
    assert second == together == sorted(set(together))
    assert len(together) <= MAX_PAGE_TIMES
