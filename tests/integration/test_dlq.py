"""A hundred broken events, one fix, one replay: every one is stored once, and doing it again changes nothing."""

import json
import re
import urllib.request
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.codec import ENCODER, EVENT_DECODER
from contracts.dead_letters import DeadLetter, RequestEnvelope
from contracts.events import Event
from runtime.settings import KafkaSettings
from sql.connection import connect
from tests.dlq import Run
from tests.factories import at, dead_letter, event
from tests.kafka_records import records_on
from tests.running import Running, running
from tests.tables import Tables
from tests.waiting import until

START = datetime.now(UTC) - timedelta(minutes=10)
PAGE = (Path(__file__).parents[2] / "docs" / "dead-letters.md").read_text()
(FIX,) = [" ".join(text.split()) for text in re.findall(r"```text fix\n(.*?)```", PAGE, re.DOTALL)]
(MAPPING,) = re.findall(r"```toml mapping\n(.*?)```", PAGE, re.DOTALL)
CALL = {"type": "track", "event": "add_to_cart", "anonymousId": "ada", "properties": {"value": "1,5"}}
"""A price written as text, without an id."""
VISITORS = [f"visitor-{number}" for number in range(20)]


def test_a_hundred_broken_events_heal_with_one_fix_and_one_replay(
    broker: KafkaSettings, database: str, tmp_path: Path, dlq: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPSTREAM_KAFKA_BROKERS", ",".join(broker.brokers))
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_DSN", database)
    with running(broker, database, tmp_path, ("persist", "process", "ingest")) as shop:
        good = [page_view(visitor, 0) for visitor in VISITORS]
        bad = [broken(visitor, number) for visitor in VISITORS for number in range(1, 6)]
        answer = post(shop, "/v1/batch", {"batch": good + bad, "writeKey": "demo"})
        assert (answer["accepted"], answer["rejected"]) == (20, 100)
        whole_batch = {"batch": [page_view("nobody", 0)], "writeKey": "demo"}
        assert post(shop, "/v1/track", whole_batch)["rejected"] == 1
        wait_until(shop, {"dead_letter": 101, "waiting": 101, "events": 20, "sessions": 20, "folded": 20})
        received = shop.query("select message_id, received_at from dead_letter where message_id like 'broken%%'")

        listed = json.loads(dlq("ls", "--json", "--code", "schema"))
        assert [(group["dead_letters"], group["message"]) for group in listed["groups"]] == [
            (60, "properties.value must be a number"),
            (40, "event must be a text of 1 to 128 characters"),
        ]

        (tmp_path / "mapping.toml").write_text(MAPPING)
        assert "100 would be accepted" in dlq("fix", "--file", "mapping.toml", "--dry-run")
        tried = dlq("fix", FIX, "--dry-run")
        assert "101 dead letters: 100 would be accepted, 1 cannot be fixed so." in tried
        assert '-    "value": "12,50"' in tried
        assert '+    "value": 12.5' in tried
        assert "the bytes are a whole batch; a fix is for one event" in tried
        assert shop.query("select count(*) from dead_letter where fix is not null") == [(0,)]

        assert "101 dead letters: 100 will be accepted" in dlq("fix", FIX)
        assert "101 dead letters: 100 would be replayed" in dlq("replay", "--dry-run")
        assert len(records_on(broker, "events", 20)) == 20
        assert counted(shop) == {"dead_letter": 101, "waiting": 101, "events": 20, "sessions": 20, "folded": 20}

        assert "101 dead letters: 100 replayed, 1 cannot be fixed so." in dlq("replay")
        healed = {"dead_letter": 101, "waiting": 1, "events": 120, "sessions": 20, "folded": 120}
        wait_until(shop, healed)
        assert set(received) == set(
            shop.query("select message_id, received_at from events where message_id like 'broken%%'")
        )
        assert shop.query("select distinct write_key from events") == [("demo",)]
        carts = "select sum((properties ->> 'value')::numeric) from events where event_name = 'add_to_cart'"
        assert shop.query(carts) == [(60 * 12.5,)]
        assert shop.query("select event_count, add_to_cart_count from sessions") == [(6, 3)] * 20

        assert "1 dead letter: 0 replayed, 1 cannot be fixed so." in dlq("replay", "--fix", FIX)
        # The sender repairs its page and sends the same again, and someone forgets what was replayed.
        execute(shop, "update dead_letter set replayed_at = null, replayed_as = null, fix = null")
        again = dlq("replay", "--fix", FIX)
        assert "101 dead letters: 0 replayed, 100 are events that were stored or replayed before" in again
        assert counted(shop) == healed
        assert len(records_on(broker, "events", 120)) == 120
        assert [len(json.loads(dlq("ls", "--json", *more))["dead_letters"]) for more in ((), ("--all",))] == [1, 20]


def test_a_replay_that_was_cut_before_its_mark_stores_nothing_twice(
    broker: KafkaSettings, database: str, dlq: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPSTREAM_KAFKA_BROKERS", ",".join(broker.brokers))
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_DSN", database)
    with Tables(database) as tables:
        tables.write(
            dead_letter("12:00", dead_letter_id="feed0001", message_id="derived", raw=json.dumps(CALL).encode())
        )
        dlq("replay", "--fix", "number properties.value")
        dlq("replay")
        tables.rows("update dead_letter set replayed_at = null, replayed_as = null returning 1")
        dlq("replay", "--fix", "set properties.value = 2")
        values = [record.value for record in records_on(broker, "events", 2)]
        assert [json.loads(value)["message_id"] for value in values] == ["derived", "derived"]
        tables.write(*values)
        assert tables.rows("select message_id, properties -> 'value' from events") == [("derived", 1.5)]


def test_a_replayed_event_keeps_the_time_and_the_page_that_its_batch_told(
    broker: KafkaSettings, database: str, dlq: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPSTREAM_KAFKA_BROKERS", ",".join(broker.brokers))
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_DSN", database)
    # The browser's clock is three hours slow.
    raw = json.dumps({**CALL, "messageId": "m1", "timestamp": "2026-03-02T08:59:00Z"}).encode()
    context = {"page": {"title": "Lamp"}, "device": {"type": "mobile"}}
    envelope = RequestEnvelope(sent_at="2026-03-02T09:00:00Z", context=context)
    with Tables(database) as tables:
        tables.write(dead_letter("12:00", dead_letter_id="feed0001", raw=raw))
        assert "request" not in dlq("show", "feed0001")
        tables.write(dead_letter("12:00", dead_letter_id="feed0002", raw=raw, envelope=envelope))
        tables.rows("delete from dead_letter where dead_letter_id = 'feed0001' returning 1")
        dlq("replay", "--fix", "number properties.value")
        (record,) = records_on(broker, "events", 1)
    told = EVENT_DECODER.decode(record.value)
    assert (told.occurred_at, told.received_at) == (at("11:59"), at("12:00"))
    assert (told.context.page_title, told.context.device_type) == ("Lamp", "mobile")


def test_a_record_that_a_later_step_buried_goes_back_as_the_event_it_was(
    broker: KafkaSettings, database: str, dlq: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPSTREAM_KAFKA_BROKERS", ",".join(broker.brokers))
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_DSN", database)
    with Tables(database) as tables:
        tables.write(event("page_view", message_id="nul", title="a\0b"))
        assert tables.rows("select code from dead_letter") == ["refused_by_postgres"]
        assert "1 dead letter: 1 replayed" in dlq("replay", "--stage", "persist")
        tables.write(*[record.value for record in records_on(broker, "events", 1)])
        assert tables.rows("select message_id, properties ->> 'title' from events") == [("nul", "a\ufffdb")]


def test_an_event_that_sessions_could_not_take_in_is_sent_to_them_again_though_it_is_stored(
    broker: KafkaSettings, database: str, dlq: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPSTREAM_KAFKA_BROKERS", ",".join(broker.brokers))
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_DSN", database)
    stored = event("page_view", message_id="m1")
    with Tables(database) as tables:
        tables.write(stored, buried(stored, stage="sessionize", code="unfoldable"))
        assert "1 dead letter: 1 replayed" in dlq("replay")
        assert [record.value for record in records_on(broker, "events", 1)] == [ENCODER.encode(stored)]


def test_a_replayed_event_that_a_later_step_refuses_heals_once_more(
    broker: KafkaSettings, database: str, dlq: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPSTREAM_KAFKA_BROKERS", ",".join(broker.brokers))
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_DSN", database)
    with Tables(database) as tables:
        tables.write(
            dead_letter("12:00", dead_letter_id="feed0001", raw=json.dumps({**CALL, "messageId": "m1"}).encode())
        )
        dlq("replay", "--fix", "number properties.value")
        (record,) = records_on(broker, "events", 1)
        tables.write(buried(EVENT_DECODER.decode(record.value), stage="persist", code="refused_by_postgres"))
        assert "1 dead letter: 1 replayed" in dlq("replay")
        tables.write(*[record.value for record in records_on(broker, "events", 2)])
        assert tables.rows("select message_id from events") == ["m1"]


def buried(told: Event, **fields: Any) -> DeadLetter:
    """The dead letter of an event that a later step could not process."""
    raw = ENCODER.encode(told)
    return dead_letter("12:00", dead_letter_id="beef0001", raw=raw, source="events/0/0", write_key=None, **fields)


def page_view(visitor: str, second: int) -> dict[str, Any]:
    return {
        "type": "page",
        "messageId": f"good-{visitor}-{second}",
        "anonymousId": visitor,
        "timestamp": (START + timedelta(seconds=second)).isoformat(),
    }


def broken(visitor: str, number: int) -> dict[str, Any]:
    """Three of five write a price as text, the others wrap the event's name."""
    call = {**page_view(visitor, number), "type": "track", "messageId": f"broken-{visitor}-{number}"}
    if number <= 3:
        return {**call, "event": "add_to_cart", "properties": {"item_id": "tea", "value": "12,50"}}
    return {**call, "event": {"name": "view_item"}, "properties": {"item_id": "tea"}}


def post(shop: Running, path: str, body: Any) -> Any:
    request = urllib.request.Request(shop.urls["ingest"] + path, json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def counted(shop: Running) -> dict[str, int]:
    (row,) = shop.query(
        "select (select count(*) from dead_letter), (select count(*) from dead_letter where replayed_at is null),"
        " (select count(*) from events), (select count(*) from sessions), (select sum(event_count) from sessions)"
    )
    return dict(zip(("dead_letter", "waiting", "events", "sessions", "folded"), row, strict=True))


def wait_until(shop: Running, wanted: dict[str, int]) -> None:
    by_reason = "select stage, code, message, count(*) from dead_letter group by 1, 2, 3"
    until(lambda: counted(shop) == wanted, 40, lambda: (counted(shop), shop.query(by_reason)))


def execute(shop: Running, sql: str) -> None:
    with closing(connect(shop.dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql)
