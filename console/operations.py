"""One HTTP operation: its route and what OpenAPI says of it, declared together so that they cannot disagree."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """`problems` are the statuses, besides 200, that answer with a `Problem`."""

    method: str
    path: str
    endpoint: Endpoint
    summary: str
    answer: Any
    body: Any = None
    media_type: str = "application/json"
    may_be_empty: bool = False
    query: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[int, ...] = ()

    def route(self, middleware: Sequence[Middleware] = ()) -> Route:
        # OPTIONS reaches the CORS middleware only when the route takes it.
        methods = [self.method, "OPTIONS"] if middleware else [self.method]
        return Route(self.path, self.endpoint, methods=methods, middleware=list(middleware))
