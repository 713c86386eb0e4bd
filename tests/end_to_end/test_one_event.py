"""One click through all hops, as docs/follow-one-event.md tells it, on the embedded broker and on Apache Kafka."""

import json
import queue
import re
import secrets
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from contracts.ids import visitor_id_of
from contracts.topics import DECISIONS, EVENTS, PARTITIONS, SESSION_FEATURES, Topic
from runtime.settings import KafkaSettings
from tests.running import Running, running
from tests.waiting import until

PAGE = Path(__file__).parents[2] / "docs" / "follow-one-event.md"
BLOCKS: dict[str, Any] = {
    name: json.loads(text) for name, text in re.findall(r"```json (\S+)\n(.*?)```", PAGE.read_text(), re.DOTALL)
}


def told_in(expected: Any, found: Any) -> bool:
    """Whether everything the page says is so; `…` is anything but nothing."""
    if expected == "…":
        return found not in (None, "")
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(told_in(value, found.get(key)) for key, value in expected.items())
    if isinstance(expected, list):
        return len(expected) == len(found) and all(map(told_in, expected, found))
    return bool(expected == found)


def post(url: str, body: Any) -> Any:
    """What a page's fetch does: JSON as plain text."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "text/plain"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@contextmanager
def decisions_of(console: str, visitor_id: str, token: str) -> Iterator["queue.Queue[tuple[float, Any]]"]:
    """What an EventSource hears: each decision with the moment it came."""
    heard: queue.Queue[tuple[float, Any]] = queue.Queue()
    answer = urllib.request.urlopen(f"{console}/api/decisions/{visitor_id}/stream?token={token}", timeout=60)
    connection = answer.fp.raw._sock

    is_listening = threading.Event()
    is_listening.set()

    def listen() -> None:
        # Ends at the first line after the test has heard enough; the console sends a heartbeat now and then.
        with answer:
            while is_listening.is_set() and (line := answer.readline()):
                if line.startswith(b"data:"):
                    heard.put((time.monotonic(), json.loads(line[5:])))

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        yield heard
    finally:
        is_listening.clear()
        connection.shutdown(socket.SHUT_RDWR)  # ends a read that waits
        listener.join(20)


def record_on(kafka: KafkaSettings, topic: Topic, visitor_id: str) -> tuple[Any, dict[str, bytes]]:
    """The visitor's first record on a topic, with its headers."""
    partitions = [TopicPartition(topic.name, number) for number in range(PARTITIONS)]
    with closing(KafkaConsumer(bootstrap_servers=list(kafka.brokers), enable_auto_commit=False)) as consumer:
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for records in consumer.poll(timeout_ms=200).values():
                for record in records:
                    if record.key == visitor_id.encode():
                        return json.loads(record.value), dict(record.headers)
    raise AssertionError(f"no record of {visitor_id} on {topic.name}")


def test_one_click_is_found_at_every_hop(either_broker: KafkaSettings, database: str, tmp_path: Path) -> None:
    with running(either_broker, database, tmp_path) as shop:
        follow(shop)


def follow(shop: Running) -> None:
    secret = secrets.token_hex(32)
    visitor_id = visitor_id_of(secret)
    token = post(f"{shop.urls['console']}/api/decisions/token", {"visitor_secret": secret})["token"]
    now = datetime.now(UTC).isoformat()
    sent = json.loads(json.dumps(BLOCKS["sent"]))
    sent["batch"][0] |= {"anonymousId": visitor_id, "timestamp": now}
    sent["sentAt"] = now

    with decisions_of(shop.urls["console"], visitor_id, token) as heard:
        clicked_at = time.monotonic()
        assert post(f"{shop.urls['ingest']}/v1/batch", sent) == BLOCKS["answered"]
        heard_at, decision = heard.get(timeout=20)
    assert told_in(BLOCKS["decisions"], decision), decision
    assert 0 < decision["likelihood"] < 1
    assert heard_at - clicked_at < 5, "a decision is for a shopper who is still on the page"

    records = {topic: record_on(shop.kafka, topic, visitor_id) for topic in (EVENTS, SESSION_FEATURES, DECISIONS)}
    for topic, (value, headers) in records.items():
        assert told_in(BLOCKS[topic.name], value), value
        assert headers["ce_type"] == topic.type.encode()
        assert headers["ce_subject"] == visitor_id.encode()
        assert {"ce_id", "ce_source", "ce_time"} <= headers.keys()
        assert headers["ce_specversion"] == b"1.0"
    assert records[DECISIONS][0] == decision
    session_id = records[SESSION_FEATURES][0]["session_id"]

    def stored() -> Any:
        return shop.query(
            "select e.event_name, e.session_id, e.properties ->> 'shelf' from events e join predictions p"
            " on p.session_id = e.session_id where e.message_id = 'the-one-event'"
        )

    assert until(stored, what=lambda: shop.log("persist")) == [("add_to_cart", session_id, "window")]
    assert shop.query("select count(*) from events where visitor_id = %s", visitor_id) == [(1,)]
    live = "select cart_value, event_count, channel from live_sessions where session_id = %s"
    assert [(float(value), *rest) for value, *rest in shop.query(live, session_id)] == [(25.0, 1, "email")]
