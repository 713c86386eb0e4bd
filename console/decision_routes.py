"""Hop 9. A visitor's decisions out, to whoever holds a token for that visitor: by stream or by asking."""

from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from typing import Final

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from console.board import DecisionBoard
from console.operations import Operation
from console.problems import Refused, json_response, read_body
from console.sse import HEARTBEAT, HEARTBEAT_S, RETRY, EventStream, frame
from contracts.decisions import Decision
from contracts.http import TokenAnswer, TokenRequest
from contracts.ids import visitor_id_of
from runtime.tokens import DecisionTokens

MIN_SECRET_LENGTH: Final = 22
"""128 bits in base64: a secret that can be guessed lets anyone read that visitor's decisions."""
MAX_SECRET_LENGTH: Final = 256


def cors(allowed_origins: tuple[str, ...]) -> list[Middleware]:
    """Lets pages of these origins read decisions; without credentials, because the token is in the request."""
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=allowed_origins,
            allow_methods=("GET", "POST", "OPTIONS"),
            allow_headers=("authorization", "content-type", "last-event-id", "cache-control"),
            expose_headers=("Retry-After",),
            max_age=7200,
        )
    ]


def decision_operations(board: DecisionBoard, tokens: DecisionTokens, now: Callable[[], datetime]) -> list[Operation]:
    """The three endpoints under `/api/decisions`."""

    async def token(request: Request) -> Response:
        secret = (await read_body(request, TokenRequest)).visitor_secret
        if not MIN_SECRET_LENGTH <= len(secret) <= MAX_SECRET_LENGTH:
            raise Refused(
                400,
                "weak_secret",
                f"visitor_secret has {MIN_SECRET_LENGTH} to {MAX_SECRET_LENGTH} characters; make one of 32 random bytes",
            )
        visitor_id = visitor_id_of(secret)
        return json_response(
            TokenAnswer(visitor_id=visitor_id, token=tokens.issue(visitor_id), expires_in_s=tokens.ttl_s)
        )

    async def latest(request: Request) -> Response:
        posted = board.latest(checked_visitor_id(request, tokens), now())
        if posted is None:
            return Response(status_code=204, headers={"cache-control": "no-store"})
        return Response(posted.for_visitor, headers={"cache-control": "no-store"}, media_type="application/json")

    async def stream(request: Request) -> Response:
        visitor_id = checked_visitor_id(request, tokens)
        last_id = request.headers.get("last-event-id")
        frames = visitor_frames(board, visitor_id, last_id, now)
        # The first frame is made before the answer's status goes out, so that a full board is a 503.
        return EventStream(frames, first=await anext(frames))

    return [
        Operation(
            "POST",
            "/api/decisions/token",
            token,
            "A short-lived token for the visitor that this secret belongs to.",
            body=TokenRequest,
            answer=TokenAnswer,
            problems=(400, 413),
        ),
        Operation(
            "GET",
            "/api/decisions/{visitor_id}",
            latest,
            "The visitor's latest decision; 204 when there was none in the last half hour.",
            answer=Decision,
            may_be_empty=True,
            query={"token": "A decision token for this visitor; an `Authorization: Bearer` header does as well."},
            problems=(401,),
        ),
        Operation(
            "GET",
            "/api/decisions/{visitor_id}/stream",
            stream,
            "The visitor's decisions as server-sent events `decision`, beginning with the latest unless Last-Event-ID names it.",
            answer=Decision,
            media_type="text/event-stream",
            query={"token": "A decision token for this visitor; an `Authorization: Bearer` header does as well."},
            problems=(401, 503),
        ),
    ]


def checked_visitor_id(request: Request, tokens: DecisionTokens) -> str:
    """The visitor of the path, once the request has shown a token for that visitor. Raises `Refused` or `TokenRefused`."""
    visitor_id = str(request.path_params["visitor_id"])
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = request.query_params.get("token") or (bearer if scheme.lower() == "bearer" else "")
    if not token:
        raise Refused(401, "token_missing", "what is of a visitor needs a token; ask /api/decisions/token for one")
    tokens.check(token, visitor_id)
    return visitor_id


async def visitor_frames(
    board: DecisionBoard, visitor_id: str, last_id: str | None, now: Callable[[], datetime]
) -> AsyncGenerator[bytes]:
    """The frames of one visitor's stream until the board closes. Raises `TooManyStreams` before the first."""
    with board.watch(visitor_id) as watch:
        latest = board.latest(visitor_id, now())
        if latest is not None and latest.id != last_id:
            watch.offer(latest)
        yield RETRY
        while not watch.is_closed:
            posted = await watch.next(HEARTBEAT_S)
            if posted is not None:
                yield frame("decision", posted.for_visitor, posted.id)
            elif not watch.is_closed:
                yield HEARTBEAT
