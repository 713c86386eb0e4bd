"""What a step sends because of one poll: acknowledged by all replicas before the poll itself is."""

import asyncio
from collections import defaultdict
from datetime import datetime
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer

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
        self.states_last = False
        """Whether changelog records are sent once Kafka has all else. What an event changed is told again when it is read
        again; what time closed, or what became history, is not: a state must not say it before it was told."""

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

    async def send(self) -> dict[tuple[str, int], range]:
        """Send everything in order; once all is acknowledged, the offsets by topic and partition.

        Raises Kafka's error, and then nothing may be acknowledged.
        """
        records, self._records = self._records, []
        if not self.states_last:
            return await self._send_all(records)
        told = await self._send_all([record for record in records if record[4] is not None])
        return told | await self._send_all([record for record in records if record[4] is None])

    async def _send_all(self, records: list[Record]) -> dict[tuple[str, int], range]:
        if not records:
            return {}
        places: defaultdict[tuple[str, int], list[Record]] = defaultdict(list)
        for record in records:
            places[record[0], record[1]].append(record)
        # Faust's own `send` spends a coroutine and a future on each record; its client takes a whole batch with one.
        client = self._producer._ensure_producer()
        ends = await asyncio.gather(*[_send(client, topic, number, those) for (topic, number), those in places.items()])
        return dict(zip(places, ends, strict=True))


async def _send(client: AIOKafkaProducer, topic: str, partition: int, records: list[Record]) -> range:
    """Send records of one partition in as few batches as they fit into; once all are acknowledged, from which offset to which."""
    pending = []
    batch, first = client.create_batch(), 0
    for number, (_, _, key, value, headers) in enumerate(records):
        if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:  # full
            pending.append(await client.send_batch(batch, topic, partition=partition))
            batch, first = client.create_batch(), number
            batch.append(timestamp=None, key=key, value=value, headers=headers)  # the first always fits
    pending.append(await client.send_batch(batch, topic, partition=partition))
    acknowledged = await asyncio.gather(*pending)
    return range(acknowledged[0].offset, acknowledged[-1].offset + len(records) - first)
