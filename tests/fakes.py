"""One small fake per role; each passes the same suite as the real thing."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from contracts.decisions import Charge
from models.policy import Budget
from producers.ingest.publish import PublishFailed, Record
from stream_processors.ledger import LedgerUnreachable, Part, exact


class RecordingPublisher:
    """An `EventPublisher` that keeps the records in a list; while `is_down` it publishes none, while `is_stuck` it never says."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.is_down = False
        self.is_stuck = False

    def start(self) -> None:
        """There is nothing to connect to."""

    async def publish(self, records: Sequence[Record]) -> None:
        try:
            await asyncio.wait_for(self.send(records), 0.5)
        except TimeoutError as error:
            raise PublishFailed("the recording publisher is stuck") from error

    def send(self, records: Sequence[Record]) -> asyncio.Future[None]:
        if self.is_down:
            raise PublishFailed("the recording publisher is down")
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self.is_stuck:
            self.records += records
            sent.set_result(None)
        return sent

    def check(self) -> str | None:
        return "the recording publisher is down" if self.is_down else None

    async def close(self) -> None:
        self.is_down = True


class CountingLedger:
    """A `Ledger` that counts in memory what is set aside; its day has 100 seconds of `at`."""

    def __init__(self) -> None:
        self.at = 0.0
        self.reserved: Counter[tuple[str, date]] = Counter()
        self.paid: list[tuple[str, Charge]] = []
        self.is_down = False

    @property
    def day(self) -> date:
        return date(2026, 3, 2) + timedelta(days=self.at // 100)

    def reserve(self, budget: Budget, wanted: Decimal) -> Part:
        self._require_up()
        unreserved = max(Decimal(0), exact(budget.per_day) - self.reserved[budget.name, self.day])
        amount = min(wanted, unreserved)
        self.reserved[budget.name, self.day] += amount  # type: ignore[assignment]  # counts of money
        return Part(self.day, amount, 100 - self.at % 100, is_last=amount == unreserved)

    def give_back(self, budget: str, day: date, amount: Decimal) -> None:
        self._require_up()
        self.reserved[budget, day] -= amount  # type: ignore[assignment]  # as above

    def paid_for(self, budgets: Sequence[str]) -> list[tuple[str, Charge]]:
        self._require_up()
        return [each for each in self.paid if each[1].budget in budgets]

    def close(self) -> None:
        """There is nothing to close."""

    def _require_up(self) -> None:
        if self.is_down:
            raise LedgerUnreachable("the counting ledger is down")
