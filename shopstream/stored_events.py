"""What the pipeline has stored in Postgres as examples: visitor by visitor through the fold of the stream, never all at once."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from typing import Any, Final

import msgspec

from contracts.events import Context, Event, Properties
from models.examples import Example, examples_of
from models.tables import Table, table_of
from shopstream.event_logs import REPORT_EVERY, TAUGHT, Progress
from shopstream.failures import CommandFailed
from sql.connection import connect
from sql.files import statement

FETCHED: Final = 5_000
"""Rows that Postgres sends at a time."""


def table_of_stored(dsn: str, progress: Progress = lambda done, total: None) -> Table:
    """Every session in Postgres, at the lengths that are learnt from. Raises `PostgresUnreachable`, `CommandFailed`.

    A session is labelled by what it has done so far, so those that are still open count as not buying: few, where there are days of them.
    """
    with closing(connect(dsn)) as connection, connection, connection.cursor() as counting:
        counting.execute("select count(*) from events")
        (total,) = counting.fetchone() or (0,)
        if not total:
            raise CommandFailed(
                "Postgres has no events yet; let the pipeline run (`shopstream up`), or train on a file with --from FILE --format …"
            )
        # A cursor with a name stays at the server, which sends some rows at a time.
        with connection.cursor("events_of_visitors") as cursor:
            cursor.itersize = FETCHED
            cursor.execute(statement("events_of_visitors"))
            return table_of(_examples(cursor, total, progress)).in_order()


def _examples(rows: Iterable[tuple[Any, ...]], total: int, progress: Progress) -> Iterator[Example]:
    done = 0
    for _, story in groupby(rows, key=lambda row: row[2]):
        events = [event_of_row(row) for row in story]
        yield from examples_of(events, lengths=TAUGHT, with_bots=True)
        before, done = done, done + len(events)
        if done // REPORT_EVERY > before // REPORT_EVERY or done == total:
            progress(done, total)


def event_of_row(row: tuple[Any, ...]) -> Event:
    """The event as the stream folded it; parameters that no step reads are left out."""
    *known, properties, context, consent, bot_score = row
    names = ("message_id", "write_key", "visitor_id", "user_id", "event_name", "occurred_at", "received_at")
    return Event(
        **dict(zip(names, known, strict=True)),
        properties=_properties(properties),
        context=msgspec.convert(context, Context),
        consent=consent,
        bot_score=bot_score,
    )


def _properties(stored: dict[str, Any]) -> Properties:
    """Stored beside a page's own parameters, which win where both have a name: what is then no longer of its type was never read."""
    try:
        return msgspec.convert(stored, Properties)
    except msgspec.ValidationError:
        kept = {}
        for name in Properties.__struct_fields__:
            if name in stored:
                try:
                    kept[name] = getattr(msgspec.convert({name: stored[name]}, Properties), name)
                except msgspec.ValidationError:
                    continue
        return Properties(**kept)
