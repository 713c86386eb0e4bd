"""Records in, whole batches for the Kafka client out: one acknowledgement for a batch instead of one for each record.

A partition's batch is handed to the client with its first record and stays open until the client takes it, which is when the
leader has acknowledged what it was sent before. So nothing lingers while traffic is low, and batches grow by themselves as it
rises. See docs/decisions/0015-ingest-on-one-thread.md.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    BrokerResponseError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    kafka_errors,
)
from aiokafka.structs import TopicPartition

from contracts.codec import Headers
from producers.ingest import metrics

MAX_BATCH_BYTES: Final = 262_144


class InvalidRecordError(BrokerResponseError):  # type: ignore[misc]  # aiokafka has no types
    """A broker that checks records does not take one of these; aiokafka does not know the code."""

    errno = 87
    message = "INVALID_RECORD"


kafka_errors.setdefault(InvalidRecordError.errno, InvalidRecordError)
REFUSED: Final = (MessageSizeTooLargeError, RecordListTooLargeError, InvalidRecordError)
"""Kafka works, and does not take one of the records."""

Written = tuple[str, bytes, bytes, Headers]
"""Topic, key, value, headers."""


class _Acknowledgement:
    """Resolves `all` when every record of one request is acknowledged, or one has failed."""

    __slots__ = ("all", "records")

    def __init__(self, loop: asyncio.AbstractEventLoop, records: int) -> None:
        self.all: asyncio.Future[None] = loop.create_future()
        self.records = records

    def one(self, error: BaseException | None) -> None:
        """A record has arrived or failed."""
        self.records -= 1
        if self.all.done():  # nobody waits any more, or another record has failed
            return
        if error is not None:
            self.all.set_exception(error)
        elif self.records == 0:
            self.all.set_result(None)


class _Batch:
    """Records of one partition that travel together, and the requests that wait for them."""

    __slots__ = ("began_at", "builder", "place", "rows")

    def __init__(self, place: TopicPartition, builder: Any) -> None:
        self.place = place
        self.builder = builder
        self.rows: list[tuple[Written, _Acknowledgement]] = []
        self.began_at = time.monotonic()

    def takes(self, now_ms: int, record: Written, acknowledgement: _Acknowledgement) -> bool:
        """Add a record; false when the batch is on its way, or has no room for it beside the others."""
        _, key, value, headers = record
        if self.builder.append(timestamp=now_ms, key=key, value=value, headers=headers) is None:
            return False
        self.rows.append((record, acknowledgement))
        return True


class Batches:
    """The newest batch of each partition. All of it runs on the event loop."""

    def __init__(
        self, producer: AIOKafkaProducer, timeout_s: float, failure: Callable[[BaseException], BaseException]
    ) -> None:
        self._producer = producer
        self._timeout_s = timeout_s
        self._failure = failure
        self._loop = asyncio.get_running_loop()
        self._newest: dict[TopicPartition, _Batch] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def add(self, records: Sequence[Written], places: Sequence[TopicPartition]) -> asyncio.Future[None]:
        """Put each record into the batch of its place; done when all are acknowledged, or with the `failure` of one."""
        acknowledgement = _Acknowledgement(self._loop, len(records))
        if not records:
            acknowledgement.all.set_result(None)
        now_ms = int(time.time() * 1000)
        for record, place in zip(records, places, strict=True):
            batch = self._newest.get(place)
            if batch is None or not batch.takes(now_ms, record, acknowledgement):
                batch = self._newest[place] = _Batch(place, self._producer.create_batch())
                batch.takes(now_ms, record, acknowledgement)  # the first is taken whatever its size
                sending = self._loop.create_task(self._send(batch))
                self._under_way.add(sending)
                sending.add_done_callback(self._under_way.discard)
        return acknowledgement.all

    async def _send(self, batch: _Batch) -> None:
        error: BaseException | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                topic, partition = batch.place
                sent = await self._producer.send_batch(batch.builder, topic, partition=partition)
                sent.add_done_callback(_hear)
                await asyncio.shield(sent)
        except TimeoutError:
            error = KafkaTimeoutError("not acknowledged in time")
        except Exception as failed:  # whatever it was, those who wait must hear of it
            error = failed
        batch.builder.close()  # a batch that failed before it was sent still is open
        if error is None:
            metrics.KAFKA_UP.set(1)
            metrics.KAFKA_SECONDS.observe(time.monotonic() - batch.began_at)
        elif isinstance(error, REFUSED) and len(batch.rows) > 1:
            await self._send_one_by_one(batch)
            return
        failure = None if error is None else self._failure(error)
        for _, waiting in batch.rows:
            waiting.one(failure)

    async def _send_one_by_one(self, batch: _Batch) -> None:
        """The broker does not take the batch because of its size or of one record: what it does take of it goes alone, and what it does not fails alone."""
        for record, waiting in batch.rows:
            alone = _Batch(batch.place, self._producer.create_batch())
            alone.takes(int(time.time() * 1000), record, waiting)
            await self._send(alone)


def _hear(sent: asyncio.Future[Any]) -> None:
    """Take notice of an error that comes when nobody waits any more, which asyncio would log as one forgotten."""
    if not sent.cancelled():
        sent.exception()
