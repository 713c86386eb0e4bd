"""The two lists of every setting are as the code is."""

from pathlib import Path

import pytest

from runtime.settings import env_example
from shopstream.__main__ import main
from shopstream.commands.settings import DOCUMENT, ENV_EXAMPLE, document, variables

ROOT = Path(__file__).parents[4]


def test_the_committed_lists_are_fresh() -> None:
    stale = "is stale; run `shopstream settings`"
    assert (ROOT / ENV_EXAMPLE).read_text() == env_example(), f"{ENV_EXAMPLE} {stale}"
    assert (ROOT / DOCUMENT).read_text() == document(), f"{DOCUMENT} {stale}"


def test_every_setting_is_in_both_lists() -> None:
    for variable in variables():
        assert f"\n{variable}=" in env_example()
        assert f"| `{variable}` |" in document()


def test_the_command_writes_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "--folder", str(tmp_path)]) == 0
    assert (tmp_path / ENV_EXAMPLE).read_text() == env_example()
    assert (tmp_path / DOCUMENT).read_text() == document()
    assert capsys.readouterr().out.count("wrote") == 2
