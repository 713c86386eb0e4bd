"""Migrations: forward, once, never edited."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from shopstream.ports import free_port
from sql import files
from sql import migrate as migration
from sql.connection import PostgresUnreachable, connect, postgres_check
from sql.migrate import SchemaError, migrate, require_current

VIEWS = files.views()


def test_an_empty_database_gets_every_migration_and_every_view(database: str) -> None:
    assert migrate(database) == [*files.migrations(), *files.views()]


def test_migrating_twice_changes_nothing_the_second_time(database: str) -> None:
    migrate(database)
    before = schema(database)
    assert migrate(database) == []
    assert schema(database) == before


def test_processes_that_migrate_at_the_same_time_do_it_once(database: str) -> None:
    applied: list[str] = []
    threads = [threading.Thread(target=lambda: applied.extend(migrate(database))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert applied == [*files.migrations(), *files.views()]


def test_an_edited_migration_is_refused(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(database)
    name, text = next(iter(files.migrations().items()))
    monkeypatch.setattr(files, "migrations", lambda: {name: text + "-- one more thing"})
    with pytest.raises(SchemaError, match=f"{name} was edited after it was applied"):
        migrate(database)


def test_a_database_of_a_newer_version_is_refused(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(database)
    monkeypatch.setattr(files, "migrations", dict)
    with pytest.raises(SchemaError, match="install the newer Shopstream"):
        migrate(database)


def test_a_migration_that_fails_leaves_nothing_behind(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "migrations", lambda: {"0001_a": "create table a ();", "0002_b": "create tabel b ();"})
    with pytest.raises(SchemaError, match="migration 0002_b failed and nothing was changed"):
        migrate(database)
    assert schema(database) == []


def test_a_view_that_changed_is_made_again_and_one_that_went_is_dropped(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "migrations", dict)
    monkeypatch.setattr(
        files, "views", lambda: {"a": "create view a as select 1 as x", "b": "create view b as select * from a"}
    )
    migrate(database)
    monkeypatch.setattr(files, "views", lambda: {"a": "create view a as select 2 as y, 3 as x"})
    assert migrate(database) == ["a"]
    assert query(database, "select * from a") == [(2, 3)]
    assert query(database, "select to_regclass('b')") == [(None,)]


def test_who_may_read_a_view_still_may_when_it_is_made_again(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Grafana's own user, who reads views and nothing else."""
    migrate(database)
    query(database, 'create role "grafana 1"')
    try:
        query(
            database, 'grant select on all tables in schema public to "grafana 1"; grant select on customers to public'
        )
        monkeypatch.setattr(files, "views", lambda: {name: f"{text}-- new" for name, text in VIEWS.items()})
        assert migrate(database) == list(VIEWS)
        rights = query(
            database,
            "select count(*) filter (where has_table_privilege('grafana 1', name, 'select')),"
            " count(*) filter (where has_table_privilege('grafana 1', name, 'insert')) from schema_view",
        )
        assert rights == [(len(VIEWS), 0)]
        assert query(
            database,
            "select relacl::text like '%{=r/%' or relacl::text like '%,=r/%' from pg_class where relname = 'customers'",
        ) == [(True,)]
    finally:
        query(database, 'drop owned by "grafana 1"; drop role "grafana 1"')


def test_a_table_may_change_under_a_view(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = {"0001_a": "create table a (x integer)"}
    monkeypatch.setattr(files, "migrations", lambda: first)
    monkeypatch.setattr(files, "views", lambda: {"b": "create view b as select * from a"})
    migrate(database)
    second = {"0002_b": "alter table a alter column x type text; alter table a add column y text"}
    monkeypatch.setattr(files, "migrations", lambda: {**first, **second})
    assert migrate(database) == ["0002_b", "b"]
    assert query(database, "select count(x), count(y) from b") == [(0, 0)]


def test_whoever_uses_a_table_for_long_is_named_and_holds_up_nobody_but_the_migration(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `pg_dump` does, which reads all tables in one transaction: the sink would wait behind the migration for as long."""
    first = {"0001_a": "create table a (x integer)"}
    monkeypatch.setattr(files, "migrations", lambda: first)
    monkeypatch.setattr(files, "views", lambda: {"b": "create view b as select x from a"})
    migrate(database)
    monkeypatch.setattr(files, "migrations", lambda: {**first, "0002_b": "alter table a add column y text"})
    monkeypatch.setattr(migration, "ATTEMPTS", 2)
    applied: list[str] = []
    with cursor_of(database) as backup:
        backup.execute("set application_name = 'the backup'; select * from a")
        with pytest.raises(
            SchemaError, match=r"in use by the backup \(postgres, process \d+\), for \d s now, and nothing"
        ):
            migrate(database)
        assert query(database, "insert into a values (1) returning x") == [(1,)]
        monkeypatch.setattr(migration, "ATTEMPTS", 5)
        migrating = threading.Thread(target=lambda: applied.extend(migrate(database)))
        migrating.start()
        migrating.join(migration.LOCK_S + migration.PAUSE_S / 2)
        assert not applied
    migrating.join()
    assert applied == ["0002_b", "b"]


def test_a_view_of_someone_else_on_ours_is_named(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(database)
    query(database, "create view theirs as select * from sales_by_day")
    monkeypatch.setattr(files, "views", lambda: {"sales_by_day": "create view sales_by_day as select 1 as x"})
    with pytest.raises(SchemaError, match="theirs"):
        migrate(database)


def test_a_table_of_someone_else_with_the_name_of_a_view_is_named(database: str) -> None:
    query(database, "create table customers ()")
    with pytest.raises(SchemaError, match=r'"customers" is not a view.*rename it'):
        migrate(database)


def test_a_database_that_is_not_migrated_says_what_to_run(database: str) -> None:
    with closing(connect(database)) as connection, pytest.raises(SchemaError, match="run `shopstream migrate`"):
        require_current(connection)
    migrate(database)
    with closing(connect(database)) as connection:
        require_current(connection)


def test_a_check_is_silent_while_postgres_answers(database: str) -> None:
    assert postgres_check(database)() is None


def test_nobody_listening_is_said_in_one_sentence() -> None:
    dsn = f"postgresql://ada:secret@127.0.0.1:{free_port()}/shop"
    with pytest.raises(PostgresUnreachable, match=r"does not answer at 127\.0\.0\.1:.*start it") as caught:
        connect(dsn)
    assert "secret" not in str(caught.value)
    assert postgres_check(dsn)() == str(caught.value)


def test_a_database_that_does_not_exist_is_named(database: str) -> None:
    with pytest.raises(PostgresUnreachable, match='database "nowhere" does not exist'):
        connect(database.rsplit("/", 1)[0] + "/nowhere")


def test_a_dsn_that_cannot_be_read_is_not_repeated() -> None:
    with pytest.raises(PostgresUnreachable, match="SHOPSTREAM_POSTGRES_DSN cannot be read"):
        connect("host= secret port")


def query(dsn: str, text: str) -> list[tuple[Any, ...]]:
    with cursor_of(dsn) as cursor:
        cursor.execute(text)
        return cursor.fetchall() if cursor.description else []


def schema(dsn: str) -> list[tuple[Any, ...]]:
    """Every relation with its identity: a view dropped and made again is another one."""
    return query(dsn, "select oid, relname from pg_class where relnamespace = 'public'::regnamespace order by oid")


@contextmanager
def cursor_of(dsn: str) -> Iterator[Any]:
    connection = connect(dsn)
    with connection, connection.cursor() as cursor:
        yield cursor
    connection.close()
