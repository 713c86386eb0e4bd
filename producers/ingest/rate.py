"""A token bucket: how many events a write key may still send."""

import math


class TokenBucket:
    """Fills at `per_second` up to `burst`. Time is an argument, in seconds of any steady clock."""

    def __init__(self, per_second: float, burst: float, now: float) -> None:
        self.per_second = per_second
        self.burst = burst
        self._tokens = burst
        self._filled_at = now

    def take(self, count: int, now: float) -> int:
        """Take `count` tokens and return 0, or return the whole seconds to wait.

        A request is taken while the bucket is not empty and may overdraw it, so that a batch larger than the burst is
        paid for afterwards rather than refused for ever.
        """
        self._tokens = min(self.burst, self._tokens + max(0.0, now - self._filled_at) * self.per_second)
        self._filled_at = now
        if self._tokens >= min(1.0, self.burst):
            self._tokens -= count
            return 0
        return max(1, math.ceil((1.0 - self._tokens) / self.per_second))
