"""Hop 9. Decisions from the log in, the latest one of each visitor out to whoever waits for it."""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

STREAMS_OPEN: Final = Gauge("console_streams_open", "Decision streams that browsers hold open.")
STREAMS_REFUSED: Final = Counter(
    "console_streams_refused_total",
    "Decision streams answered 503, because as many were open as the console holds, or as one visitor may have.",
    ["bound"],
)
for each in ("console", "visitor"):
    STREAMS_REFUSED.labels(each)  # begins at 0, so that the first one is an increase
DECISION_LATENCY: Final = Histogram(
    "console_decision_latency_seconds",
    "From ingest receiving an event to its decision being handed to the streams.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
REMEMBER: Final = timedelta(minutes=30)
"""For so long after it was made a decision speaks of this visit."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A decision as the log has it: `id` is its `<partition>-<offset>`."""

    id: str
    visitor_id: str
    session_id: str
    decision_id: str
    event_count: int
    occurred_at: datetime
    received_at: datetime
    decided_at: datetime
    for_visitor: bytes
    """The decision as JSON for the browser: without the incentive of a holdout."""
    for_console: bytes
    """The decision as JSON for people: whole."""

    def is_before(self, other: "Posted") -> bool:
        """Whether `other` is the same decision, or a later one of the session or of a later visit: the log may deliver twice."""
        if self.decision_id == other.decision_id:
            return True
        if self.session_id == other.session_id:
            return self.event_count < other.event_count
        return self.occurred_at < other.occurred_at


class TooManyStreams(RuntimeError):
    """The board has as many open streams as it allows; the text says which bound was met."""


class Watch:
    """One open stream of one visitor. It holds one decision, the latest: a slow reader skips, and never makes a queue."""

    def __init__(self) -> None:
        self._latest: Posted | None = None
        self._woken = asyncio.Event()
        self.is_closed = False

    def offer(self, posted: Posted) -> None:
        self._latest = posted
        self._woken.set()

    def close(self) -> None:
        self.is_closed = True
        self._woken.set()

    async def next(self, timeout_s: float) -> Posted | None:
        """The newest decision not yet read; None after `timeout_s` without one, or once the board has closed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):  # unlike `wait_for` it makes no task for each decision
                await self._woken.wait()
        self._woken.clear()
        latest, self._latest = self._latest, None
        return latest


class Feed:
    """The decisions of all visitors, for the console's own page; the oldest unread ones make room for new ones."""

    def __init__(self, recent: Sequence[Posted], most: int) -> None:
        self._unread: deque[Posted] = deque(recent, maxlen=most)
        self._woken = asyncio.Event()
        self.is_closed = False
        if recent:
            self._woken.set()

    def offer(self, posted: Posted) -> None:
        self._unread.append(posted)
        self._woken.set()

    def close(self) -> None:
        self.is_closed = True
        self._woken.set()

    async def next(self, timeout_s: float) -> list[Posted]:
        """All unread decisions, oldest first; empty after `timeout_s` without one, or once the board has closed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        self._woken.clear()
        unread = list(self._unread)
        self._unread.clear()
        return unread


class DecisionBoard:
    """The latest decision of each visitor, for `remember` after it was made, and the open streams. Belongs to one event loop."""

    def __init__(
        self,
        opened_at: datetime,
        *,
        remember: timedelta = REMEMBER,
        max_visitors: int = 50_000,
        max_streams: int = 20_000,
        max_streams_per_visitor: int = 16,
    ) -> None:
        self._opened_at = opened_at
        self._remember = remember
        self._max_visitors = max_visitors
        self._max_streams = max_streams
        self._max_streams_per_visitor = max_streams_per_visitor
        self._latest: OrderedDict[str, Posted] = OrderedDict()
        self._watches: dict[str, set[Watch]] = {}
        self._watch_count = 0
        self._feeds: set[Feed] = set()
        self._recent: deque[Posted] = deque(maxlen=40)
        self._latencies: deque[tuple[datetime, float]] = deque(maxlen=5_000)
        self._is_closed = False

    def take(self, batch: Sequence[Posted], now: datetime) -> None:
        """Remember each decision and hand it to the streams that wait for it."""
        for posted in batch:
            known = self._latest.get(posted.visitor_id)
            if known is not None and posted.is_before(known):
                continue
            self._latest[posted.visitor_id] = posted
            self._latest.move_to_end(posted.visitor_id)
            self._recent.append(posted)
            if self._is_of_this_visit(posted, now):
                for watch in self._watches.get(posted.visitor_id, ()):
                    watch.offer(posted)
            for feed in self._feeds:
                feed.offer(posted)
            # What was decided before this process started was late for reasons of its own.
            if posted.decided_at >= self._opened_at:
                latency_s = max(0.0, (now - posted.received_at).total_seconds())
                DECISION_LATENCY.observe(latency_s)
                self._latencies.append((now, latency_s))
        self._forget(now)

    def latest(self, visitor_id: str, now: datetime) -> Posted | None:
        """The visitor's latest decision, unless it is so old that it speaks of an earlier visit."""
        posted = self._latest.get(visitor_id)
        return posted if posted is not None and self._is_of_this_visit(posted, now) else None

    def latencies_s(self, since: datetime) -> list[float]:
        """How long each decision handed over after `since` took, in seconds, at most the last 5,000."""
        return [latency_s for at, latency_s in self._latencies if at >= since]

    @contextlib.contextmanager
    def watch(self, visitor_id: str) -> Iterator[Watch]:
        """A stream of the visitor's decisions, open as long as the block. Raises `TooManyStreams`."""
        mine = self._watches.get(visitor_id, set())
        if self._watch_count >= self._max_streams:
            STREAMS_REFUSED.labels("console").inc()
            raise TooManyStreams(f"{self._max_streams} decision streams are open, as many as one console holds")
        if len(mine) >= self._max_streams_per_visitor:
            STREAMS_REFUSED.labels("visitor").inc()
            raise TooManyStreams(f"this visitor has {len(mine)} decision streams open; close some tabs")
        watch = Watch()
        if self._is_closed:
            watch.close()
        self._watches.setdefault(visitor_id, mine).add(watch)
        self._watch_count += 1
        STREAMS_OPEN.inc()
        try:
            yield watch
        finally:
            STREAMS_OPEN.dec()
            self._watch_count -= 1
            mine.discard(watch)
            if not mine:
                self._watches.pop(visitor_id, None)

    @contextlib.contextmanager
    def feed(self, most: int = 200) -> Iterator[Feed]:
        """The decisions of all visitors, beginning with the last few, open as long as the block."""
        feed = Feed(list(self._recent), most)
        if self._is_closed:
            feed.close()
        self._feeds.add(feed)
        try:
            yield feed
        finally:
            self._feeds.discard(feed)

    def close(self) -> None:
        """End every stream, so that the server can stop at once."""
        self._is_closed = True
        for feed in self._feeds:
            feed.close()
        for watches in self._watches.values():
            for watch in watches:
                watch.close()

    def _is_of_this_visit(self, posted: Posted, now: datetime) -> bool:
        return now - posted.decided_at <= self._remember

    def _forget(self, now: datetime) -> None:
        while self._latest:
            oldest = next(iter(self._latest.values()))
            if len(self._latest) <= self._max_visitors and now - oldest.decided_at <= self._remember:
                return
            self._latest.popitem(last=False)
