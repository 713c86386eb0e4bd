"""A hundred broken events, one fix, one replay: every one is stored once, and doing it again changes nothing."""

import json
import re
import urllib.request
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.codec import ENCODER, EVENT_DECODER
from contracts.dead_letters import DeadLetter, RequestEnvelope
from contracts.events import Event
from runtime.settings import KafkaSettings
from shopstream.__main__ import main
from sql.connection import connect
from sql.migrate import migrate
from tests.factories import at, dead_letter, event
from tests.kafka_records import records_on
from tests.running import Running, running
from tests.tables import Tables
from tests.waiting import until

START = datetime.now(UTC) - timedelta(minutes=10)
PAGE = (Path(__file__).parents[2] / "docs" / "dead-letters.md").read_text()
(FIX,) = [" ".join(text.split()) for text in re.findall(r"```text fix\n(.*?)```", PAGE, re.DOTALL)]
(MAPPING,) = re.findall(r"```toml mapping\n(.*?)```", PAGE, re.DOTALL)
VISITORS = [f"visitor-{number}" for number in range(20)]

Run = Callable[..., str]


@pytest.fixture
def dlq(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs `shopstream dlq …` as a terminal would and gives what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, code: int = 0) -> str:
        assert main(["dlq", *arguments]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return run


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
    call = {"type": "track", "event": "add_to_cart", "anonymousId": "ada", "properties": {"value": "1,5"}}
    with Tables(database) as tables:
        tables.write(
            dead_letter("12:00", dead_letter_id="feed0001", message_id="derived", raw=json.dumps(call).encode())
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
    call = {
        "type": "track",
        "event": "add_to_cart",
        "anonymousId": "ada",
        "messageId": "m1",
        "properties": {"value": "1,5"},
    }
    # The browser's clock is three hours slow.
    raw = json.dumps({**call, "timestamp": "2026-03-02T08:59:00Z"}).encode()
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


def test_each_dead_letter_is_shown_with_what_its_fix_gives(
    database: str, dlq: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_DSN", database)
    call = {"type": "track", "event": "add_to_cart", "anonymousId": "x\u001b[31m", "properties": {"value": "1,5"}}
    with Tables(database) as tables:
        tables.write(
            dead_letter("12:00", dead_letter_id="feed0001", raw=json.dumps(call, ensure_ascii=False).encode()),
            dead_letter("12:01", dead_letter_id="feed0002", raw=b"\xff\x1b", code="unparsable", message="not JSON"),
            dead_letter("12:02", dead_letter_id="beef0003", stage="score", source="session-features/0/1", raw=b"{}"),
        )
    assert "ingest now  schema: properties.value must be a number" in dlq("show", "feed0001")
    assert "1 will be accepted, 2 cannot be fixed so" in dlq("fix", "number properties.value")
    shown = dlq("show", "feed0001")
    assert "fix         number properties.value" in shown
    assert '+    "value": 1.5' in shown
    assert "ingest now  accepted: add_to_cart of visitor x\\u001b[31m at 2026-03-02 12:00:00" in shown
    assert "\x1b" not in shown
    assert "the bytes cannot be read (unparsable)" in dlq("show", "feed0002")
    assert "the step that sent it makes it again" in dlq("show", "beef")
    assert "more than one dead letter begins with feed" in dlq("show", "feed", code=1)
    assert "there is no dead letter cafe" in dlq("show", "cafe", code=1)


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
    call = {
        "type": "track",
        "event": "add_to_cart",
        "anonymousId": "ada",
        "messageId": "m1",
        "properties": {"value": "1,5"},
    }
    with Tables(database) as tables:
        tables.write(dead_letter("12:00", dead_letter_id="feed0001", raw=json.dumps(call).encode()))
        dlq("replay", "--fix", "number properties.value")
        (record,) = records_on(broker, "events", 1)
        tables.write(buried(EVENT_DECODER.decode(record.value), stage="persist", code="refused_by_postgres"))
        assert "1 dead letter: 1 replayed" in dlq("replay")
        tables.write(*[record.value for record in records_on(broker, "events", 2)])
        assert tables.rows("select message_id from events") == ["m1"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fix"], "there is no fix"),
        (["fix", "explode properties"], "one of set, default, rename"),
        (["fix", "set properties.value = twelve"], "texts in double quotes"),
        (["fix", 'set messageId = "x"'], "would make many events one"),
        (["fix", "drop x", "--where", "event ~ 1"], "`=`, `!=` or `is` is wanted"),
        (["fix", "drop x", "--file", "rules.toml"], "not both"),
        (["replay", "--fix", ""], "the fix is empty"),
        (["replay", "--file", "rules.toml"], "rules.toml cannot be used"),
        (["ls", "--since", "yesterday"], "neither an age"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_read_is_said_in_one_sentence(
    arguments: list[str], words: str, database: str, dlq: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_DSN", database)
    migrate(database)
    (tmp_path / "rules.toml").write_text("[[rule]]\nfix = 'drop'\n")
    told = dlq(*arguments, code=2)
    assert words in told
    assert len(told.strip().splitlines()) == 1


def test_the_beginning_of_an_id_has_four_characters(database: str, dlq: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_DSN", database)
    with Tables(database) as tables:
        tables.write(dead_letter("12:00", dead_letter_id="feed0001"))
        assert "dead letter feed0001" in dlq("show", "feed")
        assert "give 4 or more characters of the id" in dlq("show", "fee", code=1)
        assert "there is no dead letter beef" in dlq("show", "beef", code=1)


def test_a_limit_that_no_list_reaches_is_refused(dlq: Run) -> None:
    assert "--limit" in dlq("ls", "--limit", "99999999999999999999", code=2)


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
