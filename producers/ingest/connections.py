"""HTTP connections within bounds: how many, how long a request's head may be, and how long it may take."""

import asyncio
from collections import OrderedDict
from typing import Any, Final

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from producers.ingest.answers import WHOLE, Refusal, head_of, refused
from producers.ingest.metrics import CONNECTIONS, CONNECTIONS_REFUSED

MAX_HEAD_BYTES: Final = 65_536
HEAD_TIMEOUT_S: Final = 10.0
_CLOSE: Final = b"connection: close\r\n\r\n"


def _answer(status: int, code: str, message: str) -> bytes:
    """A refusal for connections that get no further than this module, which knows no write keys: a page on any origin may read it."""
    answer = refused(Refusal(status, code, message, 1 if status == 503 else None))
    answer = answer._replace(headers=(*answer.headers, (b"access-control-allow-origin", b"*")))
    return head_of(answer, None) + _CLOSE + answer.body


_TOO_MANY: Final = _answer(503, "overloaded", "too many connections are open; send again later")
_HEAD_LATE: Final = _answer(
    408, "too_slow", f"the head did not arrive within {HEAD_TIMEOUT_S:g} seconds; send it again"
)
_HEAD_TOO_LARGE: Final = _answer(431, "too_large", f"the head has more than {MAX_HEAD_BYTES} bytes")
_BODY_LATE: Final = _answer(408, "too_slow", "the body took too long to arrive; send it again, or less at once")


class Connections:
    """All open connections, and those of them that wait for a next request."""

    def __init__(self, max_connections: int, body_timeout_s: float) -> None:
        self.max_connections = max_connections
        self.body_timeout_s = body_timeout_s
        self.open: set[BoundedConnection] = set()
        self.idle: OrderedDict[BoundedConnection, None] = OrderedDict()
        CONNECTIONS.set_function(lambda: len(self.open))

    def has_room(self) -> bool:
        """Whether one more may stay; closes the one that was idle for longest when that makes room."""
        if len(self.open) < self.max_connections:
            return True
        if not self.idle:
            return False
        oldest, _ = self.idle.popitem(last=False)
        oldest.transport.close()
        return True


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's connection, which by itself waits for ever for the end of a head or a body.

    A request that arrives in one piece, as nearly all do, costs no timer.
    """

    def __init__(self, bounds: Connections, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bounds = bounds
        self._extensions: Any = {WHOLE: self._write}
        self._timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._is_in_head = False
        self._is_in_body = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        has_room = self._bounds.has_room()
        self._bounds.open.add(self)
        if has_room:
            self._timer = self.loop.call_later(HEAD_TIMEOUT_S, self._head_is_late)
        else:
            self._refuse("too_many", _TOO_MANY)

    def connection_lost(self, exc: Exception | None) -> None:
        self._bounds.open.discard(self)
        self._bounds.idle.pop(self, None)
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._bounds.idle.pop(self, None)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse("head_too_large", _HEAD_TOO_LARGE)
                return
        if self._timer is not None:
            return
        if self._is_in_body:
            self._timer = self.loop.call_later(self._bounds.body_timeout_s, self._body_is_late)
        elif self._is_in_head or (self.cycle is not None and self.cycle.response_complete):
            self._timer = self.loop.call_later(HEAD_TIMEOUT_S, self._head_is_late)

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio asks for it, uvicorn never says
        """Whether the connection stays open for an answer: the sender says no more, and may still listen."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return False
        if cycle.more_body:
            self._give_up()  # it never will be whole
            return False
        cycle.keep_alive = False
        return True

    def send_400_response(self, msg: str) -> None:
        CONNECTIONS_REFUSED.labels("not_http").inc()
        self._stop_timer()
        super().send_400_response(msg)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head, self._is_in_body, self._head_bytes = True, False, 0

    def on_headers_complete(self) -> None:
        self._stop_timer()
        self._is_in_head, self._is_in_body = False, True
        super().on_headers_complete()
        self.scope["extensions"] = self._extensions

    def on_message_complete(self) -> None:
        self._stop_timer()
        self._is_in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.timeout_keep_alive_task is not None:
            self._bounds.idle[self] = None

    def _write(self, scope: Scope, head: bytes, body: bytes) -> bool:
        """Answer in one piece, where uvicorn would write twice; false while the other side does not read, or has asked on."""
        cycle = self.cycle
        if cycle.scope is not scope or self.flow.write_paused:
            return False
        if cycle.disconnected:
            return True
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        date = b"".join([b"%s: %s\r\n" % each for each in cycle.default_headers])
        self.transport.write(b"".join((head, date, b"\r\n" if cycle.keep_alive else _CLOSE, body)))
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()
        return True

    def _head_is_late(self) -> None:
        self._refuse("head_late", _HEAD_LATE)

    def _body_is_late(self) -> None:
        is_answered = self.cycle.response_started or bool(self.pipeline)
        self._give_up()
        self._refuse("body_late", b"" if is_answered else _BODY_LATE)

    def _give_up(self) -> None:
        """Tell the app that the request will not be whole; its answer would go to a connection that is closed already."""
        self.cycle.disconnected = True
        self.cycle.message_event.set()

    def _refuse(self, reason: str, answer: bytes) -> None:
        CONNECTIONS_REFUSED.labels(reason).inc()
        self._stop_timer()
        self.transport.write(answer)
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
