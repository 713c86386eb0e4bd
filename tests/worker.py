"""One stream processor as a process of its own, for tests of what becomes of it."""

import contextlib
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from contracts.codec import ENCODER
from contracts.topics import EVENTS
from runtime.kafka import durable_producer
from runtime.settings import KafkaSettings
from shopstream.ports import free_port
from shopstream.probes import ready_check
from tests.factories import event

READY_S = 90.0


class Worker:
    """One stream processor as a process of its own."""

    def __init__(self, kafka: KafkaSettings, log: Path, *command: str, **settings: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        self._ready = ready_check(self.url)
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")},
            "SHOPSTREAM_KAFKA_BROKERS": ",".join(kafka.brokers),
            "SHOPSTREAM_PROCESS_PORT": str(port),
            "SHOPSTREAM_PROCESS_REBALANCE_TIMEOUT_S": "6",
            **settings,
        }
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *(command or ("shopstream", "process"))],
                stdout=output,
                stderr=output,
                env=environ,
            )

    def is_ready(self) -> bool:
        return self._ready() is None

    def partitions(self) -> int:
        """Partitions of topic `events` that this worker has."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return sum(line.startswith('process_lag_records{partition="') and 'topic="events"' in line for line in lines)

    def ends_with(self, within_s: float) -> int:
        """Its exit code. Raises `subprocess.TimeoutExpired`."""
        return self.process.wait(within_s)

    def said(self) -> str:
        return self.log.read_text()[-3000:]


@contextlib.contextmanager
def working(kafka: KafkaSettings, log: Path, *command: str, **settings: str) -> Iterator[Worker]:
    worker = Worker(kafka, log, *command, **settings)
    try:
        yield worker
    finally:
        worker.process.kill()
        worker.process.wait()


def click(kafka: KafkaSettings, visitor_id: str = "ada") -> None:
    producer = durable_producer(kafka)
    try:
        producer.send(EVENTS.name, key=visitor_id.encode(), value=ENCODER.encode(event(visitor_id=visitor_id))).get(10)
    finally:
        producer.close()
