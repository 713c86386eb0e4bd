"""What a poll caused goes out in batches: in order, complete, and not done before all is acknowledged."""

import asyncio
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError

from contracts.topics import EVENTS_DLQ
from stream_processors.outbox import Outbox
from tests.factories import at, dead_letter


class Batch:
    """A batch with room for two records."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def append(self, *, timestamp: None, key: bytes, value: bytes, headers: list[Any]) -> object | None:
        if len(self.values) == 2:
            return None
        self.values.append(value)
        return object()


class Client:
    """Faust's producer and the client in it; acknowledges when told to."""

    def __init__(self) -> None:
        self.sent: defaultdict[tuple[str, int], list[bytes]] = defaultdict(list)
        self.unacknowledged: list[asyncio.Future[Any]] = []

    def _ensure_producer(self) -> "Client":
        return self

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> "asyncio.Future[Any]":
        self.sent[topic, partition] += batch.values
        self.unacknowledged.append(asyncio.get_running_loop().create_future())
        return self.unacknowledged[-1]


def test_records_of_a_partition_go_in_order_however_many_batches_they_fill() -> None:
    async def story() -> None:
        client = Client()
        outbox = Outbox(client, "test")
        for number in range(5):
            outbox.put_raw("a", 1, b"key", b"%d" % number)
        outbox.put_raw("b", 2, b"key", b"other")
        sending = asyncio.create_task(outbox.send())
        while len(client.unacknowledged) < 4:
            await asyncio.sleep(0)
        assert client.sent == {("a", 1): [b"0", b"1", b"2", b"3", b"4"], ("b", 2): [b"other"]}
        for each, offset in zip(client.unacknowledged[1:], (12, 14, 70), strict=True):
            each.set_result(SimpleNamespace(offset=offset))
        await asyncio.sleep(0)
        assert not sending.done()
        client.unacknowledged[0].set_result(SimpleNamespace(offset=10))
        assert await sending == {("a", 1): range(10, 15), ("b", 2): range(70, 71)}
        assert len(outbox) == 0

    asyncio.run(story())


def test_a_batch_that_kafka_refuses_fails_the_sending() -> None:
    async def story() -> None:
        client = Client()
        outbox = Outbox(client, "test")
        outbox.put_raw("a", 1, b"key", b"value")
        sending = asyncio.create_task(outbox.send())
        while not client.unacknowledged:
            await asyncio.sleep(0)
        client.unacknowledged[0].set_exception(KafkaTimeoutError())
        with pytest.raises(KafkaTimeoutError):
            await sending

    asyncio.run(story())


def test_states_that_say_more_than_can_be_told_again_wait_until_kafka_has_all_else() -> None:
    async def story() -> None:
        client = Client()
        outbox = Outbox(client, "test")
        outbox.put_raw("visitors-changelog", 1, b"ada", b"closed")
        outbox.put(EVENTS_DLQ, 1, "ada", dead_letter(), id="1", time=at("12:00"))
        outbox.states_last = True
        sending = asyncio.create_task(outbox.send())
        while not client.unacknowledged:
            await asyncio.sleep(0)
        assert client.sent.keys() == {("events-dlq", 1)}
        client.unacknowledged[0].set_result(SimpleNamespace(offset=7))
        while len(client.unacknowledged) < 2:
            await asyncio.sleep(0)
        client.unacknowledged[1].set_result(SimpleNamespace(offset=4))
        assert await sending == {("events-dlq", 1): range(7, 8), ("visitors-changelog", 1): range(4, 5)}

    asyncio.run(story())


def test_nothing_to_send_needs_no_client() -> None:
    assert asyncio.run(Outbox(None, "test").send()) == {}
