"""Whatever the order in which records arrive, and whoever writes them, the tables end the same."""

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import msgspec
import psycopg2
import pytest

from sql.connection import connect
from stream_processors.persist_postgres import OffsetsMoved, PostgresSink
from stream_processors.persist_rows import rows_of
from tests.factories import decision, event, features, incentive, outcome
from tests.tables import Tables


@pytest.fixture
def tables(database: str) -> Iterator[Tables]:
    with Tables(database) as tables:
        yield tables


def test_what_was_not_committed_leaves_nothing_and_is_written_the_next_time(tables: Tables) -> None:
    rows = rows_of(tables.records([event(message_id="m1"), features(), decision()]))
    lines, rows.staged["staged_event"] = rows.staged["staged_event"], [b"not a row"]
    with pytest.raises(psycopg2.DataError):
        tables.sink.write(rows)
    assert not any(tables.everything().values())
    rows.staged["staged_event"] = lines
    tables.sink.write(rows)
    assert tables.rows("select message_id from events") == ["m1"]


def test_a_second_sink_that_is_behind_writes_nothing(tables: Tables) -> None:
    with Tables(tables.dsn) as second:
        tables.write(event(message_id="m1"))
        with pytest.raises(OffsetsMoved):
            second.write(event(message_id="m1"))
        second.sink.read_offsets([("events", 0)])
        second.write(event(message_id="m2"))
        with pytest.raises(OffsetsMoved):
            tables.write(event(message_id="m3"))
    assert sorted(tables.rows("select message_id from events")) == ["m1", "m2"]


def test_another_cluster_is_read_from_its_beginning(tables: Tables) -> None:
    tables.write(event(message_id="m1"))
    with closing(connect(tables.dsn)) as connection:
        assert PostgresSink(connection, "cluster-2").read_offsets([("events", 0)]) == {("events", 0): 0}
    with closing(connect(tables.dsn)) as connection:
        assert PostgresSink(connection, "cluster-1").read_offsets([("events", 0)])["events", 0] == 1


def test_what_a_suspended_worker_still_tells_of_an_open_session_does_not_open_it_again(tables: Tables) -> None:
    ended, late = features("12:00", closed_at="12:30"), features("12:00")
    tables.write(ended)
    tables.write(late)
    tables.write(ended, late)
    assert tables.rows("select closed_at is not null from sessions") == [True]
    tables.write(features("12:00", event_count=2))
    assert tables.rows("select closed_at is not null from sessions") == [False]


def story() -> dict[str, list[msgspec.Struct]]:
    """A visitor whose session is told, replaced, joined with a later one and closed; by topic, in each topic's order."""
    shop = incentive("i1")
    return {
        "events": [
            event("page_view", "12:10", message_id="m1"),
            event("add_to_cart", "12:11", message_id="m2", value=10.0),
            event("incentive_shown", "12:12", message_id="m3", incentive_id="i1"),
            event("page_view", "12:05", message_id="m4"),
            event("page_view", "13:00", message_id="m5"),
            event("purchase", "13:01", message_id="m6", value=10.0, transaction_id="T1"),
            event("click", "12:35", message_id="m7"),
            event("purchase", "13:02", message_id="m8", value=10.0, transaction_id="T1"),
            event("page_view", "12:10", message_id="m1"),
        ],
        "session-features": [
            features("12:10", session_id="s1", event_count=1),
            features("12:10", "12:12", session_id="s1", event_count=3, add_to_cart_count=1, cart_value=10.0),
            features("12:05", "12:12", session_id="s0", replaces=("s1",), event_count=4, add_to_cart_count=1, cart_value=10.0),
            features("13:00", session_id="s5", event_count=1),
            features("13:00", "13:01", session_id="s5", event_count=2, purchase_count=1, revenue=10.0),
            features("12:05", "13:01", session_id="s0", replaces=("s1", "s5"), event_count=7, purchase_count=1, add_to_cart_count=1),
            features("12:05", "13:02", session_id="s0", replaces=("s1", "s5"), event_count=8, purchase_count=1, add_to_cart_count=1),
            features("12:05", "13:02", session_id="s0", replaces=("s1", "s5"), event_count=8, purchase_count=1, add_to_cart_count=1, closed_at="13:32"),
        ],
        "decisions": [
            decision("12:10", session_id="s1", decision_id="d1", event_count=1, likelihood=0.1),
            decision("12:12", session_id="s1", decision_id="d2", event_count=3, likelihood=0.3, incentive=shop),
            decision("12:12", session_id="s0", decision_id="d3", event_count=4, likelihood=0.4, incentive=shop, persona="Browser"),
            decision("13:00", session_id="s5", decision_id="d4", event_count=1, likelihood=0.2),
            decision("13:02", session_id="s0", decision_id="d5", event_count=8, likelihood=0.9, persona="Quick Buyer"),
        ],
        "outcomes": [
            outcome("13:00", session_id="s5", event_count=2, purchase_count=1),
            outcome("12:05", "13:02", session_id="s0", event_count=8, purchase_count=1, revenue=10.0),
        ],
    }  # fmt: skip


def test_a_decision_that_knew_less_is_not_the_latest_because_it_was_made_later(tables: Tables) -> None:
    """After a crash a worker folds in smaller polls what it had decided about at once, and another machine's clock may be behind."""
    knew_all = decision(session_id="s", received_at="12:05", decided_at="12:06", likelihood=0.5, persona="Quick Buyer")
    knew_less = decision(session_id="s", received_at="12:04", decided_at="12:07", likelihood=0.1)
    tables.write(features(session_id="s"), knew_all)
    tables.write(knew_less)
    assert tables.rows("select likelihood, persona from sessions") == [(0.5, "Quick Buyer")]
    assert tables.rows("select persona from personas") == ["Quick Buyer"]


def test_however_the_topics_interleave_and_batches_fall_the_tables_end_the_same(tables: Tables) -> None:
    told = story()
    expected: dict[str, list[Any]] | None = None
    for seed in range(15):
        chance = random.Random(seed)
        tables.empty()
        turns = [topic for topic, structs in told.items() for _ in structs]
        chance.shuffle(turns)
        left = {topic: iter(structs) for topic, structs in told.items()}
        arrivals = [next(left[topic]) for topic in turns]
        for batch in cut(arrivals, chance):
            tables.write(*batch)
        if expected is None:
            expected = tables.everything()
            assert [row["session_id"] for row in expected["sessions"]] == ["s0"]
            assert {row["session_id"] for row in expected["events"]} == {"s0"}
            assert [row["revenue"] for row in expected["conversions"]] == [10]
        assert tables.everything() == expected, f"seed {seed}"


def test_what_only_one_of_two_reports_of_a_purchase_tells_is_kept_however_batches_fall(tables: Tables) -> None:
    silent = event("purchase", "12:00", message_id="m1", value=9.0, transaction_id="T1")
    telling = event(
        "purchase", "12:01", message_id="m2", user_id="u1", value=9.0, transaction_id="T1", currency="EUR", coupon="TEA",
        items=({"item_id": "tea", "quantity": 2},),
    )  # fmt: skip
    for batches in ([silent, telling],), ([telling, silent],), ([silent], [telling]), ([telling], [silent]):
        tables.empty()
        for batch in batches:
            tables.write(*batch)
        assert tables.rows("select message_id, user_id, currency, coupon, item_count from conversions") == [
            ("m1", "u1", "EUR", "TEA", 2.0)
        ], batches


def cut(arrivals: Sequence[msgspec.Struct], chance: random.Random) -> Iterator[Sequence[msgspec.Struct]]:
    start = 0
    while start < len(arrivals):
        end = start + chance.choice((1, 2, 5, 50))
        yield arrivals[start:end]
        start = end
