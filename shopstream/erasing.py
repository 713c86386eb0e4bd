"""Forgetting visitors: the erasures put on topic `events`, and what the stream and the sink did about them."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from psycopg2.extensions import connection as Connection

from contracts.erasures import erasure_of
from contracts.topics import EVENTS, TOPICS
from producers.ingest.records import event_record
from runtime.kafka import admin, durable_producer
from runtime.settings import KafkaSettings
from sql import files

LOOK_EVERY_S: Final = 0.5


class Known(msgspec.Struct, frozen=True):
    """What is stored of some visitors."""

    event_count: int
    session_count: int
    purchase_count: int
    received_at: datetime | None
    """When ingest received the newest of it."""


class Erasure(msgspec.Struct):
    """One erasure on its way."""

    visitor_id: str
    erasure_id: str
    erased_at: datetime
    partition: int
    offset: int
    """Where it is on topic `events`."""
    visitor_digest: str | None = None
    """SHA-256 of the visitor's id: what stays in table `erasure`, so that the erasure can be shown, and nobody found by it."""
    done_at: datetime | None = None
    """When the rows went; None while the sink has not come to it."""
    erased_rows: dict[str, int] = {}
    """Rows that went, by table."""
    is_forgotten_by_stream: bool = False

    @property
    def is_done(self) -> bool:
        return self.done_at is not None and self.is_forgotten_by_stream


def visitors_of(connection: Connection, user_id: str) -> list[str]:
    """Every visitor that Postgres knows to have been this user at some time."""
    return [visitor_id for (visitor_id,) in _rows(connection, "visitors_of_user", {"user_id": user_id})]


def known_of(connection: Connection, visitor_ids: Sequence[str]) -> Known:
    (row,) = _rows(connection, "known_of_visitors", {"visitor_ids": list(visitor_ids)})
    return Known(*row)


def publish(kafka: KafkaSettings, visitor_ids: Sequence[str], at: datetime) -> list[Erasure]:
    """Put an erasure for each visitor on topic `events`, acknowledged. Raises `KafkaUnreachable` and `KafkaError`."""
    erasures = []
    with closing(durable_producer(kafka)) as producer:
        for visitor_id in visitor_ids:
            event = erasure_of(visitor_id, at)
            record = event_record(event)
            sent = producer.send(record.topic, record.value, key=record.key, headers=record.headers).get(timeout=10)
            erasures.append(Erasure(visitor_id, event.message_id, at, sent.partition, sent.offset))
    return erasures


def follow(
    erasures: Sequence[Erasure], connection: Connection, kafka: KafkaSettings, app_id: str, timeout_s: float
) -> Iterator[int]:
    """Look again and again until all are done or time is up; yields how many are, and notes in each what was found."""
    deadline = time.monotonic() + timeout_s
    with closing(admin(kafka)) as client:
        while True:
            _note_rows(erasures, connection)
            _note_stream(erasures, client.list_group_offsets(app_id).get(app_id, {}))
            done = sum(each.is_done for each in erasures)
            yield done
            if done == len(erasures) or time.monotonic() > deadline:
                return
            time.sleep(LOOK_EVERY_S)


def kept_until(erased_at: datetime) -> dict[str, datetime]:
    """Until when Kafka keeps what it has, by topic: no single record can be taken out of its log."""
    return {topic.name: erased_at + topic.retention for topic in TOPICS}


def now_or_later(known: Known) -> datetime:
    """The moment until which everything goes: not before the newest of it, should ingest's clock be ahead."""
    now = datetime.now(UTC)
    return now if known.received_at is None else max(now, known.received_at)


def _note_rows(erasures: Sequence[Erasure], connection: Connection) -> None:
    by_id = {each.erasure_id: each for each in erasures}
    for erasure_id, digest, _, done_at, erased_rows in _rows(connection, "erasures_done", {"erasure_ids": list(by_id)}):
        erasure = by_id[erasure_id]
        erasure.visitor_digest, erasure.done_at, erasure.erased_rows = digest, done_at, erased_rows


def _note_stream(erasures: Sequence[Erasure], committed: dict[Any, Any]) -> None:
    reached = {place.partition: told.offset for place, told in committed.items() if place.topic == EVENTS.name}
    for each in erasures:
        each.is_forgotten_by_stream = reached.get(each.partition, 0) > each.offset


def _rows(connection: Connection, name: str, values: dict[str, Any]) -> list[Any]:
    with connection, connection.cursor() as cursor:
        cursor.execute(files.statement(name), values)
        return cursor.fetchall()
