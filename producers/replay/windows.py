"""A stream of items cut into windows that may be sent at once, and each window into requests."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zlib import crc32

from producers.replay.items import ReplayItem

MAX_EVENTS: Final = 500
MAX_BODY_BYTES: Final = 450_000
ENVELOPE_BYTES: Final = len(b'{"batch":[]}')


@dataclass(slots=True)
class Counts:
    """What the reader has seen so far."""

    read: int = 0
    distinct: int = 0


def distinct(items: Iterable[ReplayItem], counts: Counts) -> Iterator[ReplayItem]:
    """The items without repetitions. Equal rows have equal times, so only one moment's ids are remembered."""
    moment: datetime | None = None
    seen: set[str] = set()
    for each in items:
        counts.read += 1
        if each.occurred_at != moment:
            moment = each.occurred_at
            seen.clear()
        if each.message_id in seen:
            continue
        seen.add(each.message_id)
        counts.distinct += 1
        yield each


def windows(items: Iterable[ReplayItem], *, span: timedelta, max_events: int) -> Iterator[list[ReplayItem]]:
    """Runs of at most `max_events` items and less than `span` of event time.

    One window is sent after another, so partitions of the log never drift further apart than `span`: a faster one would
    push the watermark over visitors of a slower one.
    """
    window: list[ReplayItem] = []
    opened_at: datetime | None = None
    for each in items:
        at = each.occurred_at
        is_over = at is not None and opened_at is not None and at - opened_at >= span
        if window and (is_over or len(window) == max_events):
            yield window
            window, opened_at = [], None
        window.append(each)
        opened_at = opened_at or at
    if window:
        yield window


def requests(window: list[ReplayItem], lane_count: int) -> list[list[list[bytes]]]:
    """The window's items as lanes of requests that may be sent side by side; a visitor's events stay in one lane, in order."""
    lanes = min(lane_count, 1 + len(window) // (MAX_EVENTS // 2))
    bodies: list[list[bytes]] = [[] for _ in range(lanes)]
    for each in window:
        bodies[crc32(each.visitor_id.encode("utf-8", "replace")) % lanes].append(each.body)
    return [list(_cut(lane)) for lane in bodies if lane]


def body_of(items: list[bytes]) -> bytes:
    return b'{"batch":[' + b",".join(items) + b"]}"


def _cut(lane: list[bytes]) -> Iterator[list[bytes]]:
    request: list[bytes] = []
    size = ENVELOPE_BYTES
    for body in lane:
        if request and (len(request) == MAX_EVENTS or size + len(body) + 1 > MAX_BODY_BYTES):
            yield request
            request, size = [], ENVELOPE_BYTES
        request.append(body)
        size += len(body) + 1
    yield request
