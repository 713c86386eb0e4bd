"""Hop 9. The console as one ASGI app: the API, the decision streams, the pages, the health endpoints."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.api_routes import Predict, api_operations
from console.board import DecisionBoard
from console.database import Database
from console.decision_routes import cors, decision_operations
from console.guard import Guard
from console.openapi import openapi_of
from console.pages import GuardedHeaders, page_routes
from console.problems import HANDLERS, json_response
from console.recommendation_routes import recommendation_operations
from console.recommendations import Recommendations
from runtime.health import Check, health_routes
from runtime.tokens import DecisionTokens


def create_app(
    allowed_origins: tuple[str, ...],
    tokens: DecisionTokens,
    board: DecisionBoard,
    database: Database,
    predict: Predict | None,
    checks: Mapping[str, Check],
    now: Callable[[], datetime],
    while_running: Callable[[], AbstractAsyncContextManager[None]] | None = None,
    *,
    hosts: Collection[str] = (),
    password: str = "",
    recommendations: Recommendations | None = None,
) -> Starlette:
    """The app over its parts. `while_running` is entered once the event loop runs and left when the server stops."""
    api = api_operations(database, board, predict, checks, now)
    for_shoppers = [
        *decision_operations(board, tokens, now),
        *recommendation_operations(recommendations, tokens, now),
    ]
    document = openapi_of([*api, *for_shoppers])

    async def openapi(_: Request) -> Response:
        return json_response(document)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if while_running is None:
            yield
        else:
            async with while_running():
                yield

    return Starlette(
        routes=[
            *(each.route(cors(allowed_origins)) for each in for_shoppers),
            *(each.route() for each in api),
            Route("/api/openapi.json", openapi),
            *page_routes(board),
            *health_routes(checks),
        ],
        middleware=[Middleware(GuardedHeaders), Middleware(Guard, hosts, password)],
        exception_handlers=dict(HANDLERS),
        lifespan=lifespan,
    )
