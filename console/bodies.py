"""Bodies of the console's own endpoints; those that the earlier system fixed are in `contracts/http.py`."""

from datetime import datetime
from typing import Any

import msgspec

from models.recommend import Basis


class LiveSession(msgspec.Struct, frozen=True, kw_only=True):
    """One session in progress, with the latest incentive decided for it.

    In the `holdout` arm the incentive is what would have been offered and `is_offered` is false.
    """

    session_id: str
    visitor_id: str
    user_id: str | None
    started_at: datetime
    last_seen_at: datetime
    event_count: int
    page_count: int
    likelihood: float | None
    """Probability, 0 to 1, that the session still buys; null until its first score."""
    persona: str | None
    style: str | None
    incentive_type: str | None
    incentive_message: str | None
    arm: str | None
    is_offered: bool | None
    cart_value: float
    cart_item_count: int
    purchase_count: int
    revenue: float
    device_type: str
    channel: str
    entry_path: str | None
    last_path: str | None


class SessionsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`total` is how many sessions match; `sessions` are the first `limit` of them."""

    as_of: datetime
    total: int
    sessions: list[LiveSession]


class SessionProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known about one session. A value that cannot be known is null, never zero."""

    session_id: str
    visitor_id: str
    user_id: str | None
    write_key: str
    started_at: datetime
    last_seen_at: datetime
    closed_at: datetime | None
    likelihood: float | None
    persona: str | None
    style: str | None
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
    revenue: float
    cart_value: float
    cart_item_count: int
    time_on_site_s: float
    viewed_price_mean: float | None
    viewed_price_max: float | None
    active_ms: float | None
    scroll_percent_max: float | None
    pointer_distance_px: float | None
    click_count: int | None
    rage_click_count: int | None
    device_type: str
    channel: str
    entry_path: str | None
    last_path: str | None
    hour: int
    weekday: int
    previous_session_count: int
    previous_purchase_count: int
    previous_revenue: float
    seconds_since_previous_session: float | None


class StoryEvent(msgspec.Struct, frozen=True, kw_only=True):
    message_id: str
    event_name: str
    occurred_at: datetime
    received_at: datetime
    page_path: str | None
    properties: dict[str, Any]


class StoryDecision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision, and how many milliseconds after the receipt of its event it was made."""

    decision_id: str
    occurred_at: datetime
    event_count: int
    likelihood: float
    persona: str
    style: str
    arm: str
    incentive_type: str | None
    incentive_message: str | None
    is_offered: bool
    because: list[str]
    model_version: str
    policy_version: str
    latency_ms: float


class StoryOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the visitor did in the end."""

    closed_at: datetime
    has_purchased: bool
    purchase_count: int
    revenue: float
    abandoned_cart_value: float


class StoryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One shopper's session from its first event to its outcome, in the order in which things happened."""

    session: SessionProfile
    events: list[StoryEvent]
    decisions: list[StoryDecision]
    outcome: StoryOutcome | None
    """Null while the session is open."""
    is_complete: bool
    """False when the session is so long that only its beginning is here."""


class PersonaShare(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    description: str
    color: str
    sessions: int
    share: float
    """Of all sessions with a persona, 0 to 1."""
    conversion_rate: float | None
    """Sessions with a purchase divided by sessions, 0 to 1; null without sessions."""
    average_likelihood: float | None
    revenue: float


class PersonasAnswer(msgspec.Struct, frozen=True, kw_only=True):
    personas: list[PersonaShare]


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The last 24 hours, and this moment. Latency is from ingest's receipt of an event to its decision leaving the console."""

    active_sessions: int
    """Seen in the last five minutes."""
    sessions: int
    conversion_rate: float
    purchases: int
    revenue: float
    open_cart_value: float
    events_per_s: float
    """Over the last minute."""
    decisions_per_s: float
    """Over the last minute."""
    latency_p50_s: float | None
    latency_p95_s: float | None


class Minute(msgspec.Struct, frozen=True, kw_only=True):
    """One minute: sessions that started in it, those of them that have bought since, and events received in it."""

    minute: datetime
    sessions: int
    converted_sessions: int
    events: int


class RecommendedItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item id as the shop's own events have it; what it is called and costs, the shop's catalogue says."""

    item_id: str
    score: float
    """0 to 1. With basis `items` how well it goes with the visitor's own items, with `popular` the share of visitors that touched it."""
    because: str | None
    """The visitor's own item that speaks for it most; null with basis `popular`."""


class RecommendationsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the visitor is likely to want next, the likeliest first, without what is in the cart or was touched within a day."""

    visitor_id: str
    basis: Basis
    """`items`: by what others touched together with the visitor's own items. `popular`: too little is known of those. `none`: see `reason`."""
    reason: str | None
    """Why there is nothing to tell."""
    as_of: datetime | None
    """When the touches of all visitors were last looked at; the visitor's own are of this moment."""
    items: list[RecommendedItem]


class FunnelStep(msgspec.Struct, frozen=True, kw_only=True):
    step: str
    sessions: int


class PersonaCount(msgspec.Struct, frozen=True, kw_only=True):
    persona: str
    sessions: int
    converted_sessions: int


class BudgetToday(msgspec.Struct, frozen=True, kw_only=True):
    """One budget of the policy on this day of UTC, from the day's first reservation on. What is neither offered nor set aside is left."""

    budget: str
    per_day: float
    offers: int
    accepted: int
    offered_cost: float
    """The most that the offers made can cost."""
    set_aside: float
    """With workers for offers to come, or with one that was killed."""
    is_kept: bool
    """False if more was offered than had been set aside."""


class OverviewAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the live page shows beside its sessions."""

    as_of: datetime
    totals: Totals
    minutes: list[Minute]
    """The last 60, oldest first, none left out."""
    likelihoods: list[int]
    """Sessions in progress by tenth of likelihood, lowest first."""
    funnel: list[FunnelStep]
    """Sessions of the last 24 hours that reached each step."""
    personas: list[PersonaCount]
    """Sessions of the last 24 hours."""
    budgets: list[BudgetToday]
    """Empty when the policy has none, or when nothing was set aside today yet."""
