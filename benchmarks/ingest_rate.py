"""Acknowledged events a second of one core of ingest, beside what it is made of: a bare HTTP server and a bare producer.

The real ingest process answers bodies of 1, 10 and 50 events; the same requests go to uvicorn with an application that only
reads them; and the very records that ingest wrote are sent again by kafka-python alone. Each is one process on one core, and the
broker and the load have the others. "A core" is what the process used of one, so that a shared machine does not blur the ratio.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import msgspec
import psutil

from benchmarks.broker import broker, kind_of_broker
from benchmarks.ingest.load import post_all
from benchmarks.ingest.requests import requests_of
from benchmarks.measure import last_line, machine, table
from contracts.topics import EVENTS, EVENTS_DLQ
from runtime.settings import KafkaSettings
from shopstream.ports import free_port, port_check
from shopstream.probes import ready_check
from shopstream.supervise import Service, running
from tests.kafka_records import records_on

ROOT = Path(__file__).parents[1]
SIZES = (1, 10, 50)
AIM = 0.8
CONNECTIONS = 128
CORE = 0
ROUNDS = 3


@dataclass(slots=True)
class Work:
    """What a process did and what it used."""

    events: int = 0
    wall_s: float = 0.0
    processor_s: float = 0.0

    def add(self, events: int, wall_s: float, processor_s: float) -> None:
        self.events += events
        self.wall_s += wall_s
        self.processor_s += processor_s

    @property
    def rate(self) -> float:
        return self.events / self.wall_s

    @property
    def a_core(self) -> float:
        return self.events / self.processor_s

    @property
    def us(self) -> float:
        return self.processor_s / self.events * 1e6


@contextmanager
def service(name: str, command: tuple[str, ...], port: int, folder: Path, kafka: KafkaSettings) -> Iterator[int]:
    """A process on the measured core; yields its id."""
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SHOPSTREAM_KAFKA_BROKERS": ",".join(kafka.brokers),
        "SHOPSTREAM_INGEST_PORT": str(port),
    }
    ready = ready_check(f"http://127.0.0.1:{port}") if name == "ingest" else port_check("127.0.0.1", port)
    with running(
        Service(name=name, command=command, log=folder / f"{name}.log", ready=ready, environ=environ), timeout_s=60
    ):
        (pid,) = (
            each.pid for each in psutil.Process().children(recursive=True) if each.cmdline()[-1:] == [command[-1]]
        )
        for thread in psutil.Process(pid).threads():
            os.sched_setaffinity(thread.id, {CORE})
        yield pid


def one_round(pid: int, port: int, requests: list[bytes], events: int, work: Work) -> int:
    """Post all requests; how many events were accepted."""
    before = psutil.Process(pid).cpu_times()
    wall_s, accepted = post_all("127.0.0.1", port, requests, CONNECTIONS)
    after = psutil.Process(pid).cpu_times()
    work.add(events, wall_s, after.user + after.system - before.user - before.system)
    return accepted


@dataclass(slots=True)
class Works:
    """The work of ingest and of the bare server for each size of body, and of the producer alone."""

    ingest: dict[int, Work]
    http: dict[int, Work]
    natural: Work
    """It hashes the keys itself."""
    placed: Work
    """It is told the partitions."""


def measure(kafka: KafkaSettings, events: int, folder: Path) -> Works:
    """Everything in turns, so that a busy minute of the machine meets all of them."""
    works = Works({size: Work() for size in SIZES}, {size: Work() for size in SIZES}, Work(), Work())
    port, bare_port = free_port(), free_port()
    ingest = (sys.executable, "-m", "shopstream", "ingest")
    bare = (sys.executable, str(ROOT / "benchmarks/ingest/bare_http.py"), str(bare_port))
    with (
        service("ingest", ingest, port, folder, kafka) as ours,
        service("bare-http", bare, bare_port, folder, kafka) as theirs,
    ):
        warm = requests_of(2_000, 10, run="warm")
        post_all("127.0.0.1", port, warm, CONNECTIONS)
        post_all("127.0.0.1", bare_port, warm, CONNECTIONS)
        records = written(kafka, 2_000, folder)
        for number in range(ROUNDS):
            for size in SIZES:
                count = events // 4 if size == 1 else events
                requests = requests_of(count, size, run=f"r{number}-{size}")
                accepted = one_round(ours, port, requests, count, works.ingest[size])
                if accepted != count:
                    raise SystemExit(f"ingest accepted {accepted} of {count} events")
                one_round(theirs, bare_port, requests, count, works.http[size])
            produce(kafka, events, records, works)
            print(f"round {number + 1} of {ROUNDS} done", file=sys.stderr, flush=True)
    return works


def written(kafka: KafkaSettings, count: int, folder: Path) -> Path:
    """A file with records as ingest wrote them."""
    file = folder / "records.msgpack"
    found = records_on(kafka, EVENTS.name, count, timeout_s=60)[:count]
    file.write_bytes(
        msgspec.msgpack.encode([(bytes(each.key), bytes(each.value), list(each.headers)) for each in found])
    )
    return file


def produce(kafka: KafkaSettings, events: int, records: Path, works: Works) -> None:
    """kafka-python alone sends as many events."""
    command = [sys.executable, "-m", "benchmarks.ingest.bare_producer", kafka.brokers[0], EVENTS_DLQ.name]
    done = subprocess.run(
        ["taskset", "-c", str(CORE), *command, str(records), str(events)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    told = json.loads(done.stdout.splitlines()[-1])
    works.natural.add(events, *told["natural"])
    works.placed.add(events, *told["placed"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="events a round; a quarter of it with bodies of one")
    parser.add_argument("--embedded", action="store_true", help="the embedded broker even when Apache Kafka is here")
    options = parser.parse_args()
    kind = kind_of_broker(is_embedded=options.embedded)
    print(f"{machine()}; {kind}", flush=True)
    with broker(kind) as (kafka, folder):
        works = measure(kafka, options.events, folder)
    rows: list[tuple[object, ...]] = []
    ratios = {}
    for size in SIZES:
        ours, http = works.ingest[size], works.http[size]
        ratios[size] = round(ours.a_core / min(http.a_core, works.natural.a_core), 2)
        rows.append((f"ingest, {size} a body", ours.rate, ours.a_core, ours.us, f"{ratios[size]:.2f}"))
        rows.append((f"  bare HTTP server, {size} a body", http.rate, http.a_core, http.us, ""))
    for label, work in (("bare producer, same records", works.natural), ("  the same, partitions given", works.placed)):
        rows.append((label, work.rate, work.a_core, work.us, ""))
    print(table(("", "events/s", "a core", "CPU µs/event", "ratio"), rows))
    print(f"ratio: events/s a core beside the lower of the bare HTTP server and the bare producer; aim {AIM}")
    figures = {
        "broker": kind,
        "ratio": ratios,
        "aim": AIM,
        "a_core": {size: round(works.ingest[size].a_core) for size in SIZES},
        "http_a_core": {size: round(works.http[size].a_core) for size in SIZES},
        "producer_a_core": round(works.natural.a_core),
        "producer_placed_a_core": round(works.placed.a_core),
    }
    print(last_line("ingest_rate", figures))


if __name__ == "__main__":
    main()
