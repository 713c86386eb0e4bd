"""The output of one step goes to Kafka while the next step is being made."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from stream_processors.outbox import Outbox
from stream_processors.shelves import StoreDamaged


class Delivery:
    """Sends one step's output after the other's.

    A session's records must reach the topic in the order of its states, and no step may count as done before an earlier one.
    """

    def __init__(self, crash: Callable[[Exception], Awaitable[None]]) -> None:
        self._crash = crash
        self._sending: asyncio.Task[None] | None = None

    async def begin(self, outbox: Outbox, done: Callable[[Mapping[tuple[str, int], range]], None]) -> None:
        """Wait until Kafka has the output before, then send this; `done` is told the offsets once Kafka has all of it.

        Waits for ever after a failure: the worker is about to end, and must not go on as if nothing had happened.
        """
        await self.idle()
        self._sending = asyncio.create_task(self._send(outbox, done))

    async def idle(self) -> None:
        """Wait until Kafka has all there was to send."""
        if self._sending is not None:
            await asyncio.wait([self._sending])

    async def _send(self, outbox: Outbox, done: Callable[[Mapping[tuple[str, int], range]], None]) -> None:
        try:
            done(await outbox.send())
        except StoreDamaged:  # the watchdog has seen it
            await never()
        except Exception as error:  # what comes after must not be committed, for that would commit this
            await self._crash(error)
            await never()


async def never() -> None:
    """Wait until the watchdog, which has seen what happened, ends the process: an agent that raises or returns acknowledges."""
    await asyncio.Event().wait()
