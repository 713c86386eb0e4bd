"""What became of every event of a run: counted in Postgres, compared with what the shoppers sent."""

import os
import platform
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import msgspec
import psutil
from psycopg2.extensions import connection as Connection

from sql import files


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What `shopstream shoppers --report` tells: counts of the sender's side."""

    run_prefix: str
    sent: int
    acknowledged: int
    """Answered 200: accepted, or refused by a verdict and dead-lettered."""
    failed: int
    retries: int
    visits: int
    purchases: int
    started_at: datetime
    """When the first shopper came in."""
    seconds_to_first_decision: float | None
    """Until the first shopper's page had it."""
    decisions_received: int
    latency_ms: dict[str, float | None]
    """From the POST to the decision on the page."""
    problems: dict[str, int]


@dataclass(frozen=True, slots=True)
class Counted:
    """One row of `sql/statements/account_of_run.sql`."""

    stored_rows: int
    stored: int
    dead_letter_rows: int
    dead_lettered: int
    stored_and_dead_lettered: int
    erased: int
    """Events that `shopstream erase` took away meanwhile, whosever they were."""
    sessions: int
    decisions: int
    first_decided_at: datetime | None
    latency_ms: list[float] | None


@dataclass(frozen=True, slots=True)
class Account:
    """Both sides of one run."""

    sent: Sent
    counted: Counted

    @property
    def lost(self) -> int:
        """Acknowledged and nowhere."""
        counted = self.counted
        return max(0, self.sent.acknowledged - counted.stored - counted.dead_lettered - counted.erased)

    @property
    def surplus(self) -> int:
        """In Postgres although the sender never had a 200 for them: an answer was lost on its way."""
        return max(0, self.counted.stored + self.counted.dead_lettered - self.sent.acknowledged)

    @property
    def duplicates(self) -> int:
        """Rows beyond one for each event."""
        counted = self.counted
        return (counted.stored_rows - counted.stored) + (counted.dead_letter_rows - counted.dead_lettered)

    def is_complete(self) -> bool:
        return self.lost == 0

    def problem(self) -> str | None:
        """One sentence with the numbers when an event is missing, double or unsent; None when all add up."""
        wrong = [
            f"{count} {words}"
            for count, words in (
                (self.sent.failed, "never acknowledged"),
                (self.lost, "acknowledged but neither stored nor dead-lettered"),
                (self.surplus, "stored without an acknowledgement"),
                (self.duplicates, "more than once"),
            )
            if count
        ]
        if not self.sent.sent:
            return "the shoppers sent nothing; their log says why"
        if not wrong:
            return None
        counted = self.counted
        return (
            f"the events do not add up: {', '.join(wrong)} ({self.sent.sent} sent, {self.sent.acknowledged} acknowledged, "
            f"{counted.stored} stored, {counted.dead_lettered} dead-lettered)"
        )


def counted(connection: Connection, prefix: str, since: datetime) -> Counted:
    """Count a run's events in Postgres; other data there does not matter."""
    with connection, connection.cursor() as cursor:
        cursor.execute(files.statement("account_of_run"), {"prefix": prefix, "since": since})
        row = cursor.fetchone()
    assert row is not None
    return Counted(*row)


def report_of(
    account: Account, *, started_at: datetime, servers: dict[str, str], restarts: dict[str, int]
) -> dict[str, Any]:
    """The body of `shopstream up --report`."""
    sent, counted = account.sent, account.counted
    return {
        "events": {
            "sent": sent.sent,
            "acknowledged": sent.acknowledged,
            "failed": sent.failed,
            "stored": counted.stored,
            "dead_lettered": counted.dead_lettered,
            "erased": counted.erased,
            "lost": account.lost,
            "duplicates": account.duplicates,
            "stored_and_dead_lettered": counted.stored_and_dead_lettered,
            "retries": sent.retries,
        },
        "sessions": counted.sessions,
        "decisions": counted.decisions,
        "decisions_received": sent.decisions_received,
        "purchases": sent.purchases,
        "latency_ms": sent.latency_ms,
        "latency_in_pipeline_ms": dict(zip(("p50", "p95", "p99"), counted.latency_ms or (None,) * 3, strict=True)),
        "seconds_to_first_decision": seconds_to_first_decision(account),
        "seconds_from_start": seconds_between(started_at, counted.first_decided_at),
        "problems": sent.problems,
        "restarts": restarts,
        "servers": servers,
        "machine": asdict(machine()),
    }


def seconds_to_first_decision(account: Account) -> float | None:
    """From the first shopper coming in until a page had a decision; until one was made, when no page listened."""
    seen = account.sent.seconds_to_first_decision
    return seen if seen is not None else seconds_between(account.sent.started_at, account.counted.first_decided_at)


def seconds_between(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else round((end - start).total_seconds(), 3)


@dataclass(frozen=True, slots=True)
class Machine:
    cpu_count: int
    memory_gib: float
    system: str
    processor: str
    python: str


def machine() -> Machine:
    return Machine(
        cpu_count=os.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=f"{platform.system()} {platform.release()}",
        processor=platform.machine(),
        python=platform.python_version(),
    )
