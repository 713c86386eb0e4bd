"""Records become rows."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from contracts.codec import ENCODER
from contracts.topics import DECISIONS, EVENTS, EVENTS_DLQ, OUTCOMES, SESSION_FEATURES
from stream_processors.persist_rows import Record, Rows, buried, dead_letter_of, final_ids, joined, rows_of
from tests.factories import dead_letter, decision, event, features, incentive, outcome

NOW = datetime(2026, 3, 3, tzinfo=UTC)


def records(topic: str, *values: msgspec.Struct | bytes | None) -> list[Record]:
    return [
        Record(topic, 2, 10 + n, ENCODER.encode(value) if isinstance(value, msgspec.Struct) else value, NOW)
        for n, value in enumerate(values)
    ]


def lines(rows: Rows, table: str) -> list[list[str]]:
    return [line.decode().split("\t") for line in rows.staged.get(table, [])]


def test_the_next_offsets_are_after_the_last_record_of_each_partition() -> None:
    rows = rows_of([*records("events", event(), event()), *records("outcomes", outcome())])
    assert rows.next_offsets == {("events", 2): 12, ("outcomes", 2): 11}


def test_a_tombstone_is_read_and_leaves_no_row() -> None:
    rows = rows_of(records(EVENTS.name, None))
    assert (rows.staged, rows.next_offsets) == ({}, {("events", 2): 11})


@pytest.mark.parametrize(
    ("known", "custom", "together"),
    [
        (b"{}", b"{}", {}),
        (b'{"a":1}', b"{}", {"a": 1}),
        (b"{}", b'{"b":2}', {"b": 2}),
        (b'{"a":1}', b' { "b":2}', {"a": 1, "b": 2}),
    ],
)
def test_properties_and_custom_parameters_become_one_object(known: bytes, custom: bytes, together: Any) -> None:
    assert msgspec.json.decode(joined(known, custom)) == together


def test_a_purchase_is_a_conversion_too() -> None:
    bought = event("purchase", value=20.004, transaction_id="T1", items=[{"quantity": 2}, {}], user_id="u1")
    (line,) = lines(rows_of(records(EVENTS.name, bought)), "staged_conversion")
    assert line[1:3] == ["ada", "u1"]
    assert line[5] == "T1"
    assert line[9:11] == ["20.0", "3.0"]


def test_the_same_transaction_of_one_visitor_is_one_conversion_and_of_another_is_not() -> None:
    told = [
        event("purchase", message_id="m1", transaction_id="T1"),
        event("purchase", message_id="m2", transaction_id="T1"),
        event("purchase", message_id="m3", transaction_id="T1", visitor_id="eve"),
        event("purchase", message_id="m4"),
        event("purchase", message_id="m5"),
    ]
    ids = [line[0] for line in lines(rows_of(records(EVENTS.name, *told)), "staged_conversion")]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


def test_only_engagement_and_clicks_are_interactions() -> None:
    told = [event("user_engagement", click_count=3), event("click", element="buy"), event("page_view"), event("search")]
    rows = lines(rows_of(records(EVENTS.name, *told)), "staged_interaction")
    assert [(line[3], line[9], line[11]) for line in rows] == [
        ("user_engagement", "3", "{}"),
        ("click", "\\N", '{"element":"buy"}'),
    ]


def test_where_was_clicked_is_part_of_an_interaction() -> None:
    told = event("user_engagement", clicks=[{"x": 0.5, "y": 12.0, "is_rage": True}], page_height_px=900.0)
    ((*_, clicks, height),) = lines(rows_of(records(EVENTS.name, told)), "staged_interaction")
    assert (clicks, height) == ('[{"x":0.5,"y":12.0,"is_rage":true}]', "900.0")


def test_of_a_session_only_the_last_and_fullest_features_are_written() -> None:
    told = [features(session_id="s", event_count=n, cart_value=float(n)) for n in (1, 3, 2)]
    again = features(session_id="s", event_count=3, cart_value=30.0)
    (line,) = lines(rows_of(records(SESSION_FEATURES.name, *told, again)), "staged_session")
    assert "30.0" in line


def test_of_a_session_only_the_last_outcome_is_written() -> None:
    told = [outcome(session_id="s", event_count=n) for n in (1, 2)]
    ((_, *_, event_count, _, _, _, _),) = lines(rows_of(records(OUTCOMES.name, *told)), "staged_outcome")
    assert event_count == "2"


def test_replaced_ids_lead_to_the_session_that_holds_in_the_end() -> None:
    told = [features(session_id="s2", replaces=("s3",)), features(session_id="s1", replaces=("s2", "s3"))]
    assert sorted(lines(rows_of(records(SESSION_FEATURES.name, *told)), "staged_replacement")) == [
        ["s2", "s1"],
        ["s3", "s1"],
    ]


def test_ids_that_replace_each_other_do_not_hang() -> None:
    assert final_ids({"a": "b", "b": "c", "c": "d"}) == {"a": "d", "b": "d", "c": "d"}
    assert final_ids({"a": "b", "b": "a"}) == {}
    assert final_ids({"a": "a"}) == {}


def test_a_decision_without_an_incentive_leaves_its_columns_empty() -> None:
    plain, offered = lines(
        rows_of(records(DECISIONS.name, decision(), decision(incentive=incentive("i1")))), "staged_prediction"
    )
    assert len(plain) == len(offered)
    assert plain[15:21] == ["\\N"] * 5 + ["f"]
    assert offered[15:21] == ["i1", "discount", "10 % off", "10.0", "high", "t"]


def test_a_dead_letter_keeps_its_bytes() -> None:
    (line,) = lines(rows_of(records(EVENTS_DLQ.name, dead_letter(raw=b"\x00\\\n"))), "staged_dead_letter")
    assert line[4] == "\\\\x005c0a"


def test_only_what_the_sink_itself_buries_counts_as_buried_by_it() -> None:
    assert rows_of(records(EVENTS_DLQ.name, dead_letter())).buried == []


def test_what_cannot_be_decoded_is_a_dead_letter_that_tells_where_it_was() -> None:
    rows = rows_of(records(EVENTS.name, event(), b"nonsense", event()))
    assert len(rows.staged["staged_event"]) == 2
    (line,) = lines(rows, "staged_dead_letter")
    assert line[1:3] == ["persist", "undecodable"]
    assert line[-2:] == ["events/2/11", "\\N"]
    assert rows.buried == ["undecodable"]
    assert rows.next_offsets == {("events", 2): 13}


def test_the_same_bytes_at_the_same_place_are_one_dead_letter() -> None:
    (record,) = records(EVENTS.name, b"nonsense")
    assert dead_letter_of(record, "a", "b").dead_letter_id == dead_letter_of(record, "c", "d").dead_letter_id
    elsewhere = record._replace(offset=11)
    assert dead_letter_of(record, "a", "b").dead_letter_id != dead_letter_of(elsewhere, "a", "b").dead_letter_id


def test_a_buried_record_is_read_over_and_nothing_else_of_it_is_written() -> None:
    (record,) = records(EVENTS.name, event("purchase"))
    rows = buried(record, "no such number")
    assert list(rows.staged) == ["staged_dead_letter"]
    assert rows.buried == ["refused_by_postgres"]
    assert rows.next_offsets == {("events", 2): 11}


@pytest.mark.parametrize("custom", [b"[]", b"null", b'"{"', b"1"])
def test_an_event_whose_custom_parameters_are_no_object_is_a_dead_letter_and_the_others_are_written(
    custom: bytes,
) -> None:
    wrong = [event(), event("purchase", value=20.0)]
    bodies = [ENCODER.encode(msgspec.structs.replace(each, custom=msgspec.Raw(custom))) for each in wrong]
    rows = rows_of(records(EVENTS.name, *bodies, event()))
    assert [line[1:3] for line in lines(rows, "staged_dead_letter")] == [["persist", "undecodable"]] * 2
    assert len(lines(rows, "staged_event")) == 1
    assert lines(rows, "staged_conversion") == []
