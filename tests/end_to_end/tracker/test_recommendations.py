"""`shopstream.recommend`: what the console answers reaches the listener, and nothing goes wrong in the page when there is no answer."""

import json
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from playwright.sync_api import Page, expect

from console.bodies import RecommendationsAnswer, RecommendedItem
from tests.end_to_end.tracker.recording_server import RecordingServer

DOCUMENT: Final = (Path(__file__).parents[3] / "docs" / "recommendations.md").read_text()
ASK: Final = "shopstream = window.shopstream || []; shopstream.push(['recommend', {limit: 4, item_id: 'pot'}, (told) => heard.push(told)])"
ASKING: Final = f"<script>heard = []; {ASK}</script>"


def recommended() -> RecommendationsAnswer:
    cup = RecommendedItem(item_id="cup", score=0.5, because="pot")
    return RecommendationsAnswer(visitor_id="v", basis="items", reason=None, as_of=None, items=[cup])


def asked(server: RecordingServer) -> list[tuple[str, int]]:
    return [(each.path.split("/")[-2], each.status) for each in server.requests if "/recommendations/" in each.path]


def settled(page: Page) -> list[dict[str, Any]]:
    """What the listener was told, once the page is at rest."""
    page.wait_for_load_state("networkidle")
    heard: list[dict[str, Any]] = page.evaluate("heard")
    return heard


def test_a_new_visitor_who_asks_before_the_snippet_is_there_is_answered(server: RecordingServer, page: Page) -> None:
    server.recommended, server.head = recommended(), ASKING
    page.goto(server.shop)
    page.wait_for_function("heard.length")
    [told] = page.evaluate("heard")
    assert (told["basis"], [each["item_id"] for each in told["items"]]) == ("items", ["cup"])
    [request] = [each for each in server.requests if "/recommendations/" in each.path]
    assert request.path == "/api/recommendations/" + page.evaluate("shopstream.visitorId()")


def test_the_page_of_the_docs_shows_the_answer_of_the_docs(server: RecordingServer, page: Page) -> None:
    blocks = dict(re.findall(r"```(html|json)\n(.*?)```", DOCUMENT, re.DOTALL))
    server.recommended = msgspec.json.decode(blocks["json"], type=RecommendationsAnswer, strict=True)
    assert msgspec.to_builtins(server.recommended).keys() == json.loads(blocks["json"]).keys()
    server.body = blocks["html"]
    page.goto(server.shop)
    expect(page.locator("body")).to_contain_text("cuptray")


def test_a_page_may_ask_again_at_any_time(server: RecordingServer, page: Page) -> None:
    server.recommended, server.head = recommended(), ASKING
    page.goto(server.shop)
    page.wait_for_function("heard.length === 1")
    page.evaluate(ASK)
    page.wait_for_function("heard.length === 2")


def test_what_a_page_leaves_undefined_is_not_asked(server: RecordingServer, page: Page) -> None:
    server.recommended = recommended()
    page.goto(server.shop)
    with page.expect_request("**/api/recommendations/**") as request:
        page.evaluate("shopstream.recommend({ limit: 3, item_id: undefined }, () => {})")
    assert parse_qs(urlsplit(request.value.url).query).keys() == {"limit", "token"}


@pytest.mark.parametrize(
    "refusal",
    ["shopstream = [['consent', false]]", "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"],
)
def test_who_refuses_is_asked_about_at_no_console(server: RecordingServer, page: Page, refusal: str) -> None:
    server.recommended, server.head = recommended(), f"<script>{refusal}</script>{ASKING}"
    page.goto(server.shop)
    server.wait_for_event("page")
    assert settled(page) == []
    assert not [each for each in server.requests if "/api/" in each.path]


def test_a_console_that_says_no_or_is_away_is_not_heard_of(server: RecordingServer, page: Page) -> None:
    server.recommended, server.head = None, ASKING
    page.goto(server.shop)
    server.wait_for(lambda: asked(server) == [("recommendations", 404)])
    assert page.evaluate("heard") == []


def test_a_listener_that_throws_breaks_nothing(server: RecordingServer, page: Page, complaints: list[str]) -> None:
    server.recommended = recommended()
    page.goto(server.shop)
    with page.expect_console_message() as said:
        page.evaluate("shopstream.recommend({limit: 1}, () => { throw new Error('mine') })")
    assert said.value.text.startswith("shopstream: Error: mine")
    complaints.clear()


def test_an_answer_for_who_the_visitor_was_before_reset_is_dropped(server: RecordingServer, page: Page) -> None:
    server.recommended = recommended()
    page.goto(server.shop)
    server.wait_for(lambda: server.streams)
    page.evaluate(f"heard = []; {ASK}; shopstream.reset()")
    page.evaluate(ASK)
    page.wait_for_function("heard.length")
    assert len(page.evaluate("heard")) == 1
    assert asked(server) == [("recommendations", 200)]
