"""Faust's thread around the Kafka client, without the thread: the client lives on the worker's event loop.

Faust keeps the client in a thread with a loop of its own, so that it answers Kafka while an agent blocks the worker's. Here
nothing blocks for longer than a poll's fold, and the thread costs more than it gives: each fetch and commit crosses two
queues, and the two threads wait for each other's turn in the interpreter, milliseconds at a time.
See docs/decisions/0017-one-loop.md.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from faust.transport.drivers import aiokafka as driver
from mode.utils.futures import maybe_async


class ClientOnLoop(driver.AIOKafkaConsumerThread):
    """What Faust calls a thread: it starts, stops and crashes as one, on the loop of whoever made it."""

    def __init__(self, consumer: Any, *, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(consumer, loop=loop, thread_loop=loop, **options)
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the client. Raises what starting it raises."""
        self._thread_started.set()
        running = self._thread_running = self.parent_loop.create_future()
        self._serving = self.parent_loop.create_task(self._serve())
        self._serving.add_done_callback(_retrieve)
        try:
            await running
        finally:
            self._thread_running = None

    async def call_thread(self, fun: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        return await maybe_async(fun(*args, **kwargs))

    async def _gather_remaining_tasks(self) -> None:
        """Nothing: all the others on this loop are the worker's."""


def _retrieve(serving: "asyncio.Task[None]") -> None:
    """Faust was told of the exception (`crash`); asyncio would tell of it once more."""
    if not serving.cancelled():
        serving.exception()
