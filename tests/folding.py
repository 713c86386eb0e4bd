"""Events so many minutes after noon, and the visitor that they make."""

from datetime import UTC, datetime, timedelta

import msgspec

from contracts.events import Event, Properties
from models.visitor import Visitor
from tests.factories import event

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def at(minutes: float, name: str = "page_view", **properties: object) -> Event:
    """An event so many minutes after noon, with an id of its own."""
    moment = NOON + timedelta(minutes=minutes)
    return event(
        name,
        message_id=f"{name}@{minutes}",
        visitor_id="ada",
        occurred_at=moment,
        received_at=moment,
        properties=msgspec.convert(properties, Properties),
    )


def told(*events: Event) -> Visitor:
    visitor = Visitor("ada")
    for each in events:
        visitor.observe(each)
    return visitor
