"""The events that the contestants read: as ingest would publish them, encoded once."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from zlib import crc32

from contracts.codec import ENCODER, EVENT_DECODER
from contracts.events import Event
from contracts.topics import EVENTS, PARTITIONS
from models.visitor import Visitor
from producers.ingest.accept import event_of, event_of_bytes
from producers.ingest.write_keys import HISTORY
from producers.replay.google_merchandise import recording
from producers.shoppers.behaviour import visits
from producers.shoppers.visit import Visit
from runtime.kafka import durable_producer
from runtime.settings import KafkaSettings

GOOGLE_STORE = Path(__file__).parents[3] / "shared" / "data" / "google-merchandise-store"
START = datetime(2026, 1, 5, 12, tzinfo=UTC)
RUSH = timedelta(minutes=15)
"""All simulated visits begin within this: thousands are in the shop at once, so that few come twice in one poll."""

Encoded = tuple[int, bytes, bytes]
"""Partition, key, value."""


def simulated(count: int) -> list[Encoded]:
    """The first events of simulated shoppers in a crowded shop, in event-time order."""
    planned = visits(count // 6, seed=11, start=START, days=RUSH / timedelta(days=1))
    events = [event for each in planned for event in _events_of_visit(each)]
    events.sort(key=lambda event: event.occurred_at)
    return [_encoded(event) for event in events[:count]]


def _events_of_visit(visit: Visit) -> Iterator[Event]:
    for item in visit.items():
        event = event_of(item, write_key=HISTORY, received_at=START + 2 * RUSH)
        assert isinstance(event, Event)
        yield event


def google_store(count: int) -> list[Encoded]:
    """The first real hits of the Google store, in event-time order; empty when the files are not there."""
    if not GOOGLE_STORE.is_dir():
        return []
    encoded = []
    for item in islice(recording(GOOGLE_STORE).items, count):
        received_at = item.occurred_at or START
        event = event_of_bytes(item.body, write_key=HISTORY, received_at=received_at, max_bytes=1_000_000)
        if isinstance(event, Event):
            encoded.append(_encoded(event))
    return encoded


def _encoded(event: Event) -> Encoded:
    key = event.visitor_id.encode()
    return crc32(key) % PARTITIONS, key, ENCODER.encode(event)


def fill(kafka: KafkaSettings, records: Sequence[Encoded]) -> None:
    """Put the records on topic `events`. Raises Kafka's error when one is not acknowledged."""
    producer = durable_producer(kafka, timeout_ms=60_000, linger_ms=50)
    try:
        sent = [producer.send(EVENTS.name, key=key, value=value, partition=place) for place, key, value in records]
        producer.flush()
        for each in sent:
            each.get(0)
    finally:
        producer.close()


def expected(records: Sequence[Encoded]) -> dict[str, int]:
    """Events of each session in the end, by the plain fold."""
    visitors: dict[str, Visitor] = {}
    counts: dict[str, int] = {}
    for _, _, value in records:
        event = EVENT_DECODER.decode(value)
        visitor = visitors.get(event.visitor_id)
        if visitor is None:
            visitor = visitors[event.visitor_id] = Visitor(event.visitor_id)
        for session in visitor.observe(event):
            counts[session.session_id(visitor.visitor_id)] = session.event_count
            for former in session.former_ids:
                counts.pop(former, None)
    return counts
