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
OWN_STORIES: Final = ("ShopstreamDeadLetters", "ShopstreamRecordsMissed", "ShopstreamBudgetsUnknown")
"""Alerts with a test of their own below, and ShopstreamServiceDown with a second one."""
EVENTS: Final = {"ingest_events_accepted_total": "0+10x240"}


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool") or (str(UNPACKED) if UNPACKED.exists() else None)
    return found or skip_unless_ci("no promtool on PATH; install Prometheus to see alerts judged")


LAG_OF_ANOTHER_PARTITION: Final = {'process_lag_records{topic="events",partition="1"}': "6000x240"}
IDLE_BESIDE_BUSY: Final = {"idle": "0+5x240", "busy": "1x240"}

# By alert: what its name says, and what looks like it and is not. At 20 minutes; a series has a value every 5 seconds.
STORIES: Final[dict[str, tuple[dict[str, str], dict[str, str]]]] = {
    "ShopstreamServiceDown": (
        {'up{job="process"}': "1x240", 'up{job="console"}': "1x220 0x20"},
        {'up{job="process"}': "1x240", 'up{job="console"}': "1x230 0x3 1x20", 'up{job="node"}': "0x240"},
    ),
    "ShopstreamProcessingBehind": (
        {'process_lag_records{topic="events",partition="0"}': "6000x240", **LAG_OF_ANOTHER_PARTITION},
        # Two workers tell of one partition while it moves.
        {f'process_lag_records{{topic="events",partition="0",instance="{name}"}}': "6000x240" for name in "ab"},
    ),
    "ShopstreamStoringBehind": (
        {'persist_lag_records{topic="events",partition="0"}': "0x150 60000x90"},
        {'persist_lag_records{topic="events",partition="0"}': "0x200 60000x40"},
    ),
    "ShopstreamNotStoring": (
        {
            'persist_is_writing{instance="a"}': "1x200 0x40",
            'persist_lag_records{topic="events",partition="0"}': "7x240",
        },
        {'persist_is_writing{instance="a"}': "1x220 0x10 1x20"},
    ),
    "ShopstreamStoringSlow": (
        {"persist_transaction_age_seconds": "0x200 0+5x40"},
        {"persist_transaction_age_seconds": "0x200 0+5x8 0x40"},
    ),
    "ShopstreamNoEvents": (
        {"ingest_events_accepted_total": "1000x240"},
        {"ingest_events_accepted_total": "1000x180 1001x60"},
    ),
    "ShopstreamEventsTurnedAway": (
        {'ingest_answers_total{status="503"}': "0x100 1+1x140", 'ingest_answers_total{status="200"}': "0+9x240"},
        {'ingest_answers_total{status="503"}': "0x200 9x40", 'ingest_answers_total{status="400"}': "0+9x240"},
    ),
    "ShopstreamWriteKeysBroken": (
        {"ingest_write_keys_broken": "0x100 1x140"},
        {"ingest_write_keys_broken": "0x210 1x30"},
    ),
    "ShopstreamEventsNotProcessed": (
        {"process_seconds_since_last_event": "0x150 0+5x90", **EVENTS},
        # A quiet shop, and a worker that has no partition beside one that works.
        {"process_seconds_since_last_event": "0+5x240", "ingest_events_accepted_total": "1000x240"}
        | {f'process_seconds_since_last_event{{instance="{name}"}}': of for name, of in IDLE_BESIDE_BUSY.items()},
    ),
    "ShopstreamSpoolWaits": (
        {
            'ingest_spool_oldest_seconds{instance="a"}': "0x140 0+5x100",
            'ingest_spool_oldest_seconds{instance="b"}': "0x240",
        },
        {"ingest_spool_oldest_seconds": "0x180 0+5x60"},
    ),
    "ShopstreamSpoolNeedsYou": (
        {"ingest_spool_kept_files": "0x200 1x40"},
        {"ingest_spool_kept_files": "0x240"},
    ),
    "ShopstreamDecisionsSlow": (
        {'console_decision_latency_seconds_bucket{le="1"}': "0+90x240"}
        | {f'console_decision_latency_seconds_bucket{{le="{le}"}}': "0+100x240" for le in ("2.5", "+Inf")},
        # One in a thousand, and then no decision at all.
        {'console_decision_latency_seconds_bucket{le="1"}': "0+999x150 149850x90"}
        | {f'console_decision_latency_seconds_bucket{{le="{le}"}}': "0+1000x150 150000x90" for le in ("2.5", "+Inf")},
    ),
    "ShopstreamConsoleCutOff": (
        {'console_is_following{instance="a"}': "1x240", 'console_is_following{instance="b"}': "1x200 0x40"},
        {'console_is_following{instance="b"}': "0x10 1x200 0x5 1x40"},
    ),
    "ShopstreamConsoleFull": (
        {'console_streams_refused_total{bound="console"}': "0x220 1x20"},
        # A tab too many of one visitor; a browser that opened a connection ahead of need.
        {
            'console_streams_refused_total{bound="visitor"}': "0+1x240",
            'console_connections_refused_total{reason="late"}': "0+1x240",
        },
    ),
    "ShopstreamRestarting": (
        {'process_start_time_seconds{job="process"}': "1x100 2x20 3x20 4x100"},
        # A deployment and one more.
        {'process_start_time_seconds{job="process"}': "1x100 2x20 3x120"},
    ),
    "ShopstreamModelRefused": (
        {'process_models_refused{instance="a"}': "0x240", 'process_models_refused{instance="b"}': "0x200 1x40"},
        {"process_models_refused": "0x230 1x3 0x40"},
    ),
    "ShopstreamModelsDiffer": (
        {f'process_model_info{{role="champion",version="{name}",instance="{name}"}}': "1x240" for name in "ab"},
        # A challenger beside the champion, and a promotion that one worker sees a moment later.
        {
            'process_model_info{role="champion",version="a",instance="a"}': "1x100 stale",
            'process_model_info{role="champion",version="b",instance="a"}': "_x100 1x140",
            'process_model_info{role="champion",version="a",instance="b"}': "1x102 stale",
            'process_model_info{role="champion",version="b",instance="b"}': "_x102 1x140",
            'process_model_info{role="challenger",version="a",instance="b"}': "1x240",
        },
    ),
    "ShopstreamFeatureDrift": (
        {'process_feature_psi{feature="page_count"}': "0.3x480"},
        {'process_feature_psi{feature="page_count"}': "0.3x120 0.1x360"},
    ),
}


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


@pytest.mark.parametrize("alert", STORIES)
def test_an_alert_is_about_what_its_name_says_and_not_about_what_looks_like_it(
    alert: str, tmp_path: Path, promtool: str
) -> None:
    meant, alike = STORIES[alert]
    at = "40m" if alert == "ShopstreamFeatureDrift" else "20m"
    assert is_fired(alert, at, meant, tmp_path, promtool)
    assert not is_fired(alert, at, alike, tmp_path, promtool)


def test_every_alert_has_a_story() -> None:
    assert RULES.keys() == {*STORIES, *OWN_STORIES}
