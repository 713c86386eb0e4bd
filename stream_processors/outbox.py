"""What a step sends because of one poll: acknowledged by all replicas before the poll itself is."""

import asyncio
from datetime import datetime
from typing import Any

import msgspec

from contracts.codec import ENCODER, cloud_event_headers
from contracts.topics import Topic

Record = tuple[str, int, bytes, bytes | None, list[tuple[str, bytes]] | None]


class Outbox:
    """Collects records, then sends them and waits for Kafka's acknowledgement of each.

    A step's output goes to the partition number its input came from: the topics are partitioned alike.
    """

    def __init__(self, producer: Any, source: str) -> None:
        self._producer = producer
        self._source = source
        self._records: list[Record] = []

    def put(
        self, topic: Topic, partition: int, visitor_id: str, value: msgspec.Struct, *, id: str, time: datetime
    ) -> None:
        """Add a contract's record, with its CloudEvents headers."""
        headers = cloud_event_headers(topic, id=id, source=self._source, subject=visitor_id, time=time)
        self._records.append((topic.name, partition, visitor_id.encode(), ENCODER.encode(value), headers))

    def put_raw(self, topic: str, partition: int, key: bytes, value: bytes | None) -> None:
        """Add a changelog record; no value deletes the key."""
        self._records.append((topic, partition, key, value, None))

    def __len__(self) -> int:
        return len(self._records)

    async def send(self) -> None:
        """Send everything in order; returns when all is acknowledged. Raises Kafka's error, and then nothing may be acknowledged."""
        records, self._records = self._records, []
        pending = [
            await self._producer.send(topic, key, value, partition, None, headers)
            for topic, partition, key, value, headers in records
        ]
        if pending:
            await asyncio.gather(*pending)
