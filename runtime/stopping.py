"""Clean stopping: SIGTERM and SIGINT set a flag that loops look at, and a child dies with its parent."""

import ctypes
import signal
import sys
import threading
from types import FrameType
from typing import Final

PR_SET_PDEATHSIG: Final = 1

# Loaded here, not in a freshly forked child, where another thread may have held the loader's lock.
_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


def stop_on_signals() -> threading.Event:
    """An event that is set by the first SIGTERM or SIGINT. Call from the main thread."""
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop


def die_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Ask Linux to send this process a signal when its parent dies, however it dies; elsewhere does nothing."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, number)
