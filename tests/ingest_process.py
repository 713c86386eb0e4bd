"""Ingest as a process of its own, over real HTTP into a real broker."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from runtime.settings import KafkaSettings
from shopstream.ports import free_port
from tests.waiting import until

COMMAND = (sys.executable, "-m", "shopstream", "ingest")


class Answered(NamedTuple):
    """What ingest answered; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class IngestProcess(NamedTuple):
    """A running ingest process."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: bytes = b"", /, **headers: str) -> Answered:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
            response = connection.getresponse()
            return Answered(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def post(self, *calls: object, key: str = "demo", **headers: str) -> Answered:
        return self.ask("POST", "/v1/batch", json.dumps({"batch": calls, "writeKey": key}).encode(), **headers)

    def is_ready(self) -> bool:
        return self.ask("GET", "/readyz").status == 200

    def connect(self) -> socket.socket:
        """A bare connection, to send what no HTTP client would."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def metric(self, name: str) -> float:
        """The sum of a metric's series; a line is `name value` or `name{labels} value`."""
        lines = self.ask("GET", "/metrics").body.decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.partition(" ")[0].partition("{")[0] == name)

    def memory_bytes(self) -> int:
        """What the process holds of the machine's memory."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


@contextlib.contextmanager
def ingest_process(
    kafka: KafkaSettings, log: Path | None = None, *, waits: bool = True, **settings: str
) -> Iterator[IngestProcess]:
    """Run ingest on a free port, with its output in `log` if there is one; ready to publish when it yields, if it `waits`."""
    port = free_port()
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")},
        "SHOPSTREAM_KAFKA_BROKERS": ",".join(kafka.brokers),
        "SHOPSTREAM_INGEST_PORT": str(port),
        **{f"SHOPSTREAM_INGEST_{name.upper()}": value for name, value in settings.items()},
    }
    with open(log, "wb") if log else contextlib.nullcontext() as output:
        process = subprocess.Popen(COMMAND, env=environ, stderr=output)
    running = IngestProcess(process, port)
    try:
        until(running.is_ready if waits else lambda: running.ask("GET", "/livez").status == 200, 40)
        yield running
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def received(connection: socket.socket) -> bytes:
    """All that still comes until the other side closes."""
    chunks = []
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65_536):
            chunks.append(chunk)
    return b"".join(chunks)


def track(message_id: str, **fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Song Played", "anonymousId": "ada", "messageId": message_id, **fields}
