"""The pages for people: shells without data, their script and style, and the headers that keep strangers' text inert."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.board import DecisionBoard
from console.sse import HEARTBEAT, HEARTBEAT_S, RETRY, EventStream, frame

STATIC: Final = Path(__file__).parent / "static"
FEED_PAUSE_S: Final = 0.2
"""The page redraws at most five times a second, however many decisions there are."""
HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}


class GuardedHeaders:
    """Puts `HEADERS` on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)


def page_routes(board: DecisionBoard) -> list[BaseRoute]:
    """`/`, `/sessions/{session_id}`, `/heatmap`, their files, and the page's own feed of decisions."""

    async def live_page(_: Request) -> Response:
        return _page("live.html")

    async def story_page(_: Request) -> Response:
        return _page("story.html")

    async def heatmap_page(_: Request) -> Response:
        return _page("heatmap.html")

    async def feed(_: Request) -> Response:
        return EventStream(feed_frames(board), first=RETRY)

    async def favicon(_: Request) -> Response:
        return FileResponse(STATIC / "mark.svg", media_type="image/svg+xml")

    return [
        Route("/", live_page),
        Route("/sessions/{session_id}", story_page),
        Route("/heatmap", heatmap_page),
        Route("/api/live", feed),
        Route("/favicon.ico", favicon),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]


async def feed_frames(board: DecisionBoard) -> AsyncGenerator[bytes]:
    """Decisions of all visitors in arrays, oldest first, beginning with the last few, until the board closes."""
    with board.feed() as feed:
        while not feed.is_closed:
            batch = await feed.next(HEARTBEAT_S)
            if batch:
                yield frame("decisions", b"[" + b",".join(posted.for_console for posted in batch) + b"]")
                await asyncio.sleep(FEED_PAUSE_S)
            elif not feed.is_closed:
                yield HEARTBEAT


def _page(name: str) -> Response:
    return FileResponse(STATIC / name)
