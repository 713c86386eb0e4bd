"""Whether every event of a run is accounted for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from shopstream.account import Account, Counted, Sent, report_of

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def account(**given: Any) -> Account:
    """100 events sent, 98 of them stored and 2 dead-lettered; all found again unless told otherwise."""
    sent = Sent(
        run_prefix="sim00000001",
        sent=100,
        acknowledged=100,
        failed=0,
        retries=0,
        visits=5,
        purchases=1,
        started_at=START + timedelta(seconds=4),
        seconds_to_first_decision=1.5,
        decisions_received=80,
        latency_ms={"p50": 8.0, "p95": 20.0, "p99": 35.0},
        problems={},
    )
    counted = Counted(
        stored_rows=98,
        stored=98,
        dead_letter_rows=2,
        dead_lettered=2,
        stored_and_dead_lettered=0,
        erased=0,
        sessions=5,
        decisions=90,
        first_decided_at=START + timedelta(seconds=6),
        latency_ms=[5.0, 15.0, 30.0],
    )
    values = {name: given[name] for name in given if name in Sent.__struct_fields__}
    counts = {name: given[name] for name in given if name not in values}
    return Account(msgspec.structs.replace(sent, **values), Counted(**{**_fields(counted), **counts}))


def _fields(counted: Counted) -> dict[str, Any]:
    return {name: getattr(counted, name) for name in Counted.__slots__}


def test_a_run_whose_numbers_add_up_has_no_problem() -> None:
    assert account().problem() is None
    assert account().is_complete()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"stored": 97, "stored_rows": 97}, "1 acknowledged but neither stored nor dead-lettered"),
        ({"stored_rows": 99}, "1 more than once"),
        ({"dead_letter_rows": 4}, "2 more than once"),
        ({"failed": 3, "acknowledged": 97, "stored": 95, "stored_rows": 95}, "3 never acknowledged"),
        ({"stored": 99, "stored_rows": 99}, "1 stored without an acknowledgement"),
        ({"sent": 0, "acknowledged": 0}, "the shoppers sent nothing"),
    ],
)
def test_whatever_does_not_add_up_is_named_with_its_number(given: dict[str, int], words: str) -> None:
    assert words in (account(**given).problem() or "")


def test_what_was_erased_meanwhile_is_not_lost() -> None:
    assert account(stored=90, stored_rows=90, erased=8).problem() is None
    assert "1 acknowledged but neither" in (account(stored=90, stored_rows=90, erased=7).problem() or "")


def test_a_problem_tells_all_the_numbers() -> None:
    problem = account(stored=90, stored_rows=90).problem() or ""
    assert "100 sent, 100 acknowledged, 90 stored, 2 dead-lettered" in problem


def test_the_report_has_the_fixed_names_and_its_numbers_add_up() -> None:
    report = report_of(account(), started_at=START, servers={"kafka": "embedded"}, restarts={})
    events = report["events"]
    assert events["sent"] == events["acknowledged"] == events["stored"] + events["dead_lettered"] == 100
    assert report["sessions"] == 5
    assert report["decisions"] == 90
    assert set(report["latency_ms"]) == {"p50", "p95", "p99"}
    assert report["seconds_to_first_decision"] == 1.5
    assert report["seconds_from_start"] == 6.0
    assert report["machine"]["cpu_count"] >= 1


def test_without_pages_that_listen_the_first_decision_is_when_it_was_made() -> None:
    report = report_of(account(seconds_to_first_decision=None), started_at=START, servers={}, restarts={})
    assert report["seconds_to_first_decision"] == 2.0
