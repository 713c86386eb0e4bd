"""`shopstream holdout` on what the sink stored: a kept holdout exits with 0, and a leak is named."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from contracts.decisions import Decision
from models.policy import Policy
from tests.factories import decision, event, features, incentive
from tests.tables import Tables

POLICY = Policy.load()
NOW = datetime.now(UTC)


def holdout(dsn: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shopstream", "holdout", *arguments],
        cwd=folder,
        env={**os.environ, "SHOPSTREAM_POSTGRES_DSN": dsn},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def decided(visitor_id: str, **others: Any) -> Decision:
    """A decision for an incentive, shown or held out as the policy draws."""
    arm = POLICY.arm_of(visitor_id)
    told = decision(
        session_id=f"s-{visitor_id}",
        visitor_id=visitor_id,
        occurred_at=NOW - timedelta(minutes=10),
        incentive=incentive(f"i-{visitor_id}"),
    )
    return msgspec.structs.replace(
        told,
        **{"arm": arm, "is_offered": arm == "treatment", "policy_version": POLICY.version, "decided_at": NOW, **others},
    )


def visit(visitor_id: str, **others: Any) -> list[msgspec.Struct]:
    started_at = NOW - timedelta(minutes=11)
    session = features(started_at, NOW, session_id=f"s-{visitor_id}", visitor_id=visitor_id, **others)
    return [session, decided(visitor_id)]


def visitors(arm: str, count: int) -> list[str]:
    return [each for each in (f"v{number}" for number in range(2_000)) if POLICY.arm_of(each) == arm][:count]


def bought(visitor_id: str, before: timedelta = timedelta(minutes=5)) -> msgspec.Struct:
    return event("purchase", NOW - before, visitor_id=visitor_id, transaction_id=f"t-{visitor_id}", value=20.0)


def test_a_kept_holdout_tells_the_lift_of_people(database: str, tmp_path: Path) -> None:
    treated, held_out = visitors("treatment", 90), visitors("holdout", 10)
    with Tables(database) as tables:
        tables.write(*(each for visitor_id in [*treated, *held_out] for each in visit(visitor_id)))
        tables.write(*map(bought, treated[:18]), bought(held_out[0]))
        early = timedelta(minutes=10, seconds=30)  # before the first decision: nobody could have been moved by it
        tables.write(bought(held_out[1], before=early))
        bot, _ = visit("a-bot", bot_score=1.0)
        tables.write(bot, decided("a-bot", incentive=None, is_offered=False), bought("a-bot"))
        tables.write(*visit("unknown", consent="refused"))
    told = holdout(database, tmp_path, "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert (found["visitors"], found["held_out"], found["misdrawn"], found["leaked"]) == (100, 10, [], [])
    assert found["everybody"]["treated_buyers"] == found["chosen"]["treated_buyers"] == 18
    assert found["everybody"]["held_out_buyers"] == found["chosen"]["held_out_buyers"] == 1
    assert found["everybody"]["lift"] == (18 / 90) / (1 / 10) - 1
    page = holdout(database, tmp_path).stdout
    assert "10 of 100 visitors are held out, 10.0%" in page
    assert "+100.0%" in page


def test_who_had_an_incentive_before_those_days_is_in_no_comparison_of_the_chosen(
    database: str, tmp_path: Path
) -> None:
    """What is chosen now depends on what was shown then."""
    known, new = visitors("treatment", 2)
    with Tables(database) as tables:
        tables.write(*visit(known), *visit(new), decided(known, decided_at=NOW - timedelta(days=40)))
    found = json.loads(holdout(database, tmp_path, "--json").stdout)
    assert found["everybody"]["treated"] == 2
    assert found["chosen"]["treated"] == 1


def test_an_incentive_shown_to_the_holdout_is_named_and_fails(database: str, tmp_path: Path) -> None:
    (visitor_id,) = visitors("holdout", 1)
    with Tables(database) as tables:
        tables.write(*visit(visitor_id))
        tables.write(event("incentive_shown", NOW, visitor_id=visitor_id, incentive_id=f"i-{visitor_id}"))
        shown = tables.rows("select shown_at is not null from incentives")
    told = holdout(database, tmp_path)
    assert shown == [True]
    assert told.returncode == 1
    assert f"1 visitor held out and yet offered something: {visitor_id}" in told.stdout
    assert "not to be believed" in told.stderr


def test_an_arm_that_was_not_drawn_is_named_and_fails(database: str, tmp_path: Path) -> None:
    (visitor_id,) = visitors("holdout", 1)
    with Tables(database) as tables:
        session, _ = visit(visitor_id)
        tables.write(session, decided(visitor_id, arm="treatment", is_offered=True))
    told = holdout(database, tmp_path)
    assert told.returncode == 1
    assert f"1 visitor in another arm than the salt draws: {visitor_id}" in told.stdout


def test_the_page_tells_how_an_arm_is_drawn_so_that_anybody_can() -> None:
    (code,) = re.findall(
        r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs" / "holdout.md").read_text(), re.DOTALL
    )
    page: dict[str, Any] = {}
    exec(code, page)  # noqa: S102  the page is ours
    drawn = [page["is_held_out"](f"v{number}", POLICY.holdout.salt, POLICY.holdout.share) for number in range(500)]
    assert drawn == [POLICY.arm_of(f"v{number}") == "holdout" for number in range(500)]
    assert any(drawn)
