"""`shopstream evaluate` on a real log, where there is one: every length has its figures, and the page its charts."""

import json
from pathlib import Path

import pytest

from shopstream.__main__ import main
from tests.replay_files import real_data

REES46 = real_data() / "rees46-multi-category" / "events_2019-10-01_0000-0250.csv.gz"


@pytest.mark.skipif(not REES46.exists(), reason="the real event logs are not on this machine (SHOPSTREAM_TEST_DATA)")
def test_a_real_log_gets_its_curve_and_its_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "report.html"
    code = main(["evaluate", "--data", str(REES46), "--format", "rees46", "--json", "--report", str(page)])
    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert [row["k"] for row in told["curve"]][:4] == [1, 2, 3, 5]
    for row in told["curve"]:
        assert row["n"] > 0
        assert 0 <= row["ece"] < 0.1, row
        assert {"base_rate", "auc", "pr_auc", "lift", "brier"} <= set(row)
    assert told["curve"][0]["lift"] > 1
    assert page.read_text().count("<svg") == 4
