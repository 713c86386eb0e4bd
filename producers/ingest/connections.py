"""HTTP connections within bounds: how many, how long a request's head may be, and how long it may take."""

import logging
import resource
from collections import OrderedDict
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from producers.ingest.metrics import CONNECTIONS, CONNECTIONS_REFUSED

log = logging.getLogger(__name__)

MAX_HEAD_BYTES: Final = 65_536
HEAD_TIMEOUT_S: Final = 10.0
_SPARE_FILES: Final = 64
"""Descriptors for everything that is no connection of ours: Kafka, logs, the listening socket."""
_BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n"
    b"access-control-expose-headers: Retry-After\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s"
)
_TOO_MANY: Final = (
    b'{"code":"overloaded","message":"too many connections are open; send again later","type":"about:blank",'
    b'"title":"Service Unavailable","status":503}'
)


class Connections:
    """All open connections, and those of them that wait for a next request."""

    def __init__(self, max_connections: int) -> None:
        self.max_connections = max_connections
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
    """uvicorn's connection, which by itself waits for ever for the end of a head without end."""

    def __init__(self, bounds: Connections, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bounds = bounds
        self._head_bytes = 0
        self._head_timer: Any = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        has_room = self._bounds.has_room()
        self._bounds.open.add(self)
        if not has_room:
            self._refuse("too_many", _BUSY % (len(_TOO_MANY), _TOO_MANY))
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._bounds.open.discard(self)
        self._bounds.idle.pop(self, None)
        self._head_arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._bounds.idle.pop(self, None)
        if self._head_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._await_head()
        if self._head_timer is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_timer is not None and self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse("head_too_large", b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\r\n")

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio asks for it, uvicorn never says
        """Whether the connection stays open for an answer: the sender says no more, and may still listen."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return False
        if cycle.more_body:
            # It never will be whole. Without this its answer would be written to a connection that is closed already.
            cycle.disconnected = True
            cycle.message_event.set()
            return False
        cycle.keep_alive = False
        return True

    def send_400_response(self, msg: str) -> None:
        CONNECTIONS_REFUSED.labels("not_http").inc()
        self._head_arrived()
        super().send_400_response(msg)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head_timer is None:  # pipelined behind a request that is still being answered
            self._await_head()

    def on_headers_complete(self) -> None:
        self._head_arrived()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.timeout_keep_alive_task is not None:
            self._bounds.idle[self] = None

    def _await_head(self) -> None:
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._head_is_late)

    def _head_arrived(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        self._refuse("head_late", b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n")

    def _refuse(self, reason: str, answer: bytes) -> None:
        CONNECTIONS_REFUSED.labels(reason).inc()
        self._head_arrived()
        self.transport.write(answer)
        self.transport.close()


def allow_open_files(max_connections: int) -> int:
    """Let this process have so many connections, as far as the system does; how many it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max_connections + _SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        if allowed < wanted:
            log.warning(
                "this process may open %d files, so at most %d connections of SHOPSTREAM_INGEST_MAX_CONNECTIONS=%d; raise ulimit -n",
                allowed,
                allowed - _SPARE_FILES,
                max_connections,
            )
            return max(1, allowed - _SPARE_FILES)
    return max_connections
