"""The spool on a real disk: what it keeps, what it refuses, and what it makes of files that a crash left."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from producers.ingest.spool import Spool, SpoolFull, SpoolInUse
from producers.ingest.spool_frames import Frame, framed

MIDNIGHT = 1_772_400_000.0


class Clock:
    def __init__(self) -> None:
        self.now = MIDNIGHT

    def __call__(self) -> float:
        return self.now


@contextmanager
def spooling(
    folder: Path, *, max_bytes: int = 1_000_000, max_age_s: float = 60.0, clock: Clock | None = None
) -> Iterator[Spool]:
    spool = Spool(folder, max_bytes=max_bytes, max_age_s=max_age_s, now=clock or Clock())
    spool.open()
    try:
        yield spool
    finally:
        spool.close()


def batch(text: str, record_count: int = 1) -> Frame:
    return Frame(record_count, text.encode())


def drained(spool: Spool) -> list[str]:
    """Everything in the spool, in order, as text; it is empty then."""
    found = []
    while (frames := spool.first()) is not None:
        found += [frame.payload.decode() for frame in frames]
        spool.remove_first()
    return found


def files(folder: Path, suffix: str) -> list[Path]:
    return sorted(folder.glob(f"*{suffix}"))


def test_the_name_of_a_new_folder_is_on_the_disk_before_anything_is_kept_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    with spooling(tmp_path / "ingest" / "spool"):
        assert sorted(synced) == [str(tmp_path), str(tmp_path / "ingest")]
    synced.clear()
    with spooling(tmp_path / "ingest" / "spool"):
        assert synced == []


def test_batches_come_out_in_the_order_they_went_in(tmp_path: Path) -> None:
    with spooling(tmp_path, max_bytes=2_000) as spool:
        for number in range(20):
            spool.store([batch(f"batch {number}a"), batch(f"batch {number}b")])
        assert len(files(tmp_path, ".spool")) > 3
        assert drained(spool) == [f"batch {number}{part}" for number in range(20) for part in "ab"]
        assert spool.is_empty
    assert list(tmp_path.iterdir()) == []


def test_what_is_stored_while_the_oldest_is_drained_comes_after_it(tmp_path: Path) -> None:
    with spooling(tmp_path) as spool:
        spool.store([batch("first")])
        frames = spool.first()
        spool.store([batch("second")])
        assert frames == [batch("first")]
        spool.remove_first()
        assert drained(spool) == ["second"]


def test_an_earlier_process_left_its_batches_to_the_next(tmp_path: Path) -> None:
    clock = Clock()
    with spooling(tmp_path, clock=clock) as spool:
        spool.store([batch("one", 3)])
        spool.store([batch("two", 4)])
    clock.now += 30
    with spooling(tmp_path, clock=clock) as spool:
        assert (spool.record_count, spool.oldest_s()) == (7, 30.0)
        spool.store([batch("three")])
        assert drained(spool) == ["one", "two", "three"]


def test_a_torn_tail_is_cut_and_what_was_acknowledged_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with spooling(tmp_path) as spool:
        spool.store([batch("whole")])
    (file,) = files(tmp_path, ".spool")
    file.write_bytes(file.read_bytes() + framed(batch("half written"))[:25])
    with spooling(tmp_path) as spool:
        assert spool.record_count == 1
        assert drained(spool) == ["whole"]
    assert "its last 25 bytes were never acknowledged" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_batch_is_said_and_kept_and_the_others_come_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with spooling(tmp_path) as spool:
        spool.store([batch("before"), batch("damaged"), batch("after")])
    (file,) = files(tmp_path, ".spool")
    file.write_bytes(file.read_bytes().replace(b"damaged", b"dam-ged"))
    with spooling(tmp_path) as spool:
        assert drained(spool) == ["before", "after"]
        assert "is damaged from byte" in caplog.text
        assert REGISTRY.get_sample_value("ingest_spool_kept_files") == 1
    (kept,) = files(tmp_path, ".damaged")
    assert b"dam-ged" in kept.read_bytes()
    with spooling(tmp_path) as spool:
        assert spool.is_empty
        assert REGISTRY.get_sample_value("ingest_spool_kept_files") == 1


def test_a_file_that_somebody_removed_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with spooling(tmp_path) as spool:
        spool.store([batch("gone", 5)])
        files(tmp_path, ".spool")[0].unlink()
        assert drained(spool) == []
    assert "and with it 5 events" in caplog.text


def test_a_batch_that_kafka_never_takes_is_kept_and_can_be_tried_again(tmp_path: Path) -> None:
    with spooling(tmp_path) as spool:
        spool.set_aside(batch("too large"))
        assert spool.is_empty
    (kept,) = files(tmp_path, ".refused")
    kept.rename(kept.with_suffix(".spool"))
    with spooling(tmp_path) as spool:
        assert drained(spool) == ["too large"]


def test_a_full_spool_refuses_and_takes_again_once_drained(tmp_path: Path) -> None:
    with spooling(tmp_path, max_bytes=10_000) as spool:
        spool.store([batch("x" * 8_000)])
        with pytest.raises(SpoolFull, match="SHOPSTREAM_INGEST_SPOOL_MAX_BYTES"):
            spool.store([batch("y" * 3_000)])
        assert "of at most 10000 bytes" in (spool.check() or "")
        assert drained(spool) == ["x" * 8_000]
        assert spool.check() is None
        spool.store([batch("y" * 3_000)])
        assert drained(spool) == ["y" * 3_000]


def test_too_old_events_stop_new_ones_and_are_never_thrown_away(tmp_path: Path) -> None:
    clock = Clock()
    with spooling(tmp_path, max_age_s=60, clock=clock) as spool:
        spool.store([batch("old")])
        clock.now += 61
        with pytest.raises(SpoolFull, match="SHOPSTREAM_INGEST_SPOOL_MAX_AGE_S"):
            spool.store([batch("new")])
        assert drained(spool) == ["old"]
        spool.store([batch("new")])
        assert drained(spool) == ["new"]


def test_two_processes_never_share_a_spool(tmp_path: Path) -> None:
    with spooling(tmp_path), pytest.raises(SpoolInUse, match="SHOPSTREAM_INGEST_SPOOL_DIR"), spooling(tmp_path):
        pass
    with spooling(tmp_path) as spool:
        assert spool.check() is None


FULL_DISK = """
import json, resource, sys
from pathlib import Path
from producers.ingest.spool import Spool, SpoolFull
from producers.ingest.spool_frames import Frame

spool = Spool(Path(sys.argv[1]), max_bytes=1_000_000, max_age_s=60)
spool.open()
spool.store([Frame(1, b"a" * 3_000)])
resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, 4_096))  # a disk that takes a part of a write
failures = []
for text in (b"b", b"c"):
    try:
        spool.store([Frame(1, text * 5_000)])
    except SpoolFull as error:
        failures.append(str(error))
spool.store([Frame(1, b"d")])
stored = []
while (frames := spool.first()) is not None:
    stored += [frame.payload.decode()[:1] for frame in frames]
    spool.remove_first()
print(json.dumps([failures, stored, [path.name for path in Path(sys.argv[1]).iterdir()]]))
"""


def test_a_full_disk_takes_all_of_a_write_or_nothing(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, check=True, text=True, timeout=60
    )
    failures, stored, left = json.loads(run.stdout)
    assert [("make room there" in failure) for failure in failures] == [True, True]
    assert (stored, left) == (["a", "d"], [])
    assert "damaged" not in run.stderr
    assert "acknowledged" not in run.stderr
