"""Records in, whole batches for kafka-python's sender out: one acknowledgement for a batch instead of one for each record.

`KafkaProducer.send` makes a future, its checks and its callbacks for every record, three quarters of what a record costs.
Here each partition's records are put into a batch of kafka-python's own, and the batch goes where `send` would have put it: the
accumulator, whose sender brings it to the leader, repeats it, and lets it expire, as ever. See docs/decisions/0011-whole-batches.md.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError, RecordListTooLargeError
from kafka.producer.producer_batch import ProducerBatch
from kafka.record.memory_records import MemoryRecordsBuilder
from kafka.structs import TopicPartition

from contracts.codec import Headers
from producers.ingest import metrics

MAX_BATCH_BYTES: Final = 262_144
TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError)
_MAGIC: Final = 2
_NO_COMPRESSION: Final = 0


Written = tuple[str, bytes, bytes, Headers]
"""Topic, key, value, headers."""


class _Acknowledgement:
    """Resolves `all` when every record of one request is acknowledged, or one has failed."""

    __slots__ = ("all", "records")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.all: asyncio.Future[None] = loop.create_future()
        self.records = 0

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
    """Records of one partition that travel together."""

    __slots__ = ("began_at", "place", "records", "rows")

    def __init__(self, place: TopicPartition) -> None:
        self.place = place
        self.records = MemoryRecordsBuilder(_MAGIC, _NO_COMPRESSION, MAX_BATCH_BYTES)
        self.rows: list[tuple[bytes, bytes, Headers, _Acknowledgement]] = []
        """Key, value and headers of each record, and the request that waits for it."""
        self.began_at = time.monotonic()

    def takes(self, now_ms: int, key: bytes, value: bytes, headers: Headers, acknowledgement: _Acknowledgement) -> bool:
        """Add a record; false when it has no room beside the others."""
        if self.records.append(now_ms, key, value, headers) is None:
            return False
        self.rows.append((key, value, headers, acknowledgement))
        return True


class _Whole(ProducerBatch):  # type: ignore[misc]  # kafka-python has no types
    """A batch that counts as one record, so that kafka-python tells when it is too large instead of splitting it in silence."""

    @property
    def record_count(self) -> int:
        return 1


class Batches:
    """The batches being filled, one a partition. A leader is sent them when it has acknowledged all that it was sent before.

    So nothing lingers while traffic is low, and batches grow by themselves as it rises. All but `_told` runs on the event loop.
    """

    def __init__(
        self,
        producer: KafkaProducer,
        loop: asyncio.AbstractEventLoop,
        failure: Callable[[BaseException], BaseException],
    ) -> None:
        self._producer = producer
        self._loop = loop
        self._failure = failure
        self._filling: dict[TopicPartition, _Batch] = {}
        self._full: list[_Batch] = []
        self._under_way: Counter[int | None] = Counter()
        """Leader → batches that it has not acknowledged."""
        self._ended: deque[tuple[_Batch, int | None, BaseException | None]] = deque()
        self._is_told = False
        self._is_flushing = False

    def add(self, records: Sequence[Written], places: Sequence[TopicPartition]) -> asyncio.Future[None]:
        """Put each record into the batch of its place; done when all are acknowledged, or with the `failure` of one."""
        acknowledgement = _Acknowledgement(self._loop)
        if not records:
            acknowledgement.all.set_result(None)
            return acknowledgement.all
        acknowledgement.records = len(records)
        now_ms = int(time.time() * 1000)
        for (_, key, value, headers), place in zip(records, places, strict=True):
            batch = self._filling.get(place)
            if batch is None:
                batch = self._filling[place] = _Batch(place)
            if not batch.takes(now_ms, key, value, headers, acknowledgement):
                self._full.append(batch)
                batch = self._filling[place] = _Batch(place)
                batch.takes(now_ms, key, value, headers, acknowledgement)  # the first is taken whatever its size
        self._flush_soon()
        return acknowledgement.all

    def _flush_soon(self) -> None:
        # At the end of this turn of the loop, so that requests that came together go together.
        if not self._is_flushing:
            self._is_flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        leader_of = self._producer._metadata.leader_for_partition
        busy = {leader for leader, batches in self._under_way.items() if batches}
        kept = []
        sent = 0
        for batch in (*self._full, *self._filling.values()):
            leader = leader_of(batch.place)
            if leader in busy:
                kept.append(batch)
                continue
            self._under_way[leader] += 1
            self._send(batch, leader)
            sent += 1
        if sent:
            last = {batch.place: batch for batch in kept}
            self._filling = last
            self._full = [batch for batch in kept if last[batch.place] is not batch]
            self._producer._sender.wakeup()

    def _send(self, batch: _Batch, leader: int | None) -> None:
        accumulator = self._producer._accumulator
        sending = _Whole(batch.place, batch.records)
        sending.produce_future.add_callback(self._told, batch, leader)
        with accumulator._tp_lock(batch.place):
            accumulator._batches[batch.place].append(sending)
            accumulator._incomplete.add(sending)

    def _send_one_by_one(self, batch: _Batch) -> None:
        """The broker takes no batch of this size: what it does take of it goes alone, and what it does not fails alone."""
        now_ms = int(time.time() * 1000)
        for row in batch.rows:
            alone = _Batch(batch.place)
            alone.takes(now_ms, *row)
            self._full.append(alone)

    def _told(self, batch: _Batch, leader: int | None, result: tuple[Any, Any, Any]) -> None:
        """The sender's thread says how a batch ended: by a function that gives each record's error, or None."""
        error_of = result[2]
        error = None if error_of is None else error_of(0) or KafkaTimeoutError("the batch was given up")
        self._ended.append((batch, leader, error))
        if not self._is_told:  # one waking of the loop for all batches of a response
            self._is_told = True
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        self._is_told = False
        while self._ended:
            batch, leader, error = self._ended.popleft()
            self._under_way[leader] -= 1
            if error is None:
                metrics.KAFKA_UP.set(1)
                metrics.KAFKA_SECONDS.observe(time.monotonic() - batch.began_at)
            if isinstance(error, TOO_LARGE) and len(batch.rows) > 1:
                self._send_one_by_one(batch)
                continue
            failure = None if error is None else self._failure(error)
            for *_, waiting in batch.rows:
                waiting.one(failure)
        if self._full or self._filling:
            self._flush_soon()
