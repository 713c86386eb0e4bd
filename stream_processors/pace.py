"""How long Kafka may gather records before it answers a fetch: as long as pays for what a poll costs by itself."""

import math
from typing import Final

WINDOW_S: Final = 0.1
BUSY_PER_S: Final = 1_000
"""Records a second from which on two or more come in one poll for a wait of 2 ms; of fewer, the wait costs more than it saves."""
IDLE: Final = (20, 1)
"""Milliseconds and bytes: a record is told at once. The client keeps one fetch in flight and leaves out of it the partitions
whose records are not consumed yet; with Faust's 1,500 ms their next records would wait that long."""
BUSY: Final = (2, 65_536)
"""A poll costs milliseconds of processor here, in Kafka and in whoever reads the output, whether it has one record or ten."""


class Pace:
    """Looks at how thick records come, and says how the next fetch is to be answered."""

    def __init__(self) -> None:
        self.max_wait_ms, self.min_bytes = IDLE
        self._recently = 0.0
        self._at = 0.0

    def took(self, records: int, now: float) -> None:
        """A fetch brought so many records at the time `now`, in seconds of any clock that only goes on."""
        self._recently = self._recently * math.exp((self._at - now) / WINDOW_S) + records
        self._at = now
        self.max_wait_ms, self.min_bytes = BUSY if self._recently > BUSY_PER_S * WINDOW_S else IDLE
