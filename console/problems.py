"""Every error as a body of `contracts.http.Problem`."""

import html
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec
from itsdangerous import BadSignature, SignatureExpired
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ExceptionHandler, Scope

from console.board import TooManyStreams
from console.database import DatabaseUnreachable
from contracts.codec import ENCODER, UNDECODABLE
from contracts.http import Problem, title_of
from runtime.tokens import TokenRefused

Body = TypeVar("Body")

MAX_BODY_BYTES: Final = 65_536


class Refused(Exception):
    """A request that cannot be answered, with the status, the code for programs and the message for people."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}


def json_response(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A contract as JSON that no cache keeps."""
    return Response(
        ENCODER.encode(body), status, {"cache-control": "no-store", **(headers or {})}, media_type="application/json"
    )


def is_for_people(scope: Scope) -> bool:
    """Whether a person looks at the answer: a browser opens the address as a page."""
    accepts = Headers(scope=scope).get("accept", "")
    return "text/html" in accepts and not scope["path"].startswith("/api/")


def problem_page(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """The sentence as a page. It needs no other file, since those may be refused as well."""
    said = html.escape(message[:1].upper() + message[1:])
    title = html.escape(title_of(status))
    return Response(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta name="color-scheme" content="light dark"><title>{title} · Shopstream</title><h1>{title}</h1><p>{said}.</p>',
        status,
        {"cache-control": "no-store", **(headers or {})},
        media_type="text/html",
    )


def problem_response(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    body = Problem(code=code, message=message, title=title_of(status), status=status)
    response = json_response(body, status, headers)
    response.headers["content-type"] = "application/problem+json"
    return response


async def on_refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return problem_response(error.status, error.code, error.message, error.headers)


async def on_token_refused(_: Request, error: Exception) -> Response:
    code = "token_of_another_visitor"
    if isinstance(error.__cause__, SignatureExpired):
        code = "token_expired"
    elif isinstance(error.__cause__, BadSignature):
        code = "token_forged"
    return problem_response(401, code, str(error))


async def on_too_many_streams(_: Request, error: Exception) -> Response:
    return problem_response(503, "too_many_streams", str(error), {"retry-after": "10"})


async def on_database_unreachable(_: Request, error: Exception) -> Response:
    return problem_response(503, "database_unreachable", str(error), {"retry-after": "2"})


async def on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.NOT_FOUND and is_for_people(request.scope):
        return problem_page(error.status_code, "there is no page at this address; sessions in progress are at /")
    code = title_of(error.status_code).lower().replace(" ", "_").replace("-", "_")
    return problem_response(error.status_code, code, error.detail, dict(error.headers or {}))


async def on_client_gone(_: Request, __: Exception) -> Response:
    # Nobody reads this; without it anybody could fill the log with tracebacks.
    return problem_response(400, "cut_off", "the connection ended before the body did")


async def on_bug(request: Request, _: Exception) -> Response:
    return problem_response(
        500, "bug", f"{request.url.path} failed for a reason of ours; the log of the console has it"
    )


HANDLERS: Final[dict[Any, ExceptionHandler]] = {
    Refused: on_refused,
    TokenRefused: on_token_refused,
    TooManyStreams: on_too_many_streams,
    DatabaseUnreachable: on_database_unreachable,
    HTTPException: on_http_exception,
    ClientDisconnect: on_client_gone,
    Exception: on_bug,
}
"""Starlette's `exception_handlers`."""


async def read_body(request: Request, kind: type[Body]) -> Body:
    """The request's JSON body, whatever its content type says. Raises `Refused`."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise Refused(413, "body_too_large", f"the body is larger than {MAX_BODY_BYTES} bytes")
    try:
        return msgspec.json.decode(bytes(raw), type=kind)
    except msgspec.ValidationError as error:
        raise Refused(400, "schema", str(error)) from error
    except UNDECODABLE as error:
        raise Refused(400, "unparsable", f"the body is not JSON: {error}") from error
