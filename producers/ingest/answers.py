"""What ingest answers, and the headers that let a browser on another origin read it."""

from functools import lru_cache
from typing import Final, NamedTuple

import msgspec
from starlette.types import Scope, Send

from contracts.codec import ENCODER
from contracts.http import BatchAnswer, Problem, ValidationAnswer, title_of
from producers.ingest.write_keys import WriteKeys

Header = tuple[bytes, bytes]

_JSON: Final = (b"content-type", b"application/json")
_NO_STORE: Final = (b"cache-control", b"no-store")
_EXPOSE: Final = (b"access-control-expose-headers", b"Retry-After")
"""Not a safelisted header: without this a browser SDK cannot read it and backs off blindly."""
_VARY: Final = (b"vary", b"Origin")
_METHODS: Final = b"GET, POST, HEAD, OPTIONS"
_PREFLIGHT: Final[tuple[Header, ...]] = (
    (b"access-control-allow-methods", _METHODS),
    (
        b"access-control-allow-headers",
        b"authorization, content-type, content-encoding, accept, anonymousid, sentat, x-retry-count, rsa-recovered, "
        b"rsa-retry-attempt, rsa-since-last-attempt, rsa-since-first-attempt, rsa-retry-reason, sp-anonymous, "
        b"traceparent",
    ),
    (b"access-control-max-age", b"7200"),
)


class Answer(NamedTuple):
    status: int
    body: bytes = b""
    headers: tuple[Header, ...] = ()


class Refusal(NamedTuple):
    """Why a whole request is refused; nothing of it was stored."""

    status: int
    code: str
    message: str
    retry_after_s: int | None = None


def stored(answer: BatchAnswer) -> Answer:
    # Exactly 200: one SDK retries everything else, and a retry after 202 or 204 would send all of it again.
    return Answer(200, ENCODER.encode(answer), (_JSON, _NO_STORE))


OK: Final = Answer(200, b"ok", ((b"content-type", b"text/plain; charset=utf-8"), _NO_STORE))
"""What Snowplow's own collector answers to a POST."""
NO_CONTENT: Final = Answer(204, b"", (_NO_STORE,))
"""What Google Analytics answers."""
PIXEL: Final = Answer(
    200,
    bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"),
    ((b"content-type", b"image/gif"), _NO_STORE),
)
"""To a GET: a transparent GIF of one pixel."""


def checked(answer: ValidationAnswer) -> Answer:
    """Verdicts on events that were not to be stored."""
    return Answer(200, ENCODER.encode(answer), (_JSON, _NO_STORE))


def refused(refusal: Refusal) -> Answer:
    """An SDK that misses `code` or `message` in the body takes the answer for a network error and retries."""
    problem = Problem(
        code=refusal.code,
        message=refusal.message,
        title=title_of(refusal.status),
        status=refusal.status,
    )
    wait = () if refusal.retry_after_s is None else ((b"retry-after", str(refusal.retry_after_s).encode()),)
    return Answer(refusal.status, ENCODER.encode(problem), (_JSON, _NO_STORE, *wait))


def refused_to_snowplow(refusal: Refusal) -> Answer:
    """The same for Snowplow's trackers, which repeat a 413 for ever while everything after it waits."""
    return refused(refusal._replace(status=400) if refusal.status == 413 else refusal)


def document(value: object, max_age_s: int) -> Answer:
    """A JSON document that browsers and proxies may keep."""
    keep = (b"cache-control", f"public, max-age={max_age_s}".encode())
    return Answer(200, msgspec.json.encode(value), (_JSON, keep))


def preflight() -> Answer:
    return Answer(204, b"", _PREFLIGHT)


WHOLE: Final = "shopstream.whole_answer"
"""Extension of ASGI that our own connections offer: writes a head (without the empty line that ends it) and a body as one piece to
the request of a scope; false when it cannot now."""
_LONGEST_CACHED: Final = 128


async def send_answer(scope: Scope, send: Send, answer: Answer, origin: str | None, keys: WriteKeys) -> None:
    """Send `answer` with the CORS headers for `origin`; with HEAD only what its headers say."""
    allowed = origin if origin is not None and keys.allow_origin(origin) else None
    body = b"" if scope["method"] == "HEAD" else answer.body
    write = scope.get("extensions", {}).get(WHOLE)
    if write is not None and write(scope, head_of(answer, allowed), body):
        return
    headers = _headers(answer.status, answer.headers, len(answer.body), allowed)
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def head_of(answer: Answer, origin: str | None) -> bytes:
    """The head of an answer as HTTP/1.1 has it."""
    lines = _lines if origin is None or len(origin) <= _LONGEST_CACHED else _lines.__wrapped__
    return lines(answer.status, answer.headers, len(answer.body), origin)


@lru_cache(maxsize=1024)
def _lines(status: int, headers: tuple[Header, ...], size: int, origin: str | None) -> bytes:
    line = b"HTTP/1.1 %d %s\r\n" % (status, title_of(status).encode())
    return line + b"".join(b"%s: %s\r\n" % each for each in _headers(status, headers, size, origin))


def _headers(status: int, headers: tuple[Header, ...], size: int, origin: str | None) -> list[Header]:
    all_of_them = [*headers, _EXPOSE, _VARY]
    if status != 204:
        all_of_them.append((b"content-length", b"%d" % size))
    if origin is not None:
        all_of_them.append((b"access-control-allow-origin", origin.encode("latin-1")))
        all_of_them.append((b"access-control-allow-credentials", b"true"))
    return all_of_them
