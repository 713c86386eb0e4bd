"""The registry: versions that never change, one champion at a time, and a line of champions to go back along."""

import errno
import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from models import registry as registry_module
from models.card import CARD_FILE, MODEL_FILE
from models.registry import DEFAULT, Registry, RegistryError, champions, fit
from models.serving import ModelMismatch, Scorer
from tests.factories import DAY
from tests.models import model_in


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """With three versions, `a-1`, `b-2` and `c-3`, and the model that ships as champion."""
    found = Registry(tmp_path / "registry")
    for version in ("a-1", "b-2", "c-3"):
        found.add(model_in(tmp_path / version, version))
    return found


def at(minutes: int = 0) -> datetime:
    return DAY + timedelta(minutes=minutes)


def promoted(registry: Registry, *versions: str) -> Registry:
    for number, version in enumerate(versions):
        registry.promote(version, by="ada", at=at(number))
    return registry


def test_without_a_folder_the_model_that_ships_is_champion(tmp_path: Path) -> None:
    found = Registry(tmp_path / "none")
    assert (found.state().champion, found.state().challenger, found.versions()) == (DEFAULT, None, [DEFAULT])
    assert found.load(DEFAULT).card == Scorer.load().card


def test_a_version_is_copied_in_under_its_own_name(registry: Registry, tmp_path: Path) -> None:
    assert registry.versions() == [DEFAULT, "a-1", "b-2", "c-3"]
    assert registry.card("a-1") == Scorer.load(tmp_path / "a-1").card


def test_adding_the_same_again_changes_nothing_and_another_under_its_name_is_refused(
    registry: Registry, tmp_path: Path
) -> None:
    assert registry.add(tmp_path / "a-1") == "a-1"
    with pytest.raises(RegistryError, match=r"another model with version a-1.*add again"):
        registry.add(model_in(tmp_path / "other", "a-1", likelihood=0.5))
    assert registry.card("a-1") == Scorer.load(tmp_path / "a-1").card


@pytest.mark.parametrize("name", [CARD_FILE, MODEL_FILE])
@pytest.mark.parametrize("left", [None, 1_000])
def test_adding_a_damaged_version_again_makes_it_whole(
    name: str, left: int | None, registry: Registry, tmp_path: Path
) -> None:
    """As when somebody's own copy was interrupted, or the disk was full: what is there can be served by nobody."""
    file = registry.folder_of("a-1") / name
    file.unlink() if left is None else file.write_bytes(file.read_bytes()[:left])
    with pytest.raises((ModelMismatch, RegistryError)):
        registry.promote("a-1", by="ada", at=at())
    assert registry.add(tmp_path / "a-1") == "a-1"
    registry.promote("a-1", by="ada", at=at())
    assert registry.versions() == [DEFAULT, "a-1", "b-2", "c-3"]
    assert [each.name for each in (registry.folder / "versions").glob(".*")] == [], "nothing is left over"


def test_a_file_in_place_of_the_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "registry").write_text("no folder")
    for folder in (tmp_path / "registry", tmp_path / "registry" / "below"):
        with pytest.raises(RegistryError, match="cannot be a registry"):
            Registry(folder).promote(DEFAULT, by="ada", at=at())


def test_a_full_disk_is_said_of_the_registry_and_changes_nothing(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promoted(registry, "a-1")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    monkeypatch.setattr("shutil.copyfile", full)
    for refused in (lambda: promoted(registry, "b-2"), lambda: registry.add(model_in(tmp_path / "d", "d-4"))):
        with pytest.raises(RegistryError, match=r"registry cannot be written: No space left on device; nothing was"):
            refused()
    assert (registry.state().champion, registry.versions()) == ("a-1", [DEFAULT, "a-1", "b-2", "c-3"])


def test_a_rollback_to_a_version_that_was_removed_says_so(registry: Registry) -> None:
    promoted(registry, "a-1", "b-2")
    shutil.rmtree(registry.folder_of("a-1"))
    with pytest.raises(RegistryError, match="there is no version a-1; `shopstream models ls`"):
        registry.rollback(by="ada", at=at(5))
    assert registry.state().champion == "b-2"


def test_a_folder_copied_by_hand_under_another_name_is_not_put_in_force(registry: Registry) -> None:
    shutil.copytree(registry.folder_of("a-1"), registry.folder_of("copy-of-a"))
    for refused in (registry.promote, registry.shadow):
        with pytest.raises(ModelMismatch, match=r"copy-of-a holds the model a-1.*`shopstream models add .*copy-of-a`"):
            refused("copy-of-a", by="ada", at=at())
    assert registry.state().changes == ()


def test_what_an_interrupted_add_left_is_no_version(registry: Registry, tmp_path: Path) -> None:
    model_in(tmp_path / "registry" / "versions" / ".adding-x1", "d-4")
    assert registry.versions() == [DEFAULT, "a-1", "b-2", "c-3"]


def test_promoting_tells_who_when_and_from_what(registry: Registry) -> None:
    promoted(registry, "a-1", "b-2")
    state = registry.state()
    assert state.champion == "b-2"
    assert [(change.by, change.at, change.champion) for change in state.changes] == [
        ("ada", at(0), "a-1"),
        ("ada", at(1), "b-2"),
    ]
    written = json.loads(registry.state_file.read_text())
    assert written["champion"] == "b-2"


def test_a_rollback_goes_back_one_champion_and_another_one_further(registry: Registry) -> None:
    promoted(registry, "a-1", "b-2", "c-3")
    back = [registry.rollback(by="ada", at=at(9)).champion for _ in range(3)]
    assert back == ["b-2", "a-1", DEFAULT]
    with pytest.raises(RegistryError, match="nothing to roll back to"):
        registry.rollback(by="ada", at=at(9))


def test_after_a_rollback_the_line_goes_on_from_there(registry: Registry) -> None:
    promoted(registry, "a-1", "b-2").rollback(by="ada", at=at(8))
    promoted(registry, "c-3")
    assert champions(registry.state()) == [DEFAULT, "a-1", "c-3"]


def test_a_shadow_changes_no_champion_and_ends_when_it_is_promoted(registry: Registry) -> None:
    registry.shadow("a-1", by="ada", at=at())
    assert (registry.state().champion, registry.state().challenger) == (DEFAULT, "a-1")
    promoted(registry, "b-2")
    assert registry.state().challenger == "a-1"
    promoted(registry, "a-1")
    assert registry.state().challenger is None
    with pytest.raises(RegistryError, match="nothing is in the shadow already"):
        registry.shadow(None, by="ada", at=at())
    with pytest.raises(RegistryError, match="must be another version"):
        registry.shadow("a-1", by="ada", at=at())


def test_promoting_the_champion_again_is_told_and_changes_nothing(registry: Registry) -> None:
    promoted(registry, "a-1")
    before = registry.state_file.read_bytes()
    with pytest.raises(RegistryError, match="already"):
        registry.promote("a-1", by="ada", at=at())
    assert registry.state_file.read_bytes() == before


@pytest.mark.parametrize("version", ["unheard-of", "../versions/a-1", ".", "", "a/b"])
def test_a_version_that_is_none_is_refused_with_where_to_look(registry: Registry, version: str) -> None:
    with pytest.raises(RegistryError, match="models ls"):
        registry.promote(version, by="ada", at=at())


def test_a_broken_model_cannot_be_added_promoted_or_rolled_back_to(registry: Registry, tmp_path: Path) -> None:
    promoted(registry, "a-1", "b-2")
    for version in ("a-1", "c-3"):
        (registry.folder_of(version) / MODEL_FILE).write_bytes(b"nonsense")
    for act in (
        lambda: registry.promote("c-3", by="ada", at=at()),
        lambda: registry.shadow("c-3", by="ada", at=at()),
        lambda: registry.rollback(by="ada", at=at()),
        lambda: registry.add(model_in(tmp_path / "d", "d-4", features_digest="0" * 16)),
    ):
        with pytest.raises(ModelMismatch):
            act()
    assert (registry.state().champion, registry.state().challenger) == ("b-2", None)
    assert registry.versions() == [DEFAULT, "a-1", "b-2", "c-3"]


def test_a_state_that_cannot_be_read_says_what_to_do(registry: Registry) -> None:
    for damaged in (b"{", b'{"champion": "\xff"}'):
        registry.state_file.write_bytes(damaged)
        with pytest.raises(RegistryError, match="restore it, or remove it"):
            registry.state()


def test_a_card_that_cannot_be_read_says_what_to_do(registry: Registry) -> None:
    (registry.folder_of("a-1") / CARD_FILE).write_bytes(b'{"model_version": "\xff"}')
    with pytest.raises(RegistryError, match="add the model again"):
        registry.card("a-1")


def test_a_model_that_scores_otherwise_than_when_it_was_trained_is_not_fit(tmp_path: Path) -> None:
    golden = list(Scorer.load(model_in(tmp_path / "a", "a-1")).card.golden)
    fit(tmp_path / "a")
    golden[3] += 0.001
    with pytest.raises(ModelMismatch, match=r"golden sessions by up to 0\.001 otherwise"):
        fit(model_in(tmp_path / "b", "b-2", golden=tuple(golden)))
    with pytest.raises(ModelMismatch, match="otherwise"):
        fit(model_in(tmp_path / "c", "c-3", golden=tuple(golden[:-1])))


def test_a_card_of_before_golden_scores_is_tried_all_the_same(tmp_path: Path) -> None:
    fit(model_in(tmp_path / "a", "a-1", golden=()))


def test_a_card_whose_numbers_cannot_be_is_refused(tmp_path: Path) -> None:
    folder = model_in(tmp_path / "a", "a-1")
    card = json.loads((folder / CARD_FILE).read_bytes())
    card["calibration"] = {"raw": [], "probability": []}
    (folder / CARD_FILE).write_text(json.dumps(card))
    with pytest.raises(ModelMismatch, match="fails when it is tried"):
        fit(folder)


def test_a_model_too_large_to_serve_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model_in(tmp_path / "a", "a-1")
    monkeypatch.setattr(registry_module, "MAX_BYTES", 1_000)
    with pytest.raises(ModelMismatch, match="may have 1,000"):
        fit(folder)


def test_a_reader_never_meets_half_a_state(registry: Registry) -> None:
    """Whoever has the file open goes on reading the old one."""
    promoted(registry, "a-1")
    with registry.state_file.open("rb") as held:
        promoted(registry, "b-2")
        assert msgspec.json.decode(held.read())["champion"] == "a-1"
    assert not list(registry.folder.glob("*.part"))
