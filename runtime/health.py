"""`/livez`, `/readyz` and `/metrics`, the same for every service."""

import asyncio
import socket
import threading
from collections.abc import Callable, Mapping

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route


class CannotListen(OSError):
    """The health endpoint has no port; the text says why and what to do."""


class Degraded(str):
    """What a check finds wrong while the service does its work all the same."""

    __slots__ = ()


Check = Callable[[], str | None]
"""Tests one real dependency: None when it works, else one sentence that says what is wrong. May block for a second or two."""


def health_routes(checks: Mapping[str, Check]) -> list[Route]:
    """Routes for a Starlette app. `/readyz` is 503 while any check reports a problem that is not `Degraded`."""

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(_: Request) -> Response:
        problems = await asyncio.gather(*(run_in_threadpool(check) for check in checks.values()))
        body = {name: problem or "ok" for name, problem in zip(checks, problems, strict=True)}
        is_ready = all(problem is None or isinstance(problem, Degraded) for problem in problems)
        return JSONResponse(body, status_code=200 if is_ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]


def degraded_while(other: Check, check: Check) -> Check:
    """`check`, whose problem only degrades the service while `other` finds none."""

    def degraded() -> str | None:
        problem = check()
        return Degraded(f"degraded: {problem}") if problem is not None and other() is None else problem

    return degraded


class HealthServer:
    """The health endpoints of a service that serves nothing else, on a thread of their own."""

    def __init__(self, host: str, port: int, checks: Mapping[str, Check]) -> None:
        app = Starlette(routes=health_routes(checks))
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
        self._address = host, port
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> None:
        """Listen from now on. Raises `CannotListen`: a service that nobody can look at must not run."""
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server(self._address, family=family)
        except OSError as error:
            reason = str(error.strerror).partition(" (")[0]
            raise CannotListen(
                f"nothing can listen on {host} port {port}: {reason}; stop what uses it, or choose another (docs/settings.md)"
            ) from error
        self._thread.start()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Stop answering; waits at most five seconds."""
        self._server.should_exit = True
        self._thread.join(5)
