"""The holdout is drawn again by anybody, leaks are found, and the lift compares everybody with an interval that holds the truth."""

from random import Random
from typing import Any

import pytest

from models.holdout import Arms, Seen, audit, chance_of
from models.policy import Policy

POLICY = Policy.of_text(
    'name = "ours"\n[holdout]\nshare = 0.2\nsalt = "s"\n[[rule]]\nname = "n"\naction = "nothing"\nbecause = "b"\n'
)


def seen(visitor_id: str, **others: Any) -> Seen:
    told: dict[str, Any] = {
        "arm": POLICY.arm_of(visitor_id),
        "policies": (POLICY.version,),
        "is_offered": False,
        "is_shown": False,
        "has_bought": False,
    }
    return Seen(visitor_id, **{**told, **others})


VISITORS = [f"v{number}" for number in range(400)]
KEPT = [seen(each) for each in VISITORS]
TREATED = next(each.visitor_id for each in KEPT if each.arm == "treatment")
HELD_OUT = next(each.visitor_id for each in KEPT if each.arm == "holdout")


def without(visitor_id: str) -> list[Seen]:
    return [each for each in KEPT if each.visitor_id != visitor_id]


def test_a_holdout_that_was_kept_holds() -> None:
    found = audit(KEPT, POLICY)
    assert found.holds
    assert found.visitors == 400
    assert 50 < found.held_out < 110


def test_a_visitor_whose_arm_the_salt_does_not_draw_is_named() -> None:
    found = audit([*without(TREATED), seen(TREATED, arm="holdout")], POLICY)
    assert (found.misdrawn, found.holds) == ([TREATED], False)


@pytest.mark.parametrize("leak", ["is_offered", "is_shown"])
def test_an_incentive_that_reached_the_holdout_is_named_with_whom_it_reached(leak: str) -> None:
    found = audit([*without(HELD_OUT), seen(HELD_OUT, **{leak: True})], POLICY)
    assert (found.leaked, found.holds) == ([HELD_OUT], False)


def test_a_visitor_in_both_arms_is_named_and_in_no_comparison() -> None:
    both = [seen(TREATED, arm="holdout", has_bought=True), seen(TREATED, arm="treatment", has_bought=True)]
    found = audit([*without(TREATED), *both], POLICY)
    assert (found.two_armed, found.holds) == ([TREATED], False)
    assert found.everybody.treated_buyers == found.everybody.held_out_buyers == 0


def test_who_changed_arms_with_the_policy_is_counted_and_in_no_comparison() -> None:
    before = seen(TREATED, arm="holdout", policies=("ours-before",), has_bought=True)
    found = audit([*without(TREATED), before, seen(TREATED, has_bought=True)], POLICY)
    assert (found.moved, found.other_policies, found.holds) == (1, 1, True)
    assert found.everybody.treated_buyers == found.everybody.held_out_buyers == 0


def test_a_share_that_chance_does_not_give_is_not_believed() -> None:
    """As when a script counts visitors in one arm only, or blockers hide the other."""
    half_gone = [each for place, each in enumerate(KEPT) if each.arm == "treatment" or place % 3 == 0]
    found = audit(half_gone, POLICY)
    assert found.probability < 0.001
    assert not found.holds


def test_nobody_is_no_evidence_against_it() -> None:
    found = audit([], POLICY)
    assert found.holds
    assert (found.everybody.lift(), found.everybody.interval()) == (None, None)


def test_the_chance_of_a_share_is_that_of_the_binomial_distribution() -> None:
    from scipy.stats import binomtest

    for held_out in (70, 80, 95, 120):
        assert chance_of(held_out, 400, 0.2) == pytest.approx(binomtest(held_out, 400, 0.2).pvalue, abs=0.02)
    for held_out in (900, 1_000, 1_080):
        assert chance_of(held_out, 10_000, 0.1) == pytest.approx(binomtest(held_out, 10_000, 0.1).pvalue, abs=0.02)
    assert chance_of(0, 400, 0.0) == chance_of(400, 400, 1.0) == 1.0
    assert chance_of(1, 400, 0.0) == 0.0


@pytest.mark.parametrize(("held_out", "visitors", "share"), [(1, 1, 0.01), (2, 16, 0.01), (3, 4, 0.1), (2, 8, 0.02)])
def test_few_visitors_are_no_reason_to_disbelieve_the_share(held_out: int, visitors: int, share: float) -> None:
    from scipy.stats import binom

    assert chance_of(held_out, visitors, share) == pytest.approx(binom.sf(held_out - 1, visitors, share))


def test_lift_is_relative_and_counts_everybody() -> None:
    arms = Arms(treated=1000, treated_buyers=60, held_out=500, held_out_buyers=25)
    assert arms.lift() == pytest.approx(0.2)
    low, high = arms.interval() or (0, 0)
    assert low < 0 < 0.2 < high


def test_nineteen_of_twenty_intervals_hold_the_true_lift() -> None:
    random = Random(11)

    def buyers(visitors: int, rate: float) -> int:
        return sum(random.random() < rate for _ in range(visitors))

    def holds_truth() -> bool:
        low, high = Arms(900, buyers(900, 0.12), 300, buyers(300, 0.10)).interval() or (0.0, 0.0)
        return low <= 0.2 <= high

    assert 0.92 <= sum(holds_truth() for _ in range(400)) / 400 <= 0.98
