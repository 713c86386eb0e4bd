"""A shop, and on another origin an ingest and a console that only remember what the snippet sent them."""

import json
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from console.bodies import RecommendationsAnswer
from contracts.codec import ENCODER
from contracts.decisions import Decision
from contracts.http import TokenAnswer, TokenRequest
from contracts.ids import visitor_id_of
from producers.tracker import snippet

Item = dict[str, Any]

NOTHING: Final = RecommendationsAnswer(visitor_id="v", basis="none", reason="too few visitors", as_of=None, items=[])


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request to ingest or the console, and the status it got."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str
    status: int
    at: float

    @property
    def batch(self) -> list[Item]:
        return list(json.loads(self.body)["batch"])


@dataclass
class RecordingServer:
    """What came, and what to answer. `head` and `body` are put into every page of the shop."""

    status: int = 200
    retry_after: str | None = None
    max_batch_events: int = 1_000
    token: str = "token-1"
    head: str = ""
    body: str = ""
    attributes: str = ""
    """More of the snippet's tag."""
    shop: str = ""
    ingest: str = ""
    console: str = ""
    """Where the pages find decisions, when not here."""
    recommended: RecommendationsAnswer | None = NOTHING
    """What the console recommends to whoever has the token; None is a console without such an endpoint."""
    requests: list[Recorded] = field(default_factory=list)
    streams: list["queue.Queue[bytes | None]"] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    is_answering: threading.Event = field(default_factory=threading.Event)
    """Cleared, ingest hears everything and answers nothing."""
    is_granting: threading.Event = field(default_factory=threading.Event)
    """Cleared, the console hears everything and grants no token."""

    @property
    def batches(self) -> list[Recorded]:
        return [each for each in self.requests if each.method == "POST" and each.path == "/v1/batch"]

    @property
    def items(self) -> list[Item]:
        """Every item of every batch that was answered 200, as often as it came."""
        return [item for each in self.batches if each.status == 200 for item in each.batch]

    def named(self, name: str) -> list[Item]:
        """The accepted items with this event name, or of this type when they have none."""
        return [item for item in self.items if item.get("event", item["type"]) == name]

    def wait_for(self, what: Callable[[], Any], timeout_s: float = 30) -> Any:
        """The first true value of `what`, looked at after every request."""
        with self.changed:
            assert self.changed.wait_for(what, timeout_s), f"only came: {[(r.path, r.status) for r in self.requests]}"
            return what()

    def wait_for_event(self, name: str, count: int = 1) -> list[Item]:
        self.wait_for(lambda: len(self.named(name)) >= count)
        return self.named(name)

    def wait_for_distinct(self, name: str, count: int) -> list[Item]:
        """Like `wait_for_event`, by message id: a page that is left may send a batch twice under the same ids."""

        def distinct() -> list[Item]:
            return list({item["messageId"]: item for item in reversed(self.named(name))}.values())[::-1]

        self.wait_for(lambda: len(distinct()) >= count)
        return distinct()

    def decide(self, decision: Decision, number: int = 0) -> None:
        """Send a decision down every open stream, as the console does."""
        self.wait_for(lambda: self.streams)
        message = f"id: 0-{number}\nevent: decision\ndata: {ENCODER.encode(decision).decode()}\n\n"
        for stream in self.streams:
            stream.put(message.encode())

    def end_streams(self) -> None:
        with self.changed:
            for stream in self.streams:
                stream.put(None)
            self.streams.clear()

    def record(self, request: BaseHTTPRequestHandler, body: bytes, status: int) -> None:
        with self.changed:
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.requests.append(
                Recorded(request.command, request.path.split("?")[0], headers, body.decode(), status, time.monotonic())
            )
            self.changed.notify_all()

    def page(self) -> bytes:
        script = (
            f'<script async src="{self.ingest}/shopstream.js" data-write-key="demo" data-decisions="{self.console or self.ingest}/" {self.attributes}>'
            "</script>"
        )
        return f"<!doctype html><title>Shop</title>{self.head}{script}<body>{self.body}</body>".encode()


class _Handler(BaseHTTPRequestHandler):
    recording: RecordingServer

    def do_OPTIONS(self) -> None:
        self.recording.record(self, b"", 204)
        self._answer(204)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/v1/batch":
            is_too_large = len(json.loads(body)["batch"]) > self.recording.max_batch_events
            status = 413 if is_too_large else self.recording.status
            self.recording.record(self, body, status)
            self.recording.is_answering.wait()
            self._answer(status, b'{"success":true}' if status == 200 else b'{"code":"x","message":"no"}')
        else:
            secret = json.loads(body)["visitor_secret"]
            TokenRequest(visitor_secret=secret)
            self.recording.record(self, body, 200)
            self.recording.is_granting.wait()
            answer = TokenAnswer(visitor_id=visitor_id_of(secret), token=self.recording.token, expires_in_s=600)
            self._answer(200, ENCODER.encode(answer))

    def do_GET(self) -> None:
        if self.path == "/shopstream.js":
            self._answer(200, snippet(), "text/javascript")
        elif self.path.startswith("/api/decisions/"):
            self._stream()
        elif self.path.startswith("/api/recommendations/"):
            self._recommend()
        elif self.path == "/favicon.ico":
            self._answer(204)
        else:
            self._answer(200, self.recording.page(), "text/html")

    def _stream(self) -> None:
        if not self.path.endswith(f"/stream?token={self.recording.token}"):
            self.recording.record(self, b"", 401)
            self._answer(401, b'{"code":"token","message":"no"}')
            return
        messages: queue.Queue[bytes | None] = queue.Queue()
        self.send_response(200)
        self._cors()
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"retry: 50\n\n")
        self.recording.streams.append(messages)
        self.recording.record(self, b"", 200)
        while (message := messages.get()) is not None:
            self.wfile.write(message)
        self.close_connection = True

    def _recommend(self) -> None:
        has_token = parse_qs(urlsplit(self.path).query).get("token") == [self.recording.token]
        told = self.recording.recommended
        status = 404 if told is None else 200 if has_token else 401
        self.recording.record(self, b"", status)
        self._answer(status, b'{"code":"x","message":"no"}' if status > 200 else ENCODER.encode(told))

    def _answer(self, status: int, body: bytes = b"", content_type: str = "application/json") -> None:
        self.send_response(status)
        self._cors()
        if self.recording.retry_after and status in (429, 503):
            self.send_header("retry-after", self.recording.retry_after)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _cors(self) -> None:
        # As wire.md section 5 asks of ingest.
        if origin := self.headers.get("origin"):
            self.send_header("access-control-allow-origin", origin)
            self.send_header("access-control-allow-credentials", "true")
            self.send_header("access-control-expose-headers", "Retry-After")
            self.send_header("vary", "Origin")

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A browser that goes away in the middle of an answer is what these tests are about.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def recording_server() -> Iterator[RecordingServer]:
    """Both origins, on free ports of this machine."""
    recording = RecordingServer()
    recording.is_answering.set()
    recording.is_granting.set()
    handler = type("Handler", (_Handler,), {"recording": recording})
    servers = [_Server(("127.0.0.1", 0), handler) for _ in range(2)]
    recording.shop, recording.ingest = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,)) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield recording
    finally:
        recording.is_answering.set()
        recording.is_granting.set()
        recording.end_streams()
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()
