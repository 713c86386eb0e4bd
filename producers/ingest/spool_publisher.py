"""Hop 2. Records in; in Kafka out, or on the local disk while Kafka does not acknowledge, and from there in Kafka.

From the first request that Kafka does not acknowledge until the spool is empty, every request goes through the spool, so
that one visitor's events keep their order. What Kafka did not acknowledge in time may still arrive: it is there twice then,
and counts once by its message id.
"""

import asyncio
import functools
import logging
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol, TypeVar

import msgspec

from producers.ingest import metrics
from producers.ingest.publish import EventPublisher, PublishFailed, Record, RecordRefused
from producers.ingest.spool import Spool, SpoolFull
from producers.ingest.spool_frames import Frame

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[Record])
_CHUNK_BYTES: Final = 262_144
"""Published at once from the spool: more would hold up the requests that come in meanwhile."""
_RETRY_S: Final = 0.25
_AFTER_ERROR_S: Final = 5.0
_STOP_S: Final = 3.0
"""How long a stopping ingest goes on draining to a Kafka that takes; the rest stays on the disk for the next one."""


class Kafka(EventPublisher, Protocol):
    """A publisher that need not be waited for."""

    def send(self, records: Sequence[Record]) -> asyncio.Future[None]:
        """Hand the records over; done when all are acknowledged, or `PublishFailed`, which may be raised at once too."""


class SpoolingPublisher:
    """An `EventPublisher` before another one: what that one does not acknowledge within `patience_s`, the disk does."""

    def __init__(self, kafka: Kafka, spool: Spool, *, patience_s: float) -> None:
        self._kafka = kafka
        self._spool = spool
        self._patience_s = patience_s
        self._problem: str | None = None
        """Why Kafka did not take what it was last sent."""
        self._sent: dict[asyncio.Future[None], float] = {}
        """What Kafka has not acknowledged yet and since when, the oldest first."""
        self._waiting: list[tuple[Frame, asyncio.Future[None]]] = []
        """What the disk has not taken yet; bounded by the bytes in flight."""
        self._storing: asyncio.Task[None] | None = None
        self._draining: asyncio.Task[None] | None = None
        self._gate = asyncio.Event()
        """Closed for moments while the spool is drained, or under a steady load it might never be empty."""
        self._gate.set()
        self._ceiling_bytes = math.inf
        """The gate is closed while the spool is larger than this, which falls as the spool is drained."""
        self._asked_at: float | None = None
        """Since when Kafka has been asked to take a part of the spool."""
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False
        metrics.SPOOL_BYTES.set_function(lambda: spool.size_bytes)
        metrics.SPOOL_EVENTS.set_function(lambda: spool.record_count)
        metrics.SPOOL_OLDEST_SECONDS.set_function(spool.oldest_s)

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._kafka.start()
        if not self._spool.is_empty:
            self._problem = "it was not asked yet"
            self._draining = self._loop.create_task(self._drain())
        self._watch()

    async def publish(self, records: Sequence[Record]) -> None:
        if not self._gate.is_set():
            await self._gate.wait()
        if self._draining is not None or not await self._reaches_kafka(records):
            await self._store(records)

    async def _reaches_kafka(self, records: Sequence[Record]) -> bool:
        try:
            sent = self._kafka.send(records)
            self._sent[sent] = asyncio.get_running_loop().time()
            try:
                await sent
            finally:
                del self._sent[sent]
        except RecordRefused:
            raise
        except PublishFailed as error:
            self._turn_to_the_spool(str(error))
            return False
        return True

    def check(self) -> str | None:
        """None when Kafka, or else the spool, can take events."""
        if self._draining is None and self._kafka.check() is None:
            return None
        return self._spool.check()

    async def close(self) -> None:
        """Drain to a Kafka that takes, for a moment, and disconnect; the rest stays."""
        if self._draining is not None:
            await asyncio.wait({self._draining}, timeout=_STOP_S if self._problem is None else 0)
        if self._draining is not None:
            self._draining.cancel()
        self._is_closed = True
        await self._kafka.close()
        await asyncio.to_thread(self._disk.shutdown)
        if not self._spool.is_empty:
            log.warning("%d events stay in the spool; the next start publishes them", self._spool.record_count)
        self._spool.close()

    def _watch(self) -> None:
        """Look for what waits for Kafka too long: one timer for all requests."""
        assert self._loop is not None
        since = next(iter(self._sent.values()), self._asked_at)
        if since is not None and self._loop.time() - since > self._patience_s:
            self._turn_to_the_spool(f"Kafka did not acknowledge within {self._patience_s:g} s")
        if not self._is_closed:
            self._loop.call_later(self._patience_s / 4, self._watch)

    def _turn_to_the_spool(self, problem: str) -> None:
        self._is_away(problem)
        if self._is_closed or self._draining is not None:
            return
        # Who waits for the same Kafka has waited enough: all go to the disk together, with one fsync.
        for sent in self._sent:
            if not sent.done():
                sent.set_exception(PublishFailed(problem))
        log.warning("%s; events are kept in %s", problem, self._spool.folder)
        self._draining = asyncio.get_running_loop().create_task(self._drain())

    def _is_away(self, problem: str) -> None:
        self._problem = problem
        self._ceiling_bytes = math.inf
        self._gate.set()
        metrics.KAFKA_UP.set(0)

    async def _store(self, records: Sequence[Record]) -> None:
        """Return once the records are on the disk. Raises `PublishFailed`."""
        if self._is_closed:
            raise PublishFailed("ingest is stopping")
        loop = asyncio.get_running_loop()
        stored = loop.create_future()
        self._waiting.append((Frame(len(records), _ENCODER.encode(records)), stored))
        if self._storing is None:
            self._storing = loop.create_task(self._store_waiting())
        try:
            await stored
        except SpoolFull as error:
            raise PublishFailed(f"{self._problem or 'the spool is being drained'}, and {error}") from error

    async def _store_waiting(self) -> None:
        """Store all that wait with one fsync, and all that came meanwhile with the next."""
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                await self._on_disk(functools.partial(self._spool.store, [batch for batch, _ in group]))
            except Exception as error:
                for _, stored in group:
                    if not stored.done():
                        stored.set_exception(error)
            else:
                for _, stored in group:
                    if not stored.done():
                        stored.set_result(None)
        self._storing = None

    async def _drain(self) -> None:
        """Publish the spool in order until it is empty; then requests go to Kafka again."""
        while not await self._is_drained():
            try:
                frames = await self._on_disk(self._spool.first)
                if frames is not None:
                    await self._publish_all(frames)
                    freed = await self._on_disk(self._spool.remove_first)
                    # Of two bytes that Kafka takes, one may be new: so the spool shrinks, whatever the load.
                    self._ceiling_bytes = min(self._ceiling_bytes - freed / 2, self._spool.size_bytes + freed)
            except Exception:  # the disk, or a bug: new events go on being stored behind
                log.exception("the spool in %s cannot be drained; trying again", self._spool.folder)
                self._is_away("the spool cannot be drained")
                await asyncio.sleep(_AFTER_ERROR_S)
        self._draining = None
        self._gate.set()
        log.info("the spool is empty; events go to Kafka")

    async def _is_drained(self) -> bool:
        size = self._spool.size_bytes
        if self._problem is None and (size <= _CHUNK_BYTES or size > self._ceiling_bytes):
            self._gate.clear()
        else:
            self._gate.set()
        while self._storing is not None and (self._spool.is_empty or not self._gate.is_set()):
            await asyncio.wait({self._storing})
        return self._spool.is_empty

    async def _publish_all(self, frames: Sequence[Frame]) -> None:
        at = 0
        while at < len(frames):
            end, size = at + 1, len(frames[at].payload)
            # A Kafka that is away is asked with one batch, which it then has as often as it was asked.
            while self._problem is None and end < len(frames) and size + len(frames[end].payload) <= _CHUNK_BYTES:
                size, end = size + len(frames[end].payload), end + 1
            try:
                self._asked_at = asyncio.get_running_loop().time()
                await self._publish(frames[at:end])
            except PublishFailed as error:
                self._is_away(str(error))
                await asyncio.sleep(_RETRY_S)
            else:
                self._problem = None
                at = end
            finally:
                self._asked_at = None

    async def _publish(self, frames: Sequence[Frame]) -> None:
        records = [record for frame in frames for record in _DECODER.decode(frame.payload)]
        try:
            await self._kafka.publish(records)
        except RecordRefused:
            # One record that Kafka never takes must not stop all that come after it.
            for record in records:
                try:
                    await self._kafka.publish([record])
                except RecordRefused:
                    refused = Frame(1, _ENCODER.encode([record]))
                    await self._on_disk(functools.partial(self._spool.set_aside, refused))

    async def _on_disk(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)
