"""One small fake per role; each passes the same suite as the real thing."""

import asyncio
from collections.abc import Sequence

from producers.ingest.publish import PublishFailed, Record


class RecordingPublisher:
    """An `EventPublisher` that keeps the records in a list; while `is_down` it publishes none, while `is_stuck` it never says."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.is_down = False
        self.is_stuck = False

    def start(self) -> None:
        """There is nothing to connect to."""

    async def publish(self, records: Sequence[Record]) -> None:
        try:
            await asyncio.wait_for(self.send(records), 0.5)
        except TimeoutError as error:
            raise PublishFailed("the recording publisher is stuck") from error

    def send(self, records: Sequence[Record]) -> asyncio.Future[None]:
        if self.is_down:
            raise PublishFailed("the recording publisher is down")
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self.is_stuck:
            self.records += records
            sent.set_result(None)
        return sent

    def check(self) -> str | None:
        return "the recording publisher is down" if self.is_down else None

    async def close(self) -> None:
        self.is_down = True
