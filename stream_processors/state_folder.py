"""A worker's own folder for its store on disk: held by one process at a time, and tied to one Kafka cluster."""

import fcntl
import itertools
import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from stream_processors.shelves import REBUILDS, RocksShelf, Shelf, damage_at, shared_cache

log = logging.getLogger(__name__)

CLUSTER: Final = "cluster"
DISTRUSTED: Final = "distrusted"
PARTITIONS: Final = "partitions"


class StateFolder:
    """`worker-0`, `worker-1`, … in the state directory: the first that no living process holds.

    A worker that starts again finds its own; two workers on one machine, or one that hangs while another takes over,
    never meet. The lock ends with the process, however it ends.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def claimed(cls, state_dir: Path, cluster_id: str) -> Self:
        """Claim a folder. What another cluster's changelog, or a worker that distrusted it, left there is removed."""
        for number in itertools.count():
            path = state_dir / f"worker-{number}"
            path.mkdir(parents=True, exist_ok=True)
            lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            folder = cls(path, lock)
            folder._prepare(cluster_id)
            return folder
        raise AssertionError("unreachable")

    def partition(self, number: int) -> Path:
        """Where the RocksDB of a partition is."""
        return self.path / PARTITIONS / str(number)

    def release(self) -> None:
        """Let the next worker have it."""
        os.close(self._lock)

    def distrust(self) -> None:
        """Have everything rebuilt from the changelog at the next start."""
        try:
            (self.path / DISTRUSTED).touch()
        except OSError:  # the disk is full; to remove something it needs no room
            (self.path / CLUSTER).unlink(missing_ok=True)

    def _prepare(self, cluster_id: str) -> None:
        known, distrusted = self.path / CLUSTER, self.path / DISTRUSTED
        cause = None
        if distrusted.exists():
            cause = "distrusted"
        elif (self.path / PARTITIONS).exists() and (not known.exists() or known.read_text() != cluster_id):
            cause = "other_cluster"
        if cause is not None:
            log.warning("the store in %s is rebuilt from the changelog: %s", self.path, cause)
            shutil.rmtree(self.path / PARTITIONS, ignore_errors=True)
            distrusted.unlink(missing_ok=True)
            REBUILDS.labels(cause).inc()
        (self.path / PARTITIONS).mkdir(exist_ok=True)
        known.write_text(cluster_id)


class DiskShelves:
    """Opens RocksDB shelves, in a folder that is claimed once there is a first partition, and Kafka to ask for its cluster."""

    def __init__(self, state_dir: Path, cluster_id: Callable[[], str]) -> None:
        self._state_dir = state_dir
        self._cluster_id = cluster_id
        self._folder: StateFolder | None = None
        self._cache = shared_cache()

    def __call__(self, partition: int) -> Shelf:
        if self._folder is None:
            cluster_id = self._cluster_id()
            try:
                self._folder = StateFolder.claimed(self._state_dir, cluster_id)
            except OSError as error:
                raise damage_at(self._state_dir, error) from error
        return RocksShelf(self._folder.partition(partition), self._cache, time.time)

    def distrust(self) -> None:
        """Have everything rebuilt from the changelog at the next start."""
        if self._folder is not None:
            self._folder.distrust()
