"""The file of write keys is taken over when it changes, and only when it can be used."""

from pathlib import Path

import pytest

from producers.ingest.key_file import KeyFile
from runtime.settings import SettingsError

WEB = '[keys.web]\norigins = ["https://shop.example"]\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.toml"
    path.write_text(WEB)
    return path


def test_a_file_that_stays_is_not_read_again(file: Path) -> None:
    keys = KeyFile(str(file))
    assert keys.keys.names == {"web"}
    assert keys.read_again() is None


def test_a_changed_file_gives_new_keys_once(file: Path) -> None:
    keys = KeyFile(str(file))
    file.write_text(WEB + '[keys.new]\nkind = "server"\n')
    new = keys.read_again()
    assert new is not None
    assert new.names == {"web", "new"}
    assert keys.read_again() is None


def test_a_file_that_stays_is_read_when_asked(file: Path) -> None:
    keys = KeyFile(str(file))
    new = keys.read_again(is_asked=True)
    assert new is not None
    assert new.names == {"web"}


def test_a_file_that_could_not_be_read_is_read_once_its_rights_are_repaired(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = KeyFile(str(file))
    new = file.with_suffix(".new")
    new.write_text(WEB.replace("web", "app"))
    new.chmod(0)
    new.rename(file)
    with monkeypatch.context() as nobody:  # root may read all the same
        nobody.setattr(Path, "read_text", _denied)
        assert keys.read_again() is None
    file.chmod(0o600)
    read = keys.read_again()
    assert read is not None
    assert read.names == {"app"}


def _denied(path: Path, encoding: str) -> str:
    raise PermissionError(13, "Permission denied", str(path))


@pytest.mark.parametrize(
    "text",
    [
        "[keys",
        "[keys.a]",
        pytest.param("a=" + "[" * 100_000, id="nested"),
        "",
        "\x00",
        '[keys.a]\norigins = ["*"]\nburst = 1',
    ],
)
def test_a_broken_file_keeps_the_keys_and_says_so(file: Path, caplog: pytest.LogCaptureFixture, text: str) -> None:
    keys = KeyFile(str(file))
    file.write_text(text)
    assert keys.read_again() is None
    assert keys.keys.names == {"web"}
    assert "keeping the write keys" in caplog.text
    file.write_text(WEB)
    assert keys.read_again() is not None


def test_a_file_that_is_gone_keeps_the_keys(file: Path) -> None:
    keys = KeyFile(str(file))
    file.unlink()
    assert keys.read_again() is None
    assert keys.keys.names == {"web"}


def test_at_the_start_a_broken_file_is_refused(file: Path) -> None:
    file.write_text("[keys")
    with pytest.raises(SettingsError):
        KeyFile(str(file))
