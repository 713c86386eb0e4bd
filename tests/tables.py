"""A migrated database with a sink on it, for tests that tell it things and look at what it holds."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Self

import msgspec
import psycopg2.extras

from contracts.codec import ENCODER
from contracts.dead_letters import DeadLetter
from contracts.decisions import Decision
from contracts.events import Event
from contracts.features import SessionFeatures
from contracts.outcomes import Outcome
from contracts.topics import DECISIONS, EVENTS, EVENTS_DLQ, OUTCOMES, SESSION_FEATURES
from sql.connection import connect
from sql.migrate import migrate
from stream_processors.persist import store
from stream_processors.persist_postgres import PostgresSink
from stream_processors.persist_rows import DECODERS, Record

TOPIC: Final = {
    Event: EVENTS.name,
    SessionFeatures: SESSION_FEATURES.name,
    Decision: DECISIONS.name,
    Outcome: OUTCOMES.name,
    DeadLetter: EVENTS_DLQ.name,
}
TABLES: Final = [
    "events",
    "sessions",
    "carts",
    "predictions",
    "personas",
    "incentives",
    "conversions",
    "interactions",
    "users",
    "outcome",
    "dead_letter",
    "replaced_session",
]
NOW: Final = datetime(2026, 3, 3, tzinfo=UTC)


class Tables:
    """A migrated database with a sink on it, and what it holds."""

    def __init__(self, dsn: str) -> None:
        migrate(dsn)
        self.dsn = dsn
        self.connection = connect(dsn)
        self.sink = PostgresSink(self.connection, "cluster-1")
        self.sink.read_offsets([(topic, 0) for topic in DECODERS])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def write(self, *batch: msgspec.Struct | bytes) -> None:
        """Store one batch. Bytes are a record of topic `events` as it is."""
        store(self.sink, self.records(batch))

    def records(self, batch: Sequence[msgspec.Struct | bytes]) -> list[Record]:
        offsets = dict(self.sink.offsets)
        records = []
        for each in batch:
            topic = EVENTS.name if isinstance(each, bytes) else TOPIC[type(each)]
            value = each if isinstance(each, bytes) else ENCODER.encode(each)
            records.append(Record(topic, 0, offsets[topic, 0], value, NOW))
            offsets[topic, 0] += 1
        return records

    def rows(self, query: str) -> list[Any]:
        """The rows of a query; a row of one column is its value."""
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(query)
            return [row[0] if len(row) == 1 else row for row in cursor.fetchall()]

    def view(self, name: str, order_by: str = "1", where: str = "true") -> list[dict[str, Any]]:
        """The rows of a view, by column."""
        with self.connection, self.connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(f"select * from {name} where {where} order by {order_by}")
            return [dict(row) for row in cursor.fetchall()]

    def everything(self) -> dict[str, list[Any]]:
        """All rows of all tables, without our own clock."""
        return {
            name: sorted(self.rows(f"select to_jsonb(t) - 'processed_at' from {name} t"), key=str) for name in TABLES
        }

    def empty(self) -> None:
        with self.connection, self.connection.cursor() as cursor:
            for name in TABLES:
                cursor.execute(f"delete from {name}")
