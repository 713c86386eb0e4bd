"""What the sink's transactions leave in the tables."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.factories import at, dead_letter, decision, event, features, incentive, outcome
from tests.tables import Tables


@pytest.fixture
def tables(database: str) -> Iterator[Tables]:
    with Tables(database) as tables:
        yield tables


def test_an_event_lands_with_all_its_parameters(tables: Tables) -> None:
    tables.write(
        event("add_to_cart", "12:00:01.25", message_id="m1", value=20.5, currency="EUR", user_id="u1", color="r\ted\\")
    )
    assert tables.rows(
        "select message_id, visitor_id, user_id, session_id, event_name, occurred_at, properties, context from events"
    ) == [
        (
            "m1",
            "ada",
            "u1",
            None,
            "add_to_cart",
            at("12:00:01.25"),
            {"value": 20.5, "currency": "EUR", "color": "r\ted\\"},
            {"page_path": "/", "device_type": "desktop"},
        )
    ]


def test_one_of_each_lands_and_a_second_time_changes_nothing(tables: Tables) -> None:
    story = [
        event("page_view", "12:00", message_id="m1"),
        event("click", "12:01", message_id="m2", element="size guide"),
        event("user_engagement", "12:02", message_id="m3", engagement_time_msec=1500.0, percent_scrolled=80.0),
        event("incentive_shown", "12:02", message_id="m4", incentive_id="i1"),
        event("purchase", "12:03", message_id="m5", value=30.0, currency="EUR", transaction_id="T1"),
        features("12:00", "12:03", event_count=5, add_to_cart_count=1, purchase_count=1, revenue=30.0),
        decision("12:00", decision_id="d1", incentive=incentive("i1"), event_count=5),
        outcome("12:00", "12:03", purchase_count=1, revenue=30.0),
        dead_letter(dead_letter_id="l1", raw=b"\x00\\n\xff"),
    ]
    tables.write(*story)
    first = tables.everything()
    assert {table: len(rows) for table, rows in first.items()} == {
        "events": 5, "sessions": 1, "carts": 1, "predictions": 1, "personas": 1, "incentives": 1, "conversions": 1,
        "interactions": 2, "users": 1, "outcome": 1, "dead_letter": 1,
        "replaced_session": 0,
    }  # fmt: skip
    tables.write(*story)
    tables.write(*reversed(story))
    assert tables.everything() == first
    assert [bytes(raw) for raw in tables.rows("select raw from dead_letter")] == [b"\x00\\n\xff"]


def test_a_session_tells_its_newest_features_and_its_latest_decision(tables: Tables) -> None:
    tables.write(features("12:00", event_count=1), decision("12:00", likelihood=0.1, event_count=1))
    tables.write(decision("12:00", likelihood=0.4, persona="Browser", style="Hurried", event_count=3))
    tables.write(features("12:00", "12:05", event_count=3, cart_value=12.5, add_to_cart_count=1))
    tables.write(decision("12:00", likelihood=0.2, event_count=2), features("12:00", event_count=2))
    assert tables.rows("select last_seen_at, event_count, cart_value, likelihood, persona, style from sessions") == [
        (at("12:05"), 3, 12.5, 0.4, "Browser", "Hurried")
    ]
    assert tables.rows("select persona, style from personas") == [("Browser", "Hurried")]
    assert tables.rows("select count(*) from predictions") == [3]


def test_a_decision_may_come_before_its_session(tables: Tables) -> None:
    tables.write(decision("12:00", likelihood=0.7))
    assert tables.rows("select count(*) from sessions") == [0]
    tables.write(features("12:00"))
    assert tables.rows("select likelihood, persona from sessions") == [(0.7, "Casual Visitor")]


@pytest.mark.parametrize("events_first", [True, False])
def test_an_event_is_linked_to_its_session_whichever_comes_first(tables: Tables, events_first: bool) -> None:
    events = [
        event("page_view", "12:00"),
        event("click", "12:10"),
        event("purchase", "12:20", value=1.0),
        event("page_view", "12:20:00.001"),
        event("page_view", "12:10", visitor_id="eve"),
    ]
    session = features("12:00", "12:20", session_id="s1")
    for each in (events, [session]) if events_first else ([session], events):
        tables.write(*each)
    assert tables.rows("select session_id from events order by visitor_id, occurred_at") == ["s1"] * 3 + [None] * 2
    assert tables.rows("select session_id from interactions") == ["s1"]
    assert tables.rows("select session_id from conversions") == ["s1"]


def test_a_session_that_reaches_further_takes_the_events_it_now_covers(tables: Tables) -> None:
    tables.write(event("page_view", "12:00"), event("page_view", "12:10"), features("12:00", session_id="s1"))
    assert tables.rows("select session_id from events order by occurred_at") == ["s1", None]
    tables.write(features("12:00", "12:10", session_id="s1", event_count=2))
    assert tables.rows("select session_id from events order by occurred_at") == ["s1", "s1"]


def test_rows_of_a_replaced_session_go_to_the_one_that_took_its_place(tables: Tables) -> None:
    tables.write(
        event("page_view", "12:10"),
        event("click", "12:11"),
        event("purchase", "12:12", value=9.0),
        features("12:10", "12:12", session_id="old", event_count=3, add_to_cart_count=1),
        decision(session_id="old", decision_id="d1", incentive=incentive("i1"), event_count=3, likelihood=0.6),
        outcome(session_id="old", event_count=3),
    )
    tables.write(
        event("page_view", "12:05"), features("12:05", "12:12", session_id="new", replaces=("old",), event_count=4)
    )
    assert tables.rows("select session_id from sessions") == ["new"]
    assert tables.rows("select distinct session_id from events") == ["new"]
    for table in ("interactions", "conversions", "predictions", "incentives", "personas"):
        assert tables.rows(f"select session_id from {table}") == ["new"], table
    assert tables.rows("select likelihood from sessions") == [0.6]
    assert tables.rows("select count(*) from carts") == tables.rows("select count(*) from outcome") == [0]


def test_what_is_told_late_of_a_replaced_session_does_not_bring_it_back(tables: Tables) -> None:
    tables.write(features(session_id="new", replaces=("old",), event_count=2))
    tables.write(features(session_id="old"), outcome(session_id="old"), decision(session_id="old", likelihood=0.9))
    assert tables.rows("select session_id, likelihood from sessions") == [("new", 0.9)]
    assert tables.rows("select session_id from predictions") == ["new"]
    assert tables.rows("select session_id from outcome") == []


def test_a_session_may_be_replaced_again_and_again(tables: Tables) -> None:
    tables.write(decision(session_id="s3", event_count=1), features(session_id="s3"))
    tables.write(features(session_id="s2", replaces=("s3",), event_count=2))
    tables.write(
        features(session_id="s1", replaces=("s2",), event_count=3),
        features(session_id="s2", replaces=("s3",), event_count=2),
    )
    tables.write(decision(session_id="s3", event_count=1), decision(session_id="s2", event_count=2))
    assert tables.rows("select session_id from sessions") == ["s1"]
    assert tables.rows("select distinct session_id from predictions") == ["s1"]
    assert sorted(tables.rows("select session_id, replaced_by from replaced_session")) == [("s2", "s1"), ("s3", "s1")]


def test_two_sessions_that_a_late_event_joins_become_one(tables: Tables) -> None:
    tables.write(
        event("page_view", "12:00"), features("12:00", session_id="a"),
        event("page_view", "12:50"), features("12:50", session_id="b"),
    )  # fmt: skip
    assert tables.rows("select session_count from users") == [2]
    tables.write(
        event("page_view", "12:25"), features("12:00", "12:50", session_id="a", replaces=("b",), event_count=3)
    )
    assert tables.rows("select session_id from events") == ["a"] * 3
    assert tables.rows("select session_count, event_count from users") == [(1, 3)]


def test_a_purchase_told_twice_is_one_conversion(tables: Tables) -> None:
    tables.write(event("purchase", "12:05", message_id="m2", value=19.99, transaction_id="T1"))
    tables.write(event("purchase", "12:00", message_id="m1", value=19.0, transaction_id="T1"))
    tables.write(event("purchase", "12:05", message_id="m3", value=5.0, transaction_id="T2"))
    tables.write(event("purchase", "12:05", message_id="m4", value=5.0), event("purchase", "12:05", message_id="m5"))
    tables.write(event("purchase", "12:05", message_id="m6", value=5.0, transaction_id="T1", visitor_id="eve"))
    assert tables.rows("select transaction_id, message_id, occurred_at, revenue from conversions order by 2") == [
        ("T1", "m1", at("12:00"), Decimal("19.99")),
        ("T2", "m3", at("12:05"), 5),
        (None, "m4", at("12:05"), 5),
        (None, "m5", at("12:05"), 0),
        ("T1", "m6", at("12:05"), 5),
    ]


@pytest.mark.parametrize("decided_first", [True, False])
def test_an_incentive_knows_what_the_page_reported_whichever_comes_first(tables: Tables, decided_first: bool) -> None:
    decided = [
        decision("12:00", incentive=incentive("i1")),
        decision("12:00", incentive=incentive("i1"), decided_at="12:09"),
    ]
    reported = [
        event("incentive_shown", "12:01", incentive_id="i1"),
        event("incentive_shown", "12:03", incentive_id="i1"),
        event("incentive_accepted", "12:02", incentive_id="i1"),
        event("incentive_dismissed", "12:02", incentive_id="i1", visitor_id="eve"),
        event("incentive_shown", "12:02", incentive_id="x" * 5000),
    ]
    for each in (decided, reported) if decided_first else (reported, decided):
        tables.write(*each)
    assert tables.rows("select incentive_id, decided_at, shown_at, accepted_at, dismissed_at from incentives") == [
        ("i1", at("12:00:00.02"), at("12:01"), at("12:02"), None)
    ]


@pytest.mark.parametrize(
    ("told", "state"),
    [({}, "open"), ({"closed_at": "12:40"}, "abandoned"), ({"purchase_count": 1, "closed_at": "12:40"}, "converted")],
)
def test_a_cart_ends_open_abandoned_or_converted(tables: Tables, told: dict[str, Any], state: str) -> None:
    tables.write(features(cart_value=7.5, cart_item_count=2, add_to_cart_count=2, **told))
    assert tables.rows("select value, item_count, state from carts") == [(7.5, 2, state)]


def test_a_user_is_the_sum_of_the_visitors_sessions(tables: Tables) -> None:
    tables.write(features("09:00", "09:10", event_count=4, purchase_count=1, revenue=10.5, user_id="u1"))
    tables.write(features("12:00", "12:20", event_count=2, device_type="mobile"), features("13:00", visitor_id="eve"))
    assert tables.rows(
        "select user_id, first_seen_at, last_seen_at, session_count, event_count, purchase_count, revenue, device_type"
        " from users where visitor_id = 'ada'"
    ) == [("u1", at("09:00"), at("12:20"), 2, 6, 1, 10.5, "mobile")]


def test_the_minutes_figures_are_kept_once(tables: Tables) -> None:
    tables.sink.take_snapshot()
    tables.sink.take_snapshot()
    assert tables.rows("select count(*) from analytics_snapshots") in ([1], [2])  # a minute may end in between
