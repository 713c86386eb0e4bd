"""Hop 5. What an offer may still cost: the role that deciding asks before it offers anything that draws on a budget."""

from typing import Final, Protocol

from contracts.decisions import Charge
from models.policy import Budget


class Purse(Protocol):
    """What is left of the budgets, for whoever decides. An incentive that was paid for is offered again for nothing."""

    def why_not(self, incentive_id: str, budget: Budget, cost: float) -> str | None:
        """None when the incentive can be paid for now, else why not, in a shopkeeper's words."""

    def pay(self, incentive_id: str, budget: Budget, cost: float) -> Charge | None:
        """Take the cost of an incentive that `why_not` has nothing against. None where nobody keeps account."""


class Bottomless:
    """A `Purse` for questions: what would be offered if no budget were ever spent."""

    def why_not(self, incentive_id: str, budget: Budget, cost: float) -> str | None:
        return None

    def pay(self, incentive_id: str, budget: Budget, cost: float) -> Charge | None:
        return None


BOTTOMLESS: Final = Bottomless()
