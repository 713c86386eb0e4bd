"""Commands run as a terminal would."""

from pathlib import Path

import pytest

from shopstream.__main__ import main
from tests.dlq import Run


@pytest.fixture
def dlq(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs `shopstream dlq …` as a terminal would and gives what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, code: int = 0) -> str:
        assert main(["dlq", *arguments]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return run
