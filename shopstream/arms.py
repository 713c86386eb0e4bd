"""What the sink stored of both arms, read visitor by visitor."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

from models.choices import Choice
from models.holdout import Seen
from runtime.settings import PostgresSettings
from shopstream.environ import environ
from sql import files
from sql.connection import connect

ROWS_AT_ONCE: Final = 10_000


def seen(days: int) -> Iterator[Seen]:
    """Every visitor decided for within so many days, once for each arm."""
    for visitor_id, arm, policies, *rest in _rows("visitors_by_arm", days):
        yield Seen(visitor_id, arm, tuple(policies), *rest)


def first_choices(days: int) -> Iterator[Choice]:
    """Of every visitor for whom an incentive was chosen within so many days, the first."""
    return (Choice(*row) for row in _rows("first_choices", days))


def _rows(statement: str, days: int) -> Iterator[tuple[Any, ...]]:
    dsn = PostgresSettings.from_environ(environ()).dsn
    with closing(connect(dsn)) as connection, connection, connection.cursor(name=statement) as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(files.statement(statement), {"days": days})
        yield from cursor
