"""The folder of a run: one run at a time, nothing left behind."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from shopstream.run_folder import FolderInUse, RunFolder, environ_of_run, run_folder


def test_a_run_leaves_its_logs_and_nothing_else(tmp_path: Path) -> None:
    with run_folder(tmp_path / ".shopstream") as folder:
        folder.log("ingest").write_text("hello")
        (folder.data / "postgres").mkdir()
    assert not folder.data.exists()
    assert [path.name for path in (tmp_path / ".shopstream").iterdir()] == ["logs"]
    assert folder.log("ingest").read_text() == "hello"


def test_a_run_does_not_keep_the_logs_of_the_one_before(tmp_path: Path) -> None:
    with run_folder(tmp_path) as folder:
        folder.log("ingest").write_text("old")
    with run_folder(tmp_path) as folder:
        assert not folder.log("ingest").exists()


def test_a_second_run_in_one_folder_says_who_holds_it(tmp_path: Path) -> None:
    with run_folder(tmp_path), pytest.raises(FolderInUse, match=f"process {os.getpid()}.*another folder"):  # noqa: SIM117  the order matters
        with run_folder(tmp_path):
            pass


def test_the_lock_of_a_killed_run_heals_and_its_data_is_removed(tmp_path: Path) -> None:
    program = f"""
        import sys, time
        from pathlib import Path
        from shopstream.run_folder import run_folder
        with run_folder(Path({str(tmp_path)!r})) as folder:
            print(folder.data, flush=True)
            time.sleep(60)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        data = Path(killed.stdout.readline().strip())
        assert data.exists()
        killed.send_signal(signal.SIGKILL)
    with run_folder(tmp_path):
        assert not data.exists()
    assert not (tmp_path / "lock").exists()


def test_a_run_that_cannot_write_its_lock_leaves_no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def full(_folder: RunFolder, _environ: dict[str, str]) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(RunFolder, "announce", full)
    with pytest.raises(OSError, match="No space left"), run_folder(tmp_path / ".shopstream"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".shopstream"]


def test_a_lock_that_a_crash_damaged_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"\xff\xfe{")
    assert environ_of_run(tmp_path) == {}
    with run_folder(tmp_path):
        assert "environ" in (tmp_path / "lock").read_text()


def test_only_our_own_data_is_ever_removed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (tmp_path / "lock").write_text(f'{{"pid": 1, "data": "{precious}"}}')
    with run_folder(tmp_path):
        pass
    assert precious.exists()


def test_a_lock_with_nonsense_in_it_heals(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("not json")
    with run_folder(tmp_path) as folder:
        assert folder.data.is_dir()


def test_other_commands_in_the_folder_learn_how_to_reach_what_runs_in_it(tmp_path: Path) -> None:
    with run_folder(tmp_path) as folder:
        folder.announce({"SHOPSTREAM_KAFKA_BROKERS": "127.0.0.1:12345"})
        assert environ_of_run(tmp_path) == {"SHOPSTREAM_KAFKA_BROKERS": "127.0.0.1:12345"}
        assert (tmp_path / "lock").stat().st_mode & 0o077 == 0
    assert environ_of_run(tmp_path) == {}


def test_what_a_killed_run_announced_is_not_believed(tmp_path: Path) -> None:
    note = '{"pid": %d, "started_at": 1.5, "environ": {"SHOPSTREAM_POSTGRES_DSN": "postgresql://gone"}}'
    (tmp_path / "lock").write_text(note % os.getpid())
    assert environ_of_run(tmp_path) == {}
