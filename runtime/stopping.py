"""Clean stopping: SIGTERM and SIGINT set a flag that loops look at, and a child dies with its parent."""

import ctypes
import logging
import os
import signal
import socket
import sys
import threading
from types import FrameType
from typing import Final

log = logging.getLogger(__name__)

PR_SET_PDEATHSIG: Final = 1
STOP_DEADLINE_S: Final = 8.0
"""Supervisors and Docker kill after ten."""

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


def leave_within(deadline_s: float, code: int) -> None:
    """End the process after a while, whatever still waits for a broker or a database that is away."""

    def leave() -> None:
        log.warning(
            "not stopped within %g s; leaving without the last commit, whose records are read again", deadline_s
        )
        os._exit(code)

    timer = threading.Timer(deadline_s, leave)
    timer.daemon = True
    timer.start()


def leave_soon_after_signals() -> None:
    """The same, once SIGTERM or SIGINT has come, also while the main thread waits in a library's C and handles none. Call from there."""
    heard, told = socket.socketpair()
    told.setblocking(False)
    signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)

    def wait() -> None:
        with heard, told:
            while heard.recv(1)[0] not in (signal.SIGTERM, signal.SIGINT):
                pass
            leave_within(STOP_DEADLINE_S, 0)
            threading.Event().wait()  # a further signal still finds the socket open

    threading.Thread(target=wait, name="deadline", daemon=True).start()


def die_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Ask Linux to send this process a signal when its parent dies, however it dies; elsewhere does nothing."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, number)
