"""A run's events are counted in Postgres by its own prefix, whatever else is there."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from shopstream.account import counted
from shopstream.status import Status, with_shop
from sql.migrate import migrate

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def shop(database: str) -> Iterator[Connection]:
    migrate(database)
    connection = psycopg2.connect(database)
    yield connection
    connection.close()


def store(shop: Connection, message_id: str, visitor_id: str = "anna", received_at: datetime = START) -> None:
    with shop, shop.cursor() as cursor:
        cursor.execute(
            "insert into events values ('demo', %s, %s, null, null, 'page_view', %s, %s, now(), '{}', '{}')",
            (message_id, visitor_id, received_at, received_at),
        )


def bury(shop: Connection, dead_letter_id: str, message_id: str) -> None:
    with shop, shop.cursor() as cursor:
        cursor.execute(
            "insert into dead_letter values (%s, 'ingest', 'schema', 'value must be a number', '', 'demo', %s, null, %s)",
            (dead_letter_id, message_id, START),
        )


def decide(shop: Connection, visitor_id: str, after_ms: int) -> None:
    with shop, shop.cursor() as cursor:
        cursor.execute(
            """
            insert into predictions
            values (%s, 'session', %s, null, 'cause', %s, %s, %s, 1, 0.2, 'Browser', 1, 'Explorer', 1, 'holdout',
                    null, null, null, null, null, false, '[]', 'model', 'policy')
            """,
            (f"{visitor_id}-{after_ms}", visitor_id, START, START, START + timedelta(milliseconds=after_ms)),
        )


def test_only_the_runs_own_events_and_decisions_are_counted(shop: Connection) -> None:
    for message_id in ("sim01-0-0", "sim01-0-1"):
        store(shop, message_id)
    store(shop, "sim011-0-0", visitor_id="bert")  # another run's prefix begins the same way
    store(shop, "sim01-0-2", received_at=START - timedelta(days=1))  # the same seed, yesterday
    bury(shop, "a", "sim01-0-3")
    bury(shop, "b", "sim02-0-3")
    decide(shop, "anna", 10)
    decide(shop, "anna", 30)
    decide(shop, "bert", 999)
    found = counted(shop, "sim01-", START)
    assert (found.stored_rows, found.stored, found.dead_letter_rows, found.dead_lettered) == (2, 2, 1, 1)
    assert found.decisions == 2
    assert found.first_decided_at == START + timedelta(milliseconds=10)
    assert found.latency_ms is not None
    assert found.latency_ms[0] == pytest.approx(20)


def test_what_is_there_twice_or_in_both_places_is_seen(shop: Connection) -> None:
    store(shop, "sim01-0-0")
    bury(shop, "a", "sim01-0-0")
    bury(shop, "b", "sim01-0-1")
    bury(shop, "c", "sim01-0-1")
    found = counted(shop, "sim01-", START)
    assert (found.dead_letter_rows, found.dead_lettered) == (2, 1)
    assert found.stored_and_dead_lettered == 1


def test_a_run_of_which_nothing_arrived_counts_nothing(shop: Connection) -> None:
    found = counted(shop, "sim01-", START)
    assert (found.stored, found.dead_lettered, found.decisions, found.first_decided_at) == (0, 0, 0, None)


def test_the_status_tells_the_shops_figures_and_the_newest_decision(shop: Connection) -> None:
    assert with_shop(Status(), shop).latest is None
    decide(shop, "anna", 10)
    status = with_shop(Status(), shop)
    assert str(status.latest) == "Browser, 20% likely to buy, no incentive"
    assert (status.sessions, status.purchases, status.revenue) == (0, 0, 0.0)
