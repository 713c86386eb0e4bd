"""Hop 9. Topic `decisions` in, batches for the board out: one thread, every partition, no consumer group."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Final

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError
from prometheus_client import Counter

from console.board import Posted
from contracts.codec import DECISION_DECODER, ENCODER
from contracts.topics import DECISIONS
from runtime.kafka import admin, unreachable
from runtime.settings import KafkaSettings

log = logging.getLogger(__name__)

UNREADABLE: Final = Counter("console_unreadable_decisions_total", "Records of topic decisions that are no decision.")
REWIND_RECORDS: Final = 200
"""How far before the end of each partition we begin, so that a restarted console still knows the latest decisions."""
CHECK_EVERY_S: Final = 3.0
POLL_MS: Final = 250


def posted(partition: int, offset: int, value: bytes) -> Posted:
    """The record as the board keeps it. Raises `msgspec.DecodeError` when it is no decision."""
    decision = DECISION_DECODER.decode(value)
    for_console = ENCODER.encode(decision)
    for_visitor = for_console
    if not decision.is_offered and decision.incentive is not None:
        # A page that shows whatever comes would spoil the holdout, so the incentive stays here.
        for_visitor = ENCODER.encode(msgspec.structs.replace(decision, incentive=None))
    return Posted(
        id=f"{partition}-{offset}",
        visitor_id=decision.visitor_id,
        session_id=decision.session_id,
        decision_id=decision.decision_id,
        event_count=decision.event_count,
        received_at=decision.received_at,
        decided_at=decision.decided_at,
        for_visitor=for_visitor,
        for_console=for_console,
    )


class DecisionFollower:
    """Reads topic `decisions` and gives each batch to `hand_over`, which must only pass it on to another thread.

    A broker that goes away is waited for; what it kept meanwhile is read when it is back.
    Anything unexpected ends the thread and calls `on_death`: the process should then exit.
    """

    def __init__(
        self, kafka: KafkaSettings, hand_over: Callable[[list[Posted]], None], on_death: Callable[[], None]
    ) -> None:
        self._kafka = kafka
        self._hand_over = hand_over
        self._on_death = on_death
        self._next: dict[int, int] = {}
        self._cluster_id: str | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="decision-follower", daemon=True)
        self.has_died = False
        self._problem: str | None = "the decision follower has not started yet; try again in a second"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop reading; waits at most five seconds."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def problem(self) -> str | None:
        """A health check: what keeps us from following the log at this moment."""
        return self._problem

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    self._follow()
                except (KafkaError, OSError) as error:
                    if self._problem is None:
                        log.warning("lost the broker, will try again until it is back: %r", error)
                    self._problem = unreachable(self._kafka)
                    self._stopping.wait(0.5)
        except Exception:
            log.exception("the decision follower died of a bug; the console stops so that it is started anew")
            self.has_died = True
            self._problem = "the decision follower died; the console is about to stop"
            self._on_death()

    def _follow(self) -> None:
        with contextlib.closing(admin(self._kafka, timeout_ms=3_000)) as client:
            self._believe(client.describe_cluster()["cluster_id"])
            with contextlib.closing(self._consumer()) as consumer:
                if not self._assign(consumer):
                    self._problem = f"topic {DECISIONS.name} does not exist; run `shopstream topics create`"
                    self._stopping.wait(1)
                    return
                log.info("following %s from %s", DECISIONS.name, self._next)
                self._problem = None
                check_at = time.monotonic() + CHECK_EVERY_S
                while not self._stopping.is_set():
                    batch = consumer.poll(timeout_ms=POLL_MS, max_records=2_000)
                    self._pass_on([record for records in batch.values() for record in records])
                    if time.monotonic() >= check_at:
                        # poll() never says that the broker is gone; this does.
                        if not self._believe(client.describe_cluster()["cluster_id"]):
                            return
                        check_at = time.monotonic() + CHECK_EVERY_S

    def _believe(self, cluster_id: str) -> bool:
        """Whether this is still the cluster whose offsets we know; those of another one are forgotten."""
        is_known = cluster_id == self._cluster_id
        if not is_known:
            self._cluster_id = cluster_id
            self._next.clear()
        return is_known

    def _consumer(self) -> KafkaConsumer:
        return KafkaConsumer(
            bootstrap_servers=list(self._kafka.brokers),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=3_000,
            request_timeout_ms=5_000,
            reconnect_backoff_max_ms=500,
            metrics_enabled=False,
            # Apache Kafka answers as soon as there is a record; the embedded broker looks only every half of this.
            fetch_max_wait_ms=20,
        )

    def _assign(self, consumer: KafkaConsumer) -> list[TopicPartition]:
        numbers = consumer.partitions_for_topic(DECISIONS.name) or set()
        partitions = [TopicPartition(DECISIONS.name, number) for number in sorted(numbers)]
        if not partitions:
            return []
        begin = consumer.beginning_offsets(partitions, timeout_ms=3_000)
        end = consumer.end_offsets(partitions, timeout_ms=3_000)
        consumer.assign(partitions)
        for each in partitions:
            offset = self._next.setdefault(each.partition, max(begin[each], end[each] - REWIND_RECORDS))
            consumer.seek(each, max(offset, begin[each]))
        return partitions

    def _pass_on(self, records: list[ConsumerRecord]) -> None:
        batch = []
        for record in records:
            self._next[record.partition] = record.offset + 1
            try:
                batch.append(posted(record.partition, record.offset, record.value))
            except (msgspec.DecodeError, TypeError) as error:
                UNREADABLE.inc()
                log.warning("%s/%s/%s is no decision: %s", record.topic, record.partition, record.offset, error)
        if batch:
            self._hand_over(batch)
