"""Following a registry: what changed is loaded, what is bad is refused, and what was in force stays."""

import errno
from pathlib import Path

import msgspec
import pytest

from models.card import CARD_FILE, MODEL_FILE
from models.follower import ModelFollower
from models.prior import TYPICAL_RATE, Prior
from models.registry import Registry
from models.serving import Scorer
from tests.factories import DAY
from tests.models import model_in


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    found = Registry(tmp_path / "registry")
    for version in ("a-1", "b-2"):
        found.add(model_in(tmp_path / version, version))
    return found


def champion(follower: ModelFollower) -> str:
    model = follower.models.champion
    return model.version if isinstance(model, Prior) else model.card.model_version


def looked(registry: Registry, pinned: Path | None = None) -> ModelFollower:
    follower = ModelFollower(registry, pinned)
    follower.look()
    return follower


def named(registry: Registry, **fields: str | None) -> None:
    """Write the state past every check."""
    registry.state_file.write_bytes(msgspec.json.encode(msgspec.structs.replace(registry.state(), **fields)))


def test_nothing_is_loaded_twice(registry: Registry) -> None:
    registry.promote("a-1", by="ada", at=DAY)
    follower = looked(registry)
    first = follower.models
    assert follower.look() == []
    file = registry.folder_of("a-1") / CARD_FILE
    file.with_name("backup").hardlink_to(file)
    assert follower.look() == [], "a backup that links to the files changes none of them"
    assert follower.models is first


def test_a_registry_that_is_lost_takes_no_champion_with_it(registry: Registry) -> None:
    """As when its mount goes away and comes back; who removes the state alone goes back to the model that ships."""
    registry.promote("a-1", by="ada", at=DAY)
    follower = looked(registry)
    elsewhere = registry.folder.rename(registry.folder.with_name("elsewhere"))
    registry.folder.mkdir()
    assert "has lost everything it had" in str(follower.look()[0].refused)
    assert follower.look() == []
    assert (champion(follower), "registry" in follower.refusals) == ("a-1", True)
    registry.folder.rmdir()
    elsewhere.rename(registry.folder)
    follower.look()
    assert (champion(follower), follower.refusals) == ("a-1", {})
    registry.state_file.unlink()
    follower.look()
    assert champion(follower) == Scorer.load().card.model_version


def test_a_promotion_is_taken_over_and_a_shadow_beside_it(registry: Registry) -> None:
    follower = looked(registry)
    registry.promote("a-1", by="ada", at=DAY)
    registry.shadow("b-2", by="ada", at=DAY)
    assert [(each.role, each.version) for each in follower.look()] == [("champion", "a-1"), ("challenger", "b-2")]
    assert champion(follower) == "a-1"
    assert follower.models.challenger is not None
    before = follower.models.champion
    registry.shadow(None, by="ada", at=DAY)
    follower.look()
    assert follower.models.challenger is None
    assert follower.models.champion is before


def test_a_bad_champion_is_refused_once_and_the_one_in_force_stays(registry: Registry) -> None:
    registry.promote("a-1", by="ada", at=DAY)
    follower = looked(registry)
    (registry.folder_of("b-2") / MODEL_FILE).write_bytes(b"nonsense")
    named(registry, champion="b-2")
    (loading,) = follower.look()
    assert (loading.role, loading.version) == ("champion", "b-2")
    assert "copy both files" in (loading.refused or "")
    assert champion(follower) == "a-1"
    assert follower.look() == []
    assert set(follower.refusals) == {"champion"}


def test_a_repaired_model_is_taken_without_being_named_again(registry: Registry, tmp_path: Path) -> None:
    follower = looked(registry)
    file = registry.folder_of("b-2") / CARD_FILE
    file.write_text("{")
    named(registry, champion="b-2")
    follower.look()
    file.write_bytes((tmp_path / "b-2" / CARD_FILE).read_bytes())
    follower.look()
    assert (champion(follower), follower.refusals) == ("b-2", {})


def test_a_bad_challenger_leaves_the_champion_alone(registry: Registry) -> None:
    follower = looked(registry)
    named(registry, challenger="never-added")
    (loading,) = follower.look()
    assert (loading.role, loading.version) == ("challenger", "never-added")
    assert isinstance(follower.models.champion, Scorer)
    assert follower.models.challenger is None
    named(registry, challenger=None)
    follower.look()
    assert follower.refusals == {}


def test_a_state_that_cannot_be_read_changes_nothing_and_heals(registry: Registry) -> None:
    registry.promote("a-1", by="ada", at=DAY)
    follower = looked(registry)
    kept = registry.state_file.read_bytes()
    for damaged in (b"{", b"", b'{"champion": "\xff"}', kept[: len(kept) // 2]):
        registry.state_file.write_bytes(damaged)
        (loading,) = follower.look()
        assert (loading.role, champion(follower)) == ("registry", "a-1")
    registry.state_file.write_bytes(kept)
    follower.look()
    assert (champion(follower), follower.refusals) == ("a-1", {})


def test_what_could_not_be_read_for_want_of_a_right_is_tried_again_once_it_may_be(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A right changes neither the content of a file nor when it was written."""
    registry.promote("a-1", by="ada", at=DAY)
    follower = looked(registry)
    read_bytes = Path.read_bytes

    def read_by_a_stranger(path: Path) -> bytes:
        if not path.stat().st_mode & 0o004:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", read_by_a_stranger)
    registry.promote("b-2", by="ada", at=DAY)
    for file in (registry.state_file, registry.folder_of("b-2") / MODEL_FILE):
        file.chmod(0o600)
        (loading,) = follower.look()
        assert "Permission denied" in (loading.refused or "")
        assert follower.look() == []
        file.chmod(0o644)
        follower.look()
        assert (champion(follower), follower.refusals) == ("b-2", {})


def test_a_folder_that_is_pinned_wins_over_the_registry(registry: Registry, tmp_path: Path) -> None:
    registry.promote("a-1", by="ada", at=DAY)
    assert champion(looked(registry, tmp_path / "b-2")) == "b-2"


def test_without_any_fit_model_the_prior_is_the_rate_that_the_card_tells(registry: Registry, tmp_path: Path) -> None:
    card = Scorer.load(tmp_path / "a-1").card
    data = msgspec.structs.replace(card.data, sessions=1_000, buying_sessions=40)
    other = model_in(tmp_path / "c", "c-3", features_digest="0" * 16, data=data)
    assert champion(looked(registry, other)) == "prior-0.0400"
    for damaged in (b"{", b'{"model_version": "\xff"}'):
        (other / CARD_FILE).write_bytes(damaged)
        assert champion(looked(registry, other)) == f"prior-{TYPICAL_RATE:.4f}"
    assert champion(looked(registry, tmp_path / "nothing")) == f"prior-{TYPICAL_RATE:.4f}"
