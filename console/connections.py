"""HTTP connections within bounds: how many, and how long a request may take to arrive."""

import asyncio
from typing import Any, Final

from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_TIMEOUT_S: Final = 10.0
"""Ours are a few hundred bytes."""
MOST_CONNECTIONS: Final = 20_256
CONNECTIONS_REFUSED: Final = Counter(
    "console_connections_refused_total",
    "Connections closed by the console before a request was whole, by reason.",
    ["reason"],
)
for each in ("too_many", "late", "not_http"):
    CONNECTIONS_REFUSED.labels(each)  # begins at 0, so that the first one is an increase

_REFUSAL: Final = b"HTTP/1.1 %b\r\naccess-control-allow-origin: *\r\ncontent-length: 0\r\nconnection: close\r\n%b\r\n"
_TOO_MANY: Final = _REFUSAL % (b"503 Service Unavailable", b"retry-after: 10\r\n")
_LATE: Final = _REFUSAL % (b"408 Request Timeout", b"")


class Bounds:
    """What all connections of one server share."""

    def __init__(self, max_connections: int, request_timeout_s: float = REQUEST_TIMEOUT_S) -> None:
        self.max_connections = max_connections
        self.request_timeout_s = request_timeout_s
        self.open_count = 0


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's connection, which by itself waits for ever for the end of a request, and takes as many as come."""

    def __init__(self, bounds: Bounds, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bounds = bounds
        self._timer: asyncio.TimerHandle | None = None
        self._is_arriving = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._bounds.open_count += 1
        if self._bounds.open_count > self._bounds.max_connections:
            CONNECTIONS_REFUSED.labels("too_many").inc()
            transport.write(_TOO_MANY)
            transport.close()
        else:
            self._wait_for_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._bounds.open_count -= 1
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        # Bytes after an answer end uvicorn's own wait for the next request, also when they begin none.
        if self._is_arriving or self.cycle is None or self.cycle.response_complete:
            self._wait_for_request()

    def send_400_response(self, msg: str) -> None:
        CONNECTIONS_REFUSED.labels("not_http").inc()
        super().send_400_response(msg)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_arriving = True

    def on_message_complete(self) -> None:
        self._is_arriving = False
        self._stop_waiting()
        super().on_message_complete()

    def _wait_for_request(self) -> None:
        if self._timer is None and not self.transport.is_closing():
            self._timer = self.loop.call_later(self._bounds.request_timeout_s, self._is_late)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_late(self) -> None:
        CONNECTIONS_REFUSED.labels("late").inc()
        cycle = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            self.transport.write(_LATE)
        if cycle is not None:
            # Its app may wait for the rest of a body, and its answer would go to a connection that is closed.
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()
