"""Kafka first, the disk while Kafka is away, and back: without losing an acknowledged event or a visitor's order."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from producers.ingest.publish import PublishFailed, Record, RecordRefused
from producers.ingest.spool import Spool
from producers.ingest.spool_publisher import SpoolingPublisher
from tests.fakes import RecordingPublisher

PATIENCE_S = 0.2


def record(number: int, visitor: str = "ada") -> Record:
    return Record("events", visitor.encode(), b'{"n":%d}' % number, [("ce_id", b"%d" % number)])


@asynccontextmanager
async def publishing(
    kafka: RecordingPublisher, folder: Path, max_bytes: int = 1_000_000
) -> AsyncIterator[SpoolingPublisher]:
    spool = Spool(folder, max_bytes=max_bytes, max_age_s=60)
    spool.open()
    publisher = SpoolingPublisher(kafka, spool, patience_s=PATIENCE_S)
    publisher.start()
    try:
        yield publisher
    finally:
        await publisher.close()


async def publish_all(publisher: SpoolingPublisher, count: int) -> None:
    for number in range(count):
        await publisher.publish([record(number)])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def run(story: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(story())


def numbers(records: Sequence[Record]) -> list[int]:
    """The records' numbers, each once, in the order in which they came first."""
    return list(dict.fromkeys(int(dict(record.headers)["ce_id"]) for record in records))


def test_while_kafka_takes_nothing_touches_the_disk(tmp_path: Path) -> None:
    kafka = RecordingPublisher()

    async def story() -> None:
        async with publishing(kafka, tmp_path) as publisher:
            await publisher.publish([record(1), record(2)])
            assert kafka.records == [record(1), record(2)]
            assert list(tmp_path.iterdir()) == []

    run(story)


def test_while_kafka_is_away_the_disk_takes_and_kafka_gets_all_in_order_once_it_is_back(tmp_path: Path) -> None:
    kafka = RecordingPublisher()
    kafka.is_down = True

    async def story() -> None:
        async with publishing(kafka, tmp_path) as publisher:
            for number in range(50):
                await publisher.publish([record(number)])
            assert publisher.check() is None
            assert kafka.records == []
            kafka.is_down = False
            await publisher.publish([record(50)])
            await until(lambda: len(kafka.records) == 51)
            await until(lambda: list(tmp_path.iterdir()) == [])
            await publisher.publish([record(51)])
        assert kafka.records == [record(number) for number in range(52)]

    run(story)


def test_after_one_request_has_waited_no_other_does(tmp_path: Path) -> None:
    kafka = RecordingPublisher()
    kafka.is_stuck = True

    async def story() -> None:
        async with publishing(kafka, tmp_path) as publisher:
            await asyncio.gather(*(publisher.publish([record(number)]) for number in range(100)))
            began = time.monotonic()
            for number in range(100, 110):
                await publisher.publish([record(number)])
            assert time.monotonic() - began < 10 * PATIENCE_S
            kafka.is_stuck = False
            await until(lambda: len(numbers(kafka.records)) == 110)
        assert numbers(kafka.records)[100:] == list(range(100, 110))

    run(story)


def test_requests_that_never_cease_do_not_hold_the_spool_open(tmp_path: Path) -> None:
    kafka = RecordingPublisher()
    kafka.is_down = True

    async def story() -> None:
        async with publishing(kafka, tmp_path) as publisher:
            is_over = asyncio.Event()

            async def send(visitor: str) -> None:
                number = 0
                while not is_over.is_set():
                    await publisher.publish([record(number, visitor)])
                    await asyncio.sleep(0)
                    number += 1

            senders = [asyncio.create_task(send(f"v{number}")) for number in range(20)]
            await asyncio.sleep(0.1)
            kafka.is_down = False
            await until(lambda: bool(kafka.records) and list(tmp_path.iterdir()) == [])
            is_over.set()
            await asyncio.gather(*senders)
        assert_in_order(kafka.records)

    run(story)


class SlowPublisher(RecordingPublisher):
    """Takes less than the disk does."""

    async def publish(self, records: Sequence[Record]) -> None:
        await asyncio.sleep(0.005)
        await super().publish(records)


def test_a_load_that_the_disk_takes_faster_than_kafka_is_held_back_until_the_spool_is_empty(tmp_path: Path) -> None:
    kafka = SlowPublisher()
    kafka.is_down = True

    async def story() -> None:
        async with publishing(kafka, tmp_path, max_bytes=200_000_000) as publisher:
            is_over = asyncio.Event()

            async def send(visitor: str) -> None:
                number = 0
                while not is_over.is_set():
                    await publisher.publish([record(number, visitor)._replace(value=b"x" * 20_000)])
                    await asyncio.sleep(0)
                    number += 1

            senders = [asyncio.create_task(send(f"v{number}")) for number in range(60)]
            await until(lambda: sum(each.stat().st_size for each in tmp_path.iterdir()) > 5_000_000)
            kafka.is_down = False
            await until(lambda: bool(kafka.records) and list(tmp_path.iterdir()) == [])
            is_over.set()
            await asyncio.gather(*senders)
        assert_in_order(kafka.records)

    run(story)


def test_when_neither_kafka_nor_the_disk_takes_it_says_why(tmp_path: Path) -> None:
    kafka = RecordingPublisher()
    kafka.is_down = True

    async def story() -> None:
        async with publishing(kafka, tmp_path, max_bytes=4_000) as publisher:
            with pytest.raises(PublishFailed, match=r"and the spool holds .* of at most 4000"):
                await publish_all(publisher, 100)
            assert "of at most 4000 bytes" in (publisher.check() or "")
            kafka.is_down = False
            await until(lambda: publisher.check() is None)
            await publisher.publish([record(100)])
        assert numbers(kafka.records) == [*range(len(numbers(kafka.records)) - 1), 100]

    run(story)


def test_what_a_stopped_ingest_left_is_published_by_the_next_before_anything_new(tmp_path: Path) -> None:
    kafka = RecordingPublisher()
    kafka.is_down = True

    async def first_life() -> None:
        async with publishing(kafka, tmp_path) as publisher:
            await publisher.publish([record(1)])
            await publisher.publish([record(2)])
        with pytest.raises(PublishFailed):
            await publisher.publish([record(3)])

    async def second_life() -> None:
        kafka.is_down = False
        async with publishing(kafka, tmp_path) as publisher:
            await publisher.publish([record(4)])
            await until(lambda: len(kafka.records) == 3)

    run(first_life)
    run(second_life)
    assert numbers(kafka.records) == [1, 2, 4]


def test_a_stop_lets_a_kafka_that_takes_have_the_rest(tmp_path: Path) -> None:
    kafka = RecordingPublisher()
    kafka.is_down = True

    async def story() -> None:
        async with publishing(kafka, tmp_path) as publisher:
            await publisher.publish([record(0)])
            kafka.is_down = False
            await until(lambda: bool(kafka.records))
            await publisher.publish([record(1)])

    run(story)
    assert numbers(kafka.records) == [0, 1]
    assert list(tmp_path.iterdir()) == []


class FussyPublisher(RecordingPublisher):
    """Never takes number 13."""

    def send(self, records: Sequence[Record]) -> asyncio.Future[None]:
        if not self.is_down and 13 in numbers(records):
            raise RecordRefused("too large")
        return super().send(records)


def test_a_record_that_kafka_never_takes_stops_no_other_and_is_kept(tmp_path: Path) -> None:
    kafka = FussyPublisher()
    kafka.is_down = True

    async def story() -> None:
        async with publishing(kafka, tmp_path) as publisher:
            for number in range(10, 20, 2):
                await publisher.publish([record(number), record(number + 1)])
            kafka.is_down = False
            await until(lambda: not list(tmp_path.glob("*.spool")))
            with pytest.raises(RecordRefused):
                await publisher.publish([record(13)])
        assert numbers(kafka.records) == [10, 11, 12, 14, 15, 16, 17, 18, 19]
        (kept,) = tmp_path.iterdir()
        assert kept.suffix == ".refused"
        assert record(13).value in kept.read_bytes()

    run(story)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_kafka_does_acknowledged_events_arrive_and_each_visitors_in_order(tmp_path: Path, seed: int) -> None:
    kafka = RecordingPublisher()
    random = Random(seed)
    acknowledged: list[tuple[bytes, int]] = []

    async def story() -> None:
        async with publishing(kafka, tmp_path) as publisher:
            is_over = asyncio.Event()

            async def send(visitor: str) -> None:
                number = 0
                while not is_over.is_set():
                    await publisher.publish([record(number, visitor), record(number + 1, visitor)])
                    acknowledged.extend((visitor.encode(), each) for each in (number, number + 1))
                    number += 2
                    await asyncio.sleep(random.random() / 200)

            senders = [asyncio.create_task(send(f"v{number}")) for number in range(8)]
            for _ in range(12):
                kafka.is_down = random.random() < 0.4
                kafka.is_stuck = random.random() < 0.3
                await asyncio.sleep(random.random() / 4)
            is_over.set()
            await asyncio.gather(*senders)
            kafka.is_down = kafka.is_stuck = False
            await until(lambda: list(tmp_path.iterdir()) == [])

    run(story)
    stored = {(each.key, int(dict(each.headers)["ce_id"])) for each in kafka.records}
    assert len(acknowledged) > 100
    assert set(acknowledged) == stored
    assert_in_order(kafka.records)


def assert_in_order(records: Sequence[Record]) -> None:
    """Each visitor's events came first in the order they were sent in."""
    visitors: dict[bytes, list[Record]] = defaultdict(list)
    for each in records:
        visitors[each.key].append(each)
    for theirs in visitors.values():
        assert numbers(theirs) == list(range(len(numbers(theirs))))
