"""Sample contracts for tests: a plain one by default, with whatever the story needs given by keyword.

Instants may be given as datetimes or as clock times of one day: `at("12:30")`, `event("add_to_cart", occurred_at="12:30")`.
"""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from contracts.dead_letters import DeadLetter
from contracts.decisions import Decision, Incentive
from contracts.events import Context, Event, Properties
from contracts.features import SessionFeatures
from contracts.ids import derived_id
from contracts.outcomes import Outcome

DAY: Final = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday. All clock times of the factories are on it."""

_numbers = itertools.count(1)

Instant = datetime | str


def at(clock: Instant) -> datetime:
    """`"12:30"` or `"12:30:05.5"` on `DAY`, in UTC; a datetime stays as it is."""
    if isinstance(clock, datetime):
        return clock
    hours, minutes, *seconds = clock.split(":")
    return DAY + timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds[0]) if seconds else 0)


def event(
    event_name: str = "page_view",
    occurred_at: Instant = "12:00",
    *,
    message_id: str | None = None,
    visitor_id: str = "ada",
    write_key: str = "demo",
    received_at: Instant | None = None,
    properties: Properties | dict[str, Any] | None = None,
    custom: dict[str, Any] | None = None,
    context: Context | dict[str, Any] | None = None,
    **others: Any,
) -> Event:
    """An event of visitor `ada`, each with a message id of its own.

    A keyword that `Event` has not is a property: `event("add_to_cart", value=20.0)`, `event("click", element="buy")`.
    """
    fields = {name: others.pop(name) for name in Event.__struct_fields__ if name in others}
    known = {name: others.pop(name) for name in Properties.__struct_fields__ if name in others}
    if not isinstance(properties, Properties):
        properties = msgspec.convert({**(properties or {}), **known}, Properties)
    if not isinstance(context, Context):
        context = msgspec.convert(context or {"page_path": "/", "device_type": "desktop"}, Context)
    return Event(
        message_id=message_id or f"m{next(_numbers)}",
        write_key=write_key,
        visitor_id=visitor_id,
        event_name=event_name,
        occurred_at=at(occurred_at),
        received_at=at(received_at or occurred_at),
        properties=properties,
        custom=msgspec.Raw(msgspec.json.encode({**(custom or {}), **others})),
        context=context,
        **fields,
    )


def features(
    started_at: Instant = "12:00",
    last_seen_at: Instant | None = None,
    *,
    session_id: str | None = None,
    visitor_id: str = "ada",
    received_at: Instant | None = None,
    closed_at: Instant | None = None,
    **others: Any,
) -> SessionFeatures:
    """Features of a session of visitor `ada` with one page view, on a desktop."""
    start = at(started_at)
    end = at(last_seen_at or started_at)
    values: dict[str, Any] = {
        "session_id": session_id or derived_id(visitor_id, start.isoformat()),
        "visitor_id": visitor_id,
        "user_id": None,
        "write_key": "demo",
        "caused_by": "m0",
        "received_at": at(received_at or end),
        "started_at": start,
        "last_seen_at": end,
        "closed_at": at(closed_at) if closed_at else None,
        **dict.fromkeys([name for name in SessionFeatures.__struct_fields__ if name.endswith("_count")], 0),
        "event_count": 1,
        "page_count": 1,
        "revenue": 0.0,
        "cart_value": 0.0,
        "time_on_site_s": (end - start).total_seconds(),
        "viewed_price_mean": None,
        "viewed_price_max": None,
        "active_ms": None,
        "scroll_percent_max": None,
        "pointer_distance_px": None,
        "click_count": None,
        "rage_click_count": None,
        "device_type": "desktop",
        "channel": "direct",
        "entry_path": "/",
        "last_path": "/",
        "hour": start.hour,
        "weekday": start.weekday(),
        "previous_revenue": 0.0,
        "seconds_since_previous_session": None,
    }
    return SessionFeatures(**{**values, **others})


def incentive(incentive_id: str = "i1", **others: Any) -> Incentive:
    """Ten percent off."""
    values: dict[str, Any] = {"type": "discount", "message": "10 % off", "discount": 10.0, "priority": "high"}
    return Incentive(incentive_id=incentive_id, **{**values, **others})


def decision(
    occurred_at: Instant = "12:00",
    *,
    session_id: str | None = None,
    visitor_id: str = "ada",
    decision_id: str | None = None,
    received_at: Instant | None = None,
    decided_at: Instant | None = None,
    **others: Any,
) -> Decision:
    """A decision for a casual visitor's session in the treatment arm, without an incentive unless one is given.

    `session_id` is by default that of `features(started_at=occurred_at)`.
    """
    occurred = at(occurred_at)
    received = at(received_at or occurred)
    values: dict[str, Any] = {
        "decision_id": decision_id or f"d{next(_numbers)}",
        "session_id": session_id or derived_id(visitor_id, occurred.isoformat()),
        "visitor_id": visitor_id,
        "user_id": None,
        "caused_by": "m0",
        "occurred_at": occurred,
        "received_at": received,
        "decided_at": at(decided_at) if decided_at else received + timedelta(milliseconds=20),
        "event_count": 1,
        "likelihood": 0.25,
        "persona": "Casual Visitor",
        "persona_confidence": 0.5,
        "style": "Explorer",
        "style_confidence": 0.5,
        "arm": "treatment",
        "incentive": None,
        "is_offered": others.get("incentive") is not None and others.get("arm") != "holdout",
        "because": ("one page view",),
        "model_version": "purchase-1",
        "policy_version": "policy-1",
    }
    return Decision(**{**values, **others})


def outcome(
    started_at: Instant = "12:00",
    last_seen_at: Instant | None = None,
    *,
    session_id: str | None = None,
    visitor_id: str = "ada",
    closed_at: Instant | None = None,
    **others: Any,
) -> Outcome:
    """A session of visitor `ada` that ended without a purchase."""
    start = at(started_at)
    end = at(last_seen_at or started_at)
    values: dict[str, Any] = {
        "session_id": session_id or derived_id(visitor_id, start.isoformat()),
        "visitor_id": visitor_id,
        "user_id": None,
        "write_key": "demo",
        "started_at": start,
        "last_seen_at": end,
        "closed_at": at(closed_at) if closed_at else end + timedelta(minutes=30),
        "event_count": 1,
        "has_purchased": others.get("purchase_count", 0) > 0,
        "purchase_count": 0,
        "revenue": 0.0,
        "abandoned_cart_value": 0.0,
    }
    return Outcome(**{**values, **others})


def dead_letter(received_at: Instant = "12:00", *, raw: bytes = b"{}", **others: Any) -> DeadLetter:
    """An event that ingest refused."""
    values: dict[str, Any] = {
        "dead_letter_id": f"l{next(_numbers)}",
        "stage": "ingest",
        "code": "schema",
        "message": "properties.value must be a number",
        "raw": raw,
        "write_key": "demo",
        "received_at": at(received_at),
        "source": "/v1/batch",
    }
    return DeadLetter(**{**values, **others})
