"""Hop 5. What is left of the policy's budgets, kept in Postgres for all workers: a part set aside for one is nobody else's."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

import psycopg2
from psycopg2.errors import UndefinedColumn, UndefinedTable
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from contracts.decisions import Charge
from models.policy import Budget
from sql.connection import PostgresUnreachable, connect, cut_off_after, unreachable
from sql.files import statement

ANSWER_S: Final = 5
LAST_ANSWER_S: Final = 2
"""For giving back, which a worker does last of all: whoever stops it does not wait for a Postgres that is frozen."""
LEFT_ALONE_S: Final = 3
"""After that Postgres ends a transaction in which nothing more is asked; less than others wait for the lock of it."""
MOST_REMEMBERED: Final = 50_000


Run = Callable[[str, Mapping[str, Any]], list[tuple[Any, ...]]]
"""Runs a statement by name with its values; its rows."""


class LedgerUnreachable(ConnectionError):
    """The ledger does not answer, or did not confirm; what was asked for may be set aside all the same, and is offered by nobody."""


class Part(NamedTuple):
    """A part of a budget's day, set aside for one worker."""

    day: date
    amount: Decimal
    lasts_s: float
    """Until the day ends."""
    is_last: bool
    """Whether the ledger has nothing more for anybody."""


class Ledger(Protocol):
    """Where the budgets of all workers are. Each call may take seconds, and raises `LedgerUnreachable`."""

    def reserve(self, budget: Budget, wanted: Decimal) -> Part:
        """Set aside what is wanted of today's budget, or what is left of it."""

    def give_back(self, budget: str, day: date, amount: Decimal) -> None:
        """Return what was set aside and is offered to nobody."""

    def paid_for(self, budgets: Sequence[str]) -> list[tuple[str, Charge]]:
        """Ids of incentives that were paid for lately, the oldest first, whoever did."""

    def close(self) -> None:
        """End the connection."""


class PostgresLedger:
    """The real `Ledger`. One call at a time: a worker that stops may still be asking."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._turn = threading.Lock()
        self._connection: Connection | None = None

    def reserve(self, budget: Budget, wanted: Decimal) -> Part:
        # The row stays locked until the commit, so that two workers never set the same aside.
        with self._transaction() as run:
            ((day, unreserved, lasts_s),) = run(
                "open_budget_day", {"budget": budget.name, "per_day": exact(budget.per_day)}
            )
            amount = min(wanted, unreserved)
            if amount > 0:
                run("reserve_of_budget", {"budget": budget.name, "day": day, "amount": amount})
        return Part(day, amount, lasts_s, is_last=amount == unreserved)

    def give_back(self, budget: str, day: date, amount: Decimal) -> None:
        with self._transaction(LAST_ANSWER_S) as run:
            run("reserve_of_budget", {"budget": budget, "day": day, "amount": -amount})

    def paid_for(self, budgets: Sequence[str]) -> list[tuple[str, Charge]]:
        with self._transaction() as run:
            rows = run("incentives_paid_for", {"budgets": list(budgets), "most": MOST_REMEMBERED})
        return [(row[0], Charge(budget=row[1], day=row[2], cost=float(row[3]))) for row in reversed(rows)]

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def _transaction(self, answer_s: int = ANSWER_S) -> Iterator[Run]:
        if not self._turn.acquire(timeout=answer_s):
            raise LedgerUnreachable("Postgres was asked and has not answered yet")
        try:
            if self._connection is None or self._connection.closed:
                self._connection = connect(self._dsn, timeout_s=answer_s)
                _end_when_left_alone(self._connection)
            with cut_off_after(answer_s, self._connection), self._connection, self._connection.cursor() as cursor:
                yield partial(_rows, cursor)
        except PostgresUnreachable as error:
            raise LedgerUnreachable(str(error)) from error
        except (UndefinedTable, UndefinedColumn) as error:
            raise LedgerUnreachable("Postgres has no table for budgets yet; run `shopstream migrate`") from error
        except psycopg2.Error as error:
            self.close()
            raise LedgerUnreachable(unreachable(self._dsn, error)) from error
        finally:
            self._turn.release()


def _end_when_left_alone(connection: Connection) -> None:
    """Have Postgres end a transaction whose worker was suspended or lost in the middle of it: all others wait for its lock."""
    with cut_off_after(ANSWER_S, connection), connection, connection.cursor() as cursor:
        cursor.execute(statement("end_idle_transactions"), {"after_s": LEFT_ALONE_S})


def _rows(cursor: Cursor, name: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    cursor.execute(statement(name), values)
    return cursor.fetchall() if cursor.description else []


def exact(amount: float) -> Decimal:
    """The amount as it is written in a policy file: 0.1 is a tenth."""
    return Decimal(str(amount))
