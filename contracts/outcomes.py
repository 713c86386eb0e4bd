"""The outcome: what the visitor did in the end, known when the session closes."""

from datetime import datetime

import msgspec


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One record of topic `outcomes`. A session that a late event reopens sends its outcome again; the last one holds."""

    session_id: str
    visitor_id: str
    user_id: str | None
    write_key: str
    started_at: datetime
    last_seen_at: datetime
    closed_at: datetime
    event_count: int
    has_purchased: bool
    purchase_count: int
    revenue: float
    abandoned_cart_value: float
    """What was still in the cart when the session closed."""
