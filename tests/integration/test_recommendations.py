"""From stored events to what a shopper is told, through a real Postgres: who counts, and what goes when a person goes."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg2
import pytest
from prometheus_client import REGISTRY
from starlette.applications import Starlette

from console.app import create_app
from console.board import DecisionBoard
from console.database import Database
from console.recommendations import Recommendations
from console.recommender import RecommenderThread
from contracts.erasures import erasure_of
from contracts.events import Item, Properties
from contracts.ids import derived_id
from models.likeness import Likeness
from runtime.settings import ConsoleSettings
from runtime.tokens import DecisionTokens
from sql.migrate import migrate
from tests.asgi import ask
from tests.factories import event, features
from tests.tables import Tables
from tests.waiting import until

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """This module may have been imported long before its tests run."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def tables(database: str) -> Iterator[Tables]:
    with Tables(database) as tables:
        yield tables


def visit(
    visitor_id: str, *item_ids: str, minutes_ago: float = 60, act: str = "view_item", **session: Any
) -> list[msgspec.Struct]:
    """A session that touches the items, a second apart: its events and its features."""
    begin = NOW - timedelta(minutes=minutes_ago)
    session_id = derived_id(visitor_id, str(minutes_ago), act)
    consent = session.pop("consent", None)
    events = [
        event(
            act,
            begin + timedelta(seconds=number),
            visitor_id=visitor_id,
            message_id=f"{session_id}-{number}",
            properties=Properties(items=(Item(item_id=item_id, price=9.0),)),
            consent=consent,
        )
        for number, item_id in enumerate(item_ids)
    ]
    end = begin + timedelta(seconds=len(item_ids))
    return [*events, features(begin, end, session_id=session_id, visitor_id=visitor_id, **session)]


def visits(count: int, *item_ids: str, who: str, **others: Any) -> list[msgspec.Struct]:
    return [each for number in range(count) for each in visit(f"{who}-{number}", *item_ids, **others)]


def settings(**others: str) -> ConsoleSettings:
    return ConsoleSettings.from_environ(
        {f"SHOPSTREAM_CONSOLE_RECOMMEND_{name.upper()}": v for name, v in others.items()}
    )


def made(tables: Tables, **others: str) -> Likeness:
    """How alike the shop's items are, as the console makes it."""
    return RecommenderThread(tables.dsn, settings(**others), lambda: NOW).make()


def told(tables: Tables, visitor_id: str, query: str = "", likeness: Likeness | None = None) -> dict[str, Any]:
    """The console's answer to a visitor."""
    alike = likeness or made(tables)
    database, tokens = Database(tables.dsn, size=1), DecisionTokens("", 600)
    recommendations = Recommendations(database, lambda: alike, days=30)
    app: Starlette = create_app(
        *(("*",), tokens, DecisionBoard(opened_at=NOW), database, None, {}),
        now=lambda: NOW,
        recommendations=recommendations,
    )
    answer = ask(app, "GET", f"/api/recommendations/{visitor_id}?token={tokens.issue(visitor_id)}&{query}")
    database.close()
    assert answer.status == 200, answer.body
    body: dict[str, Any] = answer.json
    return body


def failures() -> float:
    return REGISTRY.get_sample_value("console_recommend_failures_total") or 0.0


def items(answer: dict[str, Any]) -> list[str]:
    return [each["item_id"] for each in answer["items"]]


def test_a_view_of_a_second_ago_is_answered_with_what_others_touched_with_it(tables: Tables) -> None:
    tables.write(*visits(4, "pot", "cup", who="a"), *visits(3, "pot", "tray", who="b", act="add_to_cart"))
    likeness = made(tables)
    assert told(tables, "ada", likeness=likeness)["basis"] == "popular"

    [view, _] = visit("ada", "pot", minutes_ago=1 / 60)
    tables.write(view)  # its session is not told yet
    answer = told(tables, "ada", likeness=likeness)
    assert {name: answer[name] for name in ("visitor_id", "basis", "reason")} == {
        "visitor_id": "ada",
        "basis": "items",
        "reason": None,
    }
    assert datetime.fromisoformat(answer["as_of"]) == NOW
    assert items(answer) == ["cup", "tray"]
    assert [each["because"] for each in answer["items"]] == ["pot", "pot"]
    assert answer["items"][0].keys() == {"item_id", "score", "because"}
    assert items(told(tables, "ada", "limit=1", likeness)) == ["cup"]
    assert items(told(tables, "bob", "item_id=pot", likeness)) == ["cup", "tray"]


def test_a_score_is_too_coarse_to_tell_when_somebody_came(tables: Tables) -> None:
    tables.write(*visits(4, "pot", "cup", who="a", minutes_ago=60), *visits(3, "pot", "tray", who="b", minutes_ago=70))
    scores = [each["score"] for each in told(tables, "ada", "item_id=pot")["items"]]
    tables.write(*visit("c", "pot", "cup", "tin", minutes_ago=61))
    scores += [each["score"] for each in told(tables, "ada", "item_id=pot")["items"]]
    assert [f"{score}" for score in scores] == [f"{score:.2g}" for score in scores]
    assert all(0 < score < 1 for score in scores)


def test_what_is_in_the_cart_or_was_bought_is_not_recommended(tables: Tables) -> None:
    tables.write(*visits(4, "pot", "cup", "tray", who="a"))
    tables.write(*visit("ada", "pot", minutes_ago=5), *visit("ada", "cup", minutes_ago=4, act="add_to_cart"))
    assert items(told(tables, "ada")) == ["tray"]
    tables.write(*visit("ada", "tray", minutes_ago=3, act="purchase"))
    assert told(tables, "ada")["basis"] == "none"
    assert "too few visitors" in told(tables, "ada")["reason"]


def test_bots_and_those_who_refused_do_not_count(tables: Tables) -> None:
    tables.write(
        *visits(9, "pot", "spam", who="bot", bot_score=0.9),
        *visits(9, "pot", "shy", who="shy", consent="refused"),
        *visits(3, "pot", "cup", who="a", bot_score=0.1),
    )
    assert made(tables).item_ids == ("cup", "pot")


def test_a_flood_from_one_visitor_changes_nothing_but_that_visitor_s_one_vote(tables: Tables) -> None:
    tables.write(*visits(6, "pot", "cup", who="a"), *visits(4, "pot", "tray", who="b"), *visit("eve", "pot", "tray"))
    before = told(tables, "ada", "item_id=pot", made(tables, max_touches="70"))
    for number in range(40):
        flood = visit("eve", "pot", "tray", *(f"fake-{number}-{n}" for n in range(20)), minutes_ago=50 - number)
        tables.write(*flood)
    assert tables.rows("select count(*) from item_touches where visitor_id = 'eve'") == [882]
    after = told(tables, "ada", "item_id=pot", made(tables, max_touches="70"))
    assert items(after) == items(before) == ["cup", "tray"]
    assert [each["score"] for each in after["items"]] == pytest.approx([e["score"] for e in before["items"]], rel=0.01)


def test_only_so_many_days_and_touches_count_the_newest(tables: Tables) -> None:
    tables.write(
        *visits(3, "pot", "cup", who="new"),
        *visits(3, "pot", "tin", who="yesterday", minutes_ago=60 * 24),
        *visits(3, "pot", "relic", who="old", minutes_ago=60 * 24 * 40),
    )
    assert made(tables).item_ids == ("cup", "pot", "tin")
    assert made(tables, days="60").item_ids == ("cup", "pot", "relic", "tin")
    assert made(tables, max_touches="6").item_ids == ("cup", "pot")
    assert made(tables, min_visitors="4").item_ids == ("pot",)


@pytest.mark.parametrize("written", ['"pot"', '{"item_id": "pot"}', '[1, null, {}, {"item_id": ""}]', "null", "7"])
def test_what_a_sender_wrote_in_place_of_items_is_passed_over(tables: Tables, written: str) -> None:
    tables.write(*visits(3, "pot", "cup", who="a"), *visit("ada", "pot", minutes_ago=2))
    with tables.connection, tables.connection.cursor() as cursor:
        cursor.execute(
            "update events set properties = jsonb_set(properties, '{items}', %s) where visitor_id = 'ada'", [written]
        )
    answer = told(tables, "ada")
    assert (answer["basis"], items(answer)) == ("popular", ["cup", "pot"])


def test_who_is_erased_is_gone_from_the_next_making(tables: Tables) -> None:
    tables.write(*visits(3, "pot", "cup", who="a"))
    tables.write(*visit("a-0", "pot", minutes_ago=2))
    assert items(told(tables, "a-0")) == []
    assert "cup" in made(tables)
    tables.write(erasure_of("a-0", NOW))
    assert len(made(tables)) == 0, "two visitors are too few"
    assert told(tables, "a-0")["basis"] == "none"


def test_the_recommender_waits_for_postgres_keeps_what_it_has_and_says_how_old_that_is(database: str) -> None:
    """It starts before there are tables, as a first `docker compose up` does."""
    clock = [NOW]
    thread = RecommenderThread(database, settings(refresh_s="0.05"), lambda: clock[0])
    vain = failures()
    thread.start()
    try:
        until(lambda: failures() > vain)
        assert thread.latest() is None
        migrate(database)
        until(lambda: thread.latest() is not None)
        with Tables(database) as tables:
            tables.write(*visits(3, "pot", "cup", who="a"))
        until(lambda: len(thread.latest() or ()) == 2)
        assert REGISTRY.get_sample_value("console_recommend_items") == 2
        with closing(psycopg2.connect(database)) as connection, connection, connection.cursor() as cursor:
            cursor.execute("alter view item_touches rename to elsewhere")
        vain = failures()
        until(lambda: failures() > vain)
        assert len(thread.latest() or ()) == 2
        clock[0] = NOW + timedelta(minutes=3)
        assert REGISTRY.get_sample_value("console_recommend_age_seconds") == 180
    finally:
        thread.stop()


def test_the_recommender_stops_in_the_middle_of_a_long_select(tables: Tables) -> None:
    waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%item_touches%'"
    thread = RecommenderThread(tables.dsn, settings(), lambda: NOW)
    with closing(psycopg2.connect(tables.dsn)) as other, other.cursor() as cursor:
        cursor.execute("lock table events in access exclusive mode")  # the select waits for as long as this is held
        thread.start()
        until(lambda: tables.rows(waits) == [1])
        thread.stop()
        until(lambda: tables.rows(waits) == [0])
    assert thread.latest() is None
