"""One step's output after the other's, the next one made meanwhile; after a failure nothing more."""

import asyncio
from typing import Any

from aiokafka.errors import KafkaTimeoutError

from stream_processors.delivery import Delivery

Offsets = dict[tuple[str, int], range]


class Outbox:
    """Is sent when told to."""

    def __init__(self) -> None:
        self.is_sending = False
        self.acknowledged: asyncio.Future[Offsets] = asyncio.get_running_loop().create_future()

    async def send(self) -> Offsets:
        self.is_sending = True
        return await self.acknowledged


class Crashes(list[Exception]):
    async def __call__(self, error: Exception) -> None:
        self.append(error)


async def breathe() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_the_next_output_is_sent_once_kafka_has_the_one_before() -> None:
    async def story() -> None:
        delivery, done = Delivery(Crashes()), list[Any]()
        first, second = Outbox(), Outbox()
        await delivery.begin(first, done.append)  # type: ignore[arg-type]
        await breathe()
        assert first.is_sending
        assert done == []
        next_one = asyncio.create_task(delivery.begin(second, done.append))  # type: ignore[arg-type]
        await breathe()
        assert not second.is_sending
        first.acknowledged.set_result({("a", 1): range(3)})
        await next_one
        await breathe()
        assert second.is_sending
        second.acknowledged.set_result({})
        await breathe()
        assert done == [{("a", 1): range(3)}, {}]

    asyncio.run(story())


def test_after_an_output_that_kafka_did_not_take_nothing_counts_as_done_any_more() -> None:
    async def story() -> None:
        crashes, done = Crashes(), list[Any]()
        delivery = Delivery(crashes)
        first, second = Outbox(), Outbox()
        await delivery.begin(first, done.append)  # type: ignore[arg-type]
        next_one = asyncio.create_task(delivery.begin(second, done.append))  # type: ignore[arg-type]
        error = KafkaTimeoutError()
        first.acknowledged.set_exception(error)
        await asyncio.wait([next_one], timeout=0.05)
        assert not next_one.done()
        assert not second.is_sending
        assert (crashes, done) == ([error], [])

    asyncio.run(story())
