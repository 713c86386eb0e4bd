"""A front of the real ingest that answers the first requests with events as a test wants, and passes all others on."""

import asyncio
import gzip
import http.client
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal
from urllib.parse import parse_qs, urlsplit

from starlette.types import Message

from producers.ingest import paths
from producers.ingest.answers import Answer, Refusal, refused, refused_to_snowplow, send_answer
from producers.ingest.bodies import Calls
from producers.ingest.readers import Readers
from producers.ingest.write_keys import LOCAL
from runtime.settings import IngestSettings

Fault = Literal["200", "400", "401", "413", "429", "503", "cut"]
"""What the front does with a request: pass it on, answer it like ingest would, or `cut`: pass it on and lose the answer."""

READERS: Final = Readers(IngestSettings())
REFUSALS: Final = {
    "400": Refusal(400, "unparsable", "the body must be a JSON object"),
    "401": Refusal(401, "unknown_write_key", "the request names an unknown write key"),
    "413": Refusal(413, "too_large", "the body has too many bytes; send smaller batches"),
    "429": Refusal(429, "rate_limited", "write key demo is over its rate; send again later", 1),
    "503": Refusal(503, "kafka_unavailable", "the events could not be stored; send them again later", 1),
}
WELL: Final = (200, 204)
_SNOWPLOW: Final = ("/com.snowplowanalytics.snowplow/tp2", "/i?")
_NO_EVENTS: Final = ("/sourceConfig", "/v1/projects/", "/v1/m")


@dataclass(frozen=True, slots=True)
class Request:
    """One request with events: their ids, and whether ingest said that it has them."""

    path: str
    message_ids: tuple[str, ...]
    status: int
    is_cut: bool
    at: float


@dataclass
class Front:
    """What came, and what happens to it."""

    ingest: str
    fault: Fault
    faulty_requests: float
    """How many requests meet the fault before all is well again."""
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    preflights: list[str] = field(default_factory=list)
    """Their paths."""
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, what: Callable[[], bool], timeout_s: float) -> bool:
        with self.changed:
            return self.changed.wait_for(what, timeout_s)

    def wait_for_quiet(self, seconds: float, timeout_s: float) -> None:
        """Return once the last request is some seconds ago."""
        end = time.monotonic() + timeout_s
        while (now := time.monotonic()) < end:
            last = max((request.at for request in self.requests), default=0.0)
            if now - last >= seconds:
                return
            self.wait_for(lambda: False, min(end, last + seconds) - now)

    @property
    def sent_ids(self) -> set[str]:
        return {message_id for request in self.requests for message_id in request.message_ids}

    @property
    def delivered_ids(self) -> set[str]:
        """What the SDK knows to be stored."""
        good = (request for request in self.requests if request.status in WELL and not request.is_cut)
        return {message_id for request in good for message_id in request.message_ids}

    def times_sent(self) -> list[int]:
        """For each event, in how many requests it came."""
        return [sum(each in request.message_ids for request in self.requests) for each in sorted(self.sent_ids)]


class _Handler(BaseHTTPRequestHandler):
    front: Front

    def do_GET(self) -> None:
        self._handle()

    do_HEAD = do_POST = do_OPTIONS = do_GET

    def _handle(self) -> None:
        front = self.front
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.command == "OPTIONS":
            front.preflights.append(self.path)
        if self.command in ("OPTIONS", "HEAD") or self.path.startswith(_NO_EVENTS):
            self._answer(*self._pass_on(body))
            return
        with front.changed:
            is_faulty = len(front.requests) < front.faulty_requests
            slot = len(front.requests)
            front.requests.append(Request(self.path, ids_in(self.path, body), 0, False, time.monotonic()))
        if is_faulty and front.fault in REFUSALS:
            refuse = refused_to_snowplow if self.path.startswith(_SNOWPLOW) else refused
            status, headers, answer = answer_of(refuse(REFUSALS[front.fault]), self.headers.get("origin"))
        else:
            status, headers, answer = self._pass_on(body)
        is_cut = is_faulty and front.fault == "cut"
        if not is_cut:
            self._answer(status, headers, answer)
        with front.changed:
            front.requests[slot] = Request(
                self.path, front.requests[slot].message_ids, status, is_cut, time.monotonic()
            )
            front.changed.notify_all()

    def _pass_on(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.front.ingest).netloc, timeout=20)
        try:
            connection.request(self.command, self.path, body or None, dict(self.headers))
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def ids_in(path: str, body: bytes) -> tuple[str, ...]:
    """The ids of the events of a request, whatever the SDK; Google Analytics has none but those that ingest gives."""
    where = urlsplit(path)
    if where.path in paths.GOOGLE:
        read = READERS.gtag(where.query.encode()) if where.path == paths.GTAG else READERS.measurement({}, LOCAL)
        calls = read(body)
        assert isinstance(calls, Calls)
        return tuple(json.loads(raw)["messageId"] for raw in calls.raw)
    if not body:
        return tuple(parse_qs(urlsplit(path).query)["eid"])
    read = json.loads(gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body)
    if "data" in read and "schema" in read:
        return tuple(event["eid"] for event in read["data"])
    return tuple(event["messageId"] for event in read.get("batch", [read]))


def answer_of(answer: Answer, origin: str | None) -> tuple[int, list[tuple[str, str]], bytes]:
    """The answer as ingest sends it, with its CORS headers."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    asyncio.run(send_answer({"method": "POST"}, send, answer, origin, LOCAL))
    headers = [(name.decode(), value.decode()) for name, value in messages[0]["headers"]]
    return answer.status, headers, answer.body


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a page that was closed
            super().handle_error(request, client_address)


@contextmanager
def front_of(ingest: str, fault: Fault, faulty_requests: float) -> Iterator[Front]:
    """A front on a free port of this machine."""
    front = Front(ingest, fault, faulty_requests)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"front": front}))
    front.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield front
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
