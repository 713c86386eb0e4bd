"""The streams on Apache Kafka and Postgres, every part a process that a fault may hit; a supervisor starts again what dies."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import psycopg2
from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError

from contracts.topics import EVENTS, TOPICS
from models.policy import Policy
from runtime.kafka import admin, create_topics
from runtime.settings import KafkaSettings
from shopstream.embedded.postgres import postgres_service
from shopstream.pipeline import postgres_dsn
from shopstream.ports import free_port
from shopstream.probes import ready_check
from shopstream.supervise import Service, Supervisor
from sql.migrate import migrate
from tests.apache_kafka.server import apache_kafka_service

GROUP: Final = "shopstream"
REBALANCE_TIMEOUT_S: Final = 6
"""Also the session's: a worker that is silent for longer is thrown out of the group."""
STUCK_AFTER_S: Final = 90
"""Longer than a worker is suspended: on waking it must do no harm, not just end."""
STARTED_WITHIN_S: Final = 90.0
POLICY_FILE: Final = Path(__file__).with_name("policy.toml")
COMMANDS: Final = {"process": ("tests.chaos.streams_worker",), "persist": ("shopstream", "persist")}


class NotInTime(RuntimeError):
    """Something did not happen within its time; the text says what."""


class Rig:
    """Kafka, Postgres, two workers and the sink, each under the name by which faults reach it."""

    def __init__(self, folder: Path, supervisor: Supervisor, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.supervisor = supervisor
        self._settings = {"SHOPSTREAM_PROCESS_POLICY_FILE": str(POLICY_FILE), **settings}
        self.policy = Policy.load(Path(self._settings["SHOPSTREAM_PROCESS_POLICY_FILE"]))
        kafka_port = free_port()
        broker = apache_kafka_service(folder, kafka_port)
        port = free_port()
        self.dsn = postgres_dsn(port)
        self.kafka = KafkaSettings(brokers=(f"127.0.0.1:{kafka_port}",))
        self._urls: dict[str, str] = {}
        for service in (broker, postgres_service(folder, folder / "postgres.log", port)):
            supervisor.start(service)
        supervisor.wait_until_ready(STARTED_WITHIN_S, threading.Event())
        create_topics(self.kafka)
        migrate(self.dsn)
        for name in ("process-1", "process-2", "persist"):
            self.start(name)
        self.until("everything runs", lambda: self.is_ready(), STARTED_WITHIN_S)

    def start(self, name: str) -> None:
        """Start a worker (`process-N`) or the sink, with a folder of its own for what it keeps on disk."""
        step = name.partition("-")[0]
        port = free_port()
        own = self.state_of(name)
        own.mkdir(exist_ok=True)
        self._urls[name] = f"http://127.0.0.1:{port}"
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")},
            "TMPDIR": str(own),
            "SHOPSTREAM_KAFKA_BROKERS": ",".join(self.kafka.brokers),
            "SHOPSTREAM_POSTGRES_DSN": self.dsn,
            f"SHOPSTREAM_{step.upper()}_PORT": str(port),
            "SHOPSTREAM_PROCESS_APP_ID": GROUP,
            "SHOPSTREAM_PROCESS_REBALANCE_TIMEOUT_S": str(REBALANCE_TIMEOUT_S),
            "SHOPSTREAM_PROCESS_STUCK_AFTER_S": str(STUCK_AFTER_S),
            **self._settings,
        }
        self.supervisor.start(
            Service(
                name=name,
                command=(sys.executable, "-m", *COMMANDS[step]),
                log=self.folder / f"{name}.log",
                ready=ready_check(self._urls[name]),
                environ=environ,
            )
        )

    def state_of(self, name: str) -> Path:
        """Where a worker keeps its state on disk, if it keeps any."""
        return self.folder / f"{name}-state"

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a part; a killing one reaches all of its processes and returns when it is dead."""
        process = self.process(name)
        if process is None:
            return
        if number == signal.SIGKILL:
            for each in reversed(stand_still(process.pid)):
                os.kill(each, number)
            process.wait()
        else:
            process.send_signal(number)

    def process(self, name: str) -> subprocess.Popen[bytes] | None:
        """The process of a part; None while it is dead."""
        (run,) = [each for each in self.supervisor.runs() if each.service.name == name]
        return run.process

    @contextlib.contextmanager
    def frozen_postgres(self) -> Iterator[None]:
        """The server and all that it started stand still: its connections stay open, and nobody answers on them."""
        server = self.process("postgres")
        assert server is not None, "Postgres does not run"
        stopped = stand_still(server.pid)
        try:
            yield
        finally:
            for each in reversed(stopped):
                os.kill(each, signal.SIGCONT)

    def is_ready(self, *names: str) -> bool:
        """Whether the named parts are ready; without a name, all that were not stopped on purpose."""
        wanted = [run for run in self.supervisor.runs() if run.service.name in names or not names]
        return all(run.state == "ready" or (run.state == "stopped" and not names) for run in wanted)

    def restarts(self) -> int:
        return sum(run.restarts for run in self.supervisor.runs())

    def wait(self, seconds: float) -> None:
        """Let time pass, while what dies is started again."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.supervisor.watch()
            time.sleep(0.02)

    def until(self, what: str, holds: Callable[[], bool], timeout_s: float) -> None:
        """Wait until it holds. Raises `NotInTime`."""
        deadline = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > deadline:
                raise NotInTime(f"not so after {timeout_s:g} s: {what}")
            self.wait(0.2)

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        with contextlib.closing(psycopg2.connect(self.dsn)) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall()

    def waiting(self) -> str | None:
        """Which records wait for a worker or for the sink, None when none does."""
        try:
            with contextlib.closing(admin(self.kafka, timeout_ms=5_000)) as client:
                ends = _ends(client)
                committed = client.list_group_offsets({GROUP: None})[GROUP]
            stored = {(topic, number): offset for topic, number, offset in self.query(OFFSETS)}
        except (KafkaError, OSError, psycopg2.Error) as error:
            return f"cannot ask: {error!r}"
        done = {(tp.topic, tp.partition): each.offset for tp, each in committed.items()}
        read = {topic for topic, _ in done} | {EVENTS.name}
        for place, end in ends.items():
            if place[0] in read and end > max(0, done.get(place, 0)):
                return f"{place[0]}/{place[1]} is committed up to {done.get(place, 0)} of {end}"
            if end > stored.get(place, 0):
                return f"{place[0]}/{place[1]} is stored up to {stored.get(place, 0)} of {end}"
        return None


OFFSETS: Final = "select topic, partition, next_offset from sink_offset"
LATEST: Final = -1


def _ends(client: KafkaAdminClient) -> dict[tuple[str, int], int]:
    wanted = {TopicPartition(topic.name, number): LATEST for topic in TOPICS for number in range(topic.partitions)}
    told = client.list_partition_offsets(wanted)
    return {(tp.topic, tp.partition): each.offset for tp, each in told.items()}


def stand_still(pid: int) -> list[int]:
    """Suspend a process and all that it started, itself first so that it starts no other; their ids.

    Those of Postgres are each in a session of its own, and no signal to a group reaches them.
    """
    stopped: list[int] = []
    waiting = [pid]
    while waiting:
        number = waiting.pop()
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            os.kill(number, signal.SIGSTOP)
            stopped.append(number)
            children = Path(f"/proc/{number}/task/{number}/children").read_text()
            waiting += [int(child) for child in children.split()]
    return stopped


@contextlib.contextmanager
def rig(folder: Path, say: Callable[[str], None], settings: Mapping[str, str]) -> Iterator[Rig]:
    """Everything running, for the length of a `with` block; nothing is left running after it."""
    supervisor = Supervisor(say=say)
    try:
        yield Rig(folder, supervisor, settings)
    finally:
        for run in supervisor.runs():
            if run.process is not None:
                run.process.send_signal(signal.SIGCONT)  # what a fault suspended cannot be stopped
        # The sink before its servers, the broker last.
        names = [run.service.name for run in supervisor.runs()]
        supervisor.stop_all([name for name in names if name not in ("kafka", "postgres")], at_most_s=10)
