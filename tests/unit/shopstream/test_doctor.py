"""What the doctor concludes from what it sees."""

import math
from pathlib import Path

import pytest

from contracts.topics import PARTITIONS, TOPICS
from models.serving import Scorer
from runtime.settings import ConsoleSettings, ProcessSettings
from shopstream.doctor import (
    MOST_LAG,
    console_findings,
    currency_findings,
    dead_letter_findings,
    lag_finding,
    service_repair,
    settings_findings,
    spool_finding,
    topic_findings,
)
from shopstream.doctor_models import drift_findings, model_findings

DECLARED = {topic.name: topic.partitions for topic in TOPICS}


def test_settings_that_can_be_read_are_no_finding() -> None:
    assert list(settings_findings({})) == []


def test_every_setting_that_cannot_be_read_is_named() -> None:
    wrong = {"SHOPSTREAM_INGEST_PORT": "x", "SHOPSTREAM_PERSIST_BATCH_ROWS": "y"}
    findings = list(settings_findings(wrong))
    assert [each.subject for each in findings] == ["Ingest settings", "Persist settings"]
    assert "SHOPSTREAM_INGEST_PORT='x'" in findings[0].text


@pytest.mark.parametrize(
    ("console", "is_noted"),
    [
        (ConsoleSettings(), False),
        (ConsoleSettings(host="localhost"), False),
        (ConsoleSettings(host="::1"), False),
        (ConsoleSettings(host="0.0.0.0"), True),  # noqa: S104  never bound
        (ConsoleSettings(host="0.0.0.0", password="correct horse battery"), False),  # noqa: S104  never bound
        (ConsoleSettings(hosts=("console.shop.example",)), True),  # a proxy hands requests on
    ],
)
def test_a_console_that_others_reach_without_a_password_is_noted(console: ConsoleSettings, is_noted: bool) -> None:
    assert [each.verdict for each in console_findings(console)] == ["note"] * is_noted


def test_declared_topics_are_healthy() -> None:
    assert [each.verdict for each in topic_findings(DECLARED)] == ["ok"]


def test_missing_topics_are_named_with_the_command_that_creates_them() -> None:
    (finding,) = topic_findings({name: count for name, count in DECLARED.items() if name != "decisions"})
    assert (finding.verdict, finding.text) == ("problem", "missing: decisions")
    assert finding.repair == "shopstream topics create"


def test_a_topic_with_another_number_of_partitions_is_a_problem() -> None:
    (finding,) = topic_findings({**DECLARED, "events": PARTITIONS + 1})
    assert finding.verdict == "problem"
    assert f"events has {PARTITIONS + 1} partitions" in finding.text


def test_refused_events_are_the_senders_doing_and_later_dead_letters_are_ours() -> None:
    rows = [("ingest", "schema", 3, "value must be a number"), ("sessionize", "unparsable", 1, "not JSON")]
    assert [each.verdict for each in dead_letter_findings(rows)] == ["note", "problem"]
    assert [each.verdict for each in dead_letter_findings([])] == ["ok"]


def test_a_step_far_behind_is_a_problem() -> None:
    assert lag_finding("persist", 12).verdict == "ok"
    assert lag_finding("persist", MOST_LAG + 1).verdict == "problem"
    assert lag_finding("persist", None).verdict == "problem"
    assert lag_finding("persist", math.nan).verdict == "note"


def test_a_spool_that_waits_for_kafka_is_a_problem_and_one_that_drains_is_a_note() -> None:
    waiting = {"ingest_spool_events": 12.0, "ingest_spool_oldest_seconds": 90.0}
    assert spool_finding({"ingest_kafka_up": 1.0}).verdict == "ok"
    assert spool_finding({**waiting, "ingest_kafka_up": 1.0}).verdict == "note"
    away = spool_finding({**waiting, "ingest_kafka_up": 0.0})
    assert (away.verdict, away.text) == ("problem", "12 events wait for Kafka, the oldest for 90 s")


def test_files_of_the_spool_that_need_a_person_are_a_problem_whatever_else() -> None:
    assert spool_finding({"ingest_kafka_up": 1.0, "ingest_spool_kept_files": 1.0}).verdict == "problem"


def test_a_worker_that_serves_what_the_registry_names_is_well() -> None:
    version = Scorer.load().card.model_version
    (finding,) = model_findings(ProcessSettings(registry_dir="nowhere"), {"champion": version})
    assert (finding.verdict, finding.text) == ("ok", f"champion {version}")


def test_a_worker_that_serves_something_else_is_told_with_both_names() -> None:
    version = Scorer.load().card.model_version
    (finding,) = model_findings(ProcessSettings(registry_dir="nowhere"), {"champion": "calm-1"})
    assert (finding.verdict, finding.text) == (
        "problem",
        f"named are champion {version}; the worker serves champion calm-1",
    )


def test_a_pinned_folder_without_a_model_is_a_problem(tmp_path: Path) -> None:
    (finding,) = model_findings(ProcessSettings(model_dir=str(tmp_path)), {"champion": "prior-0.0250"})
    assert finding.verdict == "problem"
    assert "the worker keeps prior-0.0250" in finding.text
    assert finding.repair == "unset SHOPSTREAM_PROCESS_MODEL_DIR"


def test_features_that_moved_are_named_largest_first() -> None:
    samples = [({"feature": "cart_value"}, 0.3), ({"feature": "hour"}, 0.01), ({"feature": "active_s"}, 2.0)]
    (finding,) = drift_findings(samples)
    assert finding.verdict == "note"
    assert "2 of 3 features have moved (PSI): active_s 2.00, cart_value 0.30" in finding.text
    assert [each.verdict for each in drift_findings(samples[1:2])] == ["ok"]
    assert list(drift_findings([])) == []


def test_amounts_in_several_currencies_are_noted_since_they_are_added_as_one() -> None:
    assert list(currency_findings([])) == list(currency_findings([("EUR", 7)])) == []
    (finding,) = currency_findings([("EUR", 7), ("JPY", 2)])
    assert finding.verdict == "note"
    assert "EUR (7), JPY (2)" in finding.text


def test_only_a_service_that_does_not_run_is_to_be_started() -> None:
    absent = "nothing answers at http://127.0.0.1:8081 ([Errno 111] Connection refused)"
    assert service_repair("console", absent) == "shopstream console"
    assert service_repair("console", "nothing answers at http://127.0.0.1:8081 (timed out)").startswith("restart")
    assert service_repair("persist", "postgres: Postgres does not answer").startswith("put that right")
    recovering = "streams: partitions are not assigned or state is being recovered"
    assert service_repair("process", recovering).startswith("nothing, for a moment")
