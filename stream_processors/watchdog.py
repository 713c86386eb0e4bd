"""The watchdog: a worker that has records waiting and gets nowhere must end, so that its supervisor starts it anew."""

import time
from collections.abc import Mapping
from typing import Final

from faust.types import TP
from prometheus_client import Gauge

LAG: Final = Gauge("process_lag_records", "Records waiting to be processed.", ["topic", "partition"])
RECOVERY: Final = Gauge("process_recovery_seconds", "How long the store took to be ready after the last rebalance.")
SILENCE: Final = Gauge("process_seconds_since_last_event", "Seconds since a record was processed.")


class Progress:
    """How far each partition was processed, and since when it stands still although records wait."""

    def __init__(self) -> None:
        self._next: dict[TP, int] = {}
        self._moved_at: dict[TP, float] = {}
        self._last_at = time.monotonic()

    def reached(self, tp: TP, offset: int) -> None:
        """All records of `tp` up to `offset` are processed and their output is acknowledged."""
        now = time.monotonic()
        self._next[tp] = offset + 1
        self._moved_at[tp] = now
        self._last_at = now

    def forget(self, partitions: set[TP]) -> None:
        """Stop watching partitions that another worker reads from now on."""
        for tp in partitions:
            if self._next.pop(tp, None) is not None:
                LAG.remove(tp.topic, str(tp.partition))
            self._moved_at.pop(tp, None)

    def unknown(self, partitions: set[TP]) -> set[TP]:
        """Partitions of which neither a start nor a processed record is known yet."""
        return partitions - self._next.keys()

    def starts_at(self, offsets: Mapping[TP, int]) -> None:
        """Where reading starts in partitions that were just assigned."""
        now = time.monotonic()
        for tp, offset in offsets.items():
            self._next.setdefault(tp, offset)
            self._moved_at.setdefault(tp, now)

    def measure(self, ends: Mapping[TP, int]) -> None:
        """Compare with the ends of the partitions: sets the lag; a partition without one does not stand still."""
        now = time.monotonic()
        SILENCE.set(now - self._last_at)
        for tp, end in ends.items():
            # The embedded broker tells an end that is too low by up to a batch.
            lag = max(0, end - self._next.get(tp, end))
            LAG.labels(tp.topic, tp.partition).set(lag)
            if lag == 0:
                self._moved_at[tp] = now

    def stuck_for_s(self) -> float:
        """Seconds that the slowest partition with waiting records has not moved."""
        now = time.monotonic()
        return max((now - moved_at for moved_at in self._moved_at.values()), default=0.0)


class Recovery:
    """How long the store takes to be ready after a rebalance."""

    def __init__(self) -> None:
        self._launched_at = time.monotonic()
        self._began_at: float | None = None
        self._has_begun = False

    def began(self) -> None:
        """Partitions were assigned."""
        self._began_at = time.monotonic()
        self._has_begun = True

    def ended(self) -> None:
        """Their states and timers are there."""
        if self._began_at is not None:
            RECOVERY.set(time.monotonic() - self._began_at)
            self._began_at = None

    def idle_for_s(self, read_at: float) -> float:
        """Seconds that a recovery under way has got nothing to read, the last at `read_at`; 0 when none is."""
        return 0.0 if self._began_at is None else time.monotonic() - max(read_at, self._began_at)

    def unassigned_for_s(self) -> float:
        """Seconds since the start without any assignment of partitions, not even of none; 0 once there was one."""
        return 0.0 if self._has_begun else time.monotonic() - self._launched_at
