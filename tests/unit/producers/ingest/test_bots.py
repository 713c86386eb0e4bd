"""Who sends is read from the user agent; behaviour is for the session to judge."""

from typing import Any

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from crawleruseragents import is_crawler as is_on_the_list

from producers.ingest.bots import bot_score_of, is_crawler
from producers.shoppers.arrivals import BROWSERS
from tests.ingest_shop import KEYS, SHOP, Shop, batch, call

HEADLESS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/138.0.0.0 Safari/537.36"
)
CHROME = HEADLESS.replace("HeadlessChrome", "Chrome")


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        HEADLESS,
        "curl/8.5.0",
        "python-requests/2.32.3",
    ],
)
def test_a_program_that_says_what_it_is_gets_the_full_score(user_agent: str) -> None:
    assert bot_score_of(user_agent, None) == 1


@pytest.mark.parametrize("user_agent", [None, "", *(each.user_agent for kind in BROWSERS.values() for each in kind)])
def test_a_browser_gets_none(user_agent: str | None) -> None:
    assert bot_score_of(user_agent, None) is None


def test_the_verdicts_are_those_of_the_public_list() -> None:
    crawlers = [each for crawler in CRAWLER_USER_AGENTS_DATA for each in crawler["instances"]]
    altered = [each.lower() for each in crawlers] + [each[: len(each) // 2] + "ü" for each in crawlers]
    given = [each for each in (*crawlers, *altered) if is_crawler(each) is not is_on_the_list(each)]
    assert given == []


@pytest.mark.parametrize(
    ("hints", "score"),
    [
        ({"brands": [{"brand": "Not.A/Brand"}, {"brand": "HeadlessChrome", "version": "138"}]}, 1),
        ({"brands": [{"brand": "Chromium"}, "HeadlessChrome", None]}, None),
        ({"brands": "HeadlessChrome"}, None),
        ("HeadlessChrome", None),
    ],
)
def test_client_hints_give_an_automated_browser_away(hints: Any, score: float | None) -> None:
    assert bot_score_of(CHROME, hints) == score


def test_the_score_is_on_the_event_and_the_user_agent_is_not() -> None:
    shop = Shop()
    shop.post("/v1/batch", batch(call(context={"userAgent": HEADLESS}), call("m2")), User_Agent=CHROME)
    assert [event.bot_score for event in shop.events] == [1, None]
    assert b"Mozilla" not in b"".join(record.value for record in shop.publisher.records)


def test_a_page_is_judged_by_its_request_and_a_server_is_not() -> None:
    shop = Shop(KEYS)
    for key, headers in (("web", {"Origin": SHOP}), ("back", {})):
        shop.post("/v1/batch", batch(call(), writeKey=key), User_Agent="curl/8.5.0", **headers)
    assert [event.bot_score for event in shop.events] == [1, None]
