"""The shop's own history: the events that the sink stored, as they were on the topic, visitor by visitor."""

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

import msgspec
from psycopg2.extensions import connection as Connection

from contracts.events import Context, Event, Properties
from runtime.settings import PostgresSettings
from shopstream.environ import environ
from sql import files
from sql.connection import connect

ROWS_AT_ONCE: Final = 10_000
_typed: Final = msgspec.json.Decoder(Properties)
_context: Final = msgspec.json.Decoder(Context)
_parameters: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def own_history(part: int, parts: int) -> tuple[int, Iterator[list[Event]]]:
    """How many events of closed sessions a part of the visitors has, and each visitor's. Raises `PostgresUnreachable`."""
    dsn = PostgresSettings.from_environ(environ()).dsn
    with closing(connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(files.statement("count_own_history"), {"part": part, "parts": parts})
        (count,) = cursor.fetchone() or (0,)
    return count, _stories(dsn, part, parts)


def event_of_row(row: Sequence[Any]) -> Event:
    """A row of `own_history.sql` as the event that it was. Parameters that nobody typed are custom ones again."""
    message_id, write_key, visitor_id, user_id, event_name, occurred_at, received_at, parameters, context, *privacy = (
        row
    )
    custom = {
        name: value
        for name, value in _parameters.decode(parameters).items()
        if name not in Properties.__struct_fields__
    }
    consent, signals, bot_score = privacy
    return Event(
        message_id=message_id,
        write_key=write_key,
        visitor_id=visitor_id,
        user_id=user_id,
        event_name=event_name,
        occurred_at=occurred_at,
        received_at=received_at,
        properties=_properties(parameters),
        custom=msgspec.Raw(msgspec.json.encode(custom)),
        context=_context.decode(context),
        consent=consent,
        privacy_signals=tuple(signals),
        bot_score=bot_score,
    )


def _properties(stored: str) -> Properties:
    """Stored beside a page's own parameters, which win where both have a name: what is then not of its type was never read."""
    try:
        return _typed.decode(stored)
    except msgspec.ValidationError:
        found = Properties()
        for name, value in _parameters.decode(stored).items():
            with suppress(msgspec.ValidationError):
                if name in Properties.__struct_fields__:
                    typed = _typed.decode(b'{"%s":%s}' % (name.encode(), value))
                    found = msgspec.structs.replace(found, **{name: getattr(typed, name)})
        return found


def _stories(dsn: str, part: int, parts: int) -> Iterator[list[Event]]:
    with closing(connect(dsn)) as connection:
        for _, story in groupby(_events(connection, part, parts), key=attrgetter("visitor_id")):
            yield list(story)


def _events(connection: Connection, part: int, parts: int) -> Iterator[Event]:
    # A cursor of the server's: the history of a shop need not fit our memory.
    with connection.cursor(name="own_history") as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(files.statement("own_history"), {"part": part, "parts": parts})
        for row in cursor:
            yield event_of_row(row)
