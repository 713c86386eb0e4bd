"""Recorded events on the log again, as they were: to build features and decisions anew beside those of now."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from kafka import KafkaProducer

from contracts.topics import EVENTS
from runtime.recordings import Record

TOGETHER: Final = 2_000
ACKNOWLEDGED_S: Final = 60.0


OVERLAP_MS: Final = 3_600_000
"""Events that arrived this long before the newest one there are published again: a publisher that was stopped may have left
gaps before it, and the fold passes over what it knows."""


def after(records: Iterable[Record], newest_ms: int | None) -> Iterator[Record]:
    """The events that a log whose newest event arrived at `newest_ms` may lack."""
    return (each for each in records if newest_ms is None or each.at_ms > newest_ms - OVERLAP_MS)


def publish(records: Iterable[Record], producer: KafkaProducer, progress: Callable[[int], None]) -> int:
    """Publish recorded events byte for byte, and in order; returns how many, all acknowledged by Kafka.

    They keep key, value, headers and the time of their arrival; partitions are those of this Kafka. What this client cannot
    send, and no fold reads, stays behind: records without a value, and headers without one.
    """
    count, coming = 0, (each for each in records if each.value is not None)
    while some := list(islice(coming, TOGETHER)):
        waiting = [
            producer.send(
                EVENTS.name,
                key=each.key,
                value=each.value,
                headers=[header for header in each.headers if header[1] is not None],
                timestamp_ms=each.at_ms,
            )
            for each in some
        ]
        for each in waiting:
            each.get(ACKNOWLEDGED_S)
        count += len(waiting)
        progress(count)
    return count
