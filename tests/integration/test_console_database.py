"""The console's answers from a real Postgres, filled by the sink."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import psycopg2
import pytest
from starlette.applications import Starlette

from console.app import create_app
from console.board import DecisionBoard
from console.database import Database
from console.follow import posted
from contracts.codec import ENCODER
from contracts.decisions import Charge, Decision
from contracts.events import Context
from contracts.features import SessionFeatures
from runtime.tokens import DecisionTokens
from sql.migrate import migrate
from tests.asgi import ask, asking
from tests.factories import decision, event, features, incentive, outcome
from tests.stored import store

NOW = datetime.now(UTC).replace(microsecond=0)


def ago(**before: float) -> datetime:
    return NOW - timedelta(**before)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The views ask the clock, and this module may have been imported long before its tests run."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def shop(database: str) -> Iterator[Starlette]:
    """The console over this test's database."""
    of = Database(database, size=2)
    yield create_app(
        ("*",),
        DecisionTokens("", 600),
        DecisionBoard(opened_at=NOW),
        of,
        predict=None,
        checks={"postgres": of.problem},
        now=lambda: NOW,
    )
    of.close()


def told(session: SessionFeatures, likelihood: float, **others: Any) -> Decision:
    return decision(
        session.last_seen_at,
        session_id=session.session_id,
        visitor_id=session.visitor_id,
        event_count=session.event_count,
        likelihood=likelihood,
        **others,
    )


def test_a_database_without_tables_says_which_command_makes_them(shop: Starlette) -> None:
    answer = ask(shop, "GET", "/api/analytics")
    assert answer.status == 503
    assert "run `shopstream migrate`" in answer.json["message"]


def test_an_empty_shop_has_answers_too(shop: Starlette, database: str) -> None:
    migrate(database)
    assert ask(shop, "GET", "/api/analytics").json == {
        "total_sessions": 0,
        "conversion_rate": 0.0,
        "avg_session_time": 0.0,
        "top_persona": None,
        "total_revenue": 0.0,
    }
    assert ask(shop, "GET", "/api/sessions").json["sessions"] == []
    overview = ask(shop, "GET", "/api/overview").json
    assert len(overview["minutes"]) == 60
    assert overview["likelihoods"] == [0] * 10
    assert [step["sessions"] for step in overview["funnel"]] == [0] * 5
    personas = ask(shop, "GET", "/api/personas").json["personas"]
    assert [persona["sessions"] for persona in personas] == [0] * 5
    assert ask(shop, "GET", "/readyz").status == 200


def test_analytics_are_the_five_figures_of_the_last_24_hours(shop: Starlette, database: str) -> None:
    migrate(database)
    bought = features(ago(hours=2), ago(hours=1, minutes=50), visitor_id="ada", purchase_count=1, revenue=80.0)
    left = features(ago(hours=3), ago(hours=2, minutes=40), visitor_id="bob")
    order = event("purchase", ago(hours=1, minutes=50), visitor_id="ada", transaction_id="T1", value=80.0)
    store(database, order, bought, left, told(bought, 0.9, persona="Quick Buyer"))
    assert ask(shop, "GET", "/api/analytics").json == {
        "total_sessions": 2,
        "conversion_rate": 0.5,
        "avg_session_time": 900.0,
        "top_persona": "Quick Buyer",
        "total_revenue": 80.0,
    }


def test_sessions_in_progress_are_listed_filtered_and_cut(shop: Starlette, database: str) -> None:
    migrate(database)
    ada = features(ago(minutes=9), ago(minutes=1), visitor_id="ada", cart_value=80.0, cart_item_count=2)
    bob = features(ago(minutes=5), ago(minutes=3), visitor_id="bob", device_type="mobile")
    long_ago = features(ago(hours=2), ago(hours=1), visitor_id="cyd")
    offered = told(ada, 0.6, persona="Quick Buyer", style="Hurried", incentive=incentive())
    store(database, ada, bob, long_ago, offered, told(bob, 0.1))

    answer = ask(shop, "GET", "/api/sessions").json
    assert (answer["total"], [each["visitor_id"] for each in answer["sessions"]]) == (2, ["ada", "bob"])
    assert {name: answer["sessions"][0][name] for name in ("likelihood", "persona", "style", "cart_value")} == {
        "likelihood": 0.6,
        "persona": "Quick Buyer",
        "style": "Hurried",
        "cart_value": 80.0,
    }
    assert answer["sessions"][0]["incentive_message"] == "10 % off"
    assert answer["sessions"][0]["is_offered"] is True
    assert answer["sessions"][1]["incentive_type"] is None

    def visitors(query: str) -> list[str]:
        return [each["visitor_id"] for each in ask(shop, "GET", f"/api/sessions?{query}").json["sessions"]]

    assert visitors("persona=Quick+Buyer") == ["ada"]
    assert visitors("device_type=mobile") == ["bob"]
    assert visitors("min_likelihood=0.5") == ["ada"]
    assert visitors("visitor_id=bob") == ["bob"]
    assert visitors("order=likelihood&limit=1") == ["ada"]
    assert ask(shop, "GET", "/api/sessions?limit=1").json["total"] == 2
    assert visitors("persona=x'%20or%201=1--") == []


def test_the_charts_count_what_is_in_the_tables(shop: Starlette, database: str) -> None:
    migrate(database)
    ada = features(ago(minutes=2), ago(minutes=1), visitor_id="ada", product_view_count=1, add_to_cart_count=1)
    bob = features(ago(minutes=2), ago(minutes=1), visitor_id="bob")
    store(database, ada, bob, told(ada, 1.0), told(bob, 0.05), event(occurred_at=ago(minutes=1), visitor_id="ada"))
    overview = ask(shop, "GET", "/api/overview").json
    assert [step["sessions"] for step in overview["funnel"]] == [2, 1, 1, 0, 0]
    assert overview["likelihoods"] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert sum(minute["sessions"] for minute in overview["minutes"]) == 2
    assert sum(minute["events"] for minute in overview["minutes"]) == 1
    assert overview["personas"] == [{"persona": "Casual Visitor", "sessions": 2, "converted_sessions": 0}]
    assert overview["totals"]["active_sessions"] == 2
    assert overview["budgets"] == []


def test_the_budgets_of_this_day_are_told_and_those_of_yesterday_are_not(shop: Starlette, database: str) -> None:
    migrate(database)
    ada = features(ago(minutes=2), ago(minutes=1), visitor_id="ada")
    charge = Charge(budget="discounts", day=NOW.date(), cost=5.0)
    store(database, ada, told(ada, 0.4, incentive=incentive(charge=charge)))
    with closing(psycopg2.connect(database)) as connection, connection, connection.cursor() as cursor:
        for day, reserved in ((NOW.date(), 15), (NOW.date() - timedelta(days=1), 300)):
            cursor.execute("insert into budget_day values ('discounts', %s, 300, %s)", [day, reserved])
    assert ask(shop, "GET", "/api/overview").json["budgets"] == [
        {
            "budget": "discounts",
            "per_day": 300.0,
            "offers": 1,
            "accepted": 0,
            "offered_cost": 5.0,
            "set_aside": 10.0,
            "is_kept": True,
        }
    ]


def test_the_figures_are_told_while_decisions_come_in(database: str) -> None:
    migrate(database)
    board, of = DecisionBoard(opened_at=ago(hours=1)), Database(database, size=1)
    each, numbers = posted(0, 0, ENCODER.encode(decision(NOW))), count()

    def come_in(many: int) -> None:
        board.take([replace(each, decision_id=str(next(numbers))) for _ in range(many)], NOW)

    async def statuses() -> list[int]:
        come_in(5_000)
        answers = []
        for _ in range(20):
            console = create_app(("*",), DecisionTokens("", 600), board, of, None, {}, now=lambda: NOW)
            asked = asyncio.create_task(asking(console, "GET", "/api/overview"))
            while not asked.done():
                come_in(1)
                await asyncio.sleep(0)
            answers.append((await asked).status)
        return answers

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads take turns as often as on a busy machine
    try:
        assert asyncio.run(statuses()) == [200] * 20
    finally:
        sys.setswitchinterval(usual)
        of.close()


def test_a_story_tells_events_decisions_and_outcome_in_order(shop: Starlette, database: str) -> None:
    migrate(database)
    session = features(ago(hours=1), ago(minutes=58), visitor_id="ada", event_count=2, closed_at=ago(minutes=28))
    looked = event("page_view", ago(hours=1), context=Context(page_path="/tea"))
    added = event("add_to_cart", ago(minutes=58), value=20.0, colour="green")
    first = decision(ago(hours=1), session_id=session.session_id, likelihood=0.1)
    second = told(session, 0.4, incentive=incentive(), because=("+ cart worth 20.00",))
    ended = outcome(session.started_at, session.last_seen_at, session_id=session.session_id, abandoned_cart_value=20.0)
    store(database, looked, added, session, first, second, ended)

    story = ask(shop, "GET", f"/api/sessions/{session.session_id}").json
    assert [each["event_name"] for each in story["events"]] == ["page_view", "add_to_cart"]
    assert story["events"][0]["page_path"] == "/tea"
    assert story["events"][1]["properties"] == {"value": 20.0, "colour": "green"}
    assert [each["likelihood"] for each in story["decisions"]] == [0.1, 0.4]
    assert story["decisions"][1]["because"] == ["+ cart worth 20.00"]
    assert story["decisions"][1]["incentive_message"] == "10 % off"
    assert story["decisions"][1]["latency_ms"] == pytest.approx(20.0)
    assert story["outcome"]["has_purchased"] is False
    assert story["outcome"]["abandoned_cart_value"] == 20.0
    assert story["session"]["event_count"] == 2
    assert story["is_complete"] is True


def test_an_open_session_has_no_outcome_and_an_unknown_one_no_story(shop: Starlette, database: str) -> None:
    migrate(database)
    session = features(ago(minutes=2), ago(minutes=1))
    store(database, session)
    assert ask(shop, "GET", f"/api/sessions/{session.session_id}").json["outcome"] is None
    assert ask(shop, "GET", "/api/sessions/nobody").json["code"] == "no_such_session"
    assert ask(shop, "GET", "/api/sessions/a\0b").status == 404


def test_custom_events_and_properties_come_back_as_they_were_sent(shop: Starlette, database: str) -> None:
    migrate(database)
    session = features(ago(minutes=2), ago(minutes=1), visitor_id="ada", event_count=1)
    odd = event("💥 <b>own</b>", ago(minutes=2), visitor_id="ada", deep={"list": [1, None, "x"]})
    store(database, odd, session)
    (told_event,) = ask(shop, "GET", f"/api/sessions/{session.session_id}").json["events"]
    assert told_event["event_name"] == "💥 <b>own</b>"
    assert told_event["properties"] == {"deep": {"list": [1, None, "x"]}}


def test_a_restarted_postgres_is_found_again(shop: Starlette, database: str) -> None:
    migrate(database)
    assert ask(shop, "GET", "/api/sessions").status == 200
    killer = psycopg2.connect(database.rsplit("/", 1)[0] + "/postgres")
    killer.autocommit = True
    with killer.cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (database.rsplit("/", 1)[1],)
        )
    killer.close()
    assert ask(shop, "GET", "/api/sessions").status == 200


def test_a_connection_whose_server_froze_is_given_up(shop: Starlette, database: str) -> None:
    migrate(database)
    assert ask(shop, "GET", "/readyz").status == 200
    with closing(psycopg2.connect(database)) as other, other.cursor() as cursor:
        cursor.execute(
            "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        )
        frozen = [pid for (pid,) in cursor.fetchall()]

    def send(number: signal.Signals) -> None:
        for pid in frozen:
            os.kill(pid, number)

    send(signal.SIGSTOP)
    thaw = threading.Timer(15, send, [signal.SIGCONT])
    thaw.start()
    asked = time.monotonic()
    try:
        assert ask(shop, "GET", "/readyz").status == 200
        assert ask(shop, "GET", "/api/analytics").status == 200
        assert time.monotonic() - asked < 10
    finally:
        thaw.cancel()
        send(signal.SIGCONT)
