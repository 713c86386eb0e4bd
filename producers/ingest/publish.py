"""Hop 2. Records in, on the log out: acknowledged by all in-sync replicas before `publish` returns."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from aiokafka.structs import TopicPartition

from contracts.codec import Headers
from contracts.topics import EVENTS, EVENTS_DLQ
from producers.ingest import metrics
from producers.ingest.batches import MAX_BATCH_BYTES, REFUSED, Batches
from runtime.kafka import unreachable
from runtime.reconnecting import pause_between_attempts
from runtime.settings import KafkaSettings

log = logging.getLogger(__name__)

TOPICS: Final = (EVENTS.name, EVENTS_DLQ.name)
_LOOKING_UP: Final = "Kafka's topics are being looked up"
_CLOSE_S: Final = 2.0
_LOOK_S: Final = 0.5
"""Between two looks at whether Kafka and its topics are there."""


class Record(NamedTuple):
    """One record to be written."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


class PublishFailed(ConnectionError):
    """Kafka did not acknowledge every record; some may be stored all the same, so sending again is right and harmless."""


class RecordRefused(PublishFailed):
    """Kafka works, and never takes one of these records: it is too large for it."""


class EventPublisher(Protocol):
    """The way of records into the log."""

    def start(self) -> None:
        """Begin to connect; returns at once, whether Kafka is there or not."""

    async def publish(self, records: Sequence[Record]) -> None:
        """Return once every record is stored durably. Raises `PublishFailed`."""

    def check(self) -> str | None:
        """None when records can be published now, else one sentence that says what is wrong. From any thread."""

    async def close(self) -> None:
        """Send what waits, for a moment, and disconnect."""


@lru_cache(maxsize=131_072)
def _place(topic: str, key: bytes, partitions: int) -> TopicPartition:
    # Where every other client puts it. Hashed in pure Python, and a visitor sends many events.
    return TopicPartition(topic, (int(murmur2(key)) & 0x7FFFFFFF) % partitions)


class KafkaPublisher:
    """The real `EventPublisher`: an aiokafka producer on the event loop, connected by a task that tries again and again."""

    def __init__(self, settings: KafkaSettings, *, timeout_ms: int) -> None:
        self._settings = settings
        self._timeout_ms = timeout_ms
        self._producer: AIOKafkaProducer | None = None
        self._batches: Batches | None = None
        self._partitions: dict[str, int] = {}
        """Partitions of each topic; empty while they are not known."""
        self._problem: str | None = unreachable(settings)
        self._is_closed = False
        self._connecting: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._connecting = asyncio.get_running_loop().create_task(self._keep_connected())

    async def publish(self, records: Sequence[Record]) -> None:
        await self.send(records)

    def send(self, records: Sequence[Record]) -> asyncio.Future[None]:
        """Hand the records over; done when all are acknowledged, or `PublishFailed`, which may be raised at once too."""
        partitions = self._partitions
        if self._batches is None or not partitions or self._is_closed:
            raise PublishFailed(self._problem or _LOOKING_UP)
        return self._batches.add(
            records, [_place(record.topic, record.key, partitions[record.topic]) for record in records]
        )

    def check(self) -> str | None:
        return self._problem

    async def close(self) -> None:
        self._is_closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait({self._connecting})
        await self._disconnect()

    async def _keep_connected(self) -> None:
        while True:
            try:
                problem = await self._connect()
            except Exception as error:  # a bug in the client must not be the end of connecting
                log.exception("connecting to Kafka failed")
                problem = f"Kafka's client failed: {error!r}"
            if problem != self._problem:
                log.log(logging.WARNING if problem else logging.INFO, problem or "connected to Kafka")
                metrics.KAFKA_UP.set(problem is None)
            self._problem = problem
            await asyncio.sleep(_LOOK_S)

    async def _connect(self) -> str | None:
        """Connect if need be, and look for the topics; the problem in one sentence, or None."""
        try:
            if self._producer is not None and (sender := self._producer._sender.sender_task).done():
                log.error("the Kafka client will not send again: %r", sender.cancelled() or sender.exception())
                await self._disconnect()
            if self._producer is None:
                self._producer = await self._connected()
                self._batches = Batches(self._producer, self._timeout_ms / 1000, _failure)
            # Topics are asked for all together: some brokers create one that is asked for by its name.
            cluster = self._producer.client.cluster
            if not all(map(cluster.partitions_for_topic, TOPICS)):
                await self._producer.client.force_metadata_update()
        except (OSError, KafkaError):
            return unreachable(self._settings)
        except ValueError as error:  # an address that cannot be one
            return str(error)
        counts = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in TOPICS}
        self._partitions = counts if all(counts.values()) else {}
        missing = [topic for topic, count in counts.items() if not count]
        return f"Kafka has no topic {', '.join(missing)}; run `shopstream topics create`" if missing else None

    async def _connected(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=list(self._settings.brokers),
            acks="all",
            # Neither producer ids nor transactions: not every broker has them, and downstream an event counts once by its id.
            enable_idempotence=False,
            max_batch_size=MAX_BATCH_BYTES,
            request_timeout_ms=min(self._timeout_ms, 10_000),
        )
        pause_between_attempts(producer.client)
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer

    async def _disconnect(self) -> None:
        if self._producer is not None:
            # What it could not send was answered 503, or is in the spool.
            with contextlib.suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(min(self._timeout_ms / 1000, _CLOSE_S)):
                    await self._producer.stop()
            await self._producer.client.close()
            self._producer = self._batches = None


def _failure(error: BaseException) -> PublishFailed:
    if isinstance(error, REFUSED):
        return RecordRefused(f"Kafka refused a record: {error!r}")
    metrics.KAFKA_UP.set(0)
    return PublishFailed(f"Kafka did not acknowledge: {error!r}")
