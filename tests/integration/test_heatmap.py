"""Where pages are clicked, from the sink's rows in a real Postgres to the console's answer."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from starlette.applications import Starlette

from console.app import create_app
from console.board import DecisionBoard
from console.database import Database
from contracts.events import Context, Event
from contracts.features import SessionFeatures
from runtime.tokens import DecisionTokens
from sql.migrate import migrate
from tests.asgi import ask
from tests.factories import event, features
from tests.stored import store

NOW = datetime.now(UTC).replace(microsecond=0)
BUY = {"x": 0.521, "y": 412.0, "element": "button#buy"}


@pytest.fixture
def shop(database: str) -> Iterator[Starlette]:
    migrate(database)
    of = Database(database, size=2)
    tokens = DecisionTokens("", 600)
    yield create_app(("*",), tokens, DecisionBoard(opened_at=NOW), of, predict=None, checks={}, now=lambda: NOW)
    of.close()


def report(path: str, *clicks: dict[str, Any], visitor_id: str = "ada", days_ago: float = 0, **others: Any) -> Event:
    told = {
        "engagement_time_msec": 4000.0,
        "percent_scrolled": 50.0,
        "click_count": len(clicks),
        "page_height_px": 2000.0,
    }
    return event(
        "user_engagement",
        NOW - timedelta(days=days_ago, seconds=30),
        visitor_id=visitor_id,
        context=Context(page_path=path),
        **{**told, **others},
        clicks=clicks,
    )


def visit(visitor_id: str = "ada", days_ago: float = 0, **others: Any) -> SessionFeatures:
    began = NOW - timedelta(days=days_ago, minutes=1)
    return features(began, began + timedelta(minutes=1), session_id=f"of-{visitor_id}", visitor_id=visitor_id, **others)


def heatmap(shop: Starlette, query: str = "") -> Any:
    answer = ask(shop, "GET", f"/api/heatmap?{query}")
    assert answer.status == 200, answer.body
    return answer.json


def test_clicks_of_one_place_are_one_spot(shop: Starlette, database: str) -> None:
    store(
        database,
        visit(),
        report("/tea", BUY, {**BUY, "x": 0.529, "y": 418.0, "is_rage": True}, {"x": 1.0, "y": 3.0}),
        report("/about", BUY),
    )
    told = heatmap(shop, "path=/tea")
    assert told["spots"] == [
        {"x": 0.525, "y": 415.0, "clicks": 2, "rage_clicks": 1, "dead_clicks": 0},
        {"x": 0.995, "y": 5.0, "clicks": 1, "rage_clicks": 0, "dead_clicks": 1},
    ]
    assert told["elements"] == [{"element": "button#buy", "clicks": 2, "rage_clicks": 1, "sessions": 1}]
    assert (told["clicks"], told["rage_clicks"], told["dead_clicks"]) == (3, 1, 1)
    assert told["page_height_px"] == 2000


def test_pages_are_told_without_asking_for_one(shop: Starlette, database: str) -> None:
    store(database, visit(), report("/tea", BUY), report("/about", BUY, BUY))
    told = heatmap(shop)
    assert told["pages"] == [
        {"path": "/about", "sessions": 1, "clicks": 2},
        {"path": "/tea", "sessions": 1, "clicks": 1},
    ]
    assert told["spots"] == []


def test_pages_that_begin_alike_are_asked_for_together(shop: Starlette, database: str) -> None:
    store(database, visit(), *[report(path, BUY) for path in ("/products/tea", "/products/pot", "/product%")])
    assert heatmap(shop, "path=/products/*")["clicks"] == 2
    assert heatmap(shop, f"path={quote('/product%')}")["clicks"] == 1


def test_how_far_down_a_page_is_seen_counts_visits(shop: Starlette, database: str) -> None:
    """Somebody who reports twice is one visit, by the deeper report."""
    store(
        database,
        visit("ada"),
        visit("bob"),
        report("/tea", percent_scrolled=20.0, engagement_time_msec=3000.0),
        report("/tea", percent_scrolled=55.0, engagement_time_msec=4000.0),
        report("/tea", visitor_id="bob", percent_scrolled=100.0, engagement_time_msec=9000.0),
    )
    told = heatmap(shop, "path=/tea")
    assert told["seen"] == [1.0] * 12 + [0.5] * 9
    assert (told["sessions"], told["active_s"]) == (2, 7)


def test_bots_other_devices_and_older_days_are_left_out(shop: Starlette, database: str) -> None:
    store(
        database,
        visit("ada", device_type="mobile"),
        visit("bot", bot_score=1.0),
        visit("old", days_ago=8),
        *[report("/tea", BUY, visitor_id=who) for who in ("ada", "bot")],
        report("/tea", BUY, visitor_id="old", days_ago=8),
    )
    assert heatmap(shop, "path=/tea")["clicks"] == 1
    assert heatmap(shop, "path=/tea&days=9")["clicks"] == 2
    assert heatmap(shop, "path=/tea&days=9&device_type=mobile")["clicks"] == 1
    assert heatmap(shop, "path=/tea&device_type=tablet") == {
        **heatmap(shop, "path=/nowhere&device_type=tablet"),
        "path": "/tea",
    }


def test_a_page_that_does_not_say_where_it_is_clicked_is_not_among_the_pages(shop: Starlette, database: str) -> None:
    store(database, visit(), report("/tea", page_height_px=None))
    assert heatmap(shop)["pages"] == []


@pytest.mark.parametrize("query", ["days=0", "days=91", "days=-1", "days=a", "device_type=toaster", "path=%00"])
def test_what_cannot_be_asked_is_said(shop: Starlette, query: str) -> None:
    answer = ask(shop, "GET", f"/api/heatmap?{query}")
    assert answer.status == 400
    assert f"`{query.partition('=')[0]}`" in answer.json["message"]


def test_where_there_are_too_many_spots_no_part_of_the_page_looks_unclicked(shop: Starlette, database: str) -> None:
    places = [{"x": x / 100, "y": y * 10.0} for y in range(100) for x in range(60)]
    reports = [report("/tea", *places[begin : begin + 100]) for begin in range(0, len(places), 100)]
    store(database, visit(), *reports)
    told = heatmap(shop, "path=/tea")
    assert (told["clicks"], len(told["spots"])) == (6_000, 5_000)
    in_the_last_tenth = sum(spot["y"] >= 900 for spot in told["spots"])
    assert in_the_last_tenth == pytest.approx(500, rel=0.1)
    assert heatmap(shop, "path=/tea") == told


def test_counts_that_a_stranger_invents_add_up(shop: Starlette, database: str) -> None:
    store(database, visit(), *[report("/tea", BUY, click_count=2_000_000_000) for _ in range(3)])
    assert heatmap(shop)["pages"] == [{"path": "/tea", "sessions": 1, "clicks": 6_000_000_000}]


def test_a_path_longer_than_an_entry_of_an_index_is_stored_and_found(shop: Starlette, database: str) -> None:
    chance = random.Random(4)
    paths = ["/" + "".join(chr(chance.randrange(0x10000, 0x1F000)) for _ in range(1_000)) for _ in range(2)]
    alike = [paths[0] + "a", paths[0] + "b"]
    store(database, visit(), *[report(path, BUY) for path in [*paths, *alike]])
    assert heatmap(shop, f"path={quote(paths[1])}")["clicks"] == 1
    assert heatmap(shop, f"path={quote(alike[1])}")["clicks"] == 1
    assert heatmap(shop, f"path={quote(paths[0])}*")["clicks"] == 3


@pytest.mark.parametrize("days", ["0", "91", "000079999999999", "-1", "7.5", "²"])
def test_days_that_cannot_be_meant_are_refused(shop: Starlette, days: str) -> None:
    assert ask(shop, "GET", f"/api/heatmap?days={quote(days)}").status == 400
