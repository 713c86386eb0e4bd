"""The bare way through Kafka and back, with nothing between: ingest's publisher and the console's consumer."""

import itertools
import threading
import time

from kafka import KafkaConsumer, TopicPartition

from contracts.topics import EVENTS_DLQ, PARTITIONS
from producers.ingest.publish import KafkaPublisher, Record
from runtime.settings import KafkaSettings

BARE = EVENTS_DLQ.name
"""The bare round trip's topic: ingest's publisher writes to no others than its own two, and this one is idle."""
READ_EVERY_MS = 20
"""The console's `fetch_max_wait_ms`."""


class Loop:
    """The bare round trip: publish as ingest does, read as the console does."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._publisher = KafkaPublisher(kafka, timeout_ms=10_000)
        self._publisher.start()
        self._consumer = KafkaConsumer(
            bootstrap_servers=list(kafka.brokers),
            enable_auto_commit=False,
            metrics_enabled=False,
            fetch_max_wait_ms=READ_EVERY_MS,
        )
        partitions = [TopicPartition(BARE, n) for n in range(PARTITIONS)]
        self._consumer.assign(partitions)
        self._consumer.seek_to_beginning(*partitions)
        self._posted_at: dict[bytes, float] = {}
        self._number = itertools.count()
        self._stop = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.latencies_ms: list[float] = []

    def _read(self) -> None:
        while not self._stop.is_set():
            for records in self._consumer.poll(timeout_ms=250).values():
                now = time.perf_counter()
                for record in records:
                    posted_at = self._posted_at.pop(record.key, None)
                    if posted_at is not None:
                        self.latencies_ms.append((now - posted_at) * 1000)

    async def post(self) -> None:
        key = str(next(self._number)).encode()
        self._posted_at[key] = time.perf_counter()
        await self._publisher.publish([Record(BARE, key, b"x" * 600, [])])

    def forget(self) -> None:
        self._posted_at.clear()
        self.latencies_ms = []

    async def close(self) -> None:
        self._stop.set()
        self._reader.join(5)
        self._consumer.close()
        await self._publisher.close()
