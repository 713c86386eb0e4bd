"""The sink's side of Postgres: rows and the offsets behind them, in one transaction."""

from collections.abc import Iterable
from io import BytesIO
from typing import Final

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from sql.files import statement
from sql.migrate import require_current
from stream_processors.persist_rows import Partition, Rows

BAD_DATA: Final = ("22", "23", "54")
"""SQLSTATE classes that blame the row: data exception, integrity violation, program limit exceeded (a key too long)."""

COPY_BYTES: Final = 262_144
"""Sent to Postgres at a time."""

LEFT_ALONE_S: Final = 30
"""After that Postgres ends a transaction whose sink was suspended or lost in the middle of it: another one waits for its locks."""

ERASING: Final = ("insert_erasure", "erase_visitors", "skip_erased")
"""Before all others, where anybody was erased lately or is now."""

STEPS: Final = (
    ("add_replacements", {"staged_replacement"}),
    ("repoint_rows", {"staged_replacement"}),
    ("delete_void_sessions", {"staged_replacement"}),
    ("skip_void_sessions", {"staged_session", "staged_prediction", "staged_outcome"}),
    # Decisions before sessions and sessions before events: then most rows are written once, with all that they need.
    ("insert_predictions", {"staged_prediction"}),
    ("upsert_sessions", {"staged_session"}),
    ("score_sessions", {"staged_prediction"}),
    ("upsert_personas", {"staged_prediction", "staged_replacement"}),
    ("upsert_carts", {"staged_session"}),
    ("upsert_users", {"staged_session", "staged_erasure"}),
    ("insert_events", {"staged_event"}),
    ("insert_interactions", {"staged_interaction"}),
    ("upsert_conversions", {"staged_conversion"}),
    ("link_to_sessions", {"staged_session"}),
    ("upsert_incentives", {"staged_prediction"}),
    ("report_incentives", {"staged_prediction", "staged_event"}),
    ("upsert_outcome", {"staged_outcome"}),
    ("insert_dead_letter", {"staged_dead_letter"}),
)
"""The statements of a transaction in order, each with the staging tables that call for it."""


class OffsetsMoved(RuntimeError):
    """Another sink has written what this one was about to write."""


class PostgresSink:
    """Writes rows together with the offsets to read next; two sinks on one database never write a record twice.

    Raises `SchemaError` when the database is not migrated.
    """

    def __init__(self, connection: Connection, cluster_id: str) -> None:
        self._connection = connection
        self._cluster_id = cluster_id
        self.offsets: dict[Partition, int] = {}
        """The offset to read next, for each partition, as this sink last knew it."""
        self._has_erasures = False
        require_current(connection)
        with connection, connection.cursor() as cursor:
            cursor.execute(statement("create_staging"))
            cursor.execute(statement("end_idle_transactions"), {"after_s": LEFT_ALONE_S})

    def read_offsets(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """The offset to read next, for each partition; 0 where nothing was read before."""
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(statement("add_offsets"), self._named(partitions))
            self.offsets = self._lock_offsets(cursor)
            cursor.execute(statement("has_erasures"))
            self._has_erasures = bool((cursor.fetchone() or (False,))[0])
        return self.offsets

    def write(self, rows: Rows) -> dict[str, int]:
        """Write all or nothing; returns how many rows each table got. Raises `OffsetsMoved` and `psycopg2.Error`."""
        counts: dict[str, int] = {}
        with self._connection, self._connection.cursor() as cursor:
            if self._lock_offsets(cursor) != self.offsets:
                raise OffsetsMoved("another sink is at work on this database; this one stands by")
            for table, lines in rows.staged.items():
                cursor.copy_from(BytesIO(b"\n".join(lines)), table, size=COPY_BYTES)
            has_erasures = self._has_erasures or "staged_erasure" in rows.staged
            for name in ERASING if has_erasures else ():
                cursor.execute(statement(name))
            for name, tables in STEPS:
                if tables & rows.staged.keys():
                    cursor.execute(statement(name))
                    verb, _, table = name.partition("_")
                    if verb in ("insert", "upsert"):
                        counts[table] = cursor.rowcount
            advanced = {**self._named(rows.next_offsets), "next_offsets": list(rows.next_offsets.values())}
            cursor.execute(statement("advance_offsets"), advanced)
        self.offsets = {**self.offsets, **rows.next_offsets}
        self._has_erasures = has_erasures
        return counts

    def take_snapshot(self) -> None:
        """Keep this minute's `dashboard_realtime`."""
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(statement("take_snapshot"))

    def _named(self, partitions: Iterable[Partition]) -> dict[str, str | list[str] | list[int]]:
        topics, numbers = zip(*partitions, strict=True)
        return {"cluster_id": self._cluster_id, "topics": list(topics), "partitions": list(numbers)}

    def _lock_offsets(self, cursor: Cursor) -> dict[Partition, int]:
        cursor.execute(statement("lock_offsets"), {"cluster_id": self._cluster_id})
        return {(topic, number): offset for topic, number, offset in cursor.fetchall()}


def blames_the_row(error: psycopg2.Error) -> bool:
    """Whether writing the same again would fail again because of what is in the rows."""
    return (error.pgcode or "")[:2] in BAD_DATA
