"""The pipeline's services as processes of their own, for tests that go through several hops."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from runtime.settings import KafkaSettings
from shopstream.ports import free_port
from shopstream.probes import ready_check
from shopstream.supervise import Service, Supervisor
from sql.migrate import migrate

TOKEN_SECRET = "a secret of at least thirty-two characters"


@dataclass(frozen=True, slots=True)
class Running:
    """Where the services answer, and what keeps them running."""

    urls: Mapping[str, str]
    dsn: str
    kafka: KafkaSettings
    supervisor: Supervisor
    folder: Path

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        connection = psycopg2.connect(self.dsn)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, values)
                return cursor.fetchall()
        finally:
            connection.close()

    def log(self, name: str) -> str:
        """The end of a service's log, for a failing test's message."""
        return (self.folder / f"{name}.log").read_text()[-4000:]


@contextlib.contextmanager
def running(
    kafka: KafkaSettings,
    dsn: str,
    folder: Path,
    names: tuple[str, ...] = ("console", "persist", "process", "ingest"),
    **settings: str,
) -> Iterator[Running]:
    """Run the named services on free ports, on a broker with its topics and an empty database; ready when it yields."""
    migrate(dsn)
    ports = {name: free_port() for name in names}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")},
        **{f"SHOPSTREAM_{name.upper()}_PORT": str(port) for name, port in ports.items()},
        "SHOPSTREAM_KAFKA_BROKERS": ",".join(kafka.brokers),
        "SHOPSTREAM_POSTGRES_DSN": dsn,
        "SHOPSTREAM_PROCESS_REBALANCE_TIMEOUT_S": "6",
        "SHOPSTREAM_PROCESS_REGISTRY_DIR": str(folder / "model-registry"),
        "SHOPSTREAM_CONSOLE_TOKEN_SECRET": TOKEN_SECRET,
        "SHOPSTREAM_STOREFRONT_INGEST_URL": urls.get("ingest", ""),
        "SHOPSTREAM_STOREFRONT_CONSOLE_URL": urls.get("console", ""),
        **settings,
    }
    supervisor = Supervisor(say=print)
    try:
        for name in names:
            command = (sys.executable, "-m", "shopstream", name)
            check = ready_check(urls[name])
            supervisor.start(
                Service(name=name, command=command, log=folder / f"{name}.log", ready=check, environ=environ)
            )
        supervisor.wait_until_ready(60, threading.Event())
        yield Running(urls, dsn, kafka, supervisor, folder)
    finally:
        supervisor.stop_all()
