"""Purses of several workers: together they never pay more than a budget has, whatever becomes of them."""

import asyncio
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from contracts.decisions import Charge
from models.policy import Budget, Policy
from stream_processors.ledger import LedgerUnreachable, exact
from stream_processors.purse import SPENT_S, LedgerPurse
from tests.fakes import CountingLedger

POLICY = Policy.of_text(
    """
    name = "ours"
    holdout = { share = 0.1, salt = "s" }
    budget = [{ name = "discounts", per_day = 30 }]
    [[rule]]
    name = "dear"
    action = "discount"
    discount = 10
    message = "10 % off"
    because = "hesitates"
    budget = "discounts"
    cost = 4
    [[rule]]
    name = "cheap"
    action = "discount"
    discount = 5
    message = "5 % off"
    because = "hesitates"
    budget = "discounts"
    cost = 0.1
    """
)
DISCOUNTS = POLICY.budgets["discounts"]


def purse_on(ledger: CountingLedger) -> LedgerPurse:
    return LedgerPurse(POLICY, ledger, steady=lambda: ledger.at)


def fill(purse: LedgerPurse) -> None:
    asyncio.run(purse.fill())


def bought(purse: LedgerPurse, incentive_id: str, cost: float = 4, budget: Budget = DISCOUNTS) -> Charge | str | None:
    """What was paid for the incentive, or why it was not."""
    return purse.why_not(incentive_id, budget, cost) or purse.pay(incentive_id, budget, cost)


def test_nothing_is_offered_before_it_is_set_aside() -> None:
    ledger = CountingLedger()
    purse = purse_on(ledger)
    assert bought(purse, "a") == "what is left of the budget `discounts` is not known at this moment"
    fill(purse)
    assert ledger.reserved["discounts", ledger.day] == 4
    assert bought(purse, "a") == Charge(budget="discounts", day=ledger.day, cost=4)


def test_an_incentive_is_paid_for_once_also_by_the_worker_that_takes_over() -> None:
    ledger = CountingLedger()
    purse = purse_on(ledger)
    fill(purse)
    charge = bought(purse, "a")
    assert isinstance(charge, Charge)
    assert bought(purse, "a") == charge
    ledger.paid.append(("a", charge))
    heir = purse_on(ledger)
    fill(heir)
    assert bought(heir, "a") == charge
    assert ledger.reserved["discounts", ledger.day] == 8


def test_partitions_that_moved_bring_what_others_paid() -> None:
    ledger = CountingLedger()
    purse = purse_on(ledger)
    fill(purse)
    charge = Charge(budget="discounts", day=ledger.day, cost=4)
    ledger.paid.append(("a", charge))
    purse.look_back()
    fill(purse)
    assert bought(purse, "a") == charge
    assert bought(purse, "b") == charge
    assert isinstance(bought(purse, "c"), str)


def test_a_budget_is_spent_to_its_last_offer_and_then_says_so() -> None:
    ledger = CountingLedger()
    purse = purse_on(ledger)
    for number in range(7):
        fill(purse)
        assert isinstance(bought(purse, f"dear-{number}"), Charge)
    fill(purse)
    assert bought(purse, "one too many") == "the budget `discounts` is spent for today"
    for number in range(20):
        assert isinstance(bought(purse, f"cheap-{number}", 0.1), Charge)
    assert bought(purse, "cheap, one too many", 0.1) == "the budget `discounts` is spent for today"


def test_the_next_day_has_a_budget_of_its_own() -> None:
    ledger = CountingLedger()
    purse = purse_on(ledger)
    fill(purse)
    ledger.at = 100
    assert isinstance(bought(purse, "late"), str)
    fill(purse)
    charge = bought(purse, "early")
    assert isinstance(charge, Charge)
    assert charge.day == ledger.day


def test_what_another_worker_gives_back_can_be_offered() -> None:
    ledger = CountingLedger()
    idle, busy = purse_on(ledger), purse_on(ledger)
    fill(idle)
    for number in range(6):
        fill(busy)
        assert isinstance(bought(busy, f"dear-{number}"), Charge)
    fill(busy)
    assert isinstance(bought(busy, "seventh"), str)
    idle.close()
    fill(busy)
    assert isinstance(bought(busy, "seventh"), str)
    ledger.at += SPENT_S
    fill(busy)
    assert isinstance(bought(busy, "seventh"), Charge)


def test_while_the_ledger_is_away_what_was_set_aside_is_offered_and_no_more() -> None:
    ledger = CountingLedger()
    purse = purse_on(ledger)
    fill(purse)
    ledger.is_down = True
    assert isinstance(bought(purse, "a"), Charge)
    with pytest.raises(LedgerUnreachable):
        fill(purse)
    assert bought(purse, "b") == "what is left of the budget `discounts` is not known at this moment"


def test_a_purse_that_runs_says_whether_its_ledger_answers_and_fills_itself() -> None:
    def is_up() -> float | None:
        return REGISTRY.get_sample_value("process_budget_ledger_up", {"budget": "discounts"})

    async def story() -> None:
        ledger = CountingLedger()
        ledger.is_down = True
        purse = purse_on(ledger)
        running = asyncio.create_task(purse.run())
        async with asyncio.timeout(20):
            while is_up() != 0:
                await asyncio.sleep(0.01)
            ledger.is_down = False
            while not isinstance(bought(purse, "a"), Charge):
                await asyncio.sleep(0.01)
            while not isinstance(bought(purse, "b"), Charge):
                await asyncio.sleep(0.01)
        assert is_up() == 1
        running.cancel()

    asyncio.run(story())


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["fill", "kill", "stop"]), st.integers(0, 2)),
            st.tuples(st.just("offer"), st.integers(0, 2), st.integers(0, 30), st.sampled_from([4, 0.1])),
            st.tuples(st.sampled_from(["ledger down", "ledger up", "time passes"])),
        ),
        max_size=60,
    )
)
def test_whatever_happens_to_workers_and_ledger_no_day_costs_more_than_its_budget(happenings: list[tuple]) -> None:  # type: ignore[type-arg]
    ledger = CountingLedger()
    purses = [purse_on(ledger) for _ in range(3)]
    offered: dict[tuple[int, str], Charge] = {}
    generation = [0, 1, 2]
    for happening in happenings:
        match happening:
            case ("fill", worker):
                try:
                    fill(purses[worker])
                except LedgerUnreachable:
                    assert ledger.is_down
            case ("kill", worker) | ("stop", worker):
                if happening[0] == "stop":
                    purses[worker].close()
                purses[worker] = purse_on(ledger)
                generation[worker] = max(generation) + 1
            case ("offer", worker, number, cost):
                charge = bought(purses[worker], f"{number}-{cost}", cost)
                if isinstance(charge, Charge):
                    offered[generation[worker], f"{number}-{cost}"] = charge
            case ("ledger down",) | ("ledger up",):
                ledger.is_down = happening[0] == "ledger down"
            case _:
                ledger.at += 7
    spent: Counter[date] = Counter()
    for charge in offered.values():
        spent[charge.day] += exact(charge.cost)  # type: ignore[assignment]  # counts of money
    for day, cost in spent.items():
        assert cost <= ledger.reserved["discounts", day] <= Decimal(30)
