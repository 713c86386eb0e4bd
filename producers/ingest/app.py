"""Hop 2. HTTP in, answers out: SDK calls, what browser SDKs fetch first, the snippet, and the health endpoints."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from producers.ingest import openapi, paths
from producers.ingest.answers import Answer, Refusal, document, preflight, refused, send_answer
from producers.ingest.bodies import ClientGone
from producers.ingest.consent import signals_in
from producers.ingest.key_file import KeyFile
from producers.ingest.publish import EventPublisher
from producers.ingest.sdk_settings import rudderstack_source, segment_settings
from producers.ingest.senders import Claims, Senders
from producers.ingest.take import Head, Taker
from producers.ingest.write_keys import WriteKeys
from runtime.health import Check, health_routes
from runtime.settings import IngestSettings

Query = dict[str, list[str]]
Headers = dict[bytes, bytes]

_SETTINGS_SECONDS: Final = 300
_SNIPPET_SECONDS: Final = 600
_OPENAPI: Final = document(openapi.document(), _SETTINGS_SECONDS)


def utc_now() -> datetime:
    return datetime.now(UTC)


class IngestApp:
    """ASGI by hand where every event passes; Starlette for the rest."""

    def __init__(
        self,
        settings: IngestSettings,
        keys: WriteKeys,
        publisher: EventPublisher,
        *,
        snippet: bytes,
        checks: Mapping[str, Check],
        now: Callable[[], datetime] = utc_now,
        steady: Callable[[], float] = time.monotonic,
        key_file: KeyFile | None = None,
    ) -> None:
        self._senders = Senders(keys)
        self._taker = Taker(settings, self._senders, publisher, now=now, steady=steady)
        self._snippet = _snippet_answers(snippet)

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            publisher.start()
            watching = key_file and asyncio.create_task(key_file.watch(self._senders.use))
            yield
            if watching:
                watching.cancel()
            await publisher.close()

        self._rest = Starlette(routes=health_routes(checks), lifespan=lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in paths.HEALTH:
            await self._rest(scope, receive, send)
            return
        query = _query_of(scope["query_string"])
        headers = dict(scope["headers"])
        head = _head_of(scope, headers, query)
        try:
            answer = await self._answer(scope, headers, head, query, receive)
        except ClientGone:
            return
        await send_answer(scope, send, answer, head.claims.origin, self._senders.keys)

    async def _answer(self, scope: Scope, headers: Headers, head: Head, query: Query, receive: Receive) -> Answer:
        method = scope["method"]
        if method == "OPTIONS":
            return preflight()
        if head.path in paths.CALLS:
            return await self._taker.take(paths.CALLS[head.path], head, receive) if method == "POST" else _only("POST")
        if head.path == paths.SNOWPLOW:
            return await self._taker.take_snowplow(head, receive) if method == "POST" else _only("POST")
        if head.path == paths.PIXEL:
            return await self._taker.take_pixel(query, head) if method == "GET" else _only("GET")
        if head.path == paths.SHOPIFY:
            return await self._taker.take_shopify(head, receive) if method == "POST" else _only("POST")
        if head.path == paths.CLIENT_METRICS:
            return await self._taker.ignore(receive) if method == "POST" else _only("POST")
        if head.path in paths.GOOGLE:
            return await self._google(scope, head, query, receive)
        if (found := self._document(scope, headers, head, query)) is not None:
            return found if method in ("GET", "HEAD") else _only("GET")
        return refused(Refusal(404, "not_found", f"nothing is at {head.path[:128]}; events go to POST /v1/batch"))

    async def _google(self, scope: Scope, head: Head, query: Query, receive: Receive) -> Answer:
        method = scope["method"]
        if head.path == paths.GTAG and method == "GET":
            return await self._taker.take_gtag_pixel(scope["query_string"], head)
        if method != "POST":
            return _only("GET, POST" if head.path == paths.GTAG else "POST")
        match head.path:
            case paths.GTAG:
                return await self._taker.take_gtag(scope["query_string"], head, receive)
            case paths.TAG_MANAGER:
                return await self._taker.take_tag_manager(head, receive)
            case paths.MEASUREMENT_CHECK:
                return await self._taker.check_measurement(query, head, receive)
            case _:
                return await self._taker.take_measurement(query, head, receive)

    def _document(self, scope: Scope, headers: Headers, head: Head, query: Query) -> Answer | None:
        if head.path == paths.SNIPPET:
            return self._snippet[b"gzip" in headers.get(b"accept-encoding", b"")]
        if head.path == paths.OPENAPI:
            return _OPENAPI
        if head.path == paths.RUDDERSTACK_SOURCE:
            if "ad" in query.get("view", ()):
                return Answer(200)
            return self._for_key(head, None, lambda key: rudderstack_source(key))
        host = _text(headers.get(b"host")) or ""
        for prefix in paths.PROJECTS:
            if head.path.startswith(prefix) and head.path.endswith("/settings"):
                name = head.path.removeprefix(prefix).removesuffix("/settings").rstrip("/")
                return self._for_key(head, name, lambda key: segment_settings(key, host, scope.get("scheme", "http")))
        return None

    def _for_key(self, head: Head, name: str | None, document_of: Callable[[str], object]) -> Answer:
        key = self._senders.sender_of(head.claims, name)
        if isinstance(key, Refusal):
            return refused(key)
        return document(document_of(key.name), _SETTINGS_SECONDS)


def _only(method: str) -> Answer:
    answer = refused(Refusal(405, "method_not_allowed", f"use {method} here"))
    return answer._replace(headers=(*answer.headers, (b"allow", f"{method}, OPTIONS".encode())))


def _snippet_answers(snippet: bytes) -> dict[bool, Answer]:
    """The snippet plain and gzipped."""
    headers = (
        (b"content-type", b"text/javascript; charset=utf-8"),
        (b"cache-control", f"public, max-age={_SNIPPET_SECONDS}, stale-while-revalidate=86400".encode()),
        (b"cross-origin-resource-policy", b"cross-origin"),
        (b"x-content-type-options", b"nosniff"),
        (b"vary", b"Accept-Encoding"),
    )
    zipped = Answer(200, gzip.compress(snippet, mtime=0), (*headers, (b"content-encoding", b"gzip")))
    return {False: Answer(200, snippet, headers), True: zipped}


def _head_of(scope: Scope, headers: Headers, query: Query) -> Head:
    key = query["writeKey"][0] if "writeKey" in query else None
    client = scope.get("client")
    return Head(
        path=scope["path"].rstrip("/") or "/",
        claims=Claims(_text(headers.get(b"authorization")), key, _text(headers.get(b"origin"))),
        user_agent=_text(headers.get(b"user-agent")),
        traceparent=_text(headers.get(b"traceparent")),
        address=client[0] if client else None,
        signals=signals_in(headers),
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _query_of(raw: bytes) -> Query:
    try:
        return parse_qs(raw.decode("latin-1"), max_num_fields=100) if raw else {}
    except ValueError:  # made to be slow
        return {}
