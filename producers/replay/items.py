"""Hop 1. A row of somebody's event log in, one item of a Segment batch out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any

import msgspec


class ReplayError(Exception):
    """The replay cannot start or go on; the text says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class ReplayItem:
    """One event as it will be sent. `body` is its JSON; `occurred_at` is None when the row's time cannot be read.

    Such a row is sent all the same: ingest refuses it into the dead letters, with the reason.
    """

    message_id: str
    visitor_id: str
    occurred_at: datetime | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Recording:
    """A file's rows in event-time order. `items` has one item a row, equal rows with equal message ids."""

    row_count: int
    items: Iterator[ReplayItem] = field(repr=False)
    skipped_count: int = 0
    """Rows that tell of no event at all; their format's module says which."""


def item(
    event_name: str,
    *,
    message_id: str,
    visitor_id: str,
    timestamp: str,
    occurred_at: datetime | None,
    properties: Mapping[str, Any],
    context: Mapping[str, Any],
) -> ReplayItem:
    """A Segment `page` or `track` call; properties that are None are left out."""
    body: dict[str, Any] = {
        "type": "track",
        "event": event_name,
        "messageId": message_id,
        "anonymousId": visitor_id,
        "timestamp": timestamp,
        "properties": told(properties),
        "context": {"library": {"name": "shopstream-replay"}, **context},
    }
    if event_name == "page_view":
        body["type"] = "page"
        del body["event"]
    return ReplayItem(message_id, visitor_id, occurred_at, msgspec.json.encode(body))


def told(values: Mapping[str, Any]) -> dict[str, Any]:
    """The entries that have a value."""
    return {name: value for name, value in values.items() if value is not None}


def number(text: str) -> float | str | None:
    """The number a cell holds, None for an empty cell. Other text stays text, so that ingest says what is wrong with it."""
    if text == "":
        return None
    try:
        value = float(text)
    except ValueError:
        return text
    return value if isfinite(value) else text
