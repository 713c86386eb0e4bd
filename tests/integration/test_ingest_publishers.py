"""One suite for every `EventPublisher`: the recording one, the real one, and the real one with a spool behind it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from contracts.topics import EVENTS, EVENTS_DLQ
from producers.ingest.publish import EventPublisher, KafkaPublisher, PublishFailed, Record
from producers.ingest.spool import Spool
from producers.ingest.spool_publisher import SpoolingPublisher
from runtime.health import Check
from runtime.kafka import create_topics
from runtime.settings import KafkaSettings
from shopstream.embedded.broker import embedded_broker
from tests.fakes import RecordingPublisher
from tests.kafka_records import records_on

Read = Callable[[str, int], list[Record]]


class Published(NamedTuple):
    """A publisher, whether it reaches Kafka, and the way to read back what it published."""

    publisher: EventPublisher
    check: Check
    read: Read


@pytest.fixture(params=["recording", "kafka", "spooling"])
def published(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Published]:
    if request.param == "recording":
        recording = RecordingPublisher()
        yield Published(
            recording,
            recording.check,
            lambda topic, _: [record for record in recording.records if record.topic == topic],
        )
        return
    kafka: KafkaSettings = request.getfixturevalue("broker")
    to_kafka = KafkaPublisher(kafka, timeout_ms=5_000)
    publisher: EventPublisher = to_kafka
    if request.param == "spooling":
        spool = Spool(tmp_path / "spool", max_bytes=1_000_000, max_age_s=60)
        spool.open()
        publisher = SpoolingPublisher(to_kafka, spool, patience_s=1)
    yield Published(
        publisher,
        to_kafka.check,
        lambda topic, count: [
            Record(record.topic, record.key, record.value, list(record.headers))
            for record in records_on(kafka, topic, count)
        ],
    )


def record(number: int, topic: str = EVENTS.name, visitor: str = "ada") -> Record:
    return Record(topic, visitor.encode(), f'{{"n":{number}}}'.encode(), [("ce_id", str(number).encode())])


@asynccontextmanager
async def connected(published: Published) -> AsyncIterator[EventPublisher]:
    published.publisher.start()
    try:
        async with asyncio.timeout(10):
            while published.check() is not None:
                await asyncio.sleep(0.02)
        yield published.publisher
    finally:
        await published.publisher.close()


def test_what_was_published_is_there_with_key_and_headers(published: Published) -> None:
    records = [record(1), record(2, visitor="bob"), record(3, EVENTS_DLQ.name)]

    async def story() -> None:
        async with connected(published) as publisher:
            await publisher.publish(records)

    asyncio.run(story())
    assert sorted(published.read(EVENTS.name, 2)) == sorted(records[:2])
    assert published.read(EVENTS_DLQ.name, 1) == records[2:]


def test_one_visitors_records_keep_their_order(published: Published) -> None:
    async def story() -> None:
        async with connected(published) as publisher:
            for start in range(0, 60, 20):
                await publisher.publish([record(number) for number in range(start, start + 20)])

    asyncio.run(story())
    assert published.read(EVENTS.name, 60) == [record(number) for number in range(60)]


def test_publishing_nothing_is_published_at_once(published: Published) -> None:
    async def story() -> None:
        async with connected(published) as publisher:
            await publisher.publish([])

    asyncio.run(story())


def test_requests_at_the_same_time_are_all_published(published: Published) -> None:
    async def story() -> None:
        async with connected(published) as publisher:
            await asyncio.gather(*(publisher.publish([record(number, visitor=f"v{number}")]) for number in range(200)))

    asyncio.run(story())
    assert len(published.read(EVENTS.name, 200)) == 200


def test_a_request_larger_than_a_batch_arrives_whole_and_in_order(published: Published) -> None:
    large = [record(number)._replace(value=b"%04d" % number + b"." * 60_000) for number in range(20)]

    async def story() -> None:
        async with connected(published) as publisher:
            await publisher.publish(large)

    asyncio.run(story())
    assert published.read(EVENTS.name, 20) == large


def test_a_record_larger_than_a_batch_is_published(published: Published) -> None:
    largest = record(1)._replace(value=b"." * 700_000)

    async def story() -> None:
        async with connected(published) as publisher:
            await publisher.publish([largest, record(2)])

    asyncio.run(story())
    assert published.read(EVENTS.name, 2) == [largest, record(2)]


def test_requests_that_come_while_kafka_is_busy_wait_and_go_together(published: Published) -> None:
    async def story() -> None:
        async with connected(published) as publisher:
            first = [asyncio.create_task(publisher.publish([record(number)])) for number in range(50)]
            await asyncio.sleep(0)  # the first are on their way
            await asyncio.gather(*first, *(publisher.publish([record(number)]) for number in range(50, 100)))

    asyncio.run(story())
    assert published.read(EVENTS.name, 100) == [record(number) for number in range(100)]


def test_a_closed_publisher_publishes_nothing(published: Published) -> None:
    async def story() -> None:
        async with connected(published) as publisher:
            await publisher.close()
            await publisher.publish([record(1)])

    with pytest.raises(PublishFailed):
        asyncio.run(story())


def test_a_client_whose_sender_has_ended_is_replaced(broker: KafkaSettings) -> None:
    publisher = KafkaPublisher(broker, timeout_ms=2_000)

    async def story() -> None:
        async with connected(Published(publisher, publisher.check, lambda _, __: [])):
            assert publisher._producer is not None
            publisher._producer._sender.sender_task.cancel()
            async with asyncio.timeout(15):
                while True:
                    try:
                        await publisher.publish([record(1)])
                        break
                    except PublishFailed:
                        await asyncio.sleep(0.1)

    asyncio.run(story())
    assert record(1).value in [each.value for each in records_on(broker, EVENTS.name, 1)]


def test_what_kafka_does_not_acknowledge_in_time_has_failed(tmp_path: Path) -> None:
    with embedded_broker(tmp_path) as address:
        kafka = KafkaSettings(brokers=(address,))
        create_topics(kafka)
        publisher = KafkaPublisher(kafka, timeout_ms=1_500)
        broker = max(psutil.Process().children(), key=psutil.Process.create_time)  # others may have one for longer

        async def story() -> None:
            async with connected(Published(publisher, publisher.check, lambda _, __: [])):
                await publisher.publish([record(1)])
                broker.suspend()
                try:
                    with pytest.raises(PublishFailed):
                        await publisher.publish([record(2), record(3, visitor="bob")])
                finally:
                    broker.resume()
                async with asyncio.timeout(15):
                    while True:
                        try:
                            await publisher.publish([record(4)])
                            break
                        except PublishFailed:
                            await asyncio.sleep(0.1)

        asyncio.run(story())
        assert record(4).value in [each.value for each in records_on(kafka, EVENTS.name, 2)]
