"""The folder of one running pipeline: its lock, its logs, and where its passing data is."""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

import psutil

FOLDER: Final = Path(".shopstream")
"""Where `shopstream up` keeps its lock and its logs, under the folder it is started in."""
DATA_PREFIX: Final = "shopstream-data-"


class FolderInUse(RuntimeError):
    """Another pipeline runs in this folder; the text says which process, and what to do."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """`logs` and `spool` stay after the run, `data` is removed at its end."""

    logs: Path
    data: Path
    _lock: TextIO = field(repr=False)

    def log(self, service: str) -> Path:
        return self.logs / f"{service}.log"

    @property
    def spool(self) -> Path:
        """What ingest acknowledged and Kafka has not; for a Kafka that outlives the run."""
        return self.logs.parent / "spool"

    def announce(self, environ: Mapping[str, str]) -> None:
        """Tell other commands in this folder how to reach what runs here; see `environ_of_run`."""
        note = {"pid": os.getpid(), "started_at": time.time(), "data": str(self.data), "environ": dict(environ)}
        self._lock.seek(0)
        self._lock.truncate()
        json.dump(note, self._lock)
        self._lock.flush()


@contextlib.contextmanager
def run_folder(folder: Path) -> Iterator[RunFolder]:
    """Hold the folder for the length of a `with` block; raises `FolderInUse`.

    The lock is the kernel's, so it ends with its process however that ends; what a killed run left behind is removed here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / "lock"
    with _locked(lock) as held:
        _remove_leftovers(held.read())
        logs = folder / "logs"
        logs.mkdir(exist_ok=True)
        for old in logs.glob("*.log"):
            old.unlink()
        data = Path(tempfile.mkdtemp(prefix=DATA_PREFIX))
        running = RunFolder(logs, data, held)
        try:
            running.announce({})
            yield running
        finally:
            shutil.rmtree(data, ignore_errors=True)
            lock.unlink(missing_ok=True)


def environ_of_run(folder: Path = FOLDER) -> dict[str, str]:
    """The settings that reach the pipeline running in `folder`; empty when none runs."""
    try:
        note = _note((folder / "lock").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return {}
    environ = note.get("environ")
    return {str(k): str(v) for k, v in environ.items()} if isinstance(environ, dict) and _is_alive(note) else {}


def _is_alive(note: Mapping[str, object]) -> bool:
    pid, started_at = note.get("pid"), note.get("started_at")
    if not isinstance(pid, int) or not isinstance(started_at, float):
        return False
    try:
        return psutil.Process(pid).create_time() <= started_at
    except psutil.Error:
        return False


@contextlib.contextmanager
def _locked(lock: Path) -> Iterator[TextIO]:
    while True:
        with open(lock, "a+", encoding="utf-8", errors="replace", opener=_for_us_only) as held:
            held.seek(0)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise FolderInUse(_in_use(lock.parent, held.read())) from error
            # A run that ended between our open and our lock has removed the file that we now hold.
            with contextlib.suppress(FileNotFoundError):
                if os.fstat(held.fileno()).st_ino == lock.stat().st_ino:
                    yield held
                    return


def _for_us_only(path: str, flags: int) -> int:
    # The lock names the servers of the run; a connection string may hold a password.
    return os.open(path, flags, 0o600)


def _in_use(folder: Path, text: str) -> str:
    pid = _note(text).get("pid")
    holder = f"process {pid}" if pid else "another process"
    return f"`shopstream up` already runs in {folder} ({holder}); stop that one, or start this one in another folder"


def _remove_leftovers(text: str) -> None:
    """Remove the data of a run that could not do it itself; only what carries our prefix."""
    data = _note(text).get("data")
    if isinstance(data, str) and Path(data).name.startswith(DATA_PREFIX):
        shutil.rmtree(data, ignore_errors=True)


def _note(text: str) -> dict[str, object]:
    try:
        note = json.loads(text)
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}
