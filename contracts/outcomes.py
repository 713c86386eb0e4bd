"""The outcome: what the visitor did in the end, known when the session closes."""

import msgspec

from contracts.instants import Instant


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One record of topic `outcomes`. A session that a late event reopens sends its outcome again; the last one holds."""

    session_id: str
    visitor_id: str
    user_id: str | None
    write_key: str
    started_at: Instant
    last_seen_at: Instant
    closed_at: Instant
    event_count: int
    has_purchased: bool
    purchase_count: int
    revenue: float
    abandoned_cart_value: float
    """What was still in the cart when the session closed."""
