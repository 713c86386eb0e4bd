"""Hop 9. What a visitor is likely to want next, to whoever holds a token for that visitor."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from console.bodies import RecommendationsAnswer
from console.decision_routes import checked_visitor_id
from console.operations import Operation
from console.problems import Refused, json_response
from console.recommendations import OFF, Recommendations, nothing
from runtime.tokens import DecisionTokens

MOST: Final = 50
MOST_ID_LENGTH: Final = 128
AT_ONCE: Final = 4
"""As many as `Database` has connections. Of threads of their own: else shoppers who wait for Postgres have all those that people need."""
MOST_UNDER_WAY: Final = 100
"""Requests; more are told to come again."""


def recommendation_operations(
    recommendations: Recommendations | None, tokens: DecisionTokens, now: Callable[[], datetime]
) -> list[Operation]:
    """The endpoint under `/api/recommendations`. `recommendations` is None when they are switched off."""

    threads = CapacityLimiter(AT_ONCE)
    under_way = 0

    async def recommended(request: Request) -> Response:
        nonlocal under_way
        visitor_id = checked_visitor_id(request, tokens)
        limit, page_item_id = asked_of(request)
        if recommendations is None:
            return json_response(nothing(visitor_id, OFF))
        if under_way >= MOST_UNDER_WAY:
            raise Refused(
                503, "busy", "too many shoppers ask at once; try again in a few seconds", {"retry-after": "2"}
            )
        answer = partial(recommendations.answer, visitor_id, limit, page_item_id, now())
        under_way += 1
        try:
            return json_response(await to_thread.run_sync(answer, limiter=threads))
        finally:
            under_way -= 1

    return [
        Operation(
            "GET",
            "/api/recommendations/{visitor_id}",
            recommended,
            "Items that the visitor is likely to want next, from what others looked at, put into the cart and bought together.",
            answer=RecommendationsAnswer,
            query={
                "token": "A decision token for this visitor; an `Authorization: Bearer` header does as well.",
                "limit": f"How many at most, 1 to {MOST}; 8 unless told.",
                "item_id": "The item on the page, which then counts as looked at just now.",
            },
            problems=(400, 401, 503),
        )
    ]


def asked_of(request: Request) -> tuple[int, str | None]:
    """How many at most, and the item on the page. Raises `Refused`."""
    limit = request.query_params.get("limit") or "8"
    if not (limit.isascii() and limit.isdecimal() and len(limit) < 4 and 1 <= int(limit) <= MOST):
        raise Refused(400, "schema", f"`limit` takes a whole number from 1 to {MOST}")
    item_id = request.query_params.get("item_id") or None
    if item_id is not None and len(item_id) > MOST_ID_LENGTH:
        raise Refused(400, "schema", f"`item_id` takes at most {MOST_ID_LENGTH} characters")
    return int(limit), item_id
