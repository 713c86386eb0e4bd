"""The visitor store, the same suite in memory and on RocksDB: newest states win, and shelves are never ahead of the changelog."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import msgspec
import pytest

from stream_processors.outbox import Outbox
from stream_processors.shelves import MemoryShelf, RocksShelf, Shelf, shared_cache
from stream_processors.visitors import DECODER, ENCODER, VisitorStore
from tests.factories import at, event
from tests.shelved import CHANGELOG, folded, place, recover, state, states_on


@pytest.fixture(params=["memory", "rocksdb"])
def open_shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[int], Shelf]:
    """Opens empty shelves of either kind."""
    if request.param == "memory":
        return lambda _: MemoryShelf()
    cache = shared_cache()
    return lambda partition: RocksShelf(tmp_path / str(partition), cache, lambda: 0.0)


def test_a_worker_that_wakes_late_cannot_take_a_visitor_back_in_time(open_shelf: Callable[[int], Shelf]) -> None:
    states = states_on(open_shelf)
    recover(states, 3, (0, b"ada", state(2)), (1, b"ada", state(5)), (2, b"ada", state(3)))
    recover(states, 3, (3, b"ada", state(4)))
    assert folded(states) == 5
    assert states.persisted_offset(place(3)) == 3


def test_of_equals_the_one_whose_sessions_are_closed_or_history_counts(open_shelf: Callable[[int], Shelf]) -> None:
    """A worker that was suspended for a few seconds may write the open session once more after another one closed it."""
    closed = DECODER.decode(state(2))
    closed.sessions[0].is_closed = True
    forgotten = msgspec.structs.replace(closed, sessions=[])
    stages = [state(2), ENCODER.encode(closed), ENCODER.encode(forgotten)]
    for number, order in enumerate(permutations(stages)):
        states = states_on(open_shelf)
        recover(states, number, *((offset, b"ada", raw) for offset, raw in enumerate(order)))
        assert states.shelf(number).get(b"ada") == stages[2]


def test_of_states_alike_in_all_that_the_later_counts(open_shelf: Callable[[int], Shelf]) -> None:
    first, second = DECODER.decode(state(2)), DECODER.decode(state(2))
    second.source = "demo"
    states = states_on(open_shelf)
    recover(states, 3, (0, b"ada", ENCODER.encode(first)), (1, b"ada", ENCODER.encode(second)))
    assert states.shelf(3).get(b"ada") == ENCODER.encode(second)


def test_a_deleted_visitor_is_gone_and_may_come_back(open_shelf: Callable[[int], Shelf]) -> None:
    states = states_on(open_shelf)
    recover(states, 3, (0, b"ada", state(5)), (1, b"bob", state(1)), (2, b"ada", None))
    assert (folded(states), len(states.shelf(3))) == (None, 1)
    recover(states, 3, (3, b"ada", state(1)))
    assert (folded(states), len(states.shelf(3))) == (1, 2)


def test_a_state_is_on_its_shelf_once_kafka_has_it_and_not_before(open_shelf: Callable[[int], Shelf]) -> None:
    states = states_on(open_shelf)
    recover(states, 3, (16, b"bob", state(1, "bob")))
    store, outbox = VisitorStore(states, CHANGELOG, 10), Outbox(None, "test")
    visitor = store.get("ada", 3)
    visitor.observe(event())
    store.put(visitor, 3, outbox)
    assert folded(states) is None
    store.sent(store.take(), {(CHANGELOG, 3): range(17, 18)})
    assert (folded(states), states.persisted_offset(place(3)), len(store)) == (1, 17, 2)


def test_once_another_worker_has_written_in_between_the_changelog_is_read_again_from_there(
    open_shelf: Callable[[int], Shelf],
) -> None:
    states = states_on(open_shelf)
    recover(states, 3, (16, b"bob", state(1, "bob")))
    store = VisitorStore(states, CHANGELOG, 10)
    for offset in (18, 19):
        store.put(DECODER.decode(state(offset)), 3, Outbox(None, "test"))
        store.sent(store.take(), {(CHANGELOG, 3): range(offset, offset + 1)})
    assert (folded(states), states.persisted_offset(place(3))) == (19, 16)


def test_a_late_poll_of_a_partition_that_is_gone_leaves_nothing_to_be_believed_when_it_comes_back(
    open_shelf: Callable[[int], Shelf],
) -> None:
    states = states_on(open_shelf)
    recover(states, 4, (0, b"bob", state(1, "bob")))
    store = VisitorStore(states, CHANGELOG, 10)
    store.put(store.get("ada", 3), 3, Outbox(None, "test"))
    store.sent(store.take(), {(CHANGELOG, 3): range(5, 6)})
    assert list(states.shelves) == [4]


def test_a_visitor_that_is_not_decoded_any_more_is_found_before_and_after_it_was_sent(
    open_shelf: Callable[[int], Shelf],
) -> None:
    states = states_on(open_shelf)
    assert states.persisted_offset(place(3)) is None
    store, outbox = VisitorStore(states, CHANGELOG, 1), Outbox(None, "test")
    for visitor_id in ("ada", "bob", "ada", "bob"):
        visitor = store.get(visitor_id, 3)
        visitor.observe(event(visitor_id=visitor_id))
        store.put(visitor, 3, outbox)
    assert [store.get(visitor_id, 3).folded for visitor_id in ("ada", "bob")] == [2, 2]
    store.sent(store.take(), {(CHANGELOG, 3): range(4)})
    assert states.persisted_offset(place(3)) == 3
    assert [store.get(visitor_id, 3).folded for visitor_id in ("ada", "bob")] == [2, 2]
    assert len(store) == 2


def test_the_newest_of_two_states_under_way_counts_whichever_kafka_has(open_shelf: Callable[[int], Shelf]) -> None:
    states = states_on(open_shelf)
    assert states.persisted_offset(place(3)) is None
    store, outbox = VisitorStore(states, CHANGELOG, 0), Outbox(None, "test")
    under_way = []
    for visitor_id in ("ada", "bob", "ada"):
        visitor = store.get(visitor_id, 3)
        visitor.observe(event(visitor_id=visitor_id))
        store.put(visitor, 3, outbox)
        under_way.append(store.take())
    assert store.get("ada", 3).folded == 2
    for offset, unsent in enumerate(under_way):
        store.sent(unsent, {(CHANGELOG, 3): range(offset, offset + 1)})
        assert store.get("ada", 3).folded == 2
    assert (folded(states), states.persisted_offset(place(3)), len(store)) == (2, 2, 2)


def test_what_is_acknowledged_in_the_midst_of_a_recovery_does_not_replace_what_that_has_read(
    open_shelf: Callable[[int], Shelf],
) -> None:
    states = states_on(open_shelf)
    store = VisitorStore(states, CHANGELOG, 10)
    store.put(DECODER.decode(state(2)), 3, Outbox(None, "test"))
    unsent = store.take()
    store.doubt()
    recover(states, 3, (5, b"ada", state(2)), (6, b"ada", state(4)))
    store.sent(unsent, {(CHANGELOG, 3): range(5, 6)})
    assert (folded(states), states.persisted_offset(place(3)), len(store)) == (4, 6, 1)


def test_timers_are_rebuilt_for_every_visitor(open_shelf: Callable[[int], Shelf]) -> None:
    states = states_on(open_shelf)
    recover(states, 3, (0, b"ada", state(2)), (1, b"bob", state(1, "bob")))
    store = VisitorStore(states, CHANGELOG, 10)
    found = {times.visitor_id: (partition, times) for partition, times in store.recovered()}
    assert {name: partition for name, (partition, _) in found.items()} == {"ada": 3, "bob": 3}
    whole, times = DECODER.decode(state(2)), found["ada"][1]
    assert [(each.last, each.write_key, each.is_closed) for each in times.sessions] == [
        (each.last, each.write_key, each.is_closed) for each in whole.sessions
    ]


def test_partitions_that_move_again_while_timers_are_rebuilt_end_no_worker(open_shelf: Callable[[int], Shelf]) -> None:
    """Timers are rebuilt in a thread; meanwhile the next recovery reads on, and what went to others is put away."""
    states = states_on(open_shelf)
    recover(states, 3, (0, b"ada", state(2)), (1, b"bob", state(1, "bob")))
    recover(states, 5, (0, b"pat", state(1, "pat")))
    store = VisitorStore(states, CHANGELOG, 10)
    rebuilding = store.recovered()
    next(rebuilding)
    recover(states, 3, (2, b"eve", state(1, "eve")))
    recover(states, 4, (0, b"dan", state(1, "dan")))
    asyncio.run(states.on_recovery_completed({place(4)}, set()))
    assert len(list(rebuilding)) == 1
    assert [times.visitor_id for _, times in store.recovered()] == ["dan"]
    assert (list(states.shelves), states.damage) == ([4], None)


def test_timers_know_how_long_ago_a_visitor_without_sessions_was_here(open_shelf: Callable[[int], Shelf]) -> None:
    visitor = DECODER.decode(state(2))
    assert visitor.forget_until(at("12:00") + timedelta(days=2))
    states = states_on(open_shelf)
    recover(states, 3, (0, b"ada", ENCODER.encode(visitor)))
    ((_, times),) = VisitorStore(states, CHANGELOG, 10).recovered()
    assert (times.sessions, times.history.last_seen_at, times.source) == ([], visitor.history.last_seen_at, "demo")


def test_all_visitors_come_by_in_turn_a_few_at_a_time(open_shelf: Callable[[int], Shelf]) -> None:
    states = states_on(open_shelf)
    for partition in (1, 4):
        names = [f"p{partition}-{number}" for number in range(7)]
        recover(states, partition, *[(n, name.encode(), state(1, name)) for n, name in enumerate(names)])
    store = VisitorStore(states, CHANGELOG, 10)
    seen: list[str] = []
    for _ in range(40):
        seen += [times.visitor_id for _, times in store.next_few(3)]
    assert len(set(seen)) == 14
    counts = [seen.count(name) for name in set(seen)]
    assert max(counts) - min(counts) <= 1
    assert min(counts) > 2


def test_a_visitor_who_comes_by_is_seen_as_of_now_also_while_kafka_has_not_acknowledged_it(
    open_shelf: Callable[[int], Shelf],
) -> None:
    """One who returns after more than a year would be forgotten in the moment of returning."""
    long_gone = DECODER.decode(state(2))
    assert long_gone.forget_until(at("12:00") + timedelta(days=400))
    states = states_on(open_shelf)
    recover(states, 3, (0, b"ada", ENCODER.encode(long_gone)))
    store, outbox = VisitorStore(states, CHANGELOG, 10), Outbox(None, "test")
    visitor = store.get("ada", 3)
    visitor.observe(event(occurred_at=at("12:00") + timedelta(days=400), visitor_id="ada"))
    store.put(visitor, 3, outbox)
    store.take()
    assert [len(times.sessions) for _, times in store.next_few(10)] == [1]


def test_a_partition_that_went_to_another_worker_is_put_away(open_shelf: Callable[[int], Shelf]) -> None:
    states = states_on(open_shelf)
    recover(states, 3, (0, b"ada", state(2)))
    recover(states, 4, (0, b"bob", state(2)))
    asyncio.run(states.on_recovery_completed({place(4)}, set()))
    store = VisitorStore(states, CHANGELOG, 10)
    assert (list(states.shelves), len(store)) == ([4], 1)
    store.put(DECODER.decode(state(3)), 3, Outbox(None, "test"))
    store.sent(store.take(), {(CHANGELOG, 3): range(1, 2)})
    assert list(states.shelves) == [4]
