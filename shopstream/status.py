"""How the running pipeline does: figures from every service's metrics and from Postgres, for one line of text."""

import contextlib
import math
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import psycopg2
from psycopg2.extensions import connection as Connection

from shopstream.probes import Figures, figures_at
from sql import files
from sql.connection import PostgresUnreachable, connect

EVERY_S: Final = 1.0
SETTLED_S: Final = 1.2
"""Lag is measured once a second: it is believed to be nothing when nothing came for a little longer."""


@dataclass(frozen=True, slots=True)
class LatestDecision:
    persona: str
    likelihood: float
    incentive_type: str | None
    is_offered: bool

    def __str__(self) -> str:
        incentive = "no incentive" if self.incentive_type is None else self.incentive_type.replace("_", " ")
        if self.incentive_type is not None and not self.is_offered:
            incentive += " (held out)"
        return f"{self.persona}, {self.likelihood:.0%} likely to buy, {incentive}"


@dataclass(frozen=True, slots=True)
class Status:
    """One look at the pipeline. A figure that nobody could tell is None."""

    events: float = 0.0
    events_per_s: float = 0.0
    decisions: float = 0.0
    dead_letters: float = 0.0
    process_lag: float | None = None
    persist_lag: float | None = None
    sessions: int | None = None
    purchases: int | None = None
    revenue: float | None = None
    latest: LatestDecision | None = None

    def line(self) -> str:
        """The status for people, in one line."""
        parts = [f"{self.events:,.0f} events", f"{self.events_per_s:,.0f}/s"]
        if self.sessions is not None:
            parts.append(f"{self.sessions:,} sessions")
        parts.append(f"{self.decisions:,.0f} decisions")
        if self.purchases is not None and self.revenue is not None:
            parts.append(f"{self.purchases:,} purchases ({self.revenue:,.2f})")
        parts.append(f"lag {_shown(self.process_lag)} + {_shown(self.persist_lag)}")
        if self.dead_letters:
            parts.append(f"{self.dead_letters:,.0f} dead letters")
        return " · ".join(parts)


def _shown(lag: float | None) -> str:
    return "?" if lag is None else f"{lag:,.0f}"


def is_caught_up(step: str, figures: Figures | None) -> bool:
    """Whether `process` or `persist` has nothing more to do: no lag, and nothing came since the lag was measured."""
    since = {"process": "process_seconds_since_last_event", "persist": "persist_seconds_since_last_record"}[step]
    return (
        figures is not None
        and figures.get(f"{step}_lag_records", math.inf) <= 0
        and figures.get(since, SETTLED_S) >= SETTLED_S
    )


class Totals:
    """Counters that go on where they were when the service behind them begins again at 0."""

    def __init__(self) -> None:
        self._latest: dict[tuple[str, str], float] = {}
        self._earlier: dict[tuple[str, str], float] = {}
        """What was counted by the lives before this one, by service and metric."""

    def of(self, service: str, figures: Figures | None) -> Figures | None:
        """The service's figures, each counter with what it had counted before it began again."""
        return figures and {
            name: self._total((service, name), value) if name.endswith("_total") else value
            for name, value in figures.items()
        }

    def _total(self, key: tuple[str, str], value: float) -> float:
        latest = self._latest.get(key, 0.0)
        if value < latest:
            self._earlier[key] = self._earlier.get(key, 0.0) + latest
        self._latest[key] = value
        return self._earlier.get(key, 0.0) + value


def status_of(figures: Mapping[str, Figures | None], before: Status, seconds: float) -> Status:
    """What the services' metrics say, `seconds` after the look before."""
    ingest = figures.get("ingest") or {}
    process = figures.get("process")
    persist = figures.get("persist")
    events = ingest.get("ingest_events_accepted_total", before.events)
    return Status(
        events=events,
        events_per_s=(events - before.events) / seconds if seconds > 0 else 0.0,
        decisions=(process or {}).get("process_decisions_total", before.decisions),
        dead_letters=ingest.get("ingest_events_rejected_total", 0.0)
        + (process or {}).get("process_dead_letters_total", 0.0),
        process_lag=None if process is None else process.get("process_lag_records"),
        persist_lag=None if persist is None else persist.get("persist_lag_records"),
    )


def with_shop(status: Status, connection: Connection) -> Status:
    """The status with what Postgres knows of the shop."""
    with connection, connection.cursor() as cursor:
        cursor.execute(files.statement("shop_today"))
        sessions, purchases, revenue = cursor.fetchone() or (0, 0, 0.0)
        cursor.execute(files.statement("latest_decision"))
        latest = cursor.fetchone()
    return replace(
        status,
        sessions=sessions,
        purchases=purchases,
        revenue=revenue,
        latest=None if latest is None else LatestDecision(*latest),
    )


class Watcher:
    """Looks at the pipeline once a second on a thread of its own; `status` is the latest look."""

    def __init__(self, urls: Mapping[str, str], dsn: str) -> None:
        self.status = Status()
        self._totals = Totals()
        self._urls = urls
        self._dsn = dsn
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="status", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        connection = None
        looked_at = time.monotonic()
        with ThreadPoolExecutor(max_workers=max(1, len(self._urls))) as pool:
            while not self._stop.wait(EVERY_S):
                looks = zip(self._urls, pool.map(figures_at, self._urls.values()), strict=True)
                figures = {service: self._totals.of(service, told) for service, told in looks}
                now = time.monotonic()
                status, looked_at = status_of(figures, self.status, now - looked_at), now
                try:
                    connection = connection or connect(self._dsn, timeout_s=2)
                    status = with_shop(status, connection)
                except (PostgresUnreachable, psycopg2.Error):
                    # Postgres is away for a moment; the supervisor says so when it died.
                    if connection is not None:
                        connection.close()
                    connection = None
                self.status = status
        if connection is not None:
            with contextlib.suppress(psycopg2.Error):
                connection.close()
