"""Where the faults play: a real Apache Kafka, a Postgres, the sink and one ingest after another, as processes."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.kafka import create_topics
from runtime.settings import KafkaSettings
from shopstream.ports import free_port
from shopstream.probes import figures_at, ready_check
from shopstream.supervise import Service, Supervisor
from sql.migrate import migrate
from tests.apache_kafka.server import Link, apache_kafka_service

WATCH_S: Final = 0.05


@dataclass(slots=True)
class Stage:
    """The running processes. The supervisor starts again what a fault has killed."""

    folder: Path
    kafka: KafkaSettings
    link: Link
    """A way to the same Kafka that a fault can make slow."""
    dsn: str
    supervisor: Supervisor
    ingest_url: str = ""
    spool: Path = Path()

    def pid(self, name: str) -> int:
        """The process id of a service that runs."""
        run = next(run for run in self.supervisor.runs() if run.service.name == name)
        assert run.process is not None, f"{name} does not run"
        return run.process.pid

    def send(self, name: str, number: signal.Signals) -> None:
        os.kill(self.pid(name), number)

    async def watch(self) -> None:
        """Keep everything running, until cancelled."""
        while True:
            self.supervisor.watch()
            await asyncio.sleep(WATCH_S)

    @asynccontextmanager
    async def ingest(self, spool: Path, *, is_linked: bool = False) -> AsyncIterator[str]:
        """An ingest that keeps its spool in `spool` and reaches Kafka directly or over the link; yields its URL."""
        port = free_port()
        self.ingest_url, self.spool = f"http://127.0.0.1:{port}", spool
        brokers = (f"127.0.0.1:{self.link.outside}",) if is_linked else self.kafka.brokers
        environ = _environ(KafkaSettings(brokers=brokers), self.dsn) | {
            "SHOPSTREAM_INGEST_PORT": str(port),
            "SHOPSTREAM_INGEST_SPOOL_DIR": str(spool),
        }
        self.supervisor.start(_service("ingest", self.ingest_url, self.folder, environ))
        try:
            await self.ready("ingest")
            yield self.ingest_url
        finally:
            await asyncio.to_thread(self.supervisor.stop, "ingest")

    async def ready(self, name: str) -> None:
        """Return once a service is ready; somebody watches meanwhile."""
        async with asyncio.timeout(60):
            while next(run for run in self.supervisor.runs() if run.service.name == name).state != "ready":
                await asyncio.sleep(WATCH_S)

    async def waiting_in_spool(self) -> float | None:
        """How many events ingest still holds; None when it does not answer."""
        figures = await asyncio.to_thread(figures_at, self.ingest_url)
        return None if figures is None else figures.get("ingest_spool_events")


@contextmanager
def stage(folder: Path, dsn: str) -> Iterator[Stage]:
    """Kafka with the topics, and the sink into the empty database at `dsn`. Call from the main thread."""
    kafka = KafkaSettings(brokers=(f"127.0.0.1:{free_port()}",))
    link = Link(outside=free_port(), inside=free_port())
    supervisor = Supervisor(say=lambda _text: None)
    try:
        supervisor.start(apache_kafka_service(folder, int(kafka.brokers[0].rpartition(":")[2]), link))
        migrate(dsn)
        supervisor.wait_until_ready(90, threading.Event())
        create_topics(kafka)
        port = free_port()
        environ = _environ(kafka, dsn) | {"SHOPSTREAM_PERSIST_PORT": str(port)}
        supervisor.start(_service("persist", f"http://127.0.0.1:{port}", folder, environ))
        supervisor.wait_until_ready(60, threading.Event())
        yield Stage(folder, kafka, link, dsn, supervisor)
    finally:
        supervisor.stop_all(("ingest", "persist", "kafka"))


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[Path | None]:
    """A disk of its own for a spool; None when this user may not mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
    if (
        sys.platform != "linux"
        or os.geteuid() != 0
        or subprocess.run(command, check=False, capture_output=True).returncode
    ):
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _environ(kafka: KafkaSettings, dsn: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")} | {
        "SHOPSTREAM_KAFKA_BROKERS": ",".join(kafka.brokers),
        "SHOPSTREAM_POSTGRES_DSN": dsn,
    }


def _service(name: str, url: str, folder: Path, environ: dict[str, str]) -> Service:
    command = (sys.executable, "-m", "shopstream", name)
    return Service(name=name, command=command, log=folder / f"{name}.log", ready=ready_check(url), environ=environ)
