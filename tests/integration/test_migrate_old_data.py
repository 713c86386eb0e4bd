"""A database of every earlier version, full of what a shop leaves there, becomes one of this version and loses nothing."""

import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

import msgspec
import psycopg2
import pytest

from models.decide import decide
from models.policy import Policy
from models.serving import Scorer
from models.session_features import outcome_of
from sql import files
from sql.connection import connect
from sql.migrate import migrate
from tests.chaos.streams_reference import final_sessions
from tests.chaos.streams_story import START, Story
from tests.factories import dead_letter
from tests.tables import TABLES, Tables

MIGRATIONS = files.migrations()
FILLED = [*TABLES, "sink_offset", "analytics_snapshots"]
COLUMNS = """select column_name, coalesce(column_default, 'null') from information_schema.columns
where table_schema = 'public' and table_name = %s order by ordinal_position"""


def told() -> list[msgspec.Struct]:
    """All that the stream tells of some hundred visits: half of it before the upgrade, the rest after."""
    events = [each.event for each in islice(Story("old", 80).records(), 1_000) if each.event]
    still_open, final = final_sessions({each.message_id: each for each in events}.values())
    scores = Scorer.load(None).score(list(still_open.values()))
    policy = Policy.load(None)
    records: list[msgspec.Struct] = [*events, *final.values(), dead_letter()]
    records += [
        decide(features, each, policy, now=START) for features, each in zip(still_open.values(), scores, strict=True)
    ]
    records += [outcome for features in final.values() if (outcome := outcome_of(features))]
    return records


TOLD = told()


@pytest.fixture(params=range(1, len(MIGRATIONS) + 1), ids=lambda count: f"of_{count}")
def old_database(request: pytest.FixtureRequest, database: str, other_database: str) -> tuple[str, str]:
    """A database that has had only the first migrations, with rows; and one of this version with the same rows.

    In the second, what the first has no column for is what a row of before has there.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "migrations", lambda: dict(list(MIGRATIONS.items())[: request.param]))
        patch.setattr(files, "views", lambda: {"sales_of_old": "create view sales_of_old as select * from sessions"})
        migrate(database)
    with Tables(other_database) as tables:
        tables.write(*TOLD[::2])
        tables.sink.take_snapshot()
        with closing(connect(database)) as old:
            for table in FILLED:
                copy(tables.connection, old, table)
    return database, other_database


@pytest.fixture
def other_database(postgres_server: str) -> Iterator[str]:
    name = "test_other"
    with closing(psycopg2.connect(postgres_server)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"create database {name}")
            yield postgres_server.rsplit("/", 1)[0] + f"/{name}"
            cursor.execute(f"drop database {name} with (force)")


def copy(current: Any, old: Any, table: str) -> None:
    """The rows of a table, as far as the older version has columns for them; in the current one the others are emptied."""
    with current, old, current.cursor() as source, old.cursor() as target:
        target.execute(COLUMNS, (table,))
        known = dict(target.fetchall())
        source.execute(COLUMNS, (table,))
        for column, default in source.fetchall():
            if known and column not in known:
                source.execute(f"update {table} set {column} = {default}")
        if not known:
            source.execute(f"delete from {table}")
            return
        source.execute(f"select {', '.join(f'{column}::text' for column in known)} from {table}")
        for row in source.fetchall():
            target.execute(f"insert into {table} values ({', '.join(['%s'] * len(row))})", row)


def contents(dsn: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table and view of ours, told alike but for when it was written."""
    with closing(connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("set extra_float_digits = -3")  # sums are added up in the order in which rows lie
        held = {}
        for name in [*FILLED, *files.views()]:
            cursor.execute(f"select (to_jsonb(each) - 'processed_at')::text from {name} as each order by 1")
            held[name] = cursor.fetchall()
        return held


def test_rows_of_before_are_kept_seen_by_every_view_and_added_to(old_database: tuple[str, str]) -> None:
    old, current = old_database
    applied: list[str] = []
    threads = [threading.Thread(target=lambda: applied.extend(migrate(old))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    missing = [name for name in MIGRATIONS if name in applied]
    assert applied == [*missing, *files.views()]
    assert migrate(old) == []
    assert contents(old) == contents(current)
    assert len(contents(old)["sessions"]) > 40
    for dsn in (old, current):
        with Tables(dsn) as tables:
            tables.write(*TOLD[1::2])
            tables.write(*TOLD)
    assert contents(old) == contents(current)
