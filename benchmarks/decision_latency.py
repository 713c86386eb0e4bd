"""A decision's latency, from POST to the message on the browser's stream, beside the bare way through Kafka and back.

The real ingest, stream processor and console run as processes of their own. The bare round trip uses the same clients with the same
settings: ingest's publisher, which waits for the acknowledgement, and the console's consumer. Both at a tenth, half and four fifths
of the rate at which events posted one by one still become decisions, in turns, so that a busy minute of the machine meets both.
A second, thin bare round trip goes on while the pipeline works: what Kafka takes on the same machine under the same load.
"""

import argparse
import asyncio
import itertools
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import msgspec
import uvloop

from benchmarks.broker import broker, kind_of_broker
from benchmarks.latency.bare_loop import Loop
from benchmarks.latency.browser import Server
from benchmarks.measure import last_line, machine, percentile, table
from contracts.codec import DECISION_DECODER
from contracts.ids import visitor_id_of
from producers.shoppers.visit import instant
from runtime.settings import KafkaSettings
from shopstream.ports import free_port, port_check
from shopstream.probes import figures_at, ready_check
from shopstream.supervise import Service, running

VISITORS = 1_500
"""So many that each sends an event a second or less even at full load: a session of thousands of events is no shopper's."""
SHARES = (0.1, 0.5, 0.8)
TURNS = 3
HOPS = {
    "receive": "POST to ingest",
    "decide": "ingest, Kafka, and the poll's turn in the stream",
    "deliver": "fold, score, Kafka, console, stream",
}
"""Between the instants that a decision carries; a decision's own instant is when its poll's turn came."""
AIMS = {"p50": 3.0, "p99": 5.0}
BESIDE_PER_S = 25
"""Bare round trips a second while the pipeline works."""
POSTERS = 32
WARM_UP_S = 2.0
SETTLE_S = 3.0
encode = msgspec.json.Encoder().encode


class Shop:
    """Visitors with open streams, and a clock on each event they post."""

    def __init__(self, ingest: str, console: str) -> None:
        self._ingest, self._console = Server(ingest), Server(console)
        self._number = itertools.count()
        self._posted_at: dict[str, tuple[float, float]] = {}
        self.latencies_ms: list[float] = []
        self.hops_ms: list[tuple[float, float, float]] = []
        self.secrets = [f"a visitor's secret of many characters {n}" for n in range(VISITORS)]
        self.visitors = [visitor_id_of(secret) for secret in self.secrets]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Every visitor's stream open."""
        try:
            await asyncio.wait_for(
                asyncio.gather(*[self._console.listen(secret, self._told) for secret in self.secrets]), 60
            )
            yield
        finally:
            self._ingest.close()
            self._console.close()

    def _told(self, raw: bytes) -> None:
        decision = DECISION_DECODER.decode(raw)
        known = self._posted_at.pop(decision.caused_by, None)
        if known is not None:
            steady, posted_at = known
            self.latencies_ms.append((time.perf_counter() - steady) * 1000)
            places = (posted_at, decision.received_at.timestamp(), decision.decided_at.timestamp(), time.time())
            first, second, third = ((b - a) * 1000 for a, b in pairwise(places))
            self.hops_ms.append((first, second, third))

    async def post(self) -> None:
        number = next(self._number)
        now = instant(datetime.now(UTC))
        item = {
            "type": "page",
            "messageId": f"m-{number}",
            "anonymousId": self.visitors[number % VISITORS],
            "timestamp": now,
            "properties": {"path": "/tea"},
        }
        self._posted_at[f"m-{number}"] = (time.perf_counter(), time.time())
        await self._ingest.post("/v1/batch", encode({"batch": [item], "writeKey": "demo", "sentAt": now}))

    def forget(self) -> None:
        self._posted_at.clear()
        self.latencies_ms, self.hops_ms = [], []


async def at_rate(what: Shop | Loop, rate: float, seconds: float) -> list[float]:
    """Latencies of acts begun at a steady rate, whether or not earlier ones are answered: a slow answer hides nobody."""
    await _steadily(what, rate, WARM_UP_S)
    what.forget()
    await _steadily(what, rate, seconds)
    await asyncio.sleep(1.0)
    return list(what.latencies_ms)


async def _steadily(what: Shop | Loop, rate: float, seconds: float) -> None:
    began_at = time.perf_counter()
    acts: set[asyncio.Task[None]] = set()
    for number in range(int(rate * seconds)):
        wait = began_at + number / rate - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        act = asyncio.create_task(what.post())
        acts.add(act)
        act.add_done_callback(acts.discard)
    await asyncio.gather(*acts)


async def capacity(shop: Shop, process: str, seconds: float) -> float:
    """Events a second that posters without a pause bring through ingest and the stream, counted until the last is folded."""
    before = _folded(process)
    began_at = time.perf_counter()
    posted = 0

    async def keep_posting() -> None:
        nonlocal posted
        while time.perf_counter() - began_at < seconds:
            await shop.post()
            posted += 1

    await asyncio.gather(*[keep_posting() for _ in range(POSTERS)])
    while _folded(process) - before < posted:
        await asyncio.sleep(0.05)
    return posted / (time.perf_counter() - began_at)


def _folded(process: str) -> float:
    return (figures_at(process) or {}).get("process_events_folded_total", 0.0)


async def measure(kafka: KafkaSettings, urls: dict[str, str], seconds: float) -> tuple[float, list[dict[str, float]]]:
    """The capacity, and for each share of it the figures of both ways."""
    found = []
    bare = Loop(kafka)
    shop = Shop(urls["ingest"], urls["console"])
    try:
        async with shop.open():
            # Java compiles meanwhile what it will need: afterwards the broker is one that has run for a while.
            await _steadily(shop, 50, WARM_UP_S)
            await capacity(shop, urls["process"], seconds)
            most = await capacity(shop, urls["process"], seconds)
            await asyncio.sleep(SETTLE_S)
            for share in SHARES:
                ours, hops = list[float](), list[tuple[float, float, float]]()
                alone, beside = list[float](), list[float]()
                for _ in range(TURNS):
                    both = at_rate(shop, most * share, seconds / TURNS), at_rate(bare, BESIDE_PER_S, seconds / TURNS)
                    for total, latencies in zip((ours, beside), await asyncio.gather(*both), strict=True):
                        total += latencies
                    hops += shop.hops_ms
                    alone += await at_rate(bare, most * share, seconds / TURNS)
                found.append(_figures(share, most * share, seconds, ours, {"bare": alone, "beside": beside}, hops))
    finally:
        await bare.close()
    return most, found


def _figures(
    share: float,
    rate: float,
    seconds: float,
    ours: list[float],
    bare: dict[str, list[float]],
    hops: list[tuple[float, float, float]],
) -> dict[str, float]:
    figures = {"share": share, "rate": round(rate, 1), "posted": int(rate * seconds), "decisions": len(ours)}
    for name, part in (("p50", 0.5), ("p99", 0.99)):
        figures[f"{name}_ms"] = round(percentile(ours, part), 2)
        for way, latencies in bare.items():
            figures[f"{way}_{name}_ms"] = round(percentile(latencies, part), 2)
        figures[f"ratio_{name}"] = round(figures[f"{name}_ms"] / figures[f"bare_{name}_ms"], 2)
        figures[f"ratio_beside_{name}"] = round(figures[f"{name}_ms"] / figures[f"beside_{name}_ms"], 2)
        for hop, values in zip(HOPS, zip(*hops, strict=True), strict=True):
            figures[f"{hop}_{name}_ms"] = round(percentile(values, part), 2)
    return figures


def services(kafka: KafkaSettings, folder: Path) -> tuple[list[Service], dict[str, str]]:
    """Process, ingest and console as they ship, on free ports, with a Postgres that is away."""
    environ = {
        **os.environ,
        "SHOPSTREAM_KAFKA_BROKERS": ",".join(kafka.brokers),
        "SHOPSTREAM_POSTGRES_DSN": "postgresql://nobody@127.0.0.1:9/nowhere",
        "SHOPSTREAM_PROCESS_REBALANCE_TIMEOUT_S": "6",
    }
    found, urls = [], {}
    for name in ("process", "ingest", "console"):
        port = free_port()
        environ[f"SHOPSTREAM_{name.upper()}_PORT"] = str(port)
        urls[name] = f"http://127.0.0.1:{port}"
    for name, url in urls.items():
        command = (sys.executable, "-m", "shopstream", name)
        # The console would not say that it is ready before Postgres is there, which its streams do not need.
        port = int(url.rpartition(":")[2])
        ready = port_check("127.0.0.1", port) if name == "console" else ready_check(url)
        found.append(Service(name=name, command=command, log=folder / f"{name}.log", ready=ready, environ=environ))
    return found, urls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="seconds at each rate")
    parser.add_argument("--embedded", action="store_true", help="the embedded broker even when Apache Kafka is here")
    options = parser.parse_args()
    kind = kind_of_broker(is_embedded=options.embedded)
    print(f"{machine()}; {kind}", flush=True)
    with ExitStack() as stack:
        kafka, folder = stack.enter_context(broker(kind, java_options=()))
        running_services, urls = services(kafka, folder)
        for service in running_services:
            stack.enter_context(running(service, timeout_s=60))
        most, found = uvloop.run(measure(kafka, urls, options.seconds))
    print(f"capacity, one event a POST, all on this machine: {most:,.0f} events/s")
    rows: list[tuple[Any, ...]] = []
    for each in found:
        rows += [
            (f"POST to decision at {each['share']:.0%}", each["rate"], each["p50_ms"], each["p99_ms"]),
            (f"bare round trip at {each['share']:.0%}", each["rate"], each["bare_p50_ms"], each["bare_p99_ms"]),
            ("ratio", None, each["ratio_p50"], each["ratio_p99"]),
            ("bare round trip while the pipeline works", BESIDE_PER_S, each["beside_p50_ms"], each["beside_p99_ms"]),
            ("ratio to that", None, each["ratio_beside_p50"], each["ratio_beside_p99"]),
            *[(f"  of it {HOPS[hop]}", None, each[f"{hop}_p50_ms"], each[f"{hop}_p99_ms"]) for hop in HOPS],
        ]
    print(table(("", "events/s", "p50 ms", "p99 ms"), rows))
    print(f"aim: p50 ≤ {AIMS['p50']:.0f} times, p99 ≤ {AIMS['p99']:.0f} times the bare round trip")
    figures = {"broker": kind, "capacity_events_per_s": round(most), "at": found, "aim": AIMS}
    print(last_line("decision_latency", figures))


if __name__ == "__main__":
    main()
