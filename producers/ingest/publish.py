"""Hop 2. Records in, on the log out: acknowledged by all in-sync replicas before `publish` returns."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final, NamedTuple, Protocol

from kafka import KafkaProducer
from kafka.errors import InvalidRecordError, KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from kafka.partitioner.default import murmur2
from kafka.structs import TopicPartition

from contracts.codec import Headers
from contracts.topics import EVENTS, EVENTS_DLQ
from producers.ingest import metrics
from producers.ingest.batches import Batches
from runtime.kafka import admin, durable_producer, unreachable
from runtime.settings import KafkaSettings

log = logging.getLogger(__name__)

TOPICS: Final = (EVENTS.name, EVENTS_DLQ.name)
_LOOKING_UP: Final = "Kafka's topics are being looked up"
_CLOSE_S: Final = 2.0


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
        """None when records can be published now, else one sentence that says what is wrong; may block for a second."""

    def close(self) -> None:
        """Send what waits and disconnect; blocks."""


@lru_cache(maxsize=131_072)
def _hash_of(key: bytes) -> int:
    # kafka-python hashes keys in pure Python; a visitor sends many events.
    return int(murmur2(key)) & 0x7FFFFFFF


@cache
def _place(topic: str, partition: int) -> TopicPartition:
    return TopicPartition(topic, partition)


class KafkaPublisher:
    """The real `EventPublisher`: one kafka-python producer, and a thread that connects it, again and again if need be."""

    def __init__(self, settings: KafkaSettings, *, timeout_ms: int) -> None:
        self._settings = settings
        self._timeout_ms = timeout_ms
        self._producer: KafkaProducer | None = None
        self._batches: Batches | None = None
        self._problem: str | None = unreachable(settings)
        self._wanted = threading.Event()
        self._closing = threading.Event()
        self._connector = threading.Thread(target=self._keep_connected, name="kafka-connector", daemon=True)

    def start(self) -> None:
        self._wanted.set()
        self._connector.start()

    async def publish(self, records: Sequence[Record]) -> None:
        sent = self.send(records)
        try:
            async with asyncio.timeout(self._timeout_ms / 1000 + 1):
                await sent
        except TimeoutError as error:
            metrics.KAFKA_UP.set(0)
            raise PublishFailed("Kafka did not acknowledge in time") from error

    def send(self, records: Sequence[Record]) -> asyncio.Future[None]:
        """Hand the records over; done when all are acknowledged, or `PublishFailed`, which may be raised at once too."""
        producer = self._producer
        partitions = _partition_counts(producer)
        if producer is None or partitions is None or self._closing.is_set():
            self._wanted.set()
            raise PublishFailed(self._problem or _LOOKING_UP)
        if self._batches is None:
            self._batches = Batches(producer, asyncio.get_running_loop(), _failure)
        return self._batches.add(
            records, [_place(topic, _hash_of(key) % partitions[topic]) for topic, key, _, _ in records]
        )

    def check(self) -> str | None:
        if self._problem is None and _partition_counts(self._producer) is None:
            self._wanted.set()
            return _LOOKING_UP
        return self._problem

    def close(self) -> None:
        self._closing.set()
        self._wanted.set()
        # While nothing answers, kafka-python does not let go of a connection; the thread ends with the process.
        if self._connector.is_alive():
            self._connector.join(_CLOSE_S)
        if self._producer is not None:
            # What it could not send was answered 503, or is in the spool.
            with contextlib.suppress(KafkaError):
                self._producer.close(timeout=min(self._timeout_ms / 1000, _CLOSE_S))

    def _keep_connected(self) -> None:
        while self._wanted.wait() and not self._closing.is_set():
            self._wanted.clear()
            problem = self._connect()
            if problem != self._problem:
                log.log(logging.WARNING if problem else logging.INFO, problem or "connected to Kafka")
            self._problem = problem
            metrics.KAFKA_UP.set(problem is None)
            if problem is not None:
                self._closing.wait(0.5)
                self._wanted.set()

    def _connect(self) -> str | None:
        try:
            if self._producer is None:
                self._producer = durable_producer(self._settings, timeout_ms=self._timeout_ms)
            missing = self._missing_topics()
            if not missing:
                for topic in TOPICS:
                    self._producer.partitions_for(topic)
        except (OSError, ValueError) as error:  # unreachable, or an address that cannot be one
            return str(error)
        except KafkaError as error:
            return f"Kafka does not tell about {' and '.join(TOPICS)}: {error!r}"
        return f"Kafka has no topic {', '.join(missing)}; run `shopstream topics create`" if missing else None

    def _missing_topics(self) -> list[str]:
        # Some brokers create a topic that is asked for by its name, with another number of partitions than declared.
        client = admin(self._settings, timeout_ms=self._timeout_ms)
        try:
            return sorted(set(TOPICS) - set(client.list_topics()))
        finally:
            client.close()


def _partition_counts(producer: KafkaProducer | None) -> dict[str, int] | None:
    """Partitions of each topic, None while they are not known: then `send` would block the event loop to find out."""
    if producer is None:
        return None
    counts = {topic: len(producer._metadata.partitions_for_topic(topic) or ()) for topic in TOPICS}
    return counts if all(counts.values()) else None


def _failure(error: BaseException) -> PublishFailed:
    if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError | InvalidRecordError):
        return RecordRefused(f"Kafka refused a record: {error!r}")
    metrics.KAFKA_UP.set(0)
    return PublishFailed(f"Kafka did not acknowledge: {error!r}")
