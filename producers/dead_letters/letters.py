"""The dead letters in Postgres: chosen, read a page at a time, and marked."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor

from contracts.dead_letters import DeadLetter, RequestEnvelope
from sql.files import statement

PAGE: Final = 100
"""Dead letters in memory at a time; each may be half a megabyte."""
MIN_ID_CHARACTERS: Final = 4
"""A shorter beginning of an id names none."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters; an empty field is any."""

    codes: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    write_keys: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    message: str | None = None
    """A part of the reason."""
    since: datetime | None = None

    @property
    def parameters(self) -> Row:
        return {
            name: (list(value) or None) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }


class Kept(NamedTuple):
    """A dead letter, and what people did about it."""

    letter: DeadLetter
    fix: str | None
    replayed_at: datetime | None
    replayed_as: str | None


class Mark(NamedTuple):
    """A dead letter that has become, or is to become, an event by a fix."""

    dead_letter_id: str
    message_id: str
    fix: str


EventId = tuple[str, str]
"""Write key and message id."""


def groups(connection: Connection, selection: Selection, *, is_all: bool, limit: int) -> list[Row]:
    """Dead letters by stage, code and message, the most frequent first."""
    return _rows(connection, "dead_letter_groups", {**selection.parameters, "is_all": is_all, "limit": limit})


def newest(connection: Connection, selection: Selection, *, is_all: bool, limit: int) -> list[Row]:
    """Dead letters without their bytes, newest first."""
    return _rows(connection, "newest_dead_letters", {**selection.parameters, "is_all": is_all, "limit": limit})


def named(connection: Connection, id: str) -> list[Kept]:
    """The dead letters whose id starts so; two are more than one."""
    exact = _kept(_rows(connection, "dead_letter_named", {"id": id, "min_characters": MIN_ID_CHARACTERS}))
    return [each for each in exact if each.letter.dead_letter_id == id] or exact


def count_waiting(connection: Connection, selection: Selection) -> int:
    (row,) = _rows(connection, "count_waiting_dead_letters", selection.parameters)
    return int(row["count"])


def waiting(connection: Connection, selection: Selection, page: int = PAGE) -> Iterator[list[Kept]]:
    """The chosen dead letters that were not replayed, oldest first; each page is a transaction of its own."""
    after: Row = {"after_at": "-infinity", "after_id": ""}
    while True:
        rows = _rows(connection, "waiting_dead_letters", {**selection.parameters, **after, "limit": page})
        if not rows:
            return
        yield _kept(rows)
        after = {"after_at": rows[-1]["received_at"], "after_id": rows[-1]["dead_letter_id"]}


def with_known_event(connection: Connection, events: Sequence[tuple[DeadLetter, EventId]]) -> set[str]:
    """Ids of those dead letters whose event, as given, need not be sent: it is stored, or another dead letter has become it."""
    values = {
        "ids": [letter.dead_letter_id for letter, _ in events],
        "stages": [letter.stage for letter, _ in events],
        "write_keys": [write_key for _, (write_key, _) in events],
        "message_ids": [message_id for _, (_, message_id) in events],
    }
    return {row["dead_letter_id"] for row in _rows(connection, "known_events", values)}


def mark_replayed(connection: Connection, marks: Sequence[Mark]) -> None:
    _mark(connection, "mark_replayed", marks)


def mark_fixed(connection: Connection, marks: Sequence[Mark]) -> None:
    _mark(connection, "mark_fixed", marks)


def _mark(connection: Connection, name: str, marks: Sequence[Mark]) -> None:
    values = {
        "ids": [mark.dead_letter_id for mark in marks],
        "message_ids": [mark.message_id for mark in marks],
        "fixes": [mark.fix for mark in marks],
    }
    with connection, connection.cursor() as cursor:
        cursor.execute(statement(name), values)


def _rows(connection: Connection, name: str, parameters: Row) -> list[Row]:
    with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(statement(name), parameters)
        return [dict(row) for row in cursor.fetchall()]


def _kept(rows: Iterable[Row]) -> list[Kept]:
    return [
        Kept(
            DeadLetter(
                **{name: row[name] for name in DeadLetter.__struct_fields__}
                | {
                    "raw": bytes(row["raw"]),
                    "envelope": row["envelope"] and msgspec.convert(row["envelope"], RequestEnvelope),
                }
            ),
            row["fix"],
            row["replayed_at"],
            row["replayed_as"],
        )
        for row in rows
    ]
