"""One file of the spool: appended to until it is sealed, then read, then removed."""

import logging
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from producers.ingest.spool_frames import Damage, Frame, TornTail, framed, pieces_of

log = logging.getLogger(__name__)

WAITS: Final = ".spool"
DAMAGED: Final = ".damaged"
REFUSED: Final = ".refused"
_NAME: Final = re.compile(rf"(\d+)-(\d+)\{WAITS}")


@dataclass(slots=True)
class Segment:
    """A file named by its number and by when it was begun (Unix ms)."""

    path: Path
    number: int
    begun_at_ms: int
    size_bytes: int = 0
    record_count: int = 0
    is_damaged: bool = False
    _descriptor: int | None = None

    @classmethod
    def begin(cls, folder: Path, number: int, at_ms: int, suffix: str = WAITS) -> Self:
        """A new file, whose name is on the disk too. Raises `OSError`."""
        path = folder / f"{number:010d}-{at_ms}{suffix}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        segment = cls(path, number, at_ms, _descriptor=descriptor)
        try:
            sync_folder(folder)
        except OSError:
            segment.seal()
            path.unlink(missing_ok=True)
            raise
        return segment

    @classmethod
    def found(cls, path: Path) -> Self | None:
        """A file that an earlier process left, sealed; None when it is no segment that waits. Raises `OSError`."""
        name = _NAME.fullmatch(path.name)
        if name is None:
            return None
        data = path.read_bytes()
        record_count = sum(piece.record_count for piece in pieces_of(data) if isinstance(piece, Frame))
        return cls(path, int(name[1]), int(name[2]), len(data), record_count)

    @property
    def is_open(self) -> bool:
        return self._descriptor is not None

    def append(self, batches: list[bytes], record_count: int) -> None:
        """Return once all are on the disk. Raises `OSError`: then none is, and the segment is sealed."""
        assert self._descriptor is not None, "a sealed segment gets nothing more"
        data = memoryview(b"".join(batches))
        at = self.size_bytes
        try:
            while data:
                written = os.pwrite(self._descriptor, data, at)
                data, at = data[written:], at + written
            os.fsync(self._descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self.size_bytes)
            self.seal()
            raise
        self.size_bytes = at
        self.record_count += record_count

    def seal(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def frames(self) -> list[Frame]:
        """Every sound batch; says what else is in the file. Raises `OSError`."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            log.error("%s is gone, and with it %d events; was it removed by hand?", self.path, self.record_count)
            return []
        frames = []
        for piece in pieces_of(data):
            match piece:
                case Frame():
                    frames.append(piece)
                case Damage(start, end):
                    self.is_damaged = True
                    log.error("%s is damaged from byte %d to %d; the rest is published", self.path, start, end)
                case TornTail(start, end):
                    log.warning("%s: its last %d bytes were never acknowledged; cut off", self.path, end - start)
        return frames

    def remove(self) -> None:
        """Remove the file, or keep a damaged one for people."""
        self.seal()
        # One that cannot be removed is published again after a restart, which is harmless.
        with suppress(OSError):
            if self.is_damaged:
                self.path.rename(self.path.with_suffix(DAMAGED))
            else:
                self.path.unlink()


def set_aside(folder: Path, number: int, at_ms: int, batch: Frame) -> Path:
    """Write a batch into a file that nothing drains; renamed to `.spool` it is drained. Raises `OSError`."""
    segment = Segment.begin(folder, number, at_ms, REFUSED)
    segment.append([framed(batch)], batch.record_count)
    segment.seal()
    return segment.path


def kept_files(folder: Path) -> int:
    """How many files wait for people rather than for Kafka."""
    return sum(path.suffix in (DAMAGED, REFUSED) for path in folder.iterdir())


def sync_folder(folder: Path) -> None:
    """Return once the names in a folder are on the disk. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
