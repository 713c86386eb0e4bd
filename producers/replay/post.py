"""Posting a recording to ingest: in event-time order, again and again until acknowledged, with every event counted."""

import asyncio
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

import aiohttp
import msgspec

from contracts.codec import UNDECODABLE
from contracts.http import BatchAnswer, Problem
from producers.replay.items import Recording, ReplayError, ReplayItem
from producers.replay.windows import MAX_EVENTS, Counts, body_of, distinct, requests, windows

RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})
MAX_SPAN: Final = timedelta(minutes=5)
TICK_S: Final = 0.25
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0
REQUEST_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)

Progress = Callable[[int, int], None]
"""Told after each window: rows done, rows in all."""


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """How to replay. `speed` is event time over wall time; None is as fast as ingest acknowledges."""

    url: str
    write_key: str
    speed: float | None = None
    limit: int | None = None
    """Send no more than this many events."""
    lanes: int = 4
    """Requests in flight at once; a visitor always travels in one lane."""
    patience_s: float = 120.0
    """How long one request is tried again while ingest does not take it."""


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What became of every row: `read` rows are `distinct` events; each was `sent`, then `acknowledged` or `rejected`."""

    read: int
    distinct: int
    sent: int
    acknowledged: int
    rejected: int
    skipped: int
    """Rows that told of no event."""
    retries: int
    rejections: Mapping[str, int]
    """Rejected events by the code that ingest gave."""
    first_occurred_at: datetime | None
    last_occurred_at: datetime | None
    seconds: float


async def replay(recording: Recording, options: ReplayOptions, on_progress: Progress) -> ReplayReport:
    """Send every distinct event of the recording. Raises `ReplayError` when ingest refuses us or stays away."""
    counts = Counts()
    started = time.monotonic()
    span = MAX_SPAN if options.speed is None else min(MAX_SPAN, timedelta(seconds=TICK_S * options.speed))
    events = islice(distinct(recording.items, counts), options.limit)
    upcoming_windows = windows(events, span=span, max_events=options.lanes * MAX_EVENTS)
    first: datetime | None = None
    last: datetime | None = None
    async with _session(options) as session:
        post = Post(session, options)
        # Reading goes on in a thread while the window before is on its way.
        upcoming = asyncio.ensure_future(asyncio.to_thread(next, upcoming_windows, None))
        try:
            while (window := await upcoming) is not None:
                row_count = counts.read
                upcoming = asyncio.ensure_future(asyncio.to_thread(next, upcoming_windows, None))
                times = [each.occurred_at for each in window if each.occurred_at is not None]
                first = first or min(times, default=None)
                last = max(times, default=last)
                if options.speed is not None and first is not None and last is not None:
                    due = started + (last - first).total_seconds() / options.speed
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                await _send(post, window, options.lanes)
                on_progress(row_count, recording.row_count)
        finally:
            # A thread cannot be cancelled: let it finish its window before the file is let go.
            await asyncio.gather(upcoming, return_exceptions=True)
    on_progress(counts.read, recording.row_count)
    return ReplayReport(
        read=counts.read,
        distinct=counts.distinct,
        sent=post.sent,
        acknowledged=post.acknowledged,
        rejected=post.rejected,
        skipped=recording.skipped_count,
        retries=post.retries,
        rejections=dict(post.rejections),
        first_occurred_at=first,
        last_occurred_at=last,
        seconds=time.monotonic() - started,
    )


async def _send(post: "Post", window: list[ReplayItem], lanes: int) -> None:
    async def one_lane(lane: list[list[bytes]]) -> None:
        for items in lane:
            await post.deliver(items)

    try:
        async with asyncio.TaskGroup() as group:
            for lane in requests(window, lanes):
                group.create_task(one_lane(lane))
    except* ReplayError as errors:
        raise errors.exceptions[0] from None


def _session(options: ReplayOptions) -> aiohttp.ClientSession:
    credentials = b64encode(f"{options.write_key}:".encode()).decode()
    headers = {
        "Authorization": f"Basic {credentials}",
        "Content-Type": "application/json",
        "User-Agent": "shopstream-replay",
    }
    return aiohttp.ClientSession(headers=headers, timeout=REQUEST_TIMEOUT)


@dataclass(slots=True)
class Post:
    """Delivers requests to one ingest and keeps count."""

    session: aiohttp.ClientSession
    options: ReplayOptions
    sent: int = 0
    acknowledged: int = 0
    rejected: int = 0
    retries: int = 0
    rejections: Counter[str] = field(default_factory=Counter)

    async def deliver(self, items: list[bytes]) -> None:
        """Send the items until they are acknowledged: the same ids each time, so that twice is once."""
        self.sent += len(items)
        deadline = time.monotonic() + self.options.patience_s
        pause_s = FIRST_PAUSE_S
        while True:
            problem, wait_s = await self._attempt(items)
            if problem is None:
                return
            wait_s = max(pause_s, wait_s)
            if time.monotonic() + wait_s > deadline:
                raise ReplayError(
                    f"{self.options.url} did not take the events for {self.options.patience_s:.0f} s ({problem}); "
                    f"{self.acknowledged} of {self.sent} sent are acknowledged. "
                    "Repair ingest and replay again: what is stored already is not stored twice"
                )
            self.retries += 1
            await asyncio.sleep(wait_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    async def _attempt(self, items: list[bytes]) -> tuple[str | None, float]:
        """None when the items are acknowledged, else why not and how long ingest asks to wait."""
        url = f"{self.options.url.rstrip('/')}/v1/batch"
        try:
            async with self.session.post(url, data=body_of(items), allow_redirects=False) as response:
                status, body = response.status, await response.read()
                retry_after = response.headers.get("Retry-After", "")
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            return str(error) or type(error).__name__, 0.0
        except aiohttp.InvalidURL as error:
            raise ReplayError(f"{self.options.url} is no URL; --url takes one like http://127.0.0.1:8080") from error
        if status == 200:
            self._count(items, body)
            return None, 0.0
        if status in RETRIED:
            return f"status {status}", min(30.0, float(retry_after)) if retry_after.isdigit() else 0.0
        if status == 413 and len(items) > 1:
            half = len(items) // 2
            self.sent -= len(items)
            await self.deliver(items[:half])
            await self.deliver(items[half:])
            return None, 0.0
        raise ReplayError(f"{url} answered {status}: {_words(body)}")

    def _count(self, items: list[bytes], body: bytes) -> None:
        try:
            answer = msgspec.json.decode(body, type=BatchAnswer)
        except UNDECODABLE as error:
            raise ReplayError(f"{self.options.url} answers, but not as ingest does; is --url right?") from error
        if answer.accepted + answer.rejected != len(items):
            raise ReplayError(
                f"{self.options.url} was sent {len(items)} events and speaks of {answer.accepted + answer.rejected}; "
                "replay again against an ingest of this version"
            )
        self.acknowledged += answer.accepted
        self.rejected += answer.rejected
        self.rejections.update(error.code for error in answer.errors)


def _words(body: bytes) -> str:
    """What an error body says to people."""
    try:
        return msgspec.json.decode(body, type=Problem).message
    except UNDECODABLE:
        return body[:200].decode(errors="replace")
