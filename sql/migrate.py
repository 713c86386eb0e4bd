"""Bring Postgres to the current schema: migrations forward, each once, then the views."""

import time
from hashlib import sha256
from typing import Final

import psycopg2
from psycopg2.errors import (
    DeadlockDetected,
    DependentObjectsStillExist,
    DuplicateTable,
    LockNotAvailable,
    WrongObjectType,
)
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier

from sql import files
from sql.connection import connect

IN_USE: Final = (LockNotAvailable, DeadlockDetected)
LOCK_S: Final = 3
"""How long to wait for whoever uses a table: until then all who come after us wait as well, the sink among them."""
ATTEMPTS: Final = 5
PAUSE_S: Final = 1.0
"""Between two attempts, for those who waited behind us."""


class SchemaError(RuntimeError):
    """The database cannot be brought to this version's schema, or is not there yet; the text says what to do."""


def migrate(dsn: str) -> list[str]:
    """Apply what is missing, all or nothing; returns the names of the migrations applied and the views made again.

    Safe to call from several processes at once: the later ones wait and find nothing to do.
    Raises `PostgresUnreachable` or `SchemaError`.
    """
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_S)
        connection = connect(dsn)
        try:
            return _migrate(connection)
        except IN_USE as error:
            problem = error
            with connection, connection.cursor() as cursor:
                cursor.execute(files.statement("longest_user"))
                user = cursor.fetchone()
        finally:
            connection.close()
    who = "somebody" if user is None else "{1} ({2}, process {0}), for {3} s now,".format(*user)
    raise SchemaError(
        f"tables or views that must change are in use by {who} and nothing was changed; let that end, "
        "or end it with `select pg_terminate_backend(PROCESS)`, then run `shopstream migrate` again"
    ) from problem


def _migrate(connection: Connection) -> list[str]:
    with connection, connection.cursor() as cursor:
        cursor.execute(files.statement("lock_migrations"))
        cursor.execute(files.statement("create_migration_tables"))
        missing = _unapplied(_recorded(cursor, "applied_migrations"))
        views = files.views()
        if not missing and _recorded(cursor, "applied_views") == _checksums(views):
            return []
        cursor.execute(files.statement("limit_lock_waits"), {"at_most_s": LOCK_S})
        cursor.execute(files.statement("view_grants"))
        grants = cursor.fetchall()
        # A table cannot change under a view that reads it.
        _drop_views(cursor, views)
        _apply_migrations(cursor, missing)
        _make_views(cursor, views)
        for name, grant in grants:  # dropped with the view, and whoever reads it for Grafana would be refused
            if name in views:
                cursor.execute(grant)
        return [*missing, *views]


def require_current(connection: Connection) -> None:
    """Raises `SchemaError` unless every migration of this version is applied to the database."""
    with connection, connection.cursor() as cursor:
        cursor.execute(files.statement("find_migration_table"))
        (present,) = cursor.fetchone() or (False,)
        missing = _unapplied(_recorded(cursor, "applied_migrations") if present else {})
    if missing:
        raise SchemaError(f"the database has not had migration {missing[0]} yet; run `shopstream migrate`")


def outdated_views(connection: Connection) -> list[str]:
    """Names of this version's views that the database has not, or has in another form."""
    with connection, connection.cursor() as cursor:
        made = _recorded(cursor, "applied_views")
    return [name for name, text in _checksums(files.views()).items() if made.get(name) != text]


def _apply_migrations(cursor: Cursor, names: list[str]) -> None:
    texts = files.migrations()
    for name in names:
        try:
            cursor.execute(texts[name])
        except IN_USE:
            raise
        except psycopg2.Error as error:
            raise SchemaError(f"migration {name} failed and nothing was changed: {error}".strip()) from error
        cursor.execute(files.statement("record_migration"), {"name": name, "checksum": checksum(texts[name])})


def _unapplied(applied: dict[str, str]) -> list[str]:
    """Names of the migrations still to apply. Raises `SchemaError` when the past is not what we know."""
    texts = files.migrations()
    for name, recorded in applied.items():
        if name not in texts:
            raise SchemaError(
                f"the database has had migration {name}, which this version does not know; install the newer Shopstream"
            )
        if checksum(texts[name]) != recorded:
            raise SchemaError(
                f"migration {name} was edited after it was applied; restore it and put the change into a new file"
            )
    return [name for name in texts if name not in applied]


def _drop_views(cursor: Cursor, views: dict[str, str]) -> None:
    """Drop all views there are, also those that this version has no more."""
    known = SQL(", ").join([Identifier(name) for name in {**views, **_recorded(cursor, "applied_views")}])
    try:
        cursor.execute(SQL(files.statement("drop_views")).format(views=known))
    except DependentObjectsStillExist as error:
        raise SchemaError(
            f"a view of yours reads one of ours ({error.diag.message_detail}); "
            "drop it, run `shopstream migrate`, and create it again"
        ) from error
    except (WrongObjectType, DuplicateTable) as error:
        raise SchemaError(
            f"a table of yours has the name of one of our views ({error.diag.message_primary}); "
            "rename it, or give Shopstream a database of its own"
        ) from error


def _make_views(cursor: Cursor, views: dict[str, str]) -> None:
    cursor.execute(files.statement("forget_views"))
    for name, text in views.items():
        cursor.execute(text)
        cursor.execute(files.statement("record_view"), {"name": name, "checksum": checksum(text)})


def _recorded(cursor: Cursor, listing: str) -> dict[str, str]:
    """Name to checksum of what was applied."""
    cursor.execute(files.statement(listing))
    return dict(cursor.fetchall())


def _checksums(texts: dict[str, str]) -> dict[str, str]:
    return {name: checksum(text) for name, text in texts.items()}


def checksum(text: str) -> str:
    return sha256(text.replace("\r\n", "\n").encode()).hexdigest()
