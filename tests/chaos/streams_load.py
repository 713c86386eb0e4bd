"""Steady load onto topic `events`, and ears on topic `decisions`: when each partition decided about what was sent when."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from contracts.codec import DECISION_DECODER
from contracts.decisions import Decision
from contracts.topics import DECISIONS, EVENTS, PARTITIONS
from runtime.kafka import durable_producer
from runtime.settings import KafkaSettings
from tests.chaos.streams_story import Sent, Story

PATIENCE_MS: Final = 120_000
"""How long a record waits for a broker that is away: longer than any fault."""
TICK_S: Final = 0.02


class Load:
    """Sends a story at a steady rate on a thread of its own, until `stop`."""

    def __init__(self, kafka: KafkaSettings, story: Story, per_second: float) -> None:
        self._kafka = kafka
        self._story = story
        self._per_second = per_second
        self._stop = threading.Event()
        self._problem: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self.sent: list[Sent] = []
        self.sent_at: dict[str, float] = {}
        """When each event was handed to the producer, by its message id."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def stop(self) -> None:
        """End the story; returns when Kafka has acknowledged all of it, and raises what kept it from that."""
        self._stop.set()
        self._thread.join()
        if self._problem is not None:
            raise self._problem

    def _run(self) -> None:
        try:
            deliver(self._kafka, self._paced())
        except KafkaError as error:
            self._problem = error

    def _paced(self) -> Iterator[Sent]:
        started_at = time.monotonic()
        records = self._story.records()
        while not self._stop.wait(TICK_S):
            # A load that was held up sends what is due: shoppers do not wait for us.
            due = int((time.monotonic() - started_at) * self._per_second)
            while len(self.sent) < due:
                yield self._note(next(records))
        for record in self._story.last_words():
            yield self._note(record)

    def _note(self, record: Sent) -> Sent:
        self.sent.append(record)
        if record.event is not None:
            self.sent_at.setdefault(record.event.message_id, time.monotonic())
        return record


def deliver(kafka: KafkaSettings, records: Iterable[Sent]) -> None:
    """Send records in order; returns when all are acknowledged. Raises `KafkaError` when one is not."""
    producer = durable_producer(kafka, timeout_ms=PATIENCE_MS, linger_ms=5)
    futures: list[Any] = []
    try:
        for record in records:
            futures.append(producer.send(EVENTS.name, partition=record.partition, key=record.key, value=record.value))
            if len(futures) > 10_000:
                futures = [future for future in futures if not future.succeeded()]
        producer.flush(PATIENCE_MS / 1000)
        for future in futures:
            future.get(PATIENCE_MS / 1000)
    finally:
        producer.close()


class Ears:
    """Hears topic `decisions` on a thread of its own, and keeps when each partition decided about which event."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=list(kafka.brokers), enable_auto_commit=False, reconnect_backoff_max_ms=500
        )
        self._partitions = [TopicPartition(DECISIONS.name, number) for number in range(PARTITIONS)]
        self._consumer.assign(self._partitions)
        self._consumer.seek_to_end(*self._partitions)
        for each in self._partitions:
            self._consumer.position(each)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ears", daemon=True)
        self.heard: list[tuple[int, float, str]] = []
        """Partition, when, and the event's message id."""
        self.offers: dict[str, Decision] = {}
        """The decisions that offered something out of a budget, by incentive."""
        self.passed_over: Counter[str] = Counter()
        """How often a rule was passed over, by reason."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                polled = self._consumer.poll(timeout_ms=100)
            except KafkaError:
                continue  # the broker is away; that is what we are here for
            now = time.monotonic()
            for tp, records in polled.items():
                for record in records:
                    made = DECISION_DECODER.decode(record.value)
                    self.heard.append((tp.partition, now, made.caused_by))
                    self._note_offer(made)

    def _note_offer(self, made: Decision) -> None:
        if made.is_offered and made.incentive is not None and made.incentive.charge is not None:
            self.offers.setdefault(made.incentive.incentive_id, made)
        self.passed_over.update(text.partition(": ")[2] for text in made.because if "budget `" in text)

    def decided_again_s(self, since: float, load: Load) -> float | None:
        """Seconds from `since` until every partition had decided about an event sent after it; None before that."""
        first: dict[int, float] = {}
        for partition, at, message_id in list(self.heard):
            if load.sent_at.get(message_id, 0.0) > since:
                first.setdefault(partition, at)
        return max(first.values()) - since if len(first) == PARTITIONS else None

    def longest_silence_s(self, since: float, load: Load) -> float:
        """The longest time from `since` on in which one partition decided about nothing that was sent after it."""
        last = dict.fromkeys(range(PARTITIONS), since)
        longest = 0.0
        for partition, at, message_id in list(self.heard):
            if load.sent_at.get(message_id, 0.0) > since:
                longest = max(longest, at - last[partition])
                last[partition] = at
        return longest
