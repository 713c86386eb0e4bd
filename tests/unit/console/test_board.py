"""The board: the latest decision of each visitor, to whoever waits for it, and never a queue."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest

from console.board import STREAMS_REFUSED, DecisionBoard, Posted, TooManyStreams
from console.follow import posted
from contracts.codec import ENCODER
from tests.factories import at, decision, incentive

NOON = at("12:00")


def on_board(clock: str = "12:00", *, offset: int = 0, **others: Any) -> Posted:
    return posted(3, offset, ENCODER.encode(decision(clock, **others)))


def board(**bounds: Any) -> DecisionBoard:
    return DecisionBoard(opened_at=NOON, **bounds)


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def test_the_latest_decision_of_a_visitor_is_remembered() -> None:
    of = board()
    of.take([on_board(offset=1), on_board(offset=2, event_count=2), on_board(offset=9, visitor_id="bob")], NOON)
    latest = of.latest("ada", NOON)
    assert latest is not None
    assert latest.id == "3-2"


def test_a_decision_delivered_again_is_not_the_latest_again() -> None:
    of = board()
    first = on_board(offset=1, session_id="s", decision_id="one", event_count=1)
    second = on_board(offset=2, session_id="s", decision_id="two", event_count=2)
    again = on_board(offset=3, session_id="s", decision_id="one", event_count=1)
    of.take([first, second, again], NOON)
    assert of.latest("ada", NOON) == second


def test_an_earlier_visits_decision_that_is_made_again_does_not_take_the_place_of_this_visits() -> None:
    of = board()
    this = on_board("12:40", offset=2, session_id="this")
    of.take([on_board("12:00", offset=1, session_id="earlier"), this], at("12:40"))
    again = on_board("12:00", offset=3, session_id="earlier", decided_at="12:41")
    of.take([again], at("12:41"))
    assert of.latest("ada", at("12:41")) == this


def test_a_stream_that_is_open_before_the_log_is_read_does_not_hear_of_yesterday() -> None:
    async def story() -> None:
        of = board(remember=timedelta(minutes=30))
        with of.watch("ada") as watch:
            of.take([on_board("11:00", offset=1), on_board("11:20", offset=2)], NOON)
            assert await watch.next(0.01) is None
            of.take([on_board("11:40", offset=3)], NOON)
            heard = await watch.next(1)
            assert heard is not None
            assert heard.id == "3-3"

    run(story())


def test_yesterdays_decision_is_not_todays() -> None:
    of = board(remember=timedelta(minutes=30))
    of.take([on_board("12:00")], NOON)
    assert of.latest("ada", at("12:29")) is not None
    assert of.latest("ada", at("12:31")) is None


def test_memory_is_bounded_and_the_oldest_visitor_is_forgotten_first() -> None:
    of = board(max_visitors=2)
    for number, visitor_id in enumerate(("ada", "bob", "ada", "cyd")):
        of.take([on_board(visitor_id=visitor_id, event_count=number)], NOON)
    assert [visitor_id for visitor_id in ("ada", "bob", "cyd") if of.latest(visitor_id, NOON)] == ["ada", "cyd"]


def test_a_stream_hears_its_own_visitor_only() -> None:
    async def story() -> None:
        of = board()
        with of.watch("ada") as watch:
            of.take([on_board(visitor_id="bob"), on_board(offset=7)], NOON)
            heard = await watch.next(1)
            assert heard is not None
            assert heard.id == "3-7"
            assert await watch.next(0.01) is None

    run(story())


def test_a_slow_reader_gets_the_latest_and_nothing_waits_in_line() -> None:
    async def story() -> None:
        of = board()
        with of.watch("ada") as watch:
            of.take([on_board(offset=number, session_id="s", event_count=number) for number in range(1, 1000)], NOON)
            heard = await watch.next(1)
            assert heard is not None
            assert heard.id == "3-999"
            assert await watch.next(0.01) is None

    run(story())


def test_the_feed_begins_with_the_last_few_and_drops_the_oldest_unread() -> None:
    async def story() -> None:
        of = board()
        of.take([on_board(offset=1)], NOON)
        with of.feed(most=3) as feed:
            assert [each.id for each in await feed.next(1)] == ["3-1"]
            of.take([on_board(offset=number, visitor_id=f"v{number}") for number in range(2, 8)], NOON)
            assert [each.id for each in await feed.next(1)] == ["3-5", "3-6", "3-7"]

    run(story())


def test_a_visitor_may_not_hold_streams_without_end() -> None:
    of = board(max_streams_per_visitor=1, max_streams=2)
    before = {bound: STREAMS_REFUSED.labels(bound)._value.get() for bound in ("visitor", "console")}
    with of.watch("ada"):
        with pytest.raises(TooManyStreams, match="close some tabs"), of.watch("ada"):
            pass
        with of.watch("bob"), pytest.raises(TooManyStreams, match="as many as one console holds"), of.watch("cyd"):
            pass
    with of.watch("ada"):
        pass
    assert {bound: STREAMS_REFUSED.labels(bound)._value.get() - count for bound, count in before.items()} == {
        "visitor": 1,
        "console": 1,
    }


def test_closing_wakes_every_stream_at_once() -> None:
    async def story() -> None:
        of = board()
        with of.watch("ada") as watch, of.feed() as feed:
            waiting = asyncio.gather(watch.next(60), feed.next(60))
            await asyncio.sleep(0)
            of.close()
            heard, fed = await asyncio.wait_for(waiting, 1)
            assert (heard, fed) == (None, [])
            assert watch.is_closed
            assert feed.is_closed
        with of.watch("ada") as late:
            assert late.is_closed

    run(story())


def test_latency_counts_from_the_receipt_of_the_event_and_only_for_decisions_of_this_run() -> None:
    of = board()
    of.take([on_board("11:00")], NOON)
    of.take([on_board("12:00", visitor_id="bob")], at("12:00:00.250"))
    assert of.latencies_s(since=NOON) == [0.25]
    assert of.latencies_s(since=at("12:01")) == []


def test_the_browser_does_not_learn_what_the_holdout_is_not_offered() -> None:
    held = on_board(arm="holdout", incentive=incentive())
    offered = on_board(incentive=incentive())
    assert b'"incentive":null' in held.for_visitor
    assert b"10 % off" in held.for_console
    assert b"10 % off" in offered.for_visitor
