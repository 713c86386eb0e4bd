"""Budgets in a policy: an offer is made only while its cost is left, and a file that cannot be kept says what to change."""

import re
from pathlib import Path
from typing import Any

import pytest

from contracts.decisions import Charge, Decision
from models.decide import LONG_PAST, decide
from models.policy import Budget, Policy, PolicyError
from models.purse import BOTTOMLESS, Purse
from models.serving import Scores
from tests.factories import at, features

HEAD = 'name = "ours"\n[holdout]\nshare = 0.5\nsalt = "s"\n'
DISCOUNTS = '[[budget]]\nname = "discounts"\nper_day = 30\n'
SCORES = Scores(
    likelihood=0.3,
    persona="Casual Visitor",
    persona_confidence=0.6,
    style="Hurried",
    style_confidence=0.7,
    because=(),
    model_version="forest-1",
)


def rule(name: str, action: str, more: str) -> str:
    return f'[[rule]]\nname = "{name}"\naction = "{action}"\nmessage = "m"\nbecause = "hesitates"\n{more}\n'


DEAR = rule("dear", "discount", 'discount = 10\nbudget = "discounts"\ncost = 20')
CHEAP = rule("cheap", "discount", 'discount = 5\nbudget = "discounts"\ncost = 5')
FREE = rule("free", "tutorial", "")
POLICY = Policy.of_text(HEAD + DISCOUNTS + DEAR + CHEAP + FREE)


def named(arm: str) -> str:
    return next(f"v{number}" for number in range(1_000) if POLICY.arm_of(f"v{number}") == arm)


class Coins:
    """A purse with so much in it."""

    def __init__(self, left: float) -> None:
        self.left = left

    def why_not(self, incentive_id: str, budget: Budget, cost: float) -> str | None:
        return None if cost <= self.left else "nothing is left"

    def pay(self, incentive_id: str, budget: Budget, cost: float) -> Charge | None:
        self.left -= cost
        return Charge(budget=budget.name, day=at("13:00").date(), cost=cost)


def decided(purse: Purse, arm: str = "treatment", *, now: str = "13:00", policy: Policy = POLICY) -> Decision:
    session = features("12:50", "12:55", session_id="s1", visitor_id=named(arm), event_count=8)
    return decide(session, SCORES, policy, now=at(now), purse=purse)


def offer(decision: Decision) -> Any:
    return decision.incentive and (decision.incentive.type, decision.incentive.discount)


def test_an_offer_takes_its_cost_from_the_budget() -> None:
    coins = Coins(30)
    decision = decided(coins)
    assert offer(decision) == ("discount", 10)
    assert decision.incentive is not None
    assert decision.incentive.charge == Charge(budget="discounts", day=at("13:00").date(), cost=20)
    assert coins.left == 10


def test_what_cannot_be_paid_for_is_passed_over_and_the_next_rule_decides() -> None:
    cheaper = decided(Coins(10))
    assert offer(cheaper) == ("discount", 5)
    assert cheaper.because == ("no discount: nothing is left", "discount: hesitates")
    free = decided(Coins(0))
    assert offer(free) == ("tutorial", 0)
    assert free.incentive is not None
    assert free.incentive.charge is None


def test_when_no_other_rule_fits_nothing_is_offered() -> None:
    decision = decided(Coins(0), policy=Policy.of_text(HEAD + DISCOUNTS + DEAR))
    assert decision.incentive is None
    assert not decision.is_offered
    assert decision.because == ("no discount: nothing is left",)


def test_who_is_held_out_is_decided_for_as_others_are_and_pays_nothing() -> None:
    coins = Coins(30)
    held = decided(coins, "holdout")
    assert held.incentive is not None
    assert (offer(held), held.is_offered, held.incentive.charge, coins.left) == (("discount", 10), False, None, 30)
    assert offer(decided(Coins(10), "holdout")) == ("discount", 5)


def test_no_budget_is_spent_on_a_visit_that_was_long_over_when_it_was_told() -> None:
    coins = Coins(30)
    assert offer(decided(coins, now="13:25")) == ("discount", 10)
    late = decided(coins, now="13:26")
    assert offer(late) == ("tutorial", 0)
    assert f"no discount: {LONG_PAST}" in late.because


def test_a_question_is_answered_as_if_no_budget_were_ever_spent() -> None:
    decision = decided(BOTTOMLESS)
    assert decision.incentive is not None
    assert (offer(decision), decision.incentive.charge) == (("discount", 10), None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (DEAR, "rule `dear`: there is no [[budget]] named `discounts`"),
        (DISCOUNTS + FREE, "no rule draws on budget `discounts`"),
        (DISCOUNTS * 2 + DEAR, "two budgets have the same name"),
        (DISCOUNTS + rule("r", "discount", 'discount = 5\nbudget = "discounts"'), "rule `r`: `cost` is 0"),
        (DISCOUNTS + rule("r", "tutorial", 'budget = "discounts"\ncost = 31'), "at most the budget's 30 a day"),
        (DISCOUNTS + CHEAP + rule("r", "tutorial", "cost = 5"), "rule `r`: `cost` is only for a rule with a `budget`"),
        (DISCOUNTS + CHEAP + rule("r", "nothing", 'budget = "discounts"'), "rule `r`: it offers nothing"),
        (DISCOUNTS.replace("30", "0") + CHEAP, "per_day"),
        (DISCOUNTS.replace("30", "inf") + CHEAP, "per_day"),
        (DISCOUNTS.replace("30", "nan") + CHEAP, "per_day"),
        (DISCOUNTS + rule("r", "tutorial", 'budget = "discounts"\ncost = nan'), "rule `r`: Expected `float` >= 0.0"),
    ],
)
def test_a_policy_that_cannot_be_kept_says_what_to_change(text: str, says: str) -> None:
    with pytest.raises(PolicyError) as refusal:
        Policy.of_text(HEAD + text)
    assert says in str(refusal.value)


def test_the_policy_on_the_page_about_budgets_can_be_used() -> None:
    page = (Path(__file__).parents[3] / "docs" / "budgets.md").read_text()
    (text,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert Policy.of_text(HEAD + text).budgets["discounts"].per_day == 300
