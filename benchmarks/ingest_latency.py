"""Latency of an acknowledged POST of one event at half of capacity, beside Kafka's own acknowledgement.

The real ingest is asked for all it can do with one event a request; then requests come at half that rate, whether or not earlier
ones are answered. At the same rate kafka-python alone sends records of the same size, and each is timed to its acknowledgement.
"""

import argparse
import os
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.broker import broker, kind_of_broker
from benchmarks.ingest.load import post_all, post_at_rate
from benchmarks.ingest.requests import requests_of
from benchmarks.measure import last_line, machine, percentile, table
from contracts.topics import EVENTS_DLQ, PARTITIONS
from runtime.kafka import durable_producer
from runtime.settings import KafkaSettings
from shopstream.ports import free_port
from shopstream.probes import ready_check
from shopstream.supervise import Service, running

SHARE = 0.5
CONNECTIONS = 128
ROUNDS = 3
RECORD_BYTES = 1_000


def acknowledgements(kafka: KafkaSettings, per_second: float, seconds: float) -> list[float]:
    """Milliseconds from when each record was due to Kafka's acknowledgement of it."""
    producer = durable_producer(kafka)
    took_ms: list[float] = []
    done = threading.Event()
    count = int(per_second * seconds)

    def acknowledged(due: float, _: object) -> None:
        took_ms.append((time.perf_counter() - due) * 1000)
        if len(took_ms) == count:
            done.set()

    try:
        producer.partitions_for(EVENTS_DLQ.name)
        began_at = time.perf_counter()
        for number in range(count):
            due = began_at + number / per_second
            wait_s = due - time.perf_counter()
            if wait_s > 0:
                time.sleep(wait_s)
            sent = producer.send(EVENTS_DLQ.name, b"x" * RECORD_BYTES, key=b"x", partition=number % PARTITIONS)
            sent.add_callback(acknowledged, due)
        if not done.wait(60):
            raise SystemExit(f"Kafka acknowledged {len(took_ms)} of {count} records")
    finally:
        producer.close()
    return took_ms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds at half of capacity, each round")
    parser.add_argument("--embedded", action="store_true", help="the embedded broker even when Apache Kafka is here")
    options = parser.parse_args()
    kind = kind_of_broker(is_embedded=options.embedded)
    print(f"{machine()}; {kind}", flush=True)
    ours: list[float] = []
    bare: list[float] = []
    with ExitStack() as stack:
        kafka, folder = stack.enter_context(broker(kind))
        port = free_port()
        environ = {**os.environ, "SHOPSTREAM_KAFKA_BROKERS": kafka.brokers[0], "SHOPSTREAM_INGEST_PORT": str(port)}
        ingest = Service(
            name="ingest",
            command=(sys.executable, "-m", "shopstream", "ingest"),
            log=folder / "ingest.log",
            ready=ready_check(f"http://127.0.0.1:{port}"),
            environ=environ,
        )
        stack.enter_context(running(ingest, timeout_s=60))
        post_all("127.0.0.1", port, requests_of(2_000, 1, run="warm"), CONNECTIONS)
        requests = requests_of(6_000, 1, run="all")
        seconds, _ = post_all("127.0.0.1", port, requests, CONNECTIONS)
        capacity = len(requests) / seconds
        rate = capacity * SHARE
        for number in range(ROUNDS):
            requests = requests_of(int(rate * options.seconds), 1, run=f"half-{number}")
            ours += post_at_rate("127.0.0.1", port, requests, rate, CONNECTIONS)
            bare += acknowledgements(kafka, rate, options.seconds)
            print(f"round {number + 1} of {ROUNDS} done", file=sys.stderr, flush=True)
    print(f"capacity, one event a POST: {capacity:,.0f} events/s; both below at {rate:,.0f} a second")
    figures: dict[str, float] = {}
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        figures[f"post_{name}_ms"] = round(percentile(ours, share), 2)
        figures[f"kafka_{name}_ms"] = round(percentile(bare, share), 2)
        figures[f"ratio_{name}"] = round(figures[f"post_{name}_ms"] / figures[f"kafka_{name}_ms"], 2)
    rows = [
        (label, figures[f"{key}p50{unit}"], figures[f"{key}p99{unit}"])
        for label, key, unit in (
            ("POST of one event to its 200", "post_", "_ms"),
            ("kafka-python's send to its acknowledgement", "kafka_", "_ms"),
            ("ratio", "ratio_", ""),
        )
    ]
    print(table(("", "p50 ms", "p99 ms"), rows))
    print(
        last_line("ingest_latency", {"broker": kind, "capacity_per_s": round(capacity), "rate": round(rate), **figures})
    )


if __name__ == "__main__":
    main()
