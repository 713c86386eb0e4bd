"""What live sessions cost: events a second, memory, bytes of state, and recovery, at growing numbers of them, for both stores.

Every visitor's next event comes only after one of everybody else, so that a visitor is never still decoded once there are
more than the cache holds: the worst order there is. Then the worker is killed and the time until it is ready again is
taken: with its RocksDB as it was, and with its RocksDB deleted (memory has only the changelog in any case).
"""

import argparse
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil

from benchmarks.broker import broker, kind_of_broker
from benchmarks.measure import last_line, machine, table
from benchmarks.stream.workload import Encoded, fill
from contracts.codec import ENCODER
from contracts.events import Context, Event, Item, Properties
from contracts.topics import PARTITIONS
from runtime.settings import KafkaSettings
from shopstream.ports import free_port
from shopstream.probes import figures_at, ready_check
from shopstream.supervise import Service, Supervisor

SIZES = (1_000, 10_000, 100_000)
LARGEST = 1_000_000
STORES = ("memory", "rocksdb")
ROUNDS = ("page_view", "view_item", "add_to_cart")
AT_ONCE = 50_000
"""Events given to the producer before it must have sent them."""
LOOK_EVERY_S = 0.1
COMMITTED_S = 2.5
WITHIN_S = 1_800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one store cost at one number of live sessions."""

    store: str
    sessions: int
    events_per_s: float
    processor_us: float
    memory_mb: float
    """Resident, once everything was folded."""
    state_bytes: float
    """Of one session: in memory, or on disk."""
    ready_s: float
    """From SIGKILL to ready again."""
    recovery_s: float
    """Of it, from the assignment of partitions to the last timer."""
    rebuilt_s: float | None
    """The same from SIGKILL with the files deleted."""


class Worker:
    """One stream processor, and what it says of itself."""

    def __init__(self, kafka: KafkaSettings, store: str, folder: Path) -> None:
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        self.state_dir = folder / store
        environ = {
            **os.environ,
            "SHOPSTREAM_KAFKA_BROKERS": ",".join(kafka.brokers),
            "SHOPSTREAM_PROCESS_PORT": str(port),
            "SHOPSTREAM_PROCESS_APP_ID": f"growth-{store}",
            "SHOPSTREAM_PROCESS_STORE": store,
            "SHOPSTREAM_PROCESS_STATE_DIR": str(self.state_dir),
            "SHOPSTREAM_PROCESS_REBALANCE_TIMEOUT_S": "6",
        }
        command = (sys.executable, "-m", "shopstream", "process")
        log = folder / f"{store}.log"
        self._service = Service(
            name=store, command=command, log=log, ready=ready_check(self._url), environ=environ, is_restarted=False
        )
        self._supervisor = Supervisor(say=lambda _: None)

    def launch(self) -> None:
        self._supervisor.start(self._service)

    def start(self) -> float:
        """Start; returns once it is ready, with the seconds that took."""
        began_at = time.perf_counter()
        self.launch()
        self._supervisor.wait_until_ready(WITHIN_S, threading.Event())
        return time.perf_counter() - began_at

    def kill(self) -> None:
        self.process().kill()
        (run,) = self._supervisor.runs()
        assert run.process is not None
        run.process.wait()

    def stop(self) -> None:
        self._supervisor.stop_all()

    def process(self) -> psutil.Process:
        (run,) = self._supervisor.runs()
        assert run.process is not None
        return psutil.Process(run.process.pid)

    def figure(self, name: str) -> float:
        return (figures_at(self._url) or {}).get(name, 0.0)


def crowd(sessions: int) -> Iterator[Encoded]:
    """Three events of each of many visitors, everybody's first before anybody's second."""
    start = datetime.now(UTC) - timedelta(minutes=5)
    item = Item(item_id="sencha", item_name="Sencha", item_category="Green tea", price=12.5, quantity=1.0)
    for turn, name in enumerate(ROUNDS):
        properties = Properties() if turn == 0 else Properties(currency="EUR", value=12.5, items=(item,))
        for number in range(sessions):
            at = start + timedelta(seconds=60 * turn, microseconds=number)
            visitor_id = f"visitor-{number:016x}"
            event = Event(
                message_id=f"{visitor_id}-{turn}",
                write_key="demo",
                visitor_id=visitor_id,
                event_name=name,
                occurred_at=at,
                received_at=at,
                properties=properties,
                context=Context(page_path="/product/sencha", device_type="mobile"),
            )
            yield number % PARTITIONS, visitor_id.encode(), ENCODER.encode(event)


def put(kafka: KafkaSettings, sessions: int) -> None:
    """The crowd's events on topic `events`."""
    waiting: list[Encoded] = []
    for record in crowd(sessions):
        waiting.append(record)
        if len(waiting) == AT_ONCE:
            fill(kafka, waiting)
            waiting.clear()
    fill(kafka, waiting)


def cost(kafka: KafkaSettings, store: str, sessions: int, folder: Path) -> Cost:
    """Have a fresh worker fold everything that is on the topic, then kill it."""
    worker = Worker(kafka, store, folder)
    events = sessions * len(ROUNDS)
    try:
        worker.launch()
        launched_at = time.perf_counter()
        began = ended = _look(worker)
        while ended.folded < events:
            time.sleep(LOOK_EVERY_S)
            ended = _look(worker)
            if ended.folded == 0:
                began = ended
            if ended.at - launched_at > WITHIN_S:
                raise TimeoutError(f"{store} folded {ended.folded:,.0f} of {events:,} events in {WITHIN_S:.0f} s")
        time.sleep(COMMITTED_S)
        memory, size = worker.process().memory_info().rss, worker.figure("process_store_bytes")
        known = worker.figure("process_store_visitors")
        if known != sessions:
            raise AssertionError(f"{store} knows {known:,.0f} visitors of {sessions:,}")
        worker.kill()
        ready_s = worker.start()
        recovery_s, recovered = worker.figure("process_recovery_seconds"), worker.figure("process_store_visitors")
        if recovered != sessions:
            raise AssertionError(f"{store} recovered {recovered:,.0f} visitors of {sessions:,}")
        rebuilt_s = None
        if store == "rocksdb":
            worker.kill()
            shutil.rmtree(worker.state_dir)
            rebuilt_s = worker.start()
        return Cost(
            store=store,
            sessions=sessions,
            events_per_s=events / (ended.at - began.at),
            processor_us=(ended.processor_s - began.processor_s) / events * 1e6,
            memory_mb=memory / 1e6,
            state_bytes=size / sessions,
            ready_s=ready_s,
            recovery_s=recovery_s,
            rebuilt_s=rebuilt_s,
        )
    finally:
        worker.stop()


class Look(NamedTuple):
    """A worker at one moment."""

    at: float
    processor_s: float
    folded: float


def _look(worker: Worker) -> Look:
    used = worker.process().cpu_times()
    return Look(time.perf_counter(), used.user + used.system, worker.figure("process_events_folded_total"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="+", default=list(SIZES), help="numbers of live sessions")
    parser.add_argument("--largest", action="store_true", help=f"and {LARGEST:,}; takes a quarter of an hour")
    parser.add_argument("--stores", nargs="+", choices=STORES, default=list(STORES))
    parser.add_argument("--embedded", action="store_true", help="the embedded broker even when Apache Kafka is here")
    options = parser.parse_args()
    kind = kind_of_broker(is_embedded=options.embedded)
    print(f"{machine()}; {kind}", flush=True)
    found: list[Cost] = []
    for sessions in [*options.sessions, *([LARGEST] if options.largest else [])]:
        with broker(kind) as (kafka, folder):
            put(kafka, sessions)
            for store in options.stores:
                found.append(cost(kafka, store, sessions, folder))
                print(f"{sessions:,} live sessions with {store} done", flush=True)
    heads = ("live sessions", "store", "events/s", "CPU µs/event", "RSS MB", "bytes/session", "ready s", "recovery s", "rebuilt s")  # fmt: skip
    rows: list[tuple[Any, ...]] = [
        (
            f"{each.sessions:,}",
            each.store,
            each.events_per_s,
            each.processor_us,
            each.memory_mb,
            each.state_bytes,
            each.ready_s,
            each.recovery_s,
            each.rebuilt_s,
        )
        for each in found
    ]
    print(table(heads, rows))
    print(last_line("growth", {"broker": kind, "at": [asdict(each) for each in found]}))


if __name__ == "__main__":
    main()
