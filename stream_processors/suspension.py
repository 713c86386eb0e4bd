"""A worker that was suspended for longer than its session in the group ends: others have its partitions by now."""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from typing import Any, Final

log = logging.getLogger(__name__)

BEAT_S: Final = 0.5
SHORTEST_S: Final = 20.0
"""A crowded machine may keep a process waiting for some seconds."""
IDLE: Final = 0.1
"""Share of the time that a process at work uses even on a crowded machine."""


class Pulse:
    """Notices that this process did not run for a while.

    What a suspended worker still holds is old: the others have read it, and perhaps closed sessions meanwhile.
    """

    def __init__(
        self,
        session_timeout_s: float,
        *,
        wall: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.process_time,
        leave: Callable[[int], object] = os._exit,
    ) -> None:
        self._at_most_s = max(session_timeout_s, SHORTEST_S)
        self._wall, self._used, self._leave = wall, used, leave
        self._beat()

    async def run(self) -> None:
        """Beat as long as the event loop runs."""
        while True:
            self.check()
            self._beat()
            await asyncio.sleep(BEAT_S)

    def check(self) -> None:
        """End the process when it was suspended for too long. A process that was only busy has used its time."""
        silent_s = self._wall() - self._beat_at
        if silent_s > self._at_most_s and self._used() - self._used_at < silent_s * IDLE:
            log.error(
                "suspended for %.0f s; ending, since others have the partitions by now",
                silent_s,
            )
            self._leave(1)

    def _beat(self) -> None:
        self._beat_at, self._used_at = self._wall(), self._used()


def check_before_sending(client: Any, pulse: Pulse) -> None:
    """Make an aiokafka client check the pulse before each request."""
    send = client.send

    async def check_then_send(*args: Any, **options: Any) -> Any:
        pulse.check()
        return await send(*args, **options)

    client.send = check_then_send
