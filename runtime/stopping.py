"""Clean stopping: SIGTERM and SIGINT set a flag that loops look at, and a child dies with its parent."""

import ctypes
import signal
import sys
import threading
from types import FrameType
from typing import Final

PR_SET_PDEATHSIG: Final = 1


def stop_on_signals() -> threading.Event:
    """An event that is set by the first SIGTERM or SIGINT. Call from the main thread."""
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop


def die_with_parent() -> None:
    """Ask Linux to send this process SIGTERM when its parent dies, however it dies; elsewhere does nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
