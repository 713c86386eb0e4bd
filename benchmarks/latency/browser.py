"""What browsers do, at as little cost as can be: posting and listening take processor time from what is measured beside them."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar, cast
from urllib.parse import urlsplit

import msgspec

from contracts.http import TokenAnswer, TokenRequest

HEAD_ENDS: Final = b"\r\n\r\n"
BEGINS: Final = b"\ndata: "
ENDS: Final = b"\n\n"
P = TypeVar("P", "_Connection", "_Stream")


class Refused(RuntimeError):
    """A service did not answer 200."""


class Server:
    """Connections to one service that stay open, as many as there are requests under way."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        assert place.hostname
        assert place.port
        self._host, self._port = place.hostname, place.port
        self._idle: list[_Connection] = []
        self._open: list[asyncio.Transport] = []

    async def post(self, path: str, body: bytes) -> bytes:
        """The body of the answer. Raises `Refused`."""
        head = f"POST {path} HTTP/1.1\r\nhost: {self._host}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        while self._idle and self._idle[-1].is_closed:  # the service ends what was idle for some seconds
            self._idle.pop()
        connection = self._idle.pop() if self._idle else await self._connect(_Connection())
        answer = await connection.ask(head.encode() + body)
        self._idle.append(connection)
        return answer

    async def listen(self, secret: str, on_decision: Callable[[bytes], None]) -> None:
        """Open the stream of the visitor with this secret; each decision is handed over as JSON."""
        asked = msgspec.json.encode(TokenRequest(visitor_secret=secret))
        granted = msgspec.json.decode(await self.post("/api/decisions/token", asked), type=TokenAnswer)
        stream = await self._connect(_Stream(on_decision))
        await stream.open(f"/api/decisions/{granted.visitor_id}/stream?token={granted.token}", self._host)

    async def _connect(self, made: P) -> P:
        transport, _ = await asyncio.get_running_loop().create_connection(lambda: made, self._host, self._port)
        self._open.append(transport)
        return made

    def close(self) -> None:
        for transport in self._open:
            transport.abort()


class _Connection(asyncio.Protocol):
    """One request after the other, each answered with a length."""

    is_closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its type

    async def ask(self, request: bytes) -> bytes:
        self._got = b""
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, is_whole, body = self._got.partition(HEAD_ENDS)
        if not is_whole:
            return
        head = head.lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        if head.startswith(b"http/1.1 200"):
            self._answer.set_result(body)
        else:
            self._answer.set_exception(Refused(self._got.decode()))

    def connection_lost(self, _: Exception | None) -> None:
        self.is_closed = True
        if hasattr(self, "_answer") and not self._answer.done():
            self._answer.set_exception(Refused("the connection was closed"))


class _Stream(asyncio.Protocol):
    """Server-sent events, of which each is whole in one chunk of the answer."""

    def __init__(self, on_decision: Callable[[bytes], None]) -> None:
        self._on_decision = on_decision
        self._got = b""
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its type

    async def open(self, path: str, host: str) -> None:
        self._transport.write(f"GET {path} HTTP/1.1\r\nhost: {host}\r\naccept: text/event-stream\r\n\r\n".encode())
        await self._opened

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self._opened.done():
            if HEAD_ENDS not in self._got:
                return
            if not self._got.startswith(b"HTTP/1.1 200"):
                self._opened.set_exception(Refused(self._got.decode()))
                return
            self._opened.set_result(None)
        while True:
            begin = self._got.find(BEGINS)
            end = self._got.find(ENDS, begin) if begin >= 0 else -1
            if end < 0:
                return
            decision, self._got = self._got[begin + len(BEGINS) : end], self._got[end + len(ENDS) :]
            self._on_decision(decision)
