"""Connections to Postgres, and whether one can be had."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Final

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import parse_dsn

PASSING: Final = ("starting up", "shutting down", "due to administrator command", "recovery mode")
"""How a server ends its refusal when it is about to go or to come back."""
CANNOT_GO_ON: Final = ("25", "53", "58")
"""SQLSTATE classes of a server that answers and cannot write: read-only, out of resources, its disk fails."""


class PostgresUnreachable(ConnectionError):
    """No connection could be had; the text says where it was tried, why it failed and what to do."""


def connect(dsn: str, *, timeout_s: int = 5) -> Connection:
    """A connection whose session speaks UTC. Raises `PostgresUnreachable`."""
    try:
        return psycopg2.connect(
            dsn,
            connect_timeout=timeout_s,
            application_name="shopstream",
            options="-c timezone=UTC",
            # A server that vanished without a word is noticed within half a minute, not after hours.
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=20_000,
        )
    except psycopg2.Error as error:
        raise PostgresUnreachable(unreachable(dsn, error)) from error


def unreachable(dsn: str, error: psycopg2.Error) -> str:
    """What went wrong and what to do, in one sentence that never shows the password."""
    try:
        parts = parse_dsn(dsn)
    except psycopg2.ProgrammingError:
        return "SHOPSTREAM_POSTGRES_DSN cannot be read; it takes postgresql://user:password@host:port/database"
    place = f"{parts.get('host', 'localhost')}:{parts.get('port', '5432')}/{parts.get('dbname', '')}"
    text = (str(error).strip() or repr(error)).splitlines()[0]
    if "FATAL:" in text and not text.endswith(PASSING):
        reason = text.rpartition("FATAL:")[2].strip()
        return f"Postgres at {place} refused us ({reason}); correct it there, or set SHOPSTREAM_POSTGRES_DSN"
    if (error.pgcode or "")[:2] in CANNOT_GO_ON:
        return f"Postgres at {place} cannot go on ({text}); look at its log"
    return f"Postgres does not answer at {place}; start it, or set SHOPSTREAM_POSTGRES_DSN to one that runs"


def postgres_check(dsn: str) -> Callable[[], str | None]:
    """A health check that connects and asks: None when Postgres works, else one sentence that says what is wrong."""

    def check() -> str | None:
        try:
            connection = connect(dsn, timeout_s=2)
        except PostgresUnreachable as error:
            return str(error)
        try:
            with connection.cursor() as cursor:
                cursor.execute("select 1")
        except psycopg2.Error as error:
            return unreachable(dsn, error)
        finally:
            connection.close()
        return None

    return check


@contextlib.contextmanager
def cut_off_after(seconds: float, connection: Connection) -> Iterator[None]:
    """Ends the connection when the block takes longer: a frozen server's kernel keeps it open for ever."""

    def cut_off() -> None:
        with contextlib.suppress(OSError, psycopg2.Error), socket.socket(fileno=os.dup(connection.fileno())) as end:
            end.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut_off)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
