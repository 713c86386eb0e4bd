"""Shelves in RocksDB: what is on disk is gone on with, begun anew, or told to be bad."""

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from stream_processors.shelves import RocksShelf, StoreDamaged, StoreFull, damage_at, shared_cache
from stream_processors.state_folder import StateFolder
from stream_processors.visitors import VisitorStore
from tests.shelved import CHANGELOG, place, state, states_on

HOUR = 3600.0


def on_disk(folder: Path, now: float = 0.0) -> RocksShelf:
    return RocksShelf(folder, shared_cache(), lambda: now)


def test_rocksdb_goes_on_where_it_was(tmp_path: Path) -> None:
    shelf = on_disk(tmp_path / "3")
    shelf.write({b"ada": state(2), b"bob": state(1)}, 41, 2)
    shelf.close()
    again = on_disk(tmp_path / "3", now=HOUR)
    assert (again.offset, len(again), again.get(b"ada")) == (41, 2, state(2))


def test_rocksdb_that_was_away_for_longer_than_tombstones_are_kept_for_sure_begins_anew(tmp_path: Path) -> None:
    shelf = on_disk(tmp_path / "3")
    shelf.write({b"ada": state(2)}, 41, 1)
    shelf.close()
    again = on_disk(tmp_path / "3", now=13 * HOUR)
    assert (again.offset, len(again), again.get(b"ada")) == (None, 0, None)


def test_rocksdb_that_cannot_be_opened_begins_anew(tmp_path: Path) -> None:
    shelf = on_disk(tmp_path / "3")
    shelf.write({b"ada": state(2)}, 41, 1)
    shelf.close()
    (tmp_path / "3" / "CURRENT").write_text("nonsense")
    again = on_disk(tmp_path / "3")
    assert (again.offset, again.get(b"ada")) == (None, None)


def test_a_file_that_went_bad_is_told_and_is_no_visitors_fault(tmp_path: Path) -> None:
    shelf = on_disk(tmp_path / "3")
    shelf.write({b"%d" % number: state(3, str(number)) for number in range(2_000)}, 41, 2_000)
    shelf._db.flush()
    shelf.close()
    (table,) = (tmp_path / "3").glob("*.sst")
    raw = bytearray(table.read_bytes())
    raw[1_000:9_000] = bytes(8_000)
    table.write_bytes(raw)
    states = states_on(lambda partition: on_disk(tmp_path / str(partition)))
    assert states.persisted_offset(place(3)) == 41
    with pytest.raises(StoreDamaged):
        list(VisitorStore(states, CHANGELOG, 10).recovered())
    assert states.damage is not None


def test_a_folder_that_takes_no_mark_of_distrust_loses_that_of_its_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = StateFolder.claimed(tmp_path, "c")
    (folder.partition(3)).mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "touch", raises(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
        folder.distrust()
    folder.release()
    again = StateFolder.claimed(tmp_path, "c")
    assert not again.partition(3).exists()
    again.release()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_disk_without_room_is_told_apart_from_one_that_fails(tmp_path: Path, number: int) -> None:
    assert isinstance(damage_at(tmp_path, Exception(f"IO error: {os.strerror(number)}: a.sst")), StoreFull)
    assert not isinstance(damage_at(tmp_path, Exception("Corruption: block checksum mismatch")), StoreFull)


def test_what_cannot_be_closed_well_keeps_nobody_from_closing_the_rest(tmp_path: Path) -> None:
    states = states_on(lambda partition: on_disk(tmp_path / str(partition)))
    bad, good = states.shelf(1), states.shelf(2)
    real, bad.close = bad.close, raises(StoreDamaged("no room"))  # type: ignore[method-assign]
    asyncio.run(states.on_stop())
    assert states.shelves == {}
    with pytest.raises(StoreDamaged):
        good.get(b"ada")
    real()


def raises(error: Exception) -> Any:
    def fails(*_: object) -> None:
        raise error

    return fails


def test_no_visitor_can_choose_the_key_of_our_own_notes(tmp_path: Path) -> None:
    shelf = on_disk(tmp_path / "3")
    shelf.write({b"m:offset": state(1), b"": state(1)}, 7, 2)
    assert (shelf.offset, len(list(shelf.values()))) == (7, 2)
    shelf.close()
    assert on_disk(tmp_path / "3").offset == 7


def test_two_workers_on_one_machine_have_a_folder_each_and_the_next_takes_a_free_one(tmp_path: Path) -> None:
    first, second = StateFolder.claimed(tmp_path, "c"), StateFolder.claimed(tmp_path, "c")
    assert (first.path.name, second.path.name) == ("worker-0", "worker-1")
    first.release()
    third = StateFolder.claimed(tmp_path, "c")
    assert third.path.name == "worker-0"
    for folder in (second, third):
        folder.release()


@pytest.mark.parametrize(
    ("cluster", "is_distrusted", "is_kept"), [("c", False, True), ("d", False, False), ("c", True, False)]
)
def test_what_is_of_another_cluster_or_not_to_be_believed_is_removed(
    tmp_path: Path, cluster: str, is_distrusted: bool, is_kept: bool
) -> None:
    folder = StateFolder.claimed(tmp_path, "c")
    (folder.partition(3)).mkdir()
    if is_distrusted:
        folder.distrust()
    folder.release()
    for _ in range(2):
        again = StateFolder.claimed(tmp_path, cluster)
        assert again.partition(3).exists() == is_kept
        again.release()
