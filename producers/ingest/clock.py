"""Event time from clocks that cannot be trusted: Segment's repair rule and a clamp around our own clock."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from producers.ingest.rejections import Unfit

_MILLISECONDS_FROM: Final = 100_000_000_000
"""Numbers this large are milliseconds since 1970; as seconds they would be after the year 5100."""
_NUMBER: Final = re.compile(r"[0-9]{9,16}(?:\.[0-9]{1,9})?")
"""A number since 1970 written as text. Python reads some of these as a day, any one character, and a time: of the year 1711."""
_ONE_DIGIT: Final = re.compile(r"(?<=\d)-(?=\d(?:-|T| |$))")


class EventTime(NamedTuple):
    occurred_at: datetime
    is_clamped: bool


def instant(value: object, name: str) -> datetime | None:
    """The UTC instant that `value` says, ISO 8601 or a number since 1970; None when absent. A text without zone is UTC."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            try:
                read = msgspec.convert(value, datetime)  # nearly always, and never a number
            except msgspec.ValidationError:
                if _NUMBER.fullmatch(value):
                    return _since_1970(float(value))
                # One of Segment's own examples says 2015-2-02.
                # Warehouses write the zone as a word.
                read = datetime.fromisoformat(_ONE_DIGIT.sub("-0", value.removesuffix(" UTC")))
            return read.astimezone(UTC) if read.tzinfo is not None else read.replace(tzinfo=UTC)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return _since_1970(value)
    except (ValueError, OverflowError, OSError):
        pass
    raise Unfit(f"{name} must be an ISO 8601 date-time")


def _since_1970(number: float) -> datetime:
    return datetime.fromtimestamp(number / 1000 if abs(number) >= _MILLISECONDS_FROM else number, UTC)


def repaired(
    happened_at: datetime | None, *, sent_at: datetime | None, received_at: datetime, clamp: timedelta
) -> EventTime:
    """When it happened by our clock: `received_at − (sent_at − happened_at)`, at most `clamp` away from `received_at`.

    `happened_at` and `sent_at` are by the browser's clock, so their difference holds even when that clock is wrong.
    """
    if happened_at is None:
        return EventTime(received_at, False)
    age = (sent_at if sent_at is not None else received_at) - happened_at
    if age > clamp:
        return EventTime(received_at - clamp, True)
    if age < -clamp:
        return EventTime(received_at + clamp, True)
    return EventTime(received_at - age, False)
