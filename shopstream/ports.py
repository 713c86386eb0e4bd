"""TCP ports of this machine: a free one, who has a taken one, and a check that something listens."""

import contextlib
import errno
import socket

import psutil

from runtime.health import Check


class PortTaken(OSError):
    """A port that a service needs cannot be had; the text says which, why, and how to choose another."""


def free_port() -> int:
    """A TCP port on loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_check(host: str, port: int) -> Check:
    """A readiness check that connects to a port."""

    def check() -> str | None:
        try:
            socket.create_connection((host, port), 0.5).close()
        except OSError as error:
            return f"nothing answers at {host}:{port} ({error})"
        return None

    return check


def why_not_free(host: str, port: int) -> OSError | None:
    """Why no server could listen on the port now; None when one could."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: a port whose last connections are still fading away is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None


def holder_of(port: int) -> str | None:
    """The process that listens on a port, for people: `python (pid 123)`; None when we may not know."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            is_there = connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN
            if is_there and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return None


def require_free(service: str, host: str, port: int, variable: str) -> None:
    """Raises `PortTaken` when `service` could not listen on its port."""
    if (problem := why_not_free(host, port)) is not None:
        if problem.errno != errno.EADDRINUSE:
            raise PortTaken(
                f"{service} cannot listen on {host}:{port} ({problem.strerror}); "
                f"choose another port with {variable}, or another address with {variable.removesuffix('PORT')}HOST"
            ) from problem
        holder = holder_of(port)
        raise PortTaken(
            f"port {port} of {service} is taken{f' by {holder}' if holder else ''}; "
            f"stop that, or choose another port with {variable}"
        )
