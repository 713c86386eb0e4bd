"""Session features: everything known about one session at one moment."""

import msgspec

from contracts.events import Consent, DeviceType
from contracts.instants import Instant


class SessionFeatures(msgspec.Struct, frozen=True, kw_only=True):
    """One record of topic `session-features`: the session as it stands after the event `caused_by`.

    A later record of the same session replaces an earlier one. A value that cannot be known yet is null, never zero.
    Money is in the shop's currency unit, `_s` is seconds, `_ms` milliseconds, `_px` CSS pixels.
    """

    session_id: str
    visitor_id: str
    user_id: str | None
    write_key: str
    replaces: tuple[str, ...] = ()
    """Ids this session was known by before an earlier event of it arrived; rows under these ids are void."""
    caused_by: str
    """`message_id` of the event folded last."""
    received_at: Instant
    """When ingest received that event."""
    started_at: Instant
    last_seen_at: Instant
    closed_at: Instant | None
    """Set once the watermark passed `last_seen_at` by more than the gap."""

    event_count: int
    page_count: int
    product_view_count: int
    distinct_product_count: int
    distinct_category_count: int
    list_view_count: int
    search_count: int
    add_to_cart_count: int
    remove_from_cart_count: int
    cart_view_count: int
    wishlist_count: int
    promotion_count: int
    coupon_count: int
    checkout_step_count: int
    purchase_count: int
    """Distinct purchases: by `transaction_id` where there is one, else by event."""
    revenue: float
    cart_value: float
    """What was added and not removed since the last purchase; never negative."""
    cart_item_count: int

    time_on_site_s: float
    viewed_price_mean: float | None
    viewed_price_max: float | None
    active_ms: float | None
    scroll_percent_max: float | None
    pointer_distance_px: float | None
    click_count: int | None
    rage_click_count: int | None

    device_type: DeviceType
    channel: str
    """Where the session came from: `direct`, `search`, `social`, `email`, `paid`, `referral`."""
    entry_path: str | None
    last_path: str | None
    hour: int
    """UTC hour of `started_at`, 0 to 23."""
    weekday: int
    """UTC day of the week of `started_at`, Monday is 0."""

    previous_session_count: int
    previous_purchase_count: int
    previous_revenue: float
    seconds_since_previous_session: float | None

    # Fields from here on came later; a record without them is of an older stream, and its values are unknown.
    select_item_count: int | None = None
    home_page_count: int | None = None
    information_page_count: int | None = None
    account_page_count: int | None = None
    cart_page_count: int | None = None
    checkout_page_count: int | None = None
    """Pages viewed of a kind that their path tells (`models/pages.py`)."""
    seconds_since_previous_event: float | None = None
    """From the event before the newest to the newest."""
    cart_idle_s: float | None = None
    """From the newest change of the cart to the newest event."""
    os: str | None = None
    country: str | None = None
    ga_session_number: int | None = None
    """The visitor's how-manieth session this is by the sender's own count."""
    previous_event_count: int | None = None
    previous_add_to_cart_count: int | None = None
    previous_checkout_step_count: int | None = None
    consent: Consent | None = None
    """`refused` when any event says so; then nothing is offered."""
    bot_score: float | None = None
    """How much the session looks like a program's, 0 to 1, by user agent and behaviour; from 0.5 on it is a bot's. No model sees it."""
