"""One small fake per role; each passes the same suite as the real thing."""

from collections.abc import Sequence

from producers.ingest.publish import PublishFailed, Record


class RecordingPublisher:
    """An `EventPublisher` that keeps the records in a list; while `is_down` it publishes none."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.is_down = False

    def start(self) -> None:
        """There is nothing to connect to."""

    async def publish(self, records: Sequence[Record]) -> None:
        if self.is_down:
            raise PublishFailed("the recording publisher is down")
        self.records += records

    def check(self) -> str | None:
        return "the recording publisher is down" if self.is_down else None

    def close(self) -> None:
        self.is_down = True
