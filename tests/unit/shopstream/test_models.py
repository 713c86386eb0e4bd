"""What `shopstream models` says, and that it changes only what it was asked to."""

import json
from pathlib import Path

import pytest

from models.card import CARD_FILE
from models.registry import Registry
from models.serving import Scorer
from runtime.settings import ProcessSettings
from shopstream.__main__ import main
from shopstream.models import scorers_of
from tests.factories import DAY
from tests.models import model_in


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.setenv("SHOPSTREAM_PROCESS_REGISTRY_DIR", str(tmp_path / "registry"))
    return Registry(tmp_path / "registry")


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["models", *arguments]) == code
    captured = capsys.readouterr()
    return captured.out if code == 0 else captured.err


def test_a_model_goes_from_its_folder_to_champion_and_back(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = model_in(tmp_path / "a", "calm-1", likelihood=0.11)
    assert "models promote calm-1" in said(capsys, "add", str(folder))
    assert "champion calm-1, challenger none" in said(capsys, "promote", "calm-1", "--by", "ada")
    assert "champion calm-1, challenger default" in said(capsys, "shadow", "default")
    assert "champion default, challenger none" in said(capsys, "rollback")
    told = json.loads(said(capsys, "history", "--json"))
    assert [(each["act"], each["champion"]) for each in told] == [
        ("promote", "calm-1"),
        ("shadow", "calm-1"),
        ("rollback", "default"),
    ]
    assert told[0]["by"] == "ada"
    assert "@" in told[1]["by"]
    assert "rollback" in said(capsys, "history")


def test_the_list_has_roles_and_figures(registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "add", str(model_in(tmp_path / "a", "calm-1")))
    said(capsys, "shadow", "calm-1")
    text = said(capsys, "ls")
    card = Scorer.load().card
    assert f"default ({card.model_version})" in text
    assert f"{card.metrics[-1].auc:.4f}" in text
    told = {each["version"]: each["role"] for each in json.loads(said(capsys, "ls", "--json"))}
    assert told == {"default": "champion", "calm-1": "challenger"}


def test_a_champion_whose_card_is_gone_or_half_there_is_listed_as_such(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "add", str(model_in(tmp_path / "a", "calm-1")))
    said(capsys, "promote", "calm-1")
    card = registry.folder_of("calm-1") / CARD_FILE
    for damage, words in ((lambda: card.write_text("{"), "add the model again"), (card.unlink, "there is no version")):
        damage()
        text = said(capsys, "ls")
        assert "champion calm-1: " in text
        assert words in text
        told = {each["version"]: each for each in json.loads(said(capsys, "ls", "--json"))}
        assert told["calm-1"]["role"] == "champion"
        assert words in told["calm-1"]["problem"]
        assert (told["default"]["role"], told["default"]["problem"]) == (None, None)


def test_a_version_is_shown_beside_the_champion_with_its_checks(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "add", str(model_in(tmp_path / "a", "calm-1")))
    text = said(capsys, "show", "calm-1")
    card = Scorer.load().card
    assert card.data.licence in text
    assert card.features_digest in text
    assert "passed" in text
    assert f"({card.metrics[-1].auc:.4f})" in text
    (registry.folder_of("calm-1") / "likelihood.onnx").write_bytes(b"nonsense")
    assert "refused" in said(capsys, "show", "calm-1")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["promote", "unheard-of"], 1, "there is no version unheard-of"),
        (["rollback"], 1, "nothing to roll back to"),
        (["shadow"], 2, "give a version to shadow with, or --stop"),
        (["add", "nowhere"], 2, "no model in nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    registry: Registry, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    text = said(capsys, *arguments, code=code)
    assert words in text
    assert len(text.strip().splitlines()) == 1
    assert not registry.state_file.exists()


def test_whoever_has_pinned_a_folder_is_told_that_it_wins(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "add", str(model_in(tmp_path / "a", "calm-1")))
    monkeypatch.setenv("SHOPSTREAM_PROCESS_MODEL_DIR", "models/mine")
    assert main(["models", "promote", "calm-1"]) == 0
    assert "SHOPSTREAM_PROCESS_MODEL_DIR=models/mine is set" in capsys.readouterr().err


def test_whoever_may_have_decided_can_be_asked_again_the_champion_first(registry: Registry, tmp_path: Path) -> None:
    for version in ("a-1", "b-2", "c-3"):
        registry.add(model_in(tmp_path / version, version))
    registry.promote("b-2", by="ada", at=DAY)
    (registry.folder_of("c-3") / "likelihood.onnx").write_bytes(b"nonsense")
    found = scorers_of(ProcessSettings(registry_dir=str(registry.folder)))
    assert [each.card.model_version for each in found] == ["b-2", Scorer.load().card.model_version, "a-1"]
    pinned = scorers_of(ProcessSettings(registry_dir=str(registry.folder), model_dir=str(tmp_path / "a-1")))
    assert [each.card.model_version for each in pinned] == ["a-1"]
