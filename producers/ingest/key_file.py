"""The file of write keys while ingest runs: read again when it changes or on SIGHUP; a broken file keeps the old keys."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from producers.ingest.metrics import WRITE_KEYS_BROKEN, WRITE_KEYS_LOADED
from producers.ingest.write_keys import WriteKeys, write_keys_of
from runtime.settings import SettingsError

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0

_State = tuple[int, int, int, int] | None
"""Times of modification and of change (also of its rights), size and inode; None when there is no such file."""


class KeyFile:
    """A file of write keys. Raises `SettingsError` when it cannot be used at the start."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen = _state_of(path)
        self.keys = write_keys_of(path)
        WRITE_KEYS_BROKEN.set(0)

    def read_again(self, *, is_asked: bool = False) -> WriteKeys | None:
        """The keys of a file that has changed since the last look, or when asked for; None when those in use stay."""
        state = _state_of(self._path)
        if state == self._seen and not is_asked:
            return None
        self._seen = state
        try:
            self.keys = write_keys_of(self._path)
        except SettingsError as error:
            log.error("keeping the write keys that were read before: %s", error)
            WRITE_KEYS_BROKEN.set(1)
            return None
        log.info("read the write keys again: %s", ", ".join(sorted(self.keys.names)))
        WRITE_KEYS_BROKEN.set(0)
        WRITE_KEYS_LOADED.inc()
        return self.keys

    async def watch(self, use: Callable[[WriteKeys], None], every_s: float = LOOK_EVERY_S) -> None:
        """Hand on new keys until cancelled. Call from the main thread's event loop: it takes SIGHUP."""
        asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, asked.set)
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(every_s):
                        await asked.wait()
                is_asked = asked.is_set()
                asked.clear()
                keys = await asyncio.to_thread(self.read_again, is_asked=is_asked)
                if keys is not None:
                    use(keys)
        finally:
            loop.remove_signal_handler(signal.SIGHUP)


def _state_of(path: str) -> _State:
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino
