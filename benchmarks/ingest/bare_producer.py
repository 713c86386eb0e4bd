"""The bare producer: kafka-python sends records that are ready, and counts until the last is acknowledged."""

import json
import sys
import time
from collections import deque
from itertools import cycle, islice
from pathlib import Path

import msgspec
from kafka.partitioner.default import murmur2

from contracts.topics import PARTITIONS
from runtime.kafka import durable_producer
from runtime.settings import KafkaSettings

WAITING = 20_000
"""Records that may wait for their acknowledgement, so that memory stays bounded and batches can fill."""

Ready = tuple[bytes, bytes, list[tuple[str, bytes]]]
"""Key, value, headers."""


def send_all(broker: str, topic: str, records: list[Ready], places: list[int] | None) -> tuple[float, float]:
    """Wall and processor seconds until all are acknowledged; the producer hashes the keys itself when `places` is None."""
    producer = durable_producer(KafkaSettings(brokers=(broker,)), timeout_ms=30_000)
    producer.partitions_for(topic)
    waiting = deque()  # type: ignore[var-annotated]
    began_at, began_cpu = time.perf_counter(), time.process_time()
    for number, (key, value, headers) in enumerate(records):
        place = None if places is None else places[number]
        waiting.append(producer.send(topic, value, key=key, headers=headers, partition=place))
        if len(waiting) > WAITING:
            waiting.popleft().get(30)
    producer.flush()
    for each in waiting:
        each.get(0)
    took = time.perf_counter() - began_at, time.process_time() - began_cpu
    producer.close()
    return took


def main(broker: str, topic: str, file: str, count: str) -> None:
    few = msgspec.msgpack.decode(Path(file).read_bytes(), type=list[Ready])
    records = list(islice(cycle(few), int(count)))
    hashes = {key: (murmur2(key) & 0x7FFFFFFF) % PARTITIONS for key, _, _ in records}
    send_all(broker, topic, records[:1000], None)  # warm
    natural = send_all(broker, topic, records, None)
    placed = send_all(broker, topic, records, [hashes[key] for key, _, _ in records])
    print(json.dumps({"natural": natural, "placed": placed}))


if __name__ == "__main__":
    main(*sys.argv[1:])
