"""Under which names the console answers, and to whom: what keeps a stranger's page from reading it through a visitor's browser."""

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Collection
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from console.problems import is_for_people, problem_page, problem_response

PUBLIC: Final = ("/livez", "/readyz", "/metrics")
PUBLIC_UNDER: Final = ("/api/decisions/", "/api/recommendations/")
"""These have tokens, and shops reach them under names of their own; probes and Prometheus come by a service's name."""
ANY_HOST: Final = "*"
MIN_PASSWORD_LENGTH: Final = 12
REFUSALS: Final = (401, 421)
CHALLENGE: Final = {"www-authenticate": 'Basic realm="Shopstream console", charset="UTF-8"'}


class Guard:
    """Refuses what is not public to a browser that names another host than ours, and to whoever has not the password.

    A page that points its own name at our address (DNS rebinding) is of the same origin as we are, for the browser; but
    it still names itself in `Host`. An IP address or `localhost` can be nobody's name.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = (), password: str = "") -> None:
        self._app = app
        self._hosts = frozenset(host.lower().rstrip(".") for host in hosts)
        self._password = password.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_public(scope["path"]):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        name = name_of(headers.get("host", ""))
        if not self._is_ours(name):
            refusal = refused(
                scope,
                421,
                "unknown_host",
                f"the console does not answer under the name {name[:128]}; if it is one of yours, add it to "
                "SHOPSTREAM_CONSOLE_HOSTS, or open the console by its IP address",
                {},
            )
        elif self._password and not self._is_known(headers.get("authorization", "")):
            refusal = refused(
                scope,
                401,
                "password_missing",
                "the console has a password; give it as HTTP Basic, with any user name",
                CHALLENGE,
            )
        else:
            await self._app(scope, receive, send)
            return
        await refusal(scope, receive, send)

    def _is_ours(self, name: str) -> bool:
        # No browser leaves it out.
        return not name or name in self._hosts or ANY_HOST in self._hosts or is_nobodys_name(name)

    def _is_known(self, authorization: str) -> bool:
        scheme, _, credentials = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            password = base64.b64decode(credentials, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(password, self._password)


def refused(scope: Scope, status: int, code: str, message: str, headers: dict[str, str]) -> Response:
    if is_for_people(scope):
        return problem_page(status, message, headers)
    return problem_response(status, code, message, headers)


def require_long(password: str) -> None:
    """Raises `ValueError` for a password that can be guessed; an empty one is none."""
    if password and len(password) < MIN_PASSWORD_LENGTH:
        raise ValueError(
            f"SHOPSTREAM_CONSOLE_PASSWORD is shorter than {MIN_PASSWORD_LENGTH} characters; "
            "make one with `openssl rand -base64 18`"
        )


def is_public(path: str) -> bool:
    """Whether anyone may ask for this path, under any name."""
    return path in PUBLIC or path.startswith(PUBLIC_UNDER)


def name_of(host: str) -> str:
    """The name in a `Host` header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


def is_nobodys_name(name: str) -> bool:
    """An IP address or a name that browsers themselves take for this machine: neither can be pointed elsewhere."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
