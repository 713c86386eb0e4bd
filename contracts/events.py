"""The event: one fact that already happened in a browser, checked and in GA4's words."""

from typing import Annotated, Literal

import msgspec

from contracts.instants import Instant

DeviceType = Literal["desktop", "mobile", "tablet", "unknown"]

Consent = Literal["granted", "refused"]
PrivacySignal = Literal["gpc", "dnt", "sp_anonymous", "consent"]

MessageId = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
VisitorId = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of GA4's `items[]`: a product, its unit price in the event's currency, and how many."""

    item_id: str | None = None
    item_name: str | None = None
    price: float | None = None
    quantity: float = 1.0
    item_brand: str | None = None
    item_category: str | None = None
    item_variant: str | None = None
    coupon: str | None = None
    discount: float | None = None
    index: int | None = None


class Click(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where on a page was clicked."""

    x: Annotated[float, msgspec.Meta(ge=0, le=1)]
    """Share of the page's width, from the left: windows differ in width, and pages follow them."""
    y: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
    """CSS pixels from the top of the page."""
    element: Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x20\x7f@<>]{1,64}$")] | None = None
    """The link, button or field that was hit, by its id, where the link leads, or its class (`button#buy`, `a:/cart`, `label.sort`); null
    when it was none of them."""
    is_rage: bool = False
    """The third click of a run on one spot."""


class Properties(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The parameters of an event that some step of ours reads; all others travel in `Event.custom`.

    Money (`value`, `Item.price`) is in units of `currency`. `value` of an `add_to_cart` is the whole line (price times quantity),
    of a `purchase` the whole order without tax and shipping.
    """

    currency: str | None = None
    value: float | None = None
    transaction_id: str | None = None
    items: tuple[Item, ...] = ()
    search_term: str | None = None
    coupon: str | None = None
    promotion_id: str | None = None
    incentive_id: str | None = None
    is_page_view: bool | None = None
    """True when an event with another name also was a page view, as in Google Analytics hits."""
    engagement_time_msec: float | None = None
    """Milliseconds the page was visible and used since the last report."""
    percent_scrolled: float | None = None
    """Deepest scroll on this page, 0 to 100."""
    pointer_distance_px: float | None = None
    """Pointer travel since the last report, CSS pixels."""
    click_count: int | None = None
    rage_click_count: int | None = None
    """Runs of three or more clicks on one spot within a second, since the last report."""
    clicks: Annotated[tuple[Click, ...], msgspec.Meta(max_length=100)] = ()
    """Where the page was clicked since the last report, when the shop asks for it."""
    page_height_px: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    """The page's whole height, CSS pixels."""
    ga_session_number: int | None = None
    """The visitor's how-manieth session this is by the sender's own count, which may be older than ours."""


class Context(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where and how an event happened: the page, the device class, the campaign. No raw user agent, no address."""

    page_url: str | None = None
    page_path: str | None = None
    page_title: str | None = None
    page_referrer: str | None = None
    device_type: DeviceType = "unknown"
    browser: str | None = None
    os: str | None = None
    locale: str | None = None
    timezone: str | None = None
    country: str | None = None
    """Where the sender's own look-up placed the visitor: an ISO 3166 code or an English name. We look up no address."""
    campaign_source: str | None = None
    campaign_medium: str | None = None
    campaign_name: str | None = None
    campaign_term: str | None = None
    """The keyword that was paid for."""
    campaign_content: str | None = None
    """Which of several advertisements or links."""
    screen_width: int | None = None
    """Pixels, as the SDK counts them."""
    screen_height: int | None = None
    sdk_session_id: str | None = None
    """The session by the SDK's own count, to join with what else it feeds. Events of one may be in several of our sessions, and the
    other way round."""
    library_name: str | None = None
    library_version: str | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record of topic `events`.

    `message_id` is the sender's id of the event, unique within a write key: the same one twice is the same event.
    `occurred_at` is the browser's clock, repaired; `received_at` is ingest's. Both are UTC. An event named
    `shopstream_erase_visitor` is no act of the visitor: it asks every reader to forget what was received of them until then.
    """

    message_id: MessageId
    write_key: str
    visitor_id: VisitorId
    user_id: str | None = None
    event_name: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    occurred_at: Instant
    received_at: Instant
    properties: Properties = Properties()
    custom: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"{}"))
    """A JSON object: every parameter that `Properties` does not name, as it came."""
    context: Context = Context()
    consent: Consent | None = None
    """Whether the visitor allows analytics; null when nothing was said. Of an event that is `refused`, ingest keeps no id that outlives
    the day, no user, no custom parameters and no interaction: it counts, and tells of nobody."""
    privacy_signals: tuple[PrivacySignal, ...] = ()
    """What refused: Global Privacy Control, Do Not Track, Snowplow's anonymous tracking, a consent dialogue."""
    bot_score: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    """1 when the user agent is a known crawler's, an automated browser's or a program's; null when nothing says so. Behaviour is
    judged by the session."""
