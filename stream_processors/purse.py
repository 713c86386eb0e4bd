"""Hop 5. Offers out only as far as their budgets go: this worker pays from parts of each budget that are set aside for it alone.

Nothing is offered before its cost is committed to the ledger as set aside, and no decision waits for the ledger: parts are fetched
while events flow, and without one the rule is passed over. So whatever is killed, suspended, repeated or moved, the offers of a day
cost at most what the budget allows; what a killed worker had set aside is offered by nobody.
See docs/decisions/0018-budgets-set-aside.md.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from prometheus_client import Counter, Gauge

from contracts.decisions import Charge
from models.policy import Budget, Policy
from stream_processors.ledger import MOST_REMEMBERED, Ledger, LedgerUnreachable, Part, exact

log = logging.getLogger(__name__)

SHARE: Final = 20
"""A worker sets aside a twentieth of a budget's day at a time, or its dearest offer: so much may stay with one that is killed."""
LOOK_S: Final = 1.0
SPENT_S: Final = 5.0
"""Until a ledger that had nothing left is asked again: another worker may have given back, or the policy may allow more."""

CHARGED: Final = Counter("process_budget_charged_total", "What offers took from each budget.", ["budget"])
REFUSED: Final = Counter(
    "process_budget_refusals_total",
    "Times that a rule was passed over: its budget was spent, or what is left was unknown.",
    ["budget", "reason"],
)
LEDGER_UP: Final = Gauge("process_budget_ledger_up", "Whether Postgres says what is left of the budget.", ["budget"])


@dataclass(slots=True)
class Held:
    """What this worker has of one budget."""

    budget: Budget
    dearest: Decimal
    day: date | None = None
    left: Decimal = Decimal(0)
    ends_at: float = 0.0
    ask_at: float = 0.0
    is_last: bool = False

    @property
    def wanted(self) -> Decimal:
        """How much to hold."""
        return max(self.dearest, exact(self.budget.per_day) / SHARE)

    def is_low(self, at: float) -> bool:
        return at >= self.ends_at or self.left < max(self.dearest, self.wanted / 2)

    def add(self, part: Part, asked_at: float) -> None:
        """Hold a part more; what was held of another day is offered no more."""
        self.left = part.amount + (self.left if part.day == self.day else 0)
        self.day, self.is_last = part.day, part.is_last
        self.ends_at = asked_at + part.lasts_s
        self.ask_at = asked_at + SPENT_S if part.is_last else 0.0


class LedgerPurse:
    """The `Purse` of a worker. All but `close` belongs to the event loop; `run` keeps it filled."""

    def __init__(self, policy: Policy, ledger: Ledger, steady: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._steady = steady
        self._held = {
            name: Held(budget, max(exact(rule.cost) for rule in policy.rules if rule.budget == name))
            for name, budget in policy.budgets.items()
        }
        self._paid: OrderedDict[str, Charge] = OrderedDict()
        self._looks_back = True
        self._woken = asyncio.Event()
        self._problem: str | None = None

    def why_not(self, incentive_id: str, budget: Budget, cost: float) -> str | None:
        held = self._held[budget.name]
        if incentive_id in self._paid:
            return None
        is_current = held.day is not None and self._steady() < held.ends_at
        if is_current and held.left >= exact(cost):
            return None
        is_spent = is_current and held.is_last
        if not is_spent:
            self._woken.set()
        REFUSED.labels(budget.name, "spent" if is_spent else "unknown").inc()
        if is_spent:
            return f"the budget `{budget.name}` is spent for today"
        return f"what is left of the budget `{budget.name}` is not known at this moment"

    def pay(self, incentive_id: str, budget: Budget, cost: float) -> Charge | None:
        if (paid := self._paid.get(incentive_id)) is not None:
            return paid
        held = self._held[budget.name]
        assert held.day is not None, "nothing was set aside"
        assert held.left >= exact(cost), "less was set aside"
        held.left -= exact(cost)
        if held.is_low(self._steady()):
            self._woken.set()
        CHARGED.labels(budget.name).inc(cost)
        charge = Charge(budget=budget.name, day=held.day, cost=cost)
        self._remember(incentive_id, charge)
        return charge

    def look_back(self) -> None:
        """Partitions have moved: others may have paid for what will be decided here."""
        self._looks_back = True
        self._woken.set()

    async def run(self) -> None:
        """Keep the purse filled until cancelled."""
        while True:
            try:
                await self.fill()
                self._tell(None)
            except LedgerUnreachable as error:
                self._tell(str(error))
                await asyncio.sleep(LOOK_S)
                continue
            self._woken.clear()
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def fill(self) -> None:
        """Have set aside what is wanting. Raises `LedgerUnreachable`."""
        if self._looks_back:
            self._looks_back = False
            try:
                for incentive_id, charge in await asyncio.to_thread(self._ledger.paid_for, list(self._held)):
                    self._remember(incentive_id, charge)
            except LedgerUnreachable:
                self._looks_back = True
                raise
        for held in self._held.values():
            at = self._steady()
            if held.is_low(at) and (at >= held.ask_at or at >= held.ends_at):
                wanted = held.wanted if at >= held.ends_at else held.wanted - held.left
                held.add(await asyncio.to_thread(self._ledger.reserve, held.budget, wanted), at)

    def close(self) -> None:
        """Give back what is left; once nothing is decided any more. From any thread."""
        try:
            for name, held in self._held.items():
                amount, held.left = held.left, Decimal(0)
                if held.day is not None and amount > 0:
                    self._ledger.give_back(name, held.day, amount)
        except LedgerUnreachable as error:
            log.warning("what was set aside of the budgets stays so until midnight UTC: %s", error)
        self._ledger.close()

    def _remember(self, incentive_id: str, charge: Charge) -> None:
        self._paid[incentive_id] = charge
        self._paid.move_to_end(incentive_id)
        if len(self._paid) > MOST_REMEMBERED:
            self._paid.popitem(last=False)

    def _tell(self, problem: str | None) -> None:
        for name in self._held:
            LEDGER_UP.labels(name).set(problem is None)
        if (problem is None) != (self._problem is None):
            if problem is None:
                log.info("the budgets' ledger answers again")
            else:
                log.warning("rules with a budget are passed over once what is set aside is spent: %s", problem)
        self._problem = problem
