"""The bare way through Kafka and back, with nothing between: ingest's publisher and the console's consumer."""

import asyncio
import itertools
import time

from aiokafka import TopicPartition

from console.follow import decision_consumer
from contracts.topics import EVENTS_DLQ, PARTITIONS
from producers.ingest.publish import KafkaPublisher, Record
from runtime.settings import KafkaSettings

BARE = EVENTS_DLQ.name
"""The bare round trip's topic: ingest's publisher writes to no others than its own two, and this one is idle."""


class Loop:
    """The bare round trip: publish as ingest does, read as the console does."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._publisher = KafkaPublisher(kafka, timeout_ms=10_000)
        self._publisher.start()
        self._consumer = decision_consumer(kafka)
        self._posted_at: dict[bytes, float] = {}
        self._number = itertools.count()
        self._reader = asyncio.create_task(self._read())
        self.latencies_ms: list[float] = []

    async def _read(self) -> None:
        await self._consumer.start()
        partitions = [TopicPartition(BARE, n) for n in range(PARTITIONS)]
        self._consumer.assign(partitions)
        await self._consumer.seek_to_beginning(*partitions)
        while True:
            found = await self._consumer.getmany(timeout_ms=250)
            now = time.perf_counter()
            for record in itertools.chain.from_iterable(found.values()):
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
        self._reader.cancel()
        await asyncio.wait({self._reader})
        await asyncio.gather(self._consumer.stop(), return_exceptions=True)
        await self._publisher.close()
