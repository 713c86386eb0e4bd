"""`shopstream uplift` on what the sink stored: whose first choice counts, what was bought since, and the condition that pays."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from contracts.ids import derived_id
from models.policy import Policy
from tests.factories import decision, event, features, incentive
from tests.tables import Tables

NOW = datetime.now(UTC)
POLICY_TEXT = """
name = "halves"
holdout = { share = 0.5, salt = "s" }

[[rule]]
name = "has-bought"
action = "nothing"
because = "has bought"
when = { purchase_count = { at_least = 1 } }

[[budget]]
name = "vouchers"
per_day = 1000

[[rule]]
name = "voucher"
action = "discount"
discount = 10
message = "Ten percent off."
because = "hesitates"
budget = "vouchers"
cost = 15

[[rule]]
name = "guide"
action = "tutorial"
message = "Our guide helps."
because = "looks around"
"""
POLICY = Policy.of_text(POLICY_TEXT)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "policy.toml"
    file.write_text(POLICY_TEXT)
    return file


def uplift(dsn: str, policy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shopstream", "uplift", *arguments],
        cwd=policy.parent,
        env={**os.environ, "SHOPSTREAM_POSTGRES_DSN": dsn, "SHOPSTREAM_PROCESS_POLICY_FILE": str(policy)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def chosen(visitor_id: str, rule: str, minutes_ago: float = 10, **others: Any) -> msgspec.Struct:
    arm = POLICY.arm_of(visitor_id)
    session_id = f"s-{visitor_id}"
    values = {
        "arm": arm,
        "is_offered": arm == "treatment",
        "incentive": incentive(derived_id("incentive", session_id, rule)),
        "policy_version": POLICY.version,
        "decided_at": NOW,
        **others,
    }
    return decision(
        session_id=session_id, visitor_id=visitor_id, occurred_at=NOW - timedelta(minutes=minutes_ago), **values
    )


def session(visitor_id: str, **others: Any) -> msgspec.Struct:
    return features(NOW - timedelta(minutes=20), NOW, session_id=f"s-{visitor_id}", visitor_id=visitor_id, **others)


def bought(visitor_id: str, value: float, minutes_ago: float = 5) -> msgspec.Struct:
    return event(
        "purchase",
        NOW - timedelta(minutes=minutes_ago),
        visitor_id=visitor_id,
        transaction_id=f"t-{visitor_id}-{minutes_ago}",
        value=value,
        currency="EUR",
    )


def of_rule(told: subprocess.CompletedProcess[str], name: str) -> dict[str, Any]:
    (found,) = (each for each in json.loads(told.stdout)["rules"] if each["rule"] == name)
    return dict(found)


def in_arm(arm: str, count: int) -> list[str]:
    return [each for each in (f"v{number}" for number in range(400)) if POLICY.arm_of(each) == arm][:count]


def test_the_first_choice_counts_with_what_was_bought_since(database: str, policy: Path) -> None:
    treated, held_out = in_arm("treatment", 5), in_arm("holdout", 4)
    with Tables(database) as tables:
        for visitor_id in [*treated, *held_out]:
            tables.write(session(visitor_id), chosen(visitor_id, "voucher"))
        tables.write(bought(treated[0], 20), bought(treated[0], 30, minutes_ago=4), bought(held_out[0], 10))
        tables.write(bought(treated[1], 99, minutes_ago=11))  # before it was chosen
        # What is chosen later depends on what was shown before: it counts for nothing.
        tables.write(chosen(treated[2], "guide", minutes_ago=3), chosen(held_out[1], "guide", minutes_ago=3))
        tables.write(session("unknown", consent="refused"), chosen("unknown", "voucher"))
        tables.write(session(in_arm("treatment", 6)[5]), chosen(in_arm("treatment", 6)[5], "a-rule-of-last-year"))
    told = uplift(database, policy, "--json")
    assert told.returncode == 0, told.stderr
    found = of_rule(told, "voucher")
    assert (found["treated"], found["treated_buyers"]) == (5, 1)
    assert (found["held_out"], found["held_out_buyers"]) == (4, 1)
    assert (found["worth"], found["targeting"]) == (None, None)
    assert of_rule(told, "guide")["treated"] == 0
    assert json.loads(told.stdout)["visitors_of_rules_gone"] == 1
    assert [each["rule"] for each in json.loads(told.stdout)["rules"]] == ["voucher", "guide"]


def test_what_came_after_the_choice_and_before_the_days_keeps_nobody_in_a_trial_or_out_of_it(
    database: str, policy: Path
) -> None:
    again, program, early = in_arm("treatment", 3)
    forty_days_ago = NOW - timedelta(days=40)
    with Tables(database) as tables:
        # Whoever had an incentive before these days was treated then: what is first in these days is a second.
        tables.write(session(again), chosen(again, "guide", minutes_ago=40 * 24 * 60, decided_at=forty_days_ago))
        tables.write(chosen(again, "voucher"))
        # A person when the incentive was chosen: that it looks like a program's session by now may be the incentive's doing.
        tables.write(session(program), chosen(program, "voucher"))
        tables.write(session(program, bot_score=1.0, event_count=400))
        # An earlier event gives the session another id; the incentive's is made of the one that it had.
        tables.write(session(early), chosen(early, "voucher"))
        tables.write(replace(session(early, event_count=9), session_id="s-new", replaces=(f"s-{early}",)))
        assert sorted(tables.rows("select session_id from predictions")) == sorted(
            [f"s-{again}"] * 2 + [f"s-{program}", "s-new"]
        )
    told = uplift(database, policy, "--json")
    assert told.returncode == 0, told.stderr
    assert (of_rule(told, "voucher")["treated"], of_rule(told, "guide")["treated"]) == (2, 0)
    assert json.loads(told.stdout)["visitors_of_rules_gone"] == 0


def test_an_incentive_that_pays_for_some_is_told_with_the_condition_for_the_policy(database: str, policy: Path) -> None:
    """A voucher of 15 moves those whom nobody expected to buy, and is given away to the rest: 1,200 visitors show it. Of the 60 it is off already."""
    chance = Random(3)
    worth = {"treatment": 0.0, "holdout": 0.0}
    visitors = {"treatment": 0, "holdout": 0}
    with Tables(database) as tables:
        records: list[msgspec.Struct] = []
        for number in range(1_200):
            visitor_id = f"v{number}"
            arm = POLICY.arm_of(visitor_id)
            is_unlikely = chance.random() < 0.5
            share = 0.1 + 0.3 * (arm == "treatment") if is_unlikely else 0.6
            likelihood = chance.uniform(0.0, 0.2) if is_unlikely else chance.uniform(0.5, 0.7)
            records += [session(visitor_id), chosen(visitor_id, "voucher", likelihood=likelihood)]
            visitors[arm] += 1
            if chance.random() < share:
                records.append(bought(visitor_id, 60))
                worth[arm] += 0.5 * (60 + 15 * (arm == "treatment")) - 15 * (arm == "treatment")
        tables.write(*records)
    told = uplift(database, policy, "--json", "--margin", "0.5")
    assert told.returncode == 0, told.stderr
    found = of_rule(told, "voucher")
    by_hand = worth["treatment"] / visitors["treatment"] - worth["holdout"] / visitors["holdout"]
    assert found["worth"]["mean"] == pytest.approx(by_hand)
    assert found["targeting"]["is_shown"]
    assert found["targeting"]["when"]["likelihood"]["below"] == pytest.approx(0.35, abs=0.2)
    page = uplift(database, policy, "--margin", "0.5").stdout
    assert "voucher: brings more where also when = { likelihood = { below = 0." in page
    assert "guide: was the first choice for nobody yet" in page


def test_nothing_is_to_be_believed_of_a_holdout_that_was_not_kept(database: str, policy: Path) -> None:
    (visitor_id,) = in_arm("holdout", 1)
    with Tables(database) as tables:
        tables.write(session(visitor_id), chosen(visitor_id, "voucher", is_offered=True))
    told = uplift(database, policy)
    assert told.returncode == 1
    assert "the holdout was not kept" in told.stderr


def test_who_was_drawn_with_another_salt_is_in_no_trial(database: str, policy: Path) -> None:
    (visitor_id,) = in_arm("holdout", 1)
    with Tables(database) as tables:
        other: dict[str, Any] = {"arm": "treatment", "is_offered": True, "policy_version": "before-1234"}
        tables.write(session(visitor_id), chosen(visitor_id, "voucher", **other))
    told = uplift(database, policy, "--json")
    assert told.returncode == 0, told.stderr
    assert of_rule(told, "voucher")["treated"] == 0
    assert json.loads(told.stdout)["visitors_otherwise_drawn"] == 1


def test_of_an_empty_shop_it_says_so(database: str, policy: Path) -> None:
    with Tables(database):
        told = uplift(database, policy)
    assert told.returncode == 0, told.stderr
    assert "voucher: was the first choice for nobody yet" in told.stdout
