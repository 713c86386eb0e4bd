"""Rows a second that the sink brings from Kafka's topics into Postgres, beside `COPY` of the very rows that it wrote.

The real stream processor fills the topics first, and ends. Then, in turns, the real `shopstream persist` writes all of it into a new
database, and one connection copies the same rows into new tables with the same indexes, as many in a transaction as the sink. The
sink besides decodes the records, finds each event's session, keeps of a session only its newest state, and sums up its visitor.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil

from benchmarks.broker import broker, kind_of_broker
from benchmarks.measure import last_line, machine, table
from benchmarks.sink.database import TABLES, Taken, by_copy, count, new_database, processor_s, session
from benchmarks.stream.workload import Encoded, fill, google_store, simulated
from runtime.settings import KafkaSettings
from shopstream.embedded.postgres import embedded_postgres
from shopstream.ports import free_port
from shopstream.probes import figures_at, ready_check
from shopstream.supervise import Service, running
from stream_processors.persist_kafka import KafkaSource
from stream_processors.persist_rows import DECODERS

ROUNDS: Final = 3
AIM: Final = 0.5
LOOK_EVERY_S: Final = 0.02
PATIENCE_S: Final = 300.0


def service(name: str, port: int, kafka: KafkaSettings, folder: Path, **environ: str) -> Service:
    """One of ours, as it ships."""
    ours = {"SHOPSTREAM_KAFKA_BROKERS": ",".join(kafka.brokers), f"SHOPSTREAM_{name.upper()}_PORT": str(port)}
    return Service(
        name=name,
        command=(sys.executable, "-m", "shopstream", name),
        log=folder / f"{name}.log",
        ready=ready_check(f"http://127.0.0.1:{port}"),
        environ={**os.environ, **ours, **environ},
    )


def until(count: Callable[[], float], wanted: float) -> float:
    """Look until it has come so far, and say how far. Nothing tells us: the services work as they ship."""
    give_up_at = time.monotonic() + PATIENCE_S
    while (so_far := count()) < wanted:
        if time.monotonic() > give_up_at:
            raise SystemExit(f"{so_far:g} of {wanted:g} records were done within {PATIENCE_S:g} s")
        time.sleep(LOOK_EVERY_S)
    return so_far


def decide_all(kafka: KafkaSettings, folder: Path, events: int) -> None:
    """Fill the topics after `events`: the stream processor runs until it has folded all of them."""
    port = free_port()
    with running(service("process", port, kafka, folder, SHOPSTREAM_PROCESS_REBALANCE_TIMEOUT_S="6"), timeout_s=60):
        until(lambda: (figures_at(f"http://127.0.0.1:{port}") or {}).get("process_events_folded_total", 0.0), events)


def records_for_the_sink(kafka: KafkaSettings) -> int:
    """How many it will read."""
    source = KafkaSource(kafka, DECODERS)
    try:
        return sum(source.ends().values())
    finally:
        source.close()


def by_the_sink(kafka: KafkaSettings, folder: Path, dsn: str, records: int, postgres: psutil.Process) -> Taken:
    """From the sink's first commit to its last; what came with the first is told at the rate of the others."""
    persist = service("persist", free_port(), kafka, folder, SHOPSTREAM_POSTGRES_DSN=dsn)
    with session(dsn) as cursor, running(persist, timeout_s=60):

        def written() -> int:
            cursor.execute("select coalesce(sum(next_offset), 0)::bigint from sink_offset")
            ((total,),) = cursor.fetchall()
            return int(total)

        (sink,) = (each for each in psutil.Process().children(recursive=True) if each.cmdline()[-1:] == ["persist"])
        first = until(written, 1)
        began_at, before_s = time.monotonic(), processor_s(sink, postgres)
        if first >= records:
            raise SystemExit("the sink wrote all of it at once, so there is nothing to time; give more --events")
        until(written, records)
        seconds, used_s = time.monotonic() - began_at, processor_s(sink, postgres) - before_s
    share = (records - first) / records
    return Taken(sum(count(dsn, name) for name in TABLES), seconds / share, used_s / share)


def measure(kafka: KafkaSettings, folder: Path) -> dict[str, list[Taken]]:
    """Both ways in turns, so that a busy minute of the machine meets both."""
    records = records_for_the_sink(kafka)
    taken: dict[str, list[Taken]] = {"sink": [], "COPY": []}
    with embedded_postgres(folder) as server:
        (postgres,) = (each for each in psutil.Process().children(recursive=True) if "-D" in each.cmdline())
        for number in range(ROUNDS):
            with ExitStack() as stack:
                dsn, beside = (stack.enter_context(new_database(server)) for _ in range(2))
                taken["sink"].append(by_the_sink(kafka, folder, dsn, records, postgres))
                taken["COPY"].append(by_copy(dsn, beside, postgres))
            print(f"round {number + 1} of {ROUNDS} done", file=sys.stderr, flush=True)
    return taken


def contest(kind: str, events: Sequence[Encoded]) -> dict[str, list[Taken]]:
    with broker(kind) as (kafka, folder):
        fill(kafka, events)
        decide_all(kafka, folder, len(events))
        return measure(kafka, folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=60_000, help="events of each kind of traffic")
    parser.add_argument("--embedded", action="store_true", help="the embedded broker even when Apache Kafka is here")
    options = parser.parse_args()
    kind = kind_of_broker(is_embedded=options.embedded)
    print(f"{machine()}; {kind}", flush=True)
    rows: list[tuple[Any, ...]] = []
    ratios: dict[str, float] = {}
    traffic = {"simulated shoppers": simulated(options.events), "Google store": google_store(options.events)}
    for name, events in traffic.items():
        if not events:
            continue
        rates = {}
        for way, taken in contest(kind, events).items():
            written, seconds, used_s = (sum(each) for each in zip(*taken, strict=True))
            rates[way] = written / seconds
            rows.append((f"{name}: {way}", int(written // ROUNDS), written / seconds, used_s / written * 1e6))
        ratios[name] = round(rates["sink"] / rates["COPY"], 2)
        rows.append(("  ratio", None, ratios[name], None))
    print(table(("", "rows", "rows/s", "CPU µs/row"), rows))
    print(f"ratio: the sink's rows a second beside COPY's; aim {AIM}")
    print(last_line("sink_rate", {"broker": kind, "ratio": ratios, "aim": AIM}))


if __name__ == "__main__":
    main()
