"""Alerts that wake somebody when they should: each a story of a few minutes, judged by Prometheus itself."""

import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

import dashboards
from tests.conftest import skip_unless_ci

FOLDER: Final = Path(dashboards.__file__).parent
UNPACKED: Final = FOLDER.parent / ".shopstream" / "prometheus" / "usr" / "bin" / "promtool"
RULES: Final = {
    rule["alert"]: rule
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
}
EVENTS: Final = {"ingest_events_accepted_total": "0+10x240"}


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool") or (str(UNPACKED) if UNPACKED.exists() else None)
    return found or skip_unless_ci("no promtool on PATH; install Prometheus to see alerts judged")


def is_fired(alert: str, at: str, series: dict[str, str], folder: Path, promtool: str) -> bool:
    """Whether the alert fires at that time, when the series are seen every five seconds."""
    seen = [{"series": name, "values": values} for name, values in series.items()]
    expected: list[dict[str, Any]] = []  # nothing: what fires is then a difference, which promtool tells
    test = {"interval": "5s", "input_series": seen,
            "alert_rule_test": [{"eval_time": at, "alertname": alert, "exp_alerts": expected}]}  # fmt: skip
    shutil.copy(FOLDER / "alerts.yml", folder)
    story = {"rule_files": ["alerts.yml"], "evaluation_interval": "15s", "tests": [test]}
    (folder / "story.yml").write_text(yaml.safe_dump(story))
    told = subprocess.run(
        [promtool, "test", "rules", "story.yml"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert alert in RULES
    assert told.returncode == 0 or f'alertname="{alert}"' in told.stdout + told.stderr, told
    return told.returncode != 0


def test_the_last_worker_that_goes_away_is_missed_although_nobody_is_left_to_be_down(
    tmp_path: Path, promtool: str
) -> None:
    up = {f'up{{job="{job}"}}': "1x240" for job in ("ingest", "persist")}
    there = {**EVENTS, **up, 'up{job="process"}': "1x240"}
    gone = {**EVENTS, **up, 'up{job="process"}': "1x100 stale"}
    assert not is_fired("ShopstreamServiceDown", "15m", there, tmp_path, promtool)
    assert is_fired("ShopstreamServiceDown", "15m", gone, tmp_path, promtool)


@pytest.mark.parametrize(
    ("series", "dead_letters", "is_told"),
    [
        ('process_dead_letters_total{stage="score",code="undecidable"}', 1, True),
        ('persist_dead_letters_total{code="refused_by_postgres"}', 1, True),
        ('ingest_events_rejected_total{code="schema"}', 11, True),
        ('ingest_events_rejected_total{code="schema"}', 10, False),
    ],
)
def test_the_first_dead_letters_of_their_kind_are_told_once(
    series: str, dead_letters: int, is_told: bool, tmp_path: Path, promtool: str
) -> None:
    all_at_once = {series: f"_x120 {dead_letters}x240"}
    assert is_fired("ShopstreamDeadLetters", "11m", all_at_once, tmp_path, promtool) is is_told
    assert not is_fired("ShopstreamDeadLetters", "17m", all_at_once, tmp_path, promtool)


def test_records_that_kafka_dropped_before_they_were_stored_wake_somebody(tmp_path: Path, promtool: str) -> None:
    missed = 'persist_missed_records_total{topic="events"}'
    assert not is_fired("ShopstreamRecordsMissed", "10m", EVENTS, tmp_path, promtool)
    assert is_fired("ShopstreamRecordsMissed", "11m", {missed: "_x120 500x240"}, tmp_path, promtool)
    assert is_fired("ShopstreamRecordsMissed", "11m", {missed: "500x120 510x240"}, tmp_path, promtool)


def test_one_worker_that_does_not_learn_what_is_left_of_a_budget_is_told_and_a_moment_is_not(
    tmp_path: Path, promtool: str
) -> None:
    fine = 'process_budget_ledger_up{budget="discounts",instance="a"}'
    cut_off = 'process_budget_ledger_up{budget="discounts",instance="b"}'
    assert is_fired("ShopstreamBudgetsUnknown", "10m", {fine: "1x120", cut_off: "1x12 0x120"}, tmp_path, promtool)
    assert not is_fired(
        "ShopstreamBudgetsUnknown", "10m", {fine: "1x120", cut_off: "1x12 0x12 1x120"}, tmp_path, promtool
    )
