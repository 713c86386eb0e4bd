"""Who may ask what a visitor is likely to want next, and how."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from starlette.applications import Starlette

from console.database import Database
from console.recommendation_routes import MOST_UNDER_WAY
from console.recommendations import Recommendations
from models.likeness import Likeness, likeness_of
from runtime.tokens import DecisionTokens
from tests.asgi import Asked, ask, asking
from tests.unit.console.conftest import NOBODY, NOON

MakeApp = Callable[..., Starlette]


def alike() -> Likeness:
    return likeness_of([], NOON, min_visitors=1)


def recommending(likeness: Callable[[], Likeness | None] = alike) -> Recommendations:
    """Postgres is away."""
    return Recommendations(Database(NOBODY), likeness, days=30)


def url(tokens: DecisionTokens, query: str = "", visitor_id: str = "ada") -> str:
    return f"/api/recommendations/{visitor_id}?token={tokens.issue('ada')}&{query}"


def test_no_token_and_that_of_another_visitor_are_refused(make_app: MakeApp, tokens: DecisionTokens) -> None:
    app = make_app(recommendations=recommending())
    assert ask(app, "GET", "/api/recommendations/ada").json["code"] == "token_missing"
    answer = ask(app, "GET", url(tokens, visitor_id="bob"))
    assert (answer.status, answer.json["code"]) == (401, "token_of_another_visitor")


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=51", "limit=-1", "limit=x", "limit=²", "limit=1e1", "item_id=" + "x" * 129]
)
def test_what_cannot_be_meant_is_refused_with_what_can(make_app: MakeApp, tokens: DecisionTokens, query: str) -> None:
    answer = ask(make_app(recommendations=recommending()), "GET", url(tokens, query))
    assert (answer.status, answer.json["code"]) == (400, "schema")
    assert query.partition("=")[0] in answer.json["message"]


def test_switched_off_is_an_empty_answer_with_its_reason(make_app: MakeApp, tokens: DecisionTokens) -> None:
    answer = ask(make_app(), "GET", url(tokens))
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json == {
        "visitor_id": "ada",
        "basis": "none",
        "reason": "recommendations are switched off (SHOPSTREAM_CONSOLE_RECOMMEND_REFRESH_S)",
        "as_of": None,
        "items": [],
    }


def test_before_the_first_look_at_the_shop_the_answer_is_empty(make_app: MakeApp, tokens: DecisionTokens) -> None:
    answer = ask(make_app(recommendations=recommending(lambda: None)), "GET", url(tokens)).json
    assert (answer["basis"], answer["items"]) == ("none", [])
    assert "try again in a minute" in answer["reason"]


def test_postgres_away_is_a_503(make_app: MakeApp, tokens: DecisionTokens) -> None:
    answer = ask(make_app(recommendations=recommending()), "GET", url(tokens))
    assert (answer.status, answer.json["code"]) == (503, "database_unreachable")
    assert answer.headers["retry-after"] == "2"


def test_only_listed_origins_may_read(make_app: MakeApp) -> None:
    app = make_app(allowed_origins=("https://shop.example",))
    asked = [
        ask(app, "GET", "/api/recommendations/ada", headers={"origin": origin})
        for origin in ("https://shop.example", "https://evil.example")
    ]
    assert [answer.headers.get("access-control-allow-origin") for answer in asked] == ["https://shop.example", None]


def test_shoppers_who_wait_keep_nobody_from_the_console_and_only_so_many_wait(
    make_app: MakeApp, tokens: DecisionTokens
) -> None:
    is_over = threading.Event()

    def slow() -> None:
        is_over.wait(30)

    app = make_app(recommendations=recommending(slow))

    async def crowd() -> tuple[Asked, list[Asked]]:
        async with asyncio.TaskGroup() as tasks:
            shoppers = [tasks.create_task(asking(app, "GET", url(tokens))) for _ in range(200)]
            try:
                people = await asyncio.wait_for(asking(app, "GET", "/api/health"), 10)
            finally:
                is_over.set()
        return people, [each.result() for each in shoppers]

    people, shoppers = asyncio.run(crowd())
    assert people.status == 200
    refused = [answer for answer in shoppers if answer.status == 503]
    assert len(refused) == 200 - MOST_UNDER_WAY
    assert (refused[0].json["code"], refused[0].headers["retry-after"]) == ("busy", "2")
