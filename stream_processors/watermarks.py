"""Watermarks: the event time up to which a source's events are believed complete."""

from datetime import datetime, timedelta


class Watermarks:
    """One watermark for each partition and write key, so that a replay of old events and live traffic do not disturb each other.

    While a source sends, its watermark is its newest event time. While it is silent, or tells only what is older, event time goes
    on with our clock: a shop at night still closes its sessions.
    """

    def __init__(self) -> None:
        self._newest: dict[tuple[int, str], tuple[datetime, datetime]] = {}

    def observe(self, partition: int, write_key: str, occurred_at: datetime, *, now: datetime) -> None:
        """Note an event that was processed at `now`."""
        known = self._newest.get((partition, write_key))
        if known is None or occurred_at >= known[0]:
            self._newest[partition, write_key] = (occurred_at, now)

    def at(self, partition: int, write_key: str, *, now: datetime) -> datetime | None:
        """The watermark at `now`; None for a source that never sent."""
        known = self._newest.get((partition, write_key))
        if known is None:
            return None
        newest, processed_at = known
        return newest + max(now - processed_at, timedelta(0))
