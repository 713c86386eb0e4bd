"""Reads what is on a topic, from its start."""

import time
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from contracts.topics import PARTITIONS
from runtime.settings import KafkaSettings


def records_on(kafka: KafkaSettings, topic: str, count: int, timeout_s: float = 40) -> list[Any]:
    """The records of `topic`: returns once there are `count` of them and no more have come, or when time is up."""
    consumer = KafkaConsumer(
        bootstrap_servers=list(kafka.brokers), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    try:
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        records: list[Any] = []
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            polled = [record for batch in consumer.poll(timeout_ms=300).values() for record in batch]
            records += polled
            if len(records) >= count and not polled:
                break
        return records
    finally:
        consumer.close()
