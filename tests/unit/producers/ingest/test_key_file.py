"""The file of write keys is taken over when it changes, and only when it can be used."""

import os
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


def test_a_file_of_the_same_size_and_time_is_read_when_asked(file: Path) -> None:
    keys = KeyFile(str(file))
    before = file.stat()
    file.write_text(WEB.replace("web", "app"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    new = keys.read_again(is_asked=True)
    assert new is not None
    assert new.names == {"app"}


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
