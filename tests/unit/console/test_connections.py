"""Who sends half a request, or opens more connections than there may be, keeps nobody else out."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
import uvicorn
from prometheus_client import REGISTRY
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from console.connections import BoundedConnection, Bounds
from console.problems import HANDLERS
from tests.waiting import until

HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: console\r\nX-"
HALF_A_BODY = b"POST / HTTP/1.1\r\nHost: console\r\nContent-Length: 100\r\n\r\n{"
WHOLE = b"GET / HTTP/1.1\r\nHost: console\r\n\r\n"
STREAM = b"GET /stream HTTP/1.1\r\nHost: console\r\n\r\n"
LATE_S = 0.3


async def echo(request: Request) -> Response:
    return Response(await request.body() or b"ok")


async def stream(_: Request) -> Response:
    async def frames() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.sleep(3 * LATE_S)
        yield b"second"

    return StreamingResponse(frames())


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server with few connections and little patience."""
    routes = [Route("/", echo, methods=["GET", "POST"]), Route("/stream", stream)]
    app = Starlette(routes=routes, exception_handlers=dict(HANDLERS))
    connection = partial(BoundedConnection, Bounds(3, LATE_S))
    config = uvicorn.Config(app, port=0, http=connection, ws="none", log_level="error", lifespan="off")  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


@contextmanager
def connected(port: int, *parts: bytes) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        for part in parts:
            connection.sendall(part)
        yield connection


def heard(connection: socket.socket) -> bytes:
    """Everything until the other side closes."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def refused(reason: str) -> float:
    return REGISTRY.get_sample_value("console_connections_refused_total", {"reason": reason}) or 0.0


@pytest.mark.parametrize("sent", [b"", HALF_A_HEAD, HALF_A_BODY])
def test_a_request_that_does_not_arrive_in_time_ends_its_connection(port: int, sent: bytes) -> None:
    before = refused("late")
    with connected(port, sent) as connection:
        assert heard(connection).startswith(b"HTTP/1.1 408")
    assert refused("late") == before + 1


def test_what_is_no_http_is_counted(port: int) -> None:
    before = refused("not_http")
    with connected(port, b"\x16\x03\x01\x02\x00 a page asked by https\r\n\r\n") as connection:
        assert heard(connection).startswith(b"HTTP/1.1 400")
    assert refused("not_http") == before + 1


def test_empty_lines_after_an_answer_keep_no_connection_open(port: int) -> None:
    with connected(port, WHOLE) as connection:
        assert connection.recv(65_536).endswith(b"ok")
        connection.sendall(b"\r\n")
        assert heard(connection).startswith(b"HTTP/1.1 408")


def test_a_stream_may_last_for_as_long_as_it_likes(port: int) -> None:
    with connected(port, STREAM, b"") as connection:
        began = time.monotonic()
        received = b""
        while b"second" not in received:
            received += connection.recv(65_536)
        assert time.monotonic() - began > 2 * LATE_S


def test_more_connections_than_there_may_be_are_asked_to_come_back(port: int) -> None:
    before = refused("too_many")
    with connected(port), connected(port), connected(port):
        with connected(port) as one_too_many:
            answer = heard(one_too_many)
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 10" in answer
    assert refused("too_many") == before + 1
    with connected(port, WHOLE) as next_one:
        assert next_one.recv(65_536).endswith(b"ok")
