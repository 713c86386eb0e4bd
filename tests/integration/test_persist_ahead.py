"""The sink's next batch, read while Postgres takes the one before."""

from collections import Counter
from contextlib import closing
from itertools import pairwise

from contracts.codec import ENCODER
from contracts.topics import DECISIONS, EVENTS, SESSION_FEATURES
from runtime.kafka import durable_producer
from runtime.settings import KafkaSettings
from stream_processors.persist_ahead import ReadAhead
from stream_processors.persist_kafka import KafkaSource
from stream_processors.persist_rows import DECODERS, Record
from tests.factories import decision, event, features
from tests.waiting import until

EACH = 20


def fill(kafka: KafkaSettings) -> None:
    """As many events, features and decisions as `EACH`, the events first."""
    producer = durable_producer(kafka)
    for number in range(EACH):
        producer.send(EVENTS.name, ENCODER.encode(event(message_id=f"m{number}")), partition=number % 3)
    for number in range(EACH):
        producer.send(SESSION_FEATURES.name, ENCODER.encode(features(visitor_id=f"v{number}")), partition=number % 3)
        producer.send(DECISIONS.name, ENCODER.encode(decision(decision_id=f"d{number}")), partition=number % 3)
    producer.flush()
    producer.close()


def from_the_start(kafka: KafkaSettings) -> KafkaSource:
    source = KafkaSource(kafka, DECODERS)
    source.seek(dict.fromkeys(source.partitions, 0))
    return source


def test_every_record_comes_once_and_in_its_partitions_order(broker: KafkaSettings) -> None:
    fill(broker)
    records: list[Record] = []
    with closing(from_the_start(broker)) as source, closing(ReadAhead(source, 7, 0.2)) as ahead:
        while len(records) < 3 * EACH:
            batch = ahead.next()
            assert len(batch.records) <= 7
            assert sum(map(len, batch.rows.staged.values())) == len(batch.records)
            records += batch.records
        assert not ahead.next().records
    places = Counter((each.topic, each.partition, each.offset) for each in records)
    assert set(places.values()) == {1}
    for before, after in pairwise(records):
        if (before.topic, before.partition) == (after.topic, after.partition):
            assert before.offset < after.offset


def test_the_next_batch_is_read_while_the_one_before_is_written(broker: KafkaSettings) -> None:
    fill(broker)
    batches: list[list[Record]] = []

    class Told(KafkaSource):
        def read(self, max_records: int, max_wait_s: float) -> list[Record]:
            records = super().read(max_records, max_wait_s)
            if records:
                batches.append(records)
            return records

    with closing(Told(broker, DECODERS)) as source:
        source.seek(dict.fromkeys(source.partitions, 0))
        with closing(ReadAhead(source, 30, 0.2)) as ahead:
            first = until(lambda: ahead.next().records)
            until(lambda: len(batches) == 2, what=lambda: "nobody asked for it yet")
            assert batches[0] == first


def test_of_a_backlog_decisions_and_sessions_come_before_the_events_that_they_cover(
    either_broker: KafkaSettings,
) -> None:
    fill(either_broker)
    with closing(from_the_start(either_broker)) as source:
        records: list[Record] = []
        while len(records) < 3 * EACH:
            records += source.read(1_000, 1.0)
    topics = list(dict.fromkeys(each.topic for each in records))
    assert topics == [DECISIONS.name, SESSION_FEATURES.name, EVENTS.name]
