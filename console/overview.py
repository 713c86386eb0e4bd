"""What the live page shows beside its sessions: totals, and the figures of its charts."""

from collections.abc import Sequence
from datetime import datetime

from console import views
from console.bodies import Minute, OverviewAnswer, Totals
from console.database import Database


def overview(database: Database, latencies_s: Sequence[float], now: datetime) -> OverviewAnswer:
    """The shop at `now`, with the latencies of the minute before. Raises `DatabaseUnreachable`."""
    row = views.last_24_hours(database)
    minutes = views.minutes(database, now)
    ordered_s = sorted(latencies_s)
    return OverviewAnswer(
        as_of=now,
        totals=Totals(
            active_sessions=row["active_sessions"],
            sessions=row["total_sessions"],
            conversion_rate=row["conversion_rate"],
            purchases=row["total_purchases"],
            revenue=row["total_revenue"],
            open_cart_value=row["open_cart_value"],
            events_per_s=events_per_s(minutes, now),
            decisions_per_s=len(ordered_s) / 60,
            latency_p50_s=percentile(ordered_s, 0.50),
            latency_p95_s=percentile(ordered_s, 0.95),
        ),
        minutes=minutes,
        likelihoods=views.likelihoods(database),
        funnel=views.funnel(database, now),
        personas=views.personas(database, now),
        budgets=views.budgets(database, now),
    )


def events_per_s(minutes: list[Minute], now: datetime) -> float:
    """The rate over the last 60 seconds: this minute so far, and the share of the one before that is still within them."""
    before, current = minutes[-2:]
    elapsed_s = (now - current.minute).total_seconds()
    return (current.events + before.events * max(0.0, 60 - elapsed_s) / 60) / 60


def percentile(ordered: list[float], share: float) -> float | None:
    """The smallest value that at least `share` of the values do not exceed; None of no values."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]
