"""What `shopstream models` says, and that it changes only what it was asked to."""

import json
from pathlib import Path

import pytest

from models.registry import Registry
from models.serving import Scorer
from shopstream.__main__ import main
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
