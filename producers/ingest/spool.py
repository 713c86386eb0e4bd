"""Batches on the local disk, in order, from when Kafka did not acknowledge them until it has."""

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from producers.ingest import metrics
from producers.ingest.spool_frames import Frame, framed
from producers.ingest.spool_segment import Segment, kept_files, set_aside, sync_folder

log = logging.getLogger(__name__)

_MOST_SEGMENT_BYTES: Final = 1_048_576
_PROBE: Final = bytes(4096)


class SpoolInUse(RuntimeError):
    """Another process holds the spool; the text says what to do."""


class SpoolFull(OSError):
    """The spool takes no more now: its bounds or its disk say no. Nothing of what was to be stored is."""


class Spool:
    """One folder of segments, written and read by one thread of one process; its figures may be read by any."""

    def __init__(self, folder: Path, *, max_bytes: int, max_age_s: float, now: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        # What is drained is given back, and after a crash published again, a segment at a time.
        self._segment_bytes = min(_MOST_SEGMENT_BYTES, max_bytes // 8)
        self._now = now
        self._segments: list[Segment] = []  # tuple() of a list is one step, also for another thread
        self._number = 0
        self._lock: int | None = None

    def open(self) -> None:
        """Lock the folder and take up what an earlier process left. Raises `SpoolInUse` or `OSError`."""
        new = [each for each in (self.folder, *self.folder.parents) if not each.exists()]
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for each in new:  # else a power cut could take the folder, with every segment in it
            sync_folder(each.parent)
        self._lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            raise SpoolInUse(
                f"another process keeps its spool in {self.folder}; "
                "give each ingest a folder of its own with SHOPSTREAM_INGEST_SPOOL_DIR"
            ) from error
        found = [segment for path in self.folder.iterdir() if (segment := Segment.found(path)) is not None]
        self._segments = sorted(found, key=lambda segment: segment.number)
        self._number = max((segment.number for segment in found), default=0)
        metrics.SPOOL_KEPT_FILES.set(kept_files(self.folder))
        if found:
            log.warning("%d events of an earlier run wait in the spool %s", self.record_count, self.folder)

    def close(self) -> None:
        """Let go of the folder; what is in it stays."""
        for segment in self._segments:
            segment.seal()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def is_empty(self) -> bool:
        return not self._segments

    @property
    def size_bytes(self) -> int:
        return sum(segment.size_bytes for segment in tuple(self._segments))

    @property
    def record_count(self) -> int:
        return sum(segment.record_count for segment in tuple(self._segments))

    def oldest_s(self) -> float:
        """Age of the oldest segment that waits, 0 when none does."""
        oldest = next(iter(tuple(self._segments)), None)
        return 0.0 if oldest is None else max(0.0, self._now() - oldest.begun_at_ms / 1000)

    def check(self) -> str | None:
        """None when a batch could be stored now, else one sentence that says why not; tries the disk."""
        if (problem := self._bound_reached(len(_PROBE))) is not None:
            return problem
        try:
            with tempfile.TemporaryFile(dir=self.folder) as probe:
                probe.write(_PROBE)
                probe.flush()
                os.fsync(probe.fileno())
        except OSError as error:
            return self._unwritable(error)
        return None

    def store(self, batches: Sequence[Frame]) -> None:
        """Return once every batch is on the disk, with one fsync for all. Raises `SpoolFull`; then none is."""
        frames = list(map(framed, batches))
        if (problem := self._bound_reached(sum(map(len, frames)))) is not None:
            raise SpoolFull(problem)
        record_count = sum(batch.record_count for batch in batches)
        try:
            segment = self._segment_to_append_to()
            try:
                segment.append(frames, record_count)
            finally:
                if not segment.size_bytes:
                    self._segments.remove(segment)
                    segment.remove()
        except OSError as error:
            raise SpoolFull(self._unwritable(error)) from error
        metrics.SPOOL_RECORDS.labels("stored").inc(record_count)

    def first(self) -> list[Frame] | None:
        """What the oldest segment holds, which then gets nothing more; None when the spool is empty. Raises `OSError`."""
        if not self._segments:
            return None
        self._segments[0].seal()
        return self._segments[0].frames()

    def remove_first(self) -> int:
        """Forget the oldest segment: Kafka has all that is readable of it. Returns how many bytes that gave back."""
        segment = self._segments.pop(0)
        segment.remove()
        metrics.SPOOL_RECORDS.labels("drained").inc(segment.record_count)
        if segment.is_damaged:
            metrics.SPOOL_KEPT_FILES.set(kept_files(self.folder))
        return segment.size_bytes

    def set_aside(self, batch: Frame) -> None:
        """Keep for people what Kafka never takes. Raises `OSError`."""
        self._number += 1
        path = set_aside(self.folder, self._number, self._now_ms(), batch)
        metrics.SPOOL_KEPT_FILES.set(kept_files(self.folder))
        log.error("Kafka never takes %d records of the spool; they are kept in %s", batch.record_count, path)

    def _segment_to_append_to(self) -> Segment:
        last = self._segments[-1] if self._segments else None
        if last is not None and last.is_open and last.size_bytes < self._segment_bytes:
            return last
        if last is not None:
            last.seal()
        self._number += 1
        segment = Segment.begin(self.folder, self._number, self._now_ms())
        self._segments.append(segment)
        return segment

    def _bound_reached(self, more_bytes: int) -> str | None:
        size = self.size_bytes
        if size + more_bytes > self._max_bytes:
            return f"the spool holds {size} of at most {self._max_bytes} bytes (SHOPSTREAM_INGEST_SPOOL_MAX_BYTES)"
        if (oldest_s := self.oldest_s()) > self._max_age_s:
            return (
                f"the spool holds events {oldest_s:.0f} s old, and takes no more after {self._max_age_s:g} s "
                "(SHOPSTREAM_INGEST_SPOOL_MAX_AGE_S); nothing is thrown away, bring Kafka back"
            )
        return None

    def _unwritable(self, error: OSError) -> str:
        return f"the spool in {self.folder} cannot be written: {error.strerror}; make room there"

    def _now_ms(self) -> int:
        return int(self._now() * 1000)
