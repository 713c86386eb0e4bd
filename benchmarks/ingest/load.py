"""Posts written-out requests over kept connections: as fast as they are answered, or at a steady rate."""

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, cast

import uvloop

_LENGTH: Final = re.compile(rb"content-length: (\d+)\r\n", re.IGNORECASE)
_ACCEPTED: Final = re.compile(rb'"accepted":(\d+)')


class LoadFailed(RuntimeError):
    """A request was not answered 200; the text has the answer."""


class _Connection(asyncio.Protocol):
    """Sends one request after the other; `answered` is called with each answer's number of accepted events."""

    def __init__(self, answered: Callable[["_Connection", int], None], failed: Callable[[str], None]) -> None:
        self._answered = answered
        self._failed = failed
        self._got = b""
        self.is_closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class, by duck typing

    def send(self, request: bytes) -> None:
        self._transport.write(request)

    def close(self) -> None:
        self.is_closing = True
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, rest = self._got.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        if not found or length is None or len(rest) < int(length[1]):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._failed(self._got[:500].decode("latin-1"))
            return
        self._got = b""
        accepted = _ACCEPTED.search(rest)
        self._answered(self, int(accepted[1]) if accepted else 0)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.is_closing:
            self._failed(f"the connection was closed: {error}")


class _Load:
    """Open connections, and the end of the load."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self.loop.create_future()
        self.connections: list[_Connection] = []

    async def connect(self, host: str, port: int, count: int, answered: Callable[[_Connection, int], None]) -> None:
        for _ in range(count):
            _, made = await self.loop.create_connection(lambda: _Connection(answered, self.fail), host, port)
            self.connections.append(made)

    def fail(self, why: str) -> None:
        if not self.ended.done():
            self.ended.set_exception(LoadFailed(why))

    async def finish(self) -> None:
        try:
            await self.ended
        finally:
            for connection in self.connections:
                connection.close()


def post_all(host: str, port: int, requests: Sequence[bytes], connections: int) -> tuple[float, int]:
    """Seconds until every request was answered 200, and how many events the answers say were accepted. Raises `LoadFailed`."""

    async def run() -> tuple[float, int]:
        load = _Load()
        waiting = iter(requests)
        accepted = answers = 0

        def answered(connection: _Connection, count: int) -> None:
            nonlocal accepted, answers
            accepted += count
            answers += 1
            request = next(waiting, None)
            if request is not None:
                connection.send(request)
            elif answers == len(requests) and not load.ended.done():
                load.ended.set_result(None)

        await load.connect(host, port, min(connections, len(requests)), answered)
        began_at = time.perf_counter()
        for connection in load.connections:
            connection.send(next(waiting))
        await load.finish()
        return time.perf_counter() - began_at, accepted

    return uvloop.run(run())


def post_at_rate(host: str, port: int, requests: Sequence[bytes], per_second: float, connections: int) -> list[float]:
    """Milliseconds from when each request was due to its answer: one that waits for a free connection is late too."""

    async def run() -> list[float]:
        load = _Load()
        idle: deque[_Connection] = deque()
        late: deque[tuple[float, bytes]] = deque()
        due_at: dict[_Connection, float] = {}
        took_ms: list[float] = []

        def answered(connection: _Connection, _: int) -> None:
            took_ms.append((time.perf_counter() - due_at.pop(connection)) * 1000)
            if late:
                begin(connection, *late.popleft())
            else:
                idle.append(connection)
            if len(took_ms) == len(requests) and not load.ended.done():
                load.ended.set_result(None)

        def begin(connection: _Connection, due: float, request: bytes) -> None:
            due_at[connection] = due
            connection.send(request)

        await load.connect(host, port, connections, answered)
        idle.extend(load.connections)
        began_at = time.perf_counter()
        for number, request in enumerate(requests):
            due = began_at + number / per_second
            wait_s = due - time.perf_counter()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            if idle:
                begin(idle.popleft(), due, request)
            else:
                late.append((due, request))
        await load.finish()
        return took_ms

    return uvloop.run(run())
