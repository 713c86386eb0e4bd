"""One partition of the visitor store, in memory or on disk: states by visitor, and how far the changelog is in them."""

import errno
import logging
import os
import shutil
import struct
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

import rocksdict
from prometheus_client import Counter

log = logging.getLogger(__name__)

REBUILDS: Final = Counter(
    "process_store_rebuilds_total",
    "Partitions of the store on disk given up and rebuilt from the changelog.",
    ["cause"],
)
WRITE_BUFFER_BYTES: Final = 8_388_608
BLOCK_CACHE_BYTES: Final = 67_108_864
"""Shared by all partitions of a worker."""
STATE: Final = b"v"
"""Before each visitor's key, so that no visitor can choose an id that is one of ours."""
OFFSET: Final = b"m:offset"
COUNT: Final = b"m:count"
WRITTEN_AT: Final = b"m:written_at"
NUMBER: Final = struct.Struct(">q")
STALE_AFTER_S: Final = 12 * 3600.0
"""Half of how long a changelog keeps tombstones: what was away for longer may have missed that a visitor is gone."""


class StoreDamaged(RuntimeError):
    """The store on disk cannot be read or written; the text says where and why. It is rebuilt from the changelog."""


class StoreFull(StoreDamaged):
    """There is no room for the store on its disk."""


NO_ROOM: Final = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


def damage_at(place: Path, error: Exception) -> StoreDamaged:
    """What is wrong with the store there; of RocksDB's errors only the text tells."""
    is_full = any(reason in str(error) for reason in NO_ROOM)
    return (StoreFull if is_full else StoreDamaged)(f"{place}: {error}")


class Shelf(Protocol):
    """One partition's states. `write` is all or nothing."""

    offset: int | None
    """The last changelog record whose state is here; None when there may be anything."""

    def get(self, key: bytes) -> bytes | None: ...

    def write(self, states: Mapping[bytes, bytes | None], offset: int | None, added: int) -> None:
        """Keep the states (None deletes), `added` more visitors than before, the changelog being in them up to `offset`."""

    def after(self, key: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """At most `limit` states from the one after `key` on, in an order of the shelf's own that reaches each once."""

    def values(self) -> Iterator[bytes]: ...

    def __len__(self) -> int: ...

    @property
    def size_bytes(self) -> int:
        """Keys and values in memory, or files and buffers on disk."""

    def close(self) -> None:
        """Raises `StoreDamaged` when not all could be written; what was kept is kept."""


class MemoryShelf:
    """States in a dictionary, gone with the process."""

    def __init__(self) -> None:
        self.offset: int | None = None
        self.size_bytes = 0
        self._states: dict[bytes, bytes] = {}
        self._round: Iterator[bytes] = iter(())

    def get(self, key: bytes) -> bytes | None:
        return self._states.get(key)

    def write(self, states: Mapping[bytes, bytes | None], offset: int | None, added: int) -> None:
        for key, raw in states.items():
            known = self._states.get(key)
            if known is not None:
                self.size_bytes -= len(key) + len(known)
            if raw is not None:
                self.size_bytes += len(key) + len(raw)
                self._states[key] = raw
            elif known is not None:
                del self._states[key]
        self.offset = offset if offset is not None else self.offset

    def after(self, key: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        if not key:
            self._round = iter(list(self._states))
        return [(each, raw) for each in islice(self._round, limit) if (raw := self._states.get(each)) is not None]

    def values(self) -> Iterator[bytes]:
        yield from list(self._states.values())  # read in a thread, while the next recovery may write

    def __len__(self) -> int:
        return len(self._states)

    def close(self) -> None:
        self._states.clear()


class RocksShelf:
    """States in a RocksDB of their own. A write reaches the operating system at once: SIGKILL loses none."""

    def __init__(self, folder: Path, cache: Any, clock: Callable[[], float]) -> None:
        """Opens what is there, or begins anew when it cannot be opened or was away for too long. Raises `StoreDamaged`."""
        self._folder = folder
        self._clock = clock
        now = clock()
        try:
            self._open(cache, now)
            self.offset = self._number(OFFSET)
            self._count = self._number(COUNT) or 0
        except StoreDamaged:
            raise
        except Exception as error:  # anew it cannot be opened either
            raise self._damaged(error) from error

    def _open(self, cache: Any, now: float) -> None:
        try:
            self._db = _opened(self._folder, cache)
            written_at = self._number(WRITTEN_AT)
        except Exception as error:  # rocksdict has no kinds of its own
            if "lock" in str(error):  # ours, and still in use: not a reason to remove it
                raise self._damaged(error) from error
            log.warning("%s cannot be opened (%s); it is rebuilt from the changelog", self._folder, error)
            self._begin_anew(cache, "damaged")
        else:
            if written_at is not None and now - written_at > STALE_AFTER_S:
                log.info("%s was away for %d s; it is rebuilt from the changelog", self._folder, now - written_at)
                self._begin_anew(cache, "stale")

    def get(self, key: bytes) -> bytes | None:
        try:
            raw: bytes | None = self._db.get(STATE + key)
        except Exception as error:
            raise self._damaged(error) from error
        return raw

    def write(self, states: Mapping[bytes, bytes | None], offset: int | None, added: int) -> None:
        batch = rocksdict.WriteBatch(raw_mode=True)
        for key, raw in states.items():
            if raw is None:
                batch.delete(STATE + key)
            else:
                batch.put(STATE + key, raw)
        count = self._count + added
        batch.put(COUNT, NUMBER.pack(count))
        batch.put(WRITTEN_AT, NUMBER.pack(int(self._clock())))
        if offset is not None:
            batch.put(OFFSET, NUMBER.pack(offset))
        try:
            self._db.write(batch)
        except Exception as error:
            raise self._damaged(error) from error
        self._count = count
        self.offset = offset if offset is not None else self.offset

    def after(self, key: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        found = list(islice(self._from(key), limit + 1))
        return [pair for pair in found if pair[0] != key or not key][:limit]

    def values(self) -> Iterator[bytes]:
        return (raw for _, raw in self._from(b""))

    def __len__(self) -> int:
        return self._count

    @property
    def size_bytes(self) -> int:
        names = ("rocksdb.total-sst-files-size", "rocksdb.cur-size-all-mem-tables")
        return sum(self._db.property_int_value(name) or 0 for name in names)

    def close(self) -> None:
        try:
            self._db.close()
        except Exception as error:
            raise self._damaged(error) from error

    def _from(self, key: bytes) -> Iterator[tuple[bytes, bytes]]:
        try:
            at: Any = self._db.iter()
            at.seek(STATE + key)
            while at.valid() and (each := at.key()).startswith(STATE):
                yield each[len(STATE) :], at.value()
                at.next()
            at.status()  # a file that cannot be read ends the iteration as if it were the last
        except Exception as error:
            raise self._damaged(error) from error

    def _number(self, name: bytes) -> int | None:
        raw = self._db.get(name)
        return None if raw is None else int(NUMBER.unpack(raw)[0])

    def _begin_anew(self, cache: Any, cause: str) -> None:
        if hasattr(self, "_db"):
            self._db.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._db = _opened(self._folder, cache)
        REBUILDS.labels(cause).inc()

    def _damaged(self, error: Exception) -> StoreDamaged:
        return damage_at(self._folder, error)


def shared_cache() -> Any:
    return rocksdict.Cache(BLOCK_CACHE_BYTES)


def _opened(folder: Path, cache: Any) -> rocksdict.Rdict:
    options = rocksdict.Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(2)
    options.set_max_open_files(256)
    options.set_max_background_jobs(2)
    options.set_keep_log_file_num(2)
    options.set_level_compaction_dynamic_level_bytes(True)
    options.set_compression_type(rocksdict.DBCompressionType.lz4())
    blocks = rocksdict.BlockBasedOptions()
    blocks.set_block_cache(cache)
    blocks.set_bloom_filter(10, block_based=False)
    blocks.set_cache_index_and_filter_blocks(True)
    options.set_block_based_table_factory(blocks)
    return rocksdict.Rdict(str(folder), options=options)
