"""A Faust transport that hands chosen topics to their agents one poll at a time instead of one record at a time.

Faust spends an asyncio task pair, a queue hop and an acknowledgement on each record. On a lane topic it spends them on
each partition and poll: the message's value is the list of records and its offset is the last one's.
See docs/decisions/0002-poll-lane.md.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import suppress
from typing import Any, ClassVar, cast

import aiokafka
import faust
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, Message

from runtime.reconnecting import pause_between_attempts
from stream_processors.client_loop import ClientOnLoop
from stream_processors.pace import Pace
from stream_processors.suspension import Pulse, check_before_sending

HIGHWATER_TIMEOUT_MS = 5_000
LOOK_AGAIN_S = 0.005


class Poll(list[ConsumerRecord]):
    """The records of one partition and poll."""

    is_done = False
    """Set by the agent once all output made of it is acknowledged. Until then Faust's acknowledgement does not count: Faust
    also acknowledges what it passes over because partitions are about to be revoked."""


class PollSchema(faust.Schema[Any, Any]):
    """The schema of a lane topic: the value passes as it is, a list of `ConsumerRecord`."""

    def compile(self, app: Any, **_: Any) -> Any:
        async def decode(message: Message, *, propagate: bool = False) -> Any:
            return app.create_event(None, message.value, message.headers, message)

        return decode


class PollLaneConsumerThread(ClientOnLoop):
    """Faust's thread around the Kafka client, with repairs: without them records, state or a second were seen lost."""

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._pace = Pace()
        self._fetching: tuple[Any, set[TP]] = None, set()

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = self._pace.max_wait_ms  # Faust has no setting for it
        pause_between_attempts(consumer._client)
        return consumer

    async def _fetch_records(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        active_partitions: set[TP] | None,
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Any:
        """Fetch from the active partitions, from no other when there are none, and only from changelogs until recovery is over.

        Faust hands over a live set, which recovery may have emptied meanwhile; the client takes an empty set for all
        partitions, and Faust would drop what then comes from the paused ones. And Faust lets the sources go on a moment
        before it has sought their committed offsets and cleared the agents' queues: what was fetched in that moment was
        cleared and never fetched again.
        """
        if active_partitions is not None:
            active_partitions = set(active_partitions)
            if self.app.rebalancing:
                changelogs = self.app.tables.changelog_topics
                active_partitions = {tp for tp in active_partitions if tp.topic in changelogs}
            if not active_partitions:
                await asyncio.sleep(0.05)
                return {}
            self._fetch_only(consumer, active_partitions)
        found = await super()._fetch_records(consumer, active_partitions, timeout=timeout, max_records=max_records)  # type: ignore[arg-type]
        # The client asks for more as soon as this returns.
        self._pace.took(sum(map(len, found.values())), time.monotonic())
        consumer._fetcher._fetch_max_wait_ms, consumer._fetcher._fetch_min_bytes = (
            self._pace.max_wait_ms,
            self._pace.min_bytes,
        )
        return found

    def _fetch_only(self, consumer: aiokafka.AIOKafkaConsumer, active: set[TP]) -> None:
        """Keep the client from fetching what nobody takes now: it holds up all partitions for 100 ms until somebody does."""
        assigned = consumer.assignment()
        if assigned is not self._fetching[0] or active != self._fetching[1]:
            self._fetching = assigned, active
            consumer.pause(*[tp for tp in assigned if tp not in active])
            consumer.resume(*[tp for tp in assigned if tp in active])

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go to the committed offsets, and to the beginning where nothing was committed yet.

        The client leaves a partition without a commit where it happens to be, which may be past records that were read
        and dropped in a rebalance.
        """
        committed = await super().seek_to_committed()
        lanes = cast("PollLaneConsumer", self.consumer).lanes
        fresh = [tp for tp, offset in committed.items() if offset is None and tp.topic in lanes]
        if fresh:
            await self.seek_to_beginning(*fresh)
        return committed

    async def _highwaters(self, partitions: Collection[TP]) -> Mapping[TP, int]:
        """High watermarks as fetch responses tell them.

        A broker may answer ListOffsets with the start of its last batch + 1 (the embedded one does), and recovery that
        stops there silently loses state. A fetch response always carries the true high watermark.
        """
        listed = await super()._highwaters(list(partitions))
        filled = {tp: offset for tp, offset in listed.items() if offset}
        if not filled:
            return listed
        settings = self.app.conf
        brokers = ",".join(f"{url.host}:{url.port}" for url in settings.broker_consumer)
        probe = aiokafka.AIOKafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False, auto_offset_reset="none")
        await probe.start()
        try:
            probe.assign(list(filled))
            for tp, offset in filled.items():
                probe.seek(tp, offset - 1)
            waiting = set(filled)
            fetched: dict[TP, int] = {}
            while waiting:
                batches = await probe.getmany(*waiting, timeout_ms=HIGHWATER_TIMEOUT_MS)
                for tp in list(waiting):
                    highwater = probe.highwater(tp)
                    if highwater is not None:
                        fetched[tp] = max(highwater, filled[tp])
                        waiting.discard(tp)
                if not batches:  # nothing more comes: compacted or deleted to the end
                    break
        finally:
            await probe.stop()
        return {**listed, **fetched}


class PollLaneConsumer(driver.Consumer):
    """Faust's Kafka consumer with poll lanes for the topics named in `lanes`."""

    lanes: ClassVar[frozenset[str]] = frozenset()

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return PollLaneConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def ends(self, *partitions: TP) -> Mapping[TP, int]:
        """The end of each partition as ListOffsets tells it: one request, good enough to measure lag."""
        client = self._thread._ensure_consumer()
        return cast(Mapping[TP, int], await self._thread.call_thread(client.end_offsets, partitions))

    async def committed(self, *partitions: TP) -> Mapping[TP, int]:
        """What Kafka has as committed; nothing of a partition without a commit."""
        client = self._thread._ensure_consumer()
        told = await self._thread.call_thread(client._coordinator.fetch_committed_offsets, partitions)
        return {TP(tp.topic, tp.partition): each.offset for tp, each in told.items() if each.offset >= 0}

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """One message per record of an ordinary topic; those of lane topics, one per partition and poll, are delivered here."""
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            # The next rebalance may be under way already; once it is over, recovery seeks again.
            with suppress(KafkaError):
                await self.perform_seek()
            return
        ordinary = {tp: batch for tp, batch in records.items() if tp.topic not in self.lanes}
        lane = [(tp, batch) for tp, batch in records.items() if tp.topic in self.lanes and batch]
        for tp, batch in lane:
            if self._is_rebalancing_since(generation):
                return
            if self._may_deliver(tp, active):
                await self._deliver(tp, self._to_poll(tp, batch))
        for tp, record in self.scheduler.iterate(ordinary):
            if self._is_rebalancing_since(generation):
                return
            if self._may_deliver(tp, active):
                yield tp, self._to_message(tp, record)

    def on_buffer_full(self, tp: TP) -> None:
        """Faust stops asking for a partition whose polls fill a queue. For lanes we wait for room instead, see below."""
        if tp.topic not in self.lanes:
            super().on_buffer_full(tp)

    async def _wait_next_records(self, timeout: float) -> Any:
        """Once the agents' queues are half empty, whatever comes next.

        Faust asks for the partitions that no full queue keeps out, and then waits a second for one of those that has nothing,
        while the others' records lie ready and the queue has long been emptied.
        """
        queues = [channel.queue for topic in self.lanes for channel in self._channels(topic)]
        while self.flow_active and any(2 * queue.qsize() > queue.maxsize for queue in queues):
            await asyncio.sleep(LOOK_AGAIN_S)
        return await super()._wait_next_records(timeout)

    def _channels(self, topic: str) -> Collection[Any]:
        """What hands the topic's records to agents or to recovery."""
        return cast(Collection[Any], cast(Any, self.app.topics)._topic_name_index.get(topic, ()))

    def _is_rebalancing_since(self, generation: int) -> bool:
        """What was fetched before a rebalance is fetched again after it."""
        return not self.flow_active or self.app.consumer_generation_id != generation

    def _may_deliver(self, tp: TP, active: set[TP] | None) -> bool:
        return active is None or tp in active or tp in self._buffered_partitions

    async def _deliver(self, tp: TP, poll: Message) -> None:
        """What Faust does with what `getmany` yields, without the four tasks by which it lets go of a queue that stays full."""
        read = self._read_offset[tp]
        if read is not None and poll.offset < read:
            return
        if self.app.flow_control.is_active() and not any(channel.queue.full() for channel in self._channels(tp.topic)):
            await self.callback(poll)
        else:
            await self.wait_first(self.callback(poll), self.suspend_flow.wait())
        self._read_offset[tp] = poll.offset

    def _to_poll(self, tp: TP, batch: list[ConsumerRecord]) -> Any:
        last = batch[-1]
        message: Any = self._to_message(tp, last)
        message.key, message.value, message.headers = None, Poll(batch), []
        return message

    def ack(self, message: Message) -> bool:
        if message.topic in self.lanes and not cast(Poll, message.value).is_done:
            return False  # it is read again
        return super().ack(message)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        # Offsets between two polls' last ones were delivered inside a poll; they are not gaps.
        if tp.topic not in self.lanes:
            await super()._add_gap(tp, offset_from, offset_to)

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic not in self.lanes:
            return super()._new_offset(tp)
        acked = self._acked[tp]
        if not acked:
            return None
        # An agent acknowledges its polls in order, so everything up to the last one is done.
        newest = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return newest + 1


class PatientProducer(driver.Producer):
    """Faust's Kafka producer, which does not storm a broker that is away, nor send what is older than its worker's session."""

    pulse: ClassVar[Pulse | None] = None

    def _new_producer(self, transactional_id: str | None = None) -> aiokafka.AIOKafkaProducer:
        producer = super()._new_producer(transactional_id)
        pause_between_attempts(producer.client)
        if self.pulse is not None:
            check_before_sending(producer.client, self.pulse)
        return producer


def use_poll_lanes(app: faust.App, topics: Collection[str], pulse: Pulse | None = None) -> None:
    """Give the app a transport with lanes for `topics`. Call before the app starts."""
    consumer = type("LaneConsumer", (PollLaneConsumer,), {"lanes": frozenset(topics)})
    producer = type("LaneProducer", (PatientProducer,), {"pulse": pulse})
    transport = type("LaneTransport", (driver.Transport,), {"Consumer": consumer, "Producer": producer})
    app.transport = transport(app.conf.broker_consumer, app)
