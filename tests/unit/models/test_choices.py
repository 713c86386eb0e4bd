"""Choices in, trials out: whose rule it was, whose draw, and what it cost."""

from typing import Any

import pytest

from contracts.ids import derived_id
from models.choices import Choice, cost_of, drawn_alike, sorted_by_rule
from models.policy import Policy

POLICY = Policy.of_text(
    """
    name = "halves"
    holdout = { share = 0.5, salt = "s" }
    budget = [{ name = "offers", per_day = 1000 }]
    [[rule]]
    name = "voucher"
    action = "discount"
    discount = 10
    message = "Ten percent off."
    because = "hesitates"
    budget = "offers"
    cost = 15
    [[rule]]
    name = "shipping"
    action = "free_shipping"
    message = "It ships free."
    because = "a full cart"
    budget = "offers"
    cost = 6
    """
)
VOUCHER, SHIPPING = POLICY.rules


def choice(visitor_id: str, **others: Any) -> Choice:
    told: dict[str, Any] = {
        "session_ids": ("s1",),
        "arm": POLICY.arm_of(visitor_id),
        "policy_version": POLICY.version,
        "incentive_id": derived_id("incentive", "s1", "voucher"),
        "type": "discount",
        "likelihood": 0.2,
        "event_count": 4,
        "previous_session_count": 0,
        "previous_purchase_count": 0,
        "persona": "Browser",
        "style": "Explorer",
        "device_type": "mobile",
        "channel": "direct",
        "has_bought": False,
        "revenue": 0.0,
    }
    return Choice(visitor_id, **{**told, **others})


def test_a_rule_is_told_by_the_id_that_the_session_had_then() -> None:
    first, later = choice("v1", session_ids=("s1",)), choice("v2", session_ids=("s0", "s1"))
    told = sorted_by_rule([first, later, choice("v3", session_ids=("s9",))], POLICY)
    assert told.by_rule == {"voucher": [first, later], "shipping": []}
    assert told.gone == 1


def test_of_a_policy_that_drew_otherwise_nobody_counts_not_even_whom_both_draws_put_in_one_arm() -> None:
    """Of those fewer are held out, and their choice is older, with more time to buy since: in one trial with the others they bias it."""
    before = Policy(POLICY.version, type(POLICY.holdout)(share=0.5, salt="before"), POLICY.rules, POLICY.budgets)
    old = [choice(f"v{n}", arm=before.arm_of(f"v{n}"), policy_version="before-1") for n in range(40)]
    same_draw = [choice(f"w{n}", policy_version="other-rules-1") for n in range(10)]
    new = choice("new")
    assert drawn_alike([*old, *same_draw, new], POLICY) == [*same_draw, new]


@pytest.mark.parametrize(("margin", "cost"), [(1.0, 0.0), (0.4, 9.0)])
def test_a_discount_is_taken_off_once(margin: float, cost: float) -> None:
    """Of 115 listed the shop keeps `margin` and gives 15 away; 100 is what it reports."""
    assert cost_of(VOUCHER, margin) == pytest.approx(cost)
    assert margin * 100 - cost_of(VOUCHER, margin) == pytest.approx(margin * 115 - 15)
    assert cost_of(SHIPPING, margin) == 6
