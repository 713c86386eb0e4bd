"""The watchdog: a worker that has records waiting and gets nowhere must end, so that its supervisor starts it anew."""

import time
from typing import Final

from faust.types import TP
from prometheus_client import Gauge

LAG: Final = Gauge("process_lag_records", "Records waiting to be processed.", ["topic", "partition"])
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
        for tp in partitions:
            self._next.pop(tp, None)
            self._moved_at.pop(tp, None)
            LAG.remove(tp.topic, str(tp.partition)) if (tp.topic, str(tp.partition)) in LAG._metrics else None

    def measure(self, highwaters: dict[TP, int | None]) -> None:
        """Compare with the high watermarks: sets the lag, and starts the clock of a partition that has records waiting."""
        now = time.monotonic()
        SILENCE.set(now - self._last_at)
        for tp, highwater in highwaters.items():
            if highwater is None:
                continue
            lag = max(0, highwater - self._next[tp]) if tp in self._next else 0
            LAG.labels(tp.topic, tp.partition).set(lag)
            if lag == 0:
                self._moved_at[tp] = now

    def stuck_for_s(self) -> float:
        """Seconds that the slowest partition with waiting records has not moved."""
        now = time.monotonic()
        return max((now - moved_at for moved_at in self._moved_at.values()), default=0.0)
