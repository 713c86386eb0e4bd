"""Waiting for what other processes do, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")
LOOK_EVERY_S = 0.05


def until(holds: Callable[[], Answer], timeout_s: float = 40, what: Callable[[], object] | None = None) -> Answer:
    """The first answer that is something; while nothing can be reached there is none. When time is up, `what` is said."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            if answer := holds():
                return answer
        except OSError:
            if time.monotonic() >= deadline:
                raise
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what() if what else 'what the test waits for'}")
        time.sleep(LOOK_EVERY_S)
