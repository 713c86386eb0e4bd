"""Files that commands write."""

from pathlib import Path

import pytest

from shopstream.failures import CommandWronglyCalled
from shopstream.written import require_writable, write_whole


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_that_could_not_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(CommandWronglyCalled, match="there is no folder"):
        require_writable(tmp_path / "missing" / "report.json")
    with pytest.raises(CommandWronglyCalled, match="is a folder"):
        require_writable(tmp_path)
    require_writable(tmp_path / "report.json")
