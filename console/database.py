"""A few read-only Postgres connections, used from worker threads, that come back by themselves after Postgres does."""

import contextlib
import queue
from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg2
from psycopg2.errors import InsufficientPrivilege, QueryCanceled, UndefinedColumn, UndefinedTable
from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor

from sql.connection import PostgresUnreachable, connect, cut_off_after, unreachable

WAIT_S: Final = 3
ANSWER_S: Final = 8
"""Longer than Postgres itself lets a statement take: only a server that is frozen needs it."""
HABITS: Final = "set default_transaction_read_only = on; set statement_timeout = 5000"

Row = Mapping[str, Any]


class DatabaseUnreachable(ConnectionError):
    """Postgres cannot answer at this moment; the text says why and what to do."""


class Database:
    """Runs one select at a time on one of `size` connections, each opened when first needed."""

    def __init__(self, dsn: str, size: int = 4) -> None:
        self._dsn = dsn
        self._idle: queue.LifoQueue[Connection | None] = queue.LifoQueue()
        for _ in range(size):
            self._idle.put(None)

    def rows(self, select: str, values: Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of one select. Raises `DatabaseUnreachable`."""
        with (
            problems_told(self._dsn),
            self._connection() as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(select, values)
            rows: list[Any] = cursor.fetchall()
            return rows

    def problem(self) -> str | None:
        """A health check: one round trip."""
        try:
            self.rows("select 1 as one")
        except DatabaseUnreachable as error:
            return str(error)
        return None

    def close(self) -> None:
        """Close the connections that are idle."""
        with contextlib.suppress(queue.Empty):
            while True:
                if (connection := self._idle.get_nowait()) is not None:
                    connection.close()

    @contextlib.contextmanager
    def _connection(self) -> Iterator[Connection]:
        try:
            connection = self._idle.get(timeout=WAIT_S)
        except queue.Empty:
            raise DatabaseUnreachable("every connection to Postgres is busy; try again in a few seconds") from None
        try:
            if connection is not None and not _is_alive(connection):
                connection.close()
                connection = None
            if connection is None:
                connection = connect(self._dsn, timeout_s=WAIT_S)
                connection.cursor_factory = RealDictCursor
                connection.autocommit = True
                with cut_off_after(WAIT_S, connection), connection.cursor() as cursor:
                    cursor.execute(HABITS)
            with cut_off_after(ANSWER_S, connection):
                yield connection
        finally:
            if connection is not None and connection.closed:
                connection = None
            self._idle.put(connection)


@contextlib.contextmanager
def problems_told(dsn: str, patience: str = "five seconds") -> Iterator[None]:
    """What goes wrong with Postgres as `DatabaseUnreachable`, with what to do. `patience` is how long a statement may take."""
    try:
        yield
    except PostgresUnreachable as error:
        raise DatabaseUnreachable(str(error)) from error
    except (UndefinedTable, UndefinedColumn) as error:
        raise DatabaseUnreachable(f"{_first_line(error)}; run `shopstream migrate`") from error
    except QueryCanceled as error:
        raise DatabaseUnreachable(f"Postgres took longer than {patience}; try again, or look at its load") from error
    except InsufficientPrivilege as error:
        raise DatabaseUnreachable(f"{_first_line(error)}; grant the console's user select on the views") from error
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        raise DatabaseUnreachable(unreachable(dsn, error)) from error


def _is_alive(connection: Connection) -> bool:
    """Whether the server still holds the other end: a restart leaves idle connections that look open."""
    if connection.closed:
        return False
    try:
        with cut_off_after(WAIT_S, connection), connection.cursor() as cursor:
            cursor.execute("select 1")
    except psycopg2.Error:
        return False
    return True


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
