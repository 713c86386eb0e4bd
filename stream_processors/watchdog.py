"""The watchdog: a worker that has records waiting and gets nowhere must end, so that its supervisor starts it anew."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from faust.types import TP
from prometheus_client import Gauge

LAG: Final = Gauge("process_lag_records", "Records waiting to be processed.", ["topic", "partition"])
RECOVERY: Final = Gauge("process_recovery_seconds", "How long the store took to be ready after the last rebalance.")
SILENCE: Final = Gauge("process_seconds_since_last_event", "Seconds since a record was processed.")


class Progress:
    """How far each partition is processed and committed, and since when it stands still although records wait."""

    def __init__(self) -> None:
        self._next: dict[TP, int] = {}
        self._committed: dict[TP, int] = {}
        self._moved_at: dict[TP, float] = {}
        self._last_at = time.monotonic()

    def reached(self, tp: TP, offset: int) -> None:
        """All records of `tp` up to `offset` are processed and their output is acknowledged."""
        self._next[tp] = offset + 1
        self._last_at = time.monotonic()

    def forget(self, partitions: set[TP]) -> None:
        """Stop watching partitions that another worker reads from now on."""
        for tp in partitions:
            if self._next.pop(tp, None) is not None:
                with suppress(KeyError):
                    LAG.remove(tp.topic, str(tp.partition))
            self._committed.pop(tp, None)
            self._moved_at.pop(tp, None)

    def unknown(self, partitions: set[TP]) -> set[TP]:
        """Partitions that are not watched yet."""
        return partitions - self._committed.keys()

    def starts_at(self, offsets: Mapping[TP, int]) -> None:
        """Where reading starts in partitions that were just assigned and of which nothing is committed."""
        now = time.monotonic()
        for tp, offset in offsets.items():
            self._committed[tp] = offset
            self._next.setdefault(tp, offset)
            self._moved_at[tp] = now

    def committed(self, offsets: Mapping[TP, int]) -> None:
        """What Kafka has as committed: nothing before it is read again."""
        now = time.monotonic()
        for tp, offset in offsets.items():
            if offset > self._committed.get(tp, -1):
                self._moved_at[tp] = now
            self._committed[tp] = offset
            self._next[tp] = max(offset, self._next.get(tp, 0))

    def measure(self, ends: Mapping[TP, int]) -> None:
        """Compare with the ends of the partitions: sets the lag; a partition committed to its end does not stand still."""
        now = time.monotonic()
        SILENCE.set(now - self._last_at)
        for tp, end in ends.items():
            # The embedded broker tells an end that is too low by up to a batch.
            LAG.labels(tp.topic, tp.partition).set(max(0, end - self._next.get(tp, end)))
            if end <= self._committed.get(tp, end):
                self._moved_at[tp] = now

    def waits_for_kafka(self) -> None:
        """Nothing can be committed, and that is not this worker's fault."""
        self._moved_at = dict.fromkeys(self._moved_at, time.monotonic())

    def stuck_for_s(self) -> float:
        """Seconds for which the slowest partition with waiting records has not been committed further."""
        now = time.monotonic()
        return max((now - moved_at for moved_at in self._moved_at.values()), default=0.0)


class Recovery:
    """How long the store takes to be ready after a rebalance."""

    def __init__(self) -> None:
        self._began_at = time.monotonic()

    def began(self) -> None:
        """Partitions were assigned."""
        self._began_at = time.monotonic()

    def ended(self) -> None:
        """Their states and timers are there."""
        RECOVERY.set(time.monotonic() - self._began_at)
