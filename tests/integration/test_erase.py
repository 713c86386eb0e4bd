"""`shopstream erase`: nothing of the visitor is left in any table or state, whatever comes late, and who comes again is new."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.erasures import erasure_of
from runtime.settings import KafkaSettings
from tests.factories import at, dead_letter, decision, event, features, incentive, outcome
from tests.integration.test_privacy import everything_in_kafka, everything_in_postgres, post
from tests.running import Running, running
from tests.tables import Tables
from tests.waiting import until

ADA = "ada-0123456789abcdef"


def visit(who: str, clock: str, session_id: str) -> list[msgspec.Struct]:
    """Everything that can be told of a visitor who buys, was offered something, and sent a call that nobody could read."""
    end = clock.replace(":00", ":09")
    told = {"visitor_id": who, "session_id": session_id}
    return [
        event("page_view", clock, visitor_id=who, message_id=f"{session_id}-view", user_id=f"user-of-{who}"),
        event("user_engagement", clock, visitor_id=who, message_id=f"{session_id}-use", click_count=3),
        event("purchase", end, visitor_id=who, message_id=f"{session_id}-buy", value=9.0, transaction_id=session_id),
        features(clock, end, **told, event_count=3, purchase_count=1, revenue=9.0, add_to_cart_count=1),
        decision(clock, **told, decision_id=f"d-{session_id}", event_count=2, incentive=incentive(f"i-{session_id}")),
        outcome(clock, end, **told, event_count=3, has_purchased=True, purchase_count=1, revenue=9.0),
        dead_letter(end, dead_letter_id=f"l-{session_id}", visitor_id=who, raw=b"not JSON"),
    ]


BEFORE = visit(ADA, "12:00", "s-before")
AFTER = visit(ADA, "13:00", "s-after")
BOB = visit("bob", "12:00", "s-bob")
ERASURE = erasure_of(ADA, at("12:30"))


def emptied(tables: Tables) -> None:
    tables.empty()
    with tables.connection, tables.connection.cursor() as cursor:
        cursor.execute("delete from erasure")


def test_in_whatever_order_the_topics_are_read_only_the_erased_time_is_gone(database: str) -> None:
    with Tables(database) as tables:
        tables.write(*AFTER, *BOB)
        expected = tables.everything()
        assert all(expected[name] for name in expected.keys() - {"replaced_session"})
        for seed in range(40):
            emptied(tables)
            told: list[msgspec.Struct] = [*BEFORE, *AFTER, *BOB, ERASURE]
            random.Random(seed).shuffle(told)
            size = 1 + seed % 7
            for start in range(0, len(told), size):
                tables.write(*told[start : start + size])
            found = tables.everything()
            assert found == expected, (seed, {name: found[name] for name in found if found[name] != expected[name]})
            assert tables.rows("select (erased_rows ->> 'events')::int from erasure") == [3]


def test_a_sink_that_starts_anew_still_passes_over_what_is_late(database: str) -> None:
    with Tables(database) as tables:
        tables.write(*BEFORE)
        tables.write(ERASURE)
        assert not any(tables.everything().values())
    with Tables(database) as tables:
        tables.write(*BEFORE)
        assert not any(tables.everything().values())
        assert tables.rows("select erased_rows -> 'sessions', erased_rows -> 'events' from erasure") == [(1, 6)]


def test_bytes_that_nobody_could_read_go_when_they_name_the_visitor(database: str) -> None:
    with Tables(database) as tables:
        tables.write(
            dead_letter("12:00", dead_letter_id="l1", visitor_id=None, raw=f'{{"anonymousId":"{ADA}"'.encode()),
            dead_letter("12:00", dead_letter_id="l2", visitor_id=None, raw=b'{"anonymousId":"bob"'),
            dead_letter("12:40", dead_letter_id="l3", visitor_id=None, raw=ADA.encode()),
        )
        tables.write(ERASURE)
        assert tables.rows("select dead_letter_id from dead_letter order by 1") == ["l2", "l3"]


def erase(shop: Running, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {
        **os.environ,
        "SHOPSTREAM_POSTGRES_DSN": shop.dsn,
        "SHOPSTREAM_KAFKA_BROKERS": ",".join(shop.kafka.brokers),
    }
    return subprocess.run(
        [sys.executable, "-m", "shopstream", "erase", *arguments],
        cwd=shop.folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def call(who: str, name: str, number: str, **others: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "anonymousId": who, "messageId": f"{who}-{number}", **others}


@pytest.mark.parametrize("store", ["memory", "rocksdb"])
def test_a_person_is_forgotten_on_all_devices_and_may_come_again(
    broker: KafkaSettings, database: str, tmp_path: Path, store: str
) -> None:
    phone, desk = ADA, "desk-0123456789abcdef"
    settings = {"SHOPSTREAM_PROCESS_STORE": store, "SHOPSTREAM_PROCESS_STATE_DIR": str(tmp_path / "state")}
    with running(broker, database, tmp_path, names=("persist", "process", "ingest"), **settings) as shop:
        url = f"{shop.urls['ingest']}/v1/batch"
        buys = {"properties": {"revenue": 20, "order_id": "o1"}}
        first = [call(phone, "Product Viewed", "1"), call(phone, "Order Completed", "2", **buys)]
        others = [call(desk, "Product Viewed", "1", userId="lovelace"), call("bob", "Product Viewed", "1")]
        named = {"type": "identify", "anonymousId": phone, "userId": "lovelace", "messageId": "who"}
        post(url, {"writeKey": "demo", "batch": [*first, named, *others]})
        until(lambda: shop.query("select count(*) from predictions") != [(0,)], 60)
        until(lambda: shop.query("select count(*) from events where session_id is not null") == [(5,)], 60)

        asked = erase(shop, "lovelace", "--user")
        assert (asked.returncode, asked.stderr) == (
            2,
            "shopstream: erasing cannot be undone; say --yes where nobody can be asked\n",
        )
        done = erase(shop, "lovelace", "--user", "--yes", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        receipt = json.loads(done.stdout)
        assert receipt["is_done"]
        assert [each["visitor_id"] for each in receipt["erasures"]] == [phone, desk]
        assert [each["erased_rows"]["events"] for each in receipt["erasures"]] == [3, 1]
        left = everything_in_postgres(shop)
        assert phone not in left
        assert desk not in left
        assert "lovelace" not in left
        assert shop.query("select visitor_id from users") == [("bob",)]

        post(url, {"writeKey": "demo", "batch": [call(phone, "Product Viewed", "3")]})
        history = "select previous_session_count, previous_purchase_count, event_count, user_id from sessions"
        until(lambda: shop.query(f"{history} where visitor_id = %s", phone) == [(0, 0, 1, None)], 60)
        assert shop.query("select session_count from users where visitor_id = %s", phone) == [(1,)]

        nobody = erase(shop, "lovelace", "--user", "--yes")
        assert nobody.returncode == 1
        assert "nobody stored in Postgres was user lovelace" in nobody.stderr

        page = erase(shop, phone, "--yes")
        assert page.returncode == 0, page.stdout + page.stderr
        assert "1 events" in page.stdout
        assert "Kafka takes no single record out of its log" in page.stdout


def test_what_no_visitor_is_called_is_not_erased(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "shopstream", "erase", "x" * 129, "--yes"]
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (refused.returncode, refused.stderr) == (2, "shopstream: a visitor id has 1 to 128 characters\n")


def test_while_nothing_runs_the_erasure_waits_on_the_log(broker: KafkaSettings, database: str, tmp_path: Path) -> None:
    with running(broker, database, tmp_path, names=("ingest",)) as shop:
        post(f"{shop.urls['ingest']}/v1/batch", {"writeKey": "demo", "batch": [call(ADA, "Product Viewed", "1")]})
        waits = erase(shop, ADA, "--yes", "--timeout", "1")
        assert waits.returncode == 1
        assert "waits for `shopstream persist`" in waits.stdout
        assert "waits for `shopstream process`" in waits.stdout
        with running(broker, database, tmp_path, names=("persist", "process")):
            until(lambda: shop.query("select erased_rows from erasure") == [({"events": 1},)], 60)
            assert ADA not in everything_in_postgres(shop)
        assert ADA in everything_in_kafka(broker)  # as the receipt says
