"""What the console asks Postgres: each question is one select from one view."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from console.bodies import (
    BudgetToday,
    FunnelStep,
    LiveSession,
    Minute,
    PersonaCount,
    SessionProfile,
    SessionsAnswer,
    StoryAnswer,
    StoryDecision,
    StoryEvent,
    StoryOutcome,
)
from console.database import Database, Row
from contracts.http import AnalyticsAnswer

STORY_ROWS: Final = 2_000
ORDERS: Final = {
    "recent": "last_seen_at desc",
    "likelihood": "likelihood desc nulls last, last_seen_at desc",
    "cart": "cart_value desc, last_seen_at desc",
}
LIVE: Final = """
    select *, count(*) over () as total
    from live_sessions
    where (%(persona)s::text is null or persona = %(persona)s)
      and (%(device_type)s::text is null or device_type = %(device_type)s)
      and (%(channel)s::text is null or channel = %(channel)s)
      and (%(visitor_id)s::text is null or visitor_id = %(visitor_id)s)
      and (%(min_likelihood)s::float8 is null or likelihood >= %(min_likelihood)s)
    order by {order}, session_id
    limit %(limit)s
"""
LIVE_BY_ORDER: Final = {name: LIVE.format(order=order) for name, order in ORDERS.items()}
STORY: Final = """
    select * from session_story where session_id = %(session_id)s order by occurred_at, step, id limit %(limit)s
"""
MINUTES: Final = "select minute, sessions, converted_sessions from sessions_by_minute where minute >= %(since)s"
EVENT_MINUTES: Final = "select minute, events from event_rate_by_minute where minute >= %(since)s"
LIKELIHOODS: Final = """
    select least(floor(likelihood * 10), 9)::int as tenth, count(*) as sessions
    from live_sessions where likelihood is not null group by 1
"""
FUNNEL: Final = """
    select
        coalesce(sum(sessions), 0)::int as "Visited",
        coalesce(sum(sessions_with_product_view), 0)::int as "Viewed a product",
        coalesce(sum(sessions_with_cart), 0)::int as "Filled a cart",
        coalesce(sum(sessions_with_checkout), 0)::int as "Began checkout",
        coalesce(sum(sessions_with_purchase), 0)::int as "Purchased"
    from funnel_by_hour where hour >= %(since)s
"""
PERSONAS: Final = """
    select persona, sum(sessions)::int as sessions, sum(converted_sessions)::int as converted_sessions
    from personas_by_hour where hour >= %(since)s group by persona order by 2 desc, 1
"""

BUDGETS: Final = "select * from budget_by_day where day = (%(now)s at time zone 'utc')::date order by budget"


def analytics(database: Database) -> AnalyticsAnswer:
    """The last 24 hours. Raises `DatabaseUnreachable`."""
    row = last_24_hours(database)
    return AnalyticsAnswer(
        total_sessions=row["total_sessions"],
        conversion_rate=row["conversion_rate"],
        avg_session_time=row["avg_session_time_s"],
        top_persona=row["top_persona"],
        total_revenue=row["total_revenue"],
    )


def last_24_hours(database: Database) -> Row:
    (row,) = database.rows("select * from dashboard_realtime")
    return row


def live_sessions(database: Database, filters: Mapping[str, Any], order: str, now: datetime) -> SessionsAnswer:
    """Sessions in progress that match every filter that is not None. Raises `DatabaseUnreachable`."""
    rows = database.rows(LIVE_BY_ORDER[order], filters)
    total = rows[0]["total"] if rows else 0
    return SessionsAnswer(as_of=now, total=total, sessions=[_read(row, LiveSession) for row in rows])


def story(database: Database, session_id: str) -> StoryAnswer | None:
    """One session's whole story; None when there is no such session. Raises `DatabaseUnreachable`."""
    profiles = database.rows(
        "select * from session_profile where session_id = %(session_id)s", {"session_id": session_id}
    )
    if not profiles:
        return None
    rows = database.rows(STORY, {"session_id": session_id, "limit": STORY_ROWS + 1})
    steps = rows[:STORY_ROWS]
    outcome = profiles[0]["has_purchased"] is not None
    return StoryAnswer(
        session=_read(profiles[0], SessionProfile),
        events=[
            _read({**row, "message_id": row["id"], "event_name": row["name"]}, StoryEvent)
            for row in steps
            if row["kind"] == "event"
        ],
        decisions=[
            _read({**row, "decision_id": row["id"], "event_count": row["step"]}, StoryDecision)
            for row in steps
            if row["kind"] == "decision"
        ],
        outcome=_read(profiles[0], StoryOutcome) if outcome else None,
        is_complete=len(rows) <= STORY_ROWS,
    )


def persona_rows(database: Database) -> dict[str, Row]:
    """How many of all sessions each persona has, and how they buy. Raises `DatabaseUnreachable`."""
    return {row["persona"]: row for row in database.rows("select * from persona_distribution")}


def minutes(database: Database, now: datetime, count: int = 60) -> list[Minute]:
    """The last `count` minutes, this one included, none left out. Raises `DatabaseUnreachable`."""
    newest = now.replace(second=0, microsecond=0)
    since = newest - timedelta(minutes=count - 1)
    sessions = {row["minute"]: row for row in database.rows(MINUTES, {"since": since})}
    events = {row["minute"]: row["events"] for row in database.rows(EVENT_MINUTES, {"since": since})}
    nothing: Row = {"sessions": 0, "converted_sessions": 0}
    answer = []
    for back in reversed(range(count)):
        minute = newest - timedelta(minutes=back)
        row = sessions.get(minute, nothing)
        answer.append(
            Minute(
                minute=minute,
                sessions=row["sessions"],
                converted_sessions=row["converted_sessions"],
                events=events.get(minute, 0),
            )
        )
    return answer


def likelihoods(database: Database) -> list[int]:
    """Sessions in progress by tenth of likelihood. Raises `DatabaseUnreachable`."""
    counts = {row["tenth"]: row["sessions"] for row in database.rows(LIKELIHOODS)}
    return [counts.get(tenth, 0) for tenth in range(10)]


def funnel(database: Database, now: datetime) -> list[FunnelStep]:
    """Sessions of the last 24 hours by how far they came. Raises `DatabaseUnreachable`."""
    (row,) = database.rows(FUNNEL, {"since": now - timedelta(hours=24)})
    return [FunnelStep(step=step, sessions=sessions) for step, sessions in row.items()]


def personas(database: Database, now: datetime) -> list[PersonaCount]:
    """Sessions of the last 24 hours by persona, the commonest first. Raises `DatabaseUnreachable`."""
    rows = database.rows(PERSONAS, {"since": now - timedelta(hours=24)})
    return [_read(row, PersonaCount) for row in rows]


def budgets(database: Database, now: datetime) -> list[BudgetToday]:
    """The budgets of today, by name. Raises `DatabaseUnreachable`."""
    return [_read(row, BudgetToday) for row in database.rows(BUDGETS, {"now": now})]


def _read(row: Row, kind: type[Any]) -> Any:
    """A struct of the row's columns that it names."""
    return msgspec.convert({name: row[name] for name in kind.__struct_fields__}, kind)
