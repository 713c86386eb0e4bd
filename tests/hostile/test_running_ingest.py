"""The fuzz corpus against a running ingest: it says no and goes on. No 5xx but a deliberate 503, no memory kept, nothing good lost.

Beside all of it, hundreds of connections drip their heads and bodies.
"""

import asyncio
import contextlib
import http.client
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from kafka import KafkaConsumer, TopicPartition

from contracts.codec import EVENT_DECODER
from contracts.topics import EVENTS
from producers.ingest.connections import HEAD_TIMEOUT_S
from runtime.kafka import create_topics
from runtime.settings import KafkaSettings
from shopstream.embedded.broker import embedded_broker
from tests.hostile.corpus import MEGABYTE, bodies, requests
from tests.ingest_process import IngestProcess, ingest_process, received, track
from tests.waiting import until

MAX_GROWTH_BYTES: Final = 192 * MEGABYTE
"""Over what it held when it was warm, at any moment: max_inflight_bytes (64 MiB) for bodies, as much for their records, and one body unpacked and read."""
MAX_LEAK_BYTES: Final = 32 * MEGABYTE
"""What may stay after everything is sent once more."""
ENDPOINTS: Final = (
    "/v1/batch",
    "/v1/track",
    "/v1/shopify",
    "/com.snowplowanalytics.snowplow/tp2",
    "/v1/ga4",
    "/mp/collect",
    "/g/collect",
    "/v1/m",
)
DRIPPING: Final = 300
TINY_REQUESTS: Final = 10_000


class Memory(threading.Thread):
    """Watches how much memory a process holds."""

    def __init__(self, running: IngestProcess) -> None:
        super().__init__(daemon=True)
        self._running = running
        self._is_over = threading.Event()
        self.most_bytes = 0

    def run(self) -> None:
        while not self._is_over.wait(0.05):
            self.most_bytes = max(self.most_bytes, self._running.memory_bytes())

    def stop(self) -> None:
        self._is_over.set()
        self.join()


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    with embedded_broker(tmp_path_factory.mktemp("broker")) as address:
        settings = KafkaSettings(brokers=(address,))
        create_topics(settings)
        yield settings


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ingest") / "ingest.log"


@pytest.fixture(scope="module")
def ingest(kafka: KafkaSettings, log: Path) -> Iterator[IngestProcess]:
    with ingest_process(kafka, log, body_timeout_s="20") as running:
        for number in range(200):
            assert running.post(track(f"warm-{number}")).status == 200
        yield running


@pytest.fixture(scope="module")
def events(kafka: KafkaSettings) -> Iterator[KafkaConsumer]:
    """Reads topic `events`."""
    consumer = KafkaConsumer(bootstrap_servers=list(kafka.brokers), enable_auto_commit=False)
    consumer.assign([TopicPartition(EVENTS.name, number) for number in range(EVENTS.partitions)])
    yield consumer
    consumer.close()


def arrives(events: KafkaConsumer, running: IngestProcess, message_id: str) -> bool:
    """Whether an event that is sent now is on its topic soon."""
    events.seek_to_end()
    at = [events.position(partition) for partition in events.assignment()]  # which also finds the end
    assert len(at) == EVENTS.partitions
    assert running.post(track(message_id)).json["accepted"] == 1
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for records in events.poll(timeout_ms=200).values():
            if any(EVENT_DECODER.decode(record.value).message_id == message_id for record in records):
                return True
    return False


@pytest.fixture(autouse=True)
def watched(ingest: IngestProcess, events: KafkaConsumer, log: Path) -> Iterator[None]:
    """After each test: the process is the same, its memory within the bound, no traceback in its log, and a good event arrives."""
    before = ingest.memory_bytes()
    memory = Memory(ingest)
    memory.start()
    yield
    memory.stop()
    print(f"{before / MEGABYTE:.0f} MiB before, {(memory.most_bytes - before) / MEGABYTE:.0f} MiB more at most")  # noqa: T201
    assert ingest.process.poll() is None
    assert memory.most_bytes - before < MAX_GROWTH_BYTES, f"{(memory.most_bytes - before) / MEGABYTE:.0f} MiB more"
    assert "Traceback" not in log.read_text(errors="replace")
    assert arrives(events, ingest, f"good-{time.monotonic_ns()}")


@pytest.fixture(scope="module", autouse=True)
def dripping(ingest: IngestProcess) -> Iterator[None]:
    """Slow senders, all the time: heads and bodies a byte at a time, again whenever they are cut off."""
    is_over = threading.Event()
    thread = threading.Thread(target=drip, args=(ingest, is_over), daemon=True)
    thread.start()
    yield
    is_over.set()
    thread.join()
    until(lambda: ingest.metric("ingest_in_flight_bytes") == 0)
    assert ingest.metric("ingest_connections") < 5


def drip(running: IngestProcess, is_over: threading.Event) -> None:
    head = b"POST /v1/batch HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n" + b" " * 90_000
    slow: list[tuple[socket.socket, int]] = []
    while not is_over.wait(0.2):
        while len(slow) < DRIPPING:
            connection = socket.create_connection(("127.0.0.1", running.port), timeout=5)
            number = len(slow)
            with contextlib.suppress(OSError):
                connection.sendall(head if number % 2 else head[:20])
            slow.append((connection, number))
        alive = []
        for connection, number in slow:
            try:
                connection.sendall(b" " if number % 2 else b"x")
                alive.append((connection, number))
            except OSError:
                connection.close()
        slow = alive
    for connection, _ in slow:
        connection.close()


def send(running: IngestProcess, path: str, body: bytes) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("POST", f"{path}?writeKey=demo", body, {"content-type": "application/json"})
        return connection.getresponse().status


def send_all(running: IngestProcess, *paths: str) -> Counter[int]:
    statuses: Counter[int] = Counter()
    for name, body in bodies().items():
        for path in paths:
            status = send(running, path, body)
            assert status in (200, 204, 400, 401, 413, 503), (name, path, status)
            statuses[status] += 1
    return statuses


@pytest.mark.timeout(600)  # hundreds of large bodies, on a machine that may be busy
def test_every_body_of_the_corpus_is_answered_and_leaves_nothing_behind(ingest: IngestProcess) -> None:
    batches, *others = ENDPOINTS
    statuses = send_all(ingest, batches)
    assert {200, 400, 413} <= set(statuses)
    assert set(send_all(ingest, *others)) <= {200, 204, 400, 401, 413}
    after_one = ingest.memory_bytes()
    assert send_all(ingest, batches) == statuses
    assert ingest.memory_bytes() - after_one < MAX_LEAK_BYTES
    assert 503 not in statuses


@pytest.mark.parametrize("name", requests())
def test_every_request_of_the_corpus_is_answered_or_cut_off(ingest: IngestProcess, name: str) -> None:
    with ingest.connect() as connection:
        try:
            connection.sendall(requests()[name])
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            return  # ingest had enough of it
        answer = received(connection)
    statuses = {int(line.split(b" ", 2)[1]) for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")}
    assert not {status for status in statuses if status >= 500 and status != 503}, (statuses, answer[:500])


def test_ten_thousand_tiny_requests_are_all_answered(ingest: IngestProcess) -> None:
    request = b"POST /v1/batch HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}"

    async def one_after_the_other(count: int) -> Counter[bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", ingest.port)
        statuses: Counter[bytes] = Counter()
        for _ in range(count):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            (length,) = (int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(length)
            statuses[head[9:12]] += 1
        writer.close()
        return statuses

    async def all_of_them() -> list[Counter[bytes]]:
        return await asyncio.gather(*(one_after_the_other(TINY_REQUESTS // 50) for _ in range(50)))

    assert sum(asyncio.run(all_of_them()), Counter()) == {b"400": TINY_REQUESTS}


def test_ten_thousand_connections_that_ask_nothing_leave_nothing(ingest: IngestProcess) -> None:
    for _ in range(TINY_REQUESTS):
        socket.create_connection(("127.0.0.1", ingest.port), timeout=20).close()


def test_large_bodies_from_many_at_once_are_shed_not_stored(ingest: IngestProcess) -> None:
    events = ",".join(json.dumps(track(f"large-{number}", properties={"note": "x" * 1_500})) for number in range(2_400))
    body = f'{{"writeKey":"demo","batch":[{events}]}}'.encode()
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(send(ingest, "/v1/batch", body))) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {200, 408, 503}
    assert len(statuses) == 24
    assert 200 in statuses


def test_slow_senders_were_cut_off_while_all_that_happened(ingest: IngestProcess) -> None:
    until(lambda: ingest.metric("ingest_connections_refused_total") >= DRIPPING / 2, HEAD_TIMEOUT_S + 30)
    with ingest.connect() as connection:
        connection.sendall(b"POST /v1/batch HTTP/1.1\r\nhost: a\r\n")
        assert received(connection).startswith(b"HTTP/1.1 408 ")
