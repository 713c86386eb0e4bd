"""Posts written-out requests over kept connections, each the next one as soon as the last is answered."""

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from typing import Final, cast

import uvloop

_LENGTH: Final = re.compile(rb"content-length: (\d+)\r\n", re.IGNORECASE)
_ACCEPTED: Final = re.compile(rb'"accepted":(\d+)')


class LoadFailed(RuntimeError):
    """A request was not answered 200; the text has the answer."""


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], ended: "asyncio.Future[int]") -> None:
        self._requests = requests
        self._ended = ended
        self._got = b""
        self._accepted = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class, by duck typing
        self._next()

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._ended.set_result(self._accepted)
            self._transport.close()
        else:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, rest = self._got.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        if not found or length is None or len(rest) < int(length[1]):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._ended.set_exception(LoadFailed(self._got[:500].decode("latin-1")))
            self._transport.close()
            return
        accepted = _ACCEPTED.search(rest)
        self._accepted += int(accepted[1]) if accepted else 0
        self._got = b""
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_exception(LoadFailed(f"the connection was closed: {error}"))


def post_all(host: str, port: int, requests: Sequence[bytes], connections: int) -> tuple[float, int]:
    """Seconds until every request was answered 200, and how many events the answers say were accepted. Raises `LoadFailed`."""

    async def run() -> tuple[float, int]:
        loop = asyncio.get_running_loop()
        waiting = iter(requests)
        ends = [loop.create_future() for _ in range(connections)]
        began_at = time.perf_counter()
        for end in ends:
            await loop.create_connection(lambda end=end: _Connection(waiting, end), host, port)  # type: ignore[misc]
        accepted = sum(await asyncio.gather(*ends))
        return time.perf_counter() - began_at, accepted

    return uvloop.run(run())
