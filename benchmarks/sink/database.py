"""New databases with our tables, and what COPY takes for the rows of one of them."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Final, NamedTuple

import psutil
import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from runtime.settings import PersistSettings
from sql.migrate import migrate

IN_A_TRANSACTION: Final = PersistSettings().batch_rows
TABLES: Final = (
    *("events", "sessions", "users", "carts", "predictions", "personas", "incentives", "conversions", "interactions"),
    *("outcome", "dead_letter"),
)
"""What the sink writes from topics."""


class Taken(NamedTuple):
    """Of one round: rows written, seconds, and seconds of processor time, Postgres's and the writer's."""

    rows: int
    seconds: float
    processor_s: float


@contextmanager
def session(dsn: str) -> Iterator[Cursor]:
    """A cursor whose statements are transactions of their own."""
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """DSN of a database with our tables, gone afterwards."""
    name = f"sink_{secrets.token_hex(4)}"
    with session(server) as cursor:
        cursor.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    dsn = server.rsplit("/", 1)[0] + f"/{name}"
    migrate(dsn)
    yield dsn
    with session(server) as cursor:
        cursor.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def count(dsn: str, name: str) -> int:
    with session(dsn) as cursor:
        cursor.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(name)))
        ((rows,),) = cursor.fetchall()
        return int(rows)


def by_copy(written: str, empty: str, postgres: psutil.Process) -> Taken:
    """The rows of one database into the tables of another, as many in a transaction as the sink writes."""
    lines: dict[str, list[bytes]] = {}
    with session(written) as cursor:
        for name in TABLES:
            out = BytesIO()
            cursor.copy_expert(f"copy {name} to stdout", out)
            lines[name] = out.getvalue().splitlines(keepends=True)
    connection = psycopg2.connect(empty)
    before_s, began_at = processor_s(postgres) + time.process_time(), time.monotonic()
    for name, rows in lines.items():
        for start in range(0, len(rows), IN_A_TRANSACTION):
            with connection, connection.cursor() as cursor:
                cursor.copy_expert(f"copy {name} from stdin", BytesIO(b"".join(rows[start : start + IN_A_TRANSACTION])))
    seconds, used_s = time.monotonic() - began_at, processor_s(postgres) + time.process_time() - before_s
    connection.close()
    return Taken(sum(map(len, lines.values())), seconds, used_s)


def processor_s(*roots: psutil.Process) -> float:
    """Processor time of these processes, and of what runs that they have started."""
    total = 0.0
    for each in {process for root in roots for process in (root, *root.children(recursive=True))}:
        try:
            used = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += used.user + used.system
    return total
