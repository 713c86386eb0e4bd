"""Hop 9. Topic `decisions` in, batches for the board out: every partition, no consumer group."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import chain
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from prometheus_client import Counter, Gauge

from console.board import REMEMBER, Posted
from contracts.codec import DECISION_DECODER, ENCODER, UNDECODABLE
from contracts.topics import DECISIONS
from runtime.kafka import unreachable
from runtime.reconnecting import pause_between_attempts
from runtime.settings import KafkaSettings

log = logging.getLogger(__name__)

UNREADABLE: Final = Counter("console_unreadable_decisions_total", "Records of topic decisions that are no decision.")
IS_FOLLOWING: Final = Gauge("console_is_following", "1 while the console gets decisions from Kafka, else 0.")
MOST_REWOUND: Final = 200_000
"""Records before the end of the topic from which we begin at most, however busy the shop is; these take about three seconds."""
CATCH_UP_S: Final = 10.0
"""After so long the visitors get what was read so far: one partition that is away must not hold up the others."""
TAKEN_AT_ONCE: Final = 2_000
CHECK_EVERY_S: Final = 3.0
POLL_MS: Final = 250
ANSWER_S: Final = 5.0
STOP_S: Final = 5.0


def posted(partition: int, offset: int, value: bytes) -> Posted:
    """The record as the board keeps it. Raises one of `UNDECODABLE` when it is no decision."""
    decision = DECISION_DECODER.decode(value)
    for_console = ENCODER.encode(decision)
    for_visitor = for_console
    if (incentive := decision.incentive) is not None and not decision.is_offered:
        # A page that shows whatever comes would spoil the holdout, so the incentive stays here.
        for_visitor = ENCODER.encode(msgspec.structs.replace(decision, incentive=None))
    elif incentive is not None and incentive.charge is not None:
        # What an offer may cost the shop is not the shopper's business.
        shown = msgspec.structs.replace(incentive, charge=None)
        for_visitor = ENCODER.encode(msgspec.structs.replace(decision, incentive=shown))
    return Posted(
        id=f"{partition}-{offset}",
        visitor_id=decision.visitor_id,
        session_id=decision.session_id,
        decision_id=decision.decision_id,
        event_count=decision.event_count,
        occurred_at=decision.occurred_at,
        received_at=decision.received_at,
        decided_at=decision.decided_at,
        for_visitor=for_visitor,
        for_console=for_console,
    )


def first_to_read(begin: int, end: int, of_that_time: int | None, most: int) -> int:
    """The offset to begin at: the first of the time that counts (None when there is none since), but not too far back."""
    return max(begin, end - most, end if of_that_time is None else of_that_time)


class DecisionFollower:
    """Reads topic `decisions` on the event loop and gives each batch to `take`.

    It begins with the decisions that a visitor may still be told, and of those that were there before it came it gives
    only each visitor's latest. A broker that goes away is waited for; what it kept meanwhile is read when it is back.
    Anything unexpected ends the reading and calls `on_death`: the process should then exit.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        take: Callable[[list[Posted]], None],
        on_death: Callable[[], None],
        remember: timedelta = REMEMBER,
    ) -> None:
        self._kafka = kafka
        self._take = take
        self._on_death = on_death
        self._remember = remember
        self._next: dict[int, int] = {}
        self._held: dict[str, Posted] = {}
        self._cluster_id: str | None = None
        self._following: asyncio.Task[None] | None = None
        self.has_died = False
        self._problem: str | None = "the decision follower has not started yet; try again in a second"

    def start(self) -> None:
        """Begin to read, whether Kafka is there or not."""
        IS_FOLLOWING.set_function(lambda: self._problem is None)
        self._following = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait({self._following}, timeout=STOP_S)

    def problem(self) -> str | None:
        """A health check: what keeps us from following the log at this moment. From any thread."""
        return self._problem

    async def _run(self) -> None:
        try:
            while True:
                try:
                    await self._follow()
                except (KafkaError, OSError) as error:
                    if self._problem is None:
                        log.warning("lost the broker, will try again until it is back: %r", error)
                    self._problem = unreachable(self._kafka)
                    await asyncio.sleep(0.5)
        except Exception:
            log.exception("the decision follower died of a bug; the console stops so that it is started anew")
            self.has_died = True
            self._problem = "the decision follower died; the console is about to stop"
            self._on_death()

    async def _follow(self) -> None:
        async with self._connected() as (client, consumer):
            self._believe(await _cluster_id(client))
            ends = await self._assign(consumer)
            if not ends:
                self._problem = f"topic {DECISIONS.name} does not exist; run `shopstream topics create`"
                await asyncio.sleep(1)
                return
            log.info("following %s from %s", DECISIONS.name, self._next)
            await self._catch_up(consumer, ends)
            self._problem = None
            check_at = time.monotonic() + CHECK_EVERY_S
            while True:
                if batch := self._read(await consumer.getmany(timeout_ms=POLL_MS, max_records=TAKEN_AT_ONCE)):
                    self._take(batch)
                if time.monotonic() >= check_at:
                    # The consumer never says that the broker is gone; this does.
                    if not self._believe(await _cluster_id(client)):
                        return
                    check_at = time.monotonic() + CHECK_EVERY_S

    async def _catch_up(self, consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> None:
        """Read what is there already. A page is told where its visitor stands, not again how that came about."""
        self._problem = "the decisions of the last half hour are being read; try again in a few seconds"
        until = time.monotonic() + CATCH_UP_S
        behind = set(ends)
        while behind and time.monotonic() < until:
            behind = {each for each in behind if await consumer.position(each) < ends[each]}
            if behind:
                # What is held outlives a broker that goes away meanwhile: these offsets are not read again.
                for each in self._read(await consumer.getmany(timeout_ms=POLL_MS, max_records=TAKEN_AT_ONCE)):
                    known = self._held.get(each.visitor_id)
                    if known is None or not each.is_before(known):
                        self._held[each.visitor_id] = each
        held = sorted(self._held.values(), key=lambda each: each.decided_at)
        self._held.clear()
        for first in range(0, len(held), TAKEN_AT_ONCE):
            self._take(held[first : first + TAKEN_AT_ONCE])
            await asyncio.sleep(0)

    def _believe(self, cluster_id: str) -> bool:
        """Whether this is still the cluster whose offsets we know; those of another one are forgotten."""
        is_known = cluster_id == self._cluster_id
        if not is_known:
            self._cluster_id = cluster_id
            self._next.clear()
            self._held.clear()
        return is_known

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[AIOKafkaAdminClient, AIOKafkaConsumer]]:
        brokers = list(self._kafka.brokers)
        client = AIOKafkaAdminClient(bootstrap_servers=brokers, request_timeout_ms=int(ANSWER_S * 1000))
        consumer = decision_consumer(self._kafka)
        try:
            await client.start()
            await consumer.start()
            yield client, consumer
        finally:
            # In tasks of their own: what the client cancels as it stops would end this one.
            closing = asyncio.gather(consumer.stop(), client.close(), return_exceptions=True)
            with suppress(TimeoutError):
                await asyncio.wait_for(closing, STOP_S)

    async def _assign(self, consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
        """Begin where each partition is to be read from; the ends as they are now, of a topic that exists."""
        # Topics are asked for all together: some brokers create one that is asked for by its name.
        cluster = await consumer._client.fetch_all_metadata()
        numbers = cluster.partitions_for_topic(DECISIONS.name) or set()
        partitions = [TopicPartition(DECISIONS.name, number) for number in sorted(numbers)]
        if not partitions:
            return {}
        consumer.assign(partitions)
        begin = await consumer.beginning_offsets(partitions)
        # Before the times: what comes in between is then after this end, and read.
        end: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        since_ms = int((time.time() - self._remember.total_seconds()) * 1000)
        # The embedded broker knows no times and names its first record.
        since = await consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
        most = MOST_REWOUND // len(partitions)
        for each in partitions:
            of_that_time = None if since[each] is None else since[each].offset
            first = first_to_read(begin[each], end[each], of_that_time, most)
            self._next[each.partition] = max(first, self._next.get(each.partition, first))
            consumer.seek(each, self._next[each.partition])
        return end

    def _read(self, fetched: dict[TopicPartition, list[ConsumerRecord]]) -> list[Posted]:
        batch = []
        for record in chain.from_iterable(fetched.values()):
            self._next[record.partition] = record.offset + 1
            try:
                batch.append(posted(record.partition, record.offset, record.value))
            except (*UNDECODABLE, TypeError) as error:
                UNREADABLE.inc()
                log.warning("%s/%s/%s is no decision: %s", record.topic, record.partition, record.offset, error)
        return batch


def decision_consumer(kafka: KafkaSettings) -> AIOKafkaConsumer:
    """A consumer for the partitions that it is given, not started."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=list(kafka.brokers),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=int(ANSWER_S * 1000),
        # Apache Kafka answers as soon as there is a record; the embedded broker looks only every half of this.
        fetch_max_wait_ms=20,
    )
    pause_between_attempts(consumer._client)
    return consumer


async def _cluster_id(client: AIOKafkaAdminClient) -> str:
    async with asyncio.timeout(ANSWER_S):
        return str((await client.describe_cluster())["cluster_id"])
