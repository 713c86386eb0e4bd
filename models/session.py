"""One session as a sum over its events: the same events give the same session, in whatever order they arrive."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Final, get_args
from zlib import crc32

import msgspec

from contracts import event_names as names
from contracts.events import Consent, DeviceType, Event, Properties
from contracts.ids import derived_id
from models import bots, cart
from models.channels import channel_of
from models.pages import PageKind, kind_of

Mark = tuple[datetime, str]
"""Event time and message id: the order of events inside a visitor's story."""

MAX_PRODUCTS: Final = 2_048
CHECKOUT: Final = frozenset({names.BEGIN_CHECKOUT, names.ADD_SHIPPING_INFO, names.ADD_PAYMENT_INFO})
PROMOTION: Final = frozenset({names.VIEW_PROMOTION, names.SELECT_PROMOTION})
PAGE_KINDS: Final = {kind: f"page of {kind}" for kind in get_args(PageKind)}
"""The keys that pages of a kind are counted under, beside those of events."""


class Engagement(msgspec.Struct, array_like=True):
    """What the page's engagement reports say so far; sums, and the deepest scroll."""

    active_ms: float | None = None
    scroll_percent_max: float | None = None
    pointer_distance_px: float | None = None
    click_count: int | None = None
    rage_click_count: int | None = None


class Session(msgspec.Struct, array_like=True):
    """Everything kept of one session. Each field is a count, a sum, a minimum or maximum, or a set."""

    first: Mark
    last: Mark
    write_key: str
    former_ids: list[str] = []
    is_closed: bool = False
    counts: dict[str, int] = {}
    event_count: int = 0
    page_count: int = 0
    products: set[int] = set()
    categories: set[int] = set()
    viewed_cents: int = 0
    viewed_price_count: int = 0
    viewed_cents_max: int = 0
    cart_acts: list[cart.CartAct] = []
    purchases: dict[str, int] = {}
    """Cents by conversion id, also of those that an earlier session told; the larger amount when one was told twice."""
    engagement: Engagement = msgspec.field(default_factory=Engagement)
    entry: tuple[Mark, str | None, str] | None = None
    """The earliest event that tells a page or a campaign: its path and the channel."""
    latest_path: tuple[Mark, str] | None = None
    device: tuple[Mark, DeviceType] | None = None
    before_last: Mark | None = None
    """The event before the newest."""
    os: tuple[Mark, str] | None = None
    country: tuple[Mark, str] | None = None
    ga_session_number: int | None = None
    consent: Consent | None = None
    bot_score: float = 0.0
    """The largest of its events'; what the session does is judged beside it."""
    page_times_ms: list[int] = []
    """When its earliest pages were viewed, for `models/bots.py`."""
    user: tuple[Mark, str] | None = None
    """Who its newest event that names a user names: a device may be shared."""

    @classmethod
    def opened_by(cls, event: Event) -> "Session":
        mark = (event.occurred_at, event.message_id)
        return cls(first=mark, last=mark, write_key=event.write_key)

    def session_id(self, visitor_id: str) -> str:
        return derived_id("session", visitor_id, self.first[1])

    def add(self, event: Event, visitor_id: str) -> None:
        """Count an event that was not counted before."""
        name, context = event.event_name, event.context
        mark = (event.occurred_at, event.message_id)
        if mark < self.first:
            self.former_ids.append(self.session_id(visitor_id))
            self.first = mark
            self.write_key = event.write_key
        if self.event_count:
            self.before_last = _earlier_of_newest(self.before_last, self.last, mark)
        self.last = max(self.last, mark)
        self.is_closed = False
        self.event_count += 1
        if name == names.PAGE_VIEW or event.properties.is_page_view:
            self.page_count += 1
            bots.keep_page_times(self.page_times_ms, (bots.milliseconds(event.occurred_at),))
            kind = None if context.page_path is None else kind_of(context.page_path)
            if kind is not None:
                self.counts[PAGE_KINDS[kind]] = self.counts.get(PAGE_KINDS[kind], 0) + 1
        if name in names.RECOMMENDED:
            self.counts[name] = self.counts.get(name, 0) + 1
        if context.page_path is not None:
            self.latest_path = _later(self.latest_path, (mark, context.page_path))
        if self.entry is None or mark < self.entry[0]:
            told = context.page_path, context.page_referrer, context.campaign_source, context.campaign_medium
            if any(part is not None for part in told):
                self.entry = (mark, context.page_path, channel_of(context))
        if context.device_type != "unknown" and (self.device is None or mark < self.device[0]):
            self.device = (mark, context.device_type)
        if context.os is not None and (self.os is None or mark < self.os[0]):
            self.os = (mark, context.os)
        if context.country is not None and (self.country is None or mark < self.country[0]):
            self.country = (mark, context.country)
        if event.properties.ga_session_number is not None:
            self.ga_session_number = max(event.properties.ga_session_number, self.ga_session_number or 0)
        if event.user_id is not None:
            self.user = _later(self.user, (mark, event.user_id))
        self.consent = _stricter(self.consent, event.consent)
        self.bot_score = max(self.bot_score, event.bot_score or 0.0)
        use = event.properties
        if use.engagement_time_msec is not None or use.percent_scrolled is not None or name == names.USER_ENGAGEMENT:
            self._engage(use)  # Google Analytics tells it with whatever event comes next
        special = SPECIAL.get(name)
        if special is not None:
            special(self, event)

    def absorb(self, other: "Session", visitor_id: str) -> None:
        """Become one with a later session of the same visitor: a late event closed the pause between them."""
        self.former_ids += [*other.former_ids, other.session_id(visitor_id)]
        self.before_last = other.before_last or _earlier_of_newest(self.before_last, self.last, other.last)
        self.last = max(self.last, other.last)
        self.is_closed = False
        self.counts = dict(Counter(self.counts) + Counter(other.counts))
        self.event_count += other.event_count
        self.page_count += other.page_count
        self.products |= other.products
        self.categories |= other.categories
        self.viewed_cents += other.viewed_cents
        self.viewed_price_count += other.viewed_price_count
        self.viewed_cents_max = max(self.viewed_cents_max, other.viewed_cents_max)
        cart.insert(self.cart_acts, other.cart_acts)
        for conversion_id, amount in other.purchases.items():
            self.purchases[conversion_id] = max(amount, self.purchases.get(conversion_id, 0))
        mine, theirs = self.engagement, other.engagement
        mine.active_ms = _sum(mine.active_ms, theirs.active_ms)
        mine.scroll_percent_max = _largest(mine.scroll_percent_max, theirs.scroll_percent_max)
        mine.pointer_distance_px = _sum(mine.pointer_distance_px, theirs.pointer_distance_px)
        mine.click_count = _count(mine.click_count, theirs.click_count)
        mine.rage_click_count = _count(mine.rage_click_count, theirs.rage_click_count)
        self.entry = self.entry or other.entry
        self.latest_path = _later(self.latest_path, other.latest_path)
        self.device = self.device or other.device
        self.os = self.os or other.os
        self.country = self.country or other.country
        if other.ga_session_number is not None:
            self.ga_session_number = max(other.ga_session_number, self.ga_session_number or 0)
        self.consent = _stricter(self.consent, other.consent)
        self.bot_score = max(self.bot_score, other.bot_score)
        bots.keep_page_times(self.page_times_ms, other.page_times_ms)
        self.user = _later(self.user, other.user)

    def _view(self, event: Event) -> None:
        for item in event.properties.items:
            if len(self.products) < MAX_PRODUCTS:
                self.products.add(cart.item_key(item))
                if item.item_category:
                    self.categories.add(crc32(item.item_category.encode("utf-8", "replace")))
            if item.price is not None:
                price = cart.cents(item.price)
                self.viewed_cents += price
                self.viewed_price_count += 1
                self.viewed_cents_max = max(self.viewed_cents_max, price)

    def _cart(self, event: Event) -> None:
        cart.insert(self.cart_acts, cart.acts_of(event))

    def _purchase(self, event: Event) -> None:
        self._cart(event)
        key = conversion_id(event)
        self.purchases[key] = max(cart.cents(event.properties.value), self.purchases.get(key, 0))

    def _engage(self, told: Properties) -> None:
        kept = self.engagement
        kept.active_ms = _sum(kept.active_ms, told.engagement_time_msec)
        kept.scroll_percent_max = _largest(kept.scroll_percent_max, told.percent_scrolled)
        kept.pointer_distance_px = _sum(kept.pointer_distance_px, told.pointer_distance_px)
        kept.click_count = _count(kept.click_count, told.click_count)
        kept.rage_click_count = _count(kept.rage_click_count, told.rage_click_count)


SPECIAL: Final[dict[str, Callable[[Session, Event], None]]] = {
    names.VIEW_ITEM: Session._view,
    names.ADD_TO_CART: Session._cart,
    names.REMOVE_FROM_CART: Session._cart,
    names.PURCHASE: Session._purchase,
}


def conversion_id(event: Event) -> str:
    """The id of the purchase an event tells of: one a transaction and visitor, else one an event."""
    if event.properties.transaction_id:
        return derived_id(event.visitor_id, event.properties.transaction_id)
    return derived_id(event.write_key, event.message_id)


def _stricter(a: Consent | None, b: Consent | None) -> Consent | None:
    return "refused" if "refused" in (a, b) else a or b


def _later(a: tuple[Mark, str] | None, b: tuple[Mark, str] | None) -> tuple[Mark, str] | None:
    if a is None or b is None:
        return a or b
    return max(a, b)


def _earlier_of_newest(before: Mark | None, last: Mark, new: Mark) -> Mark:
    """The second newest of an ordered pair and a third."""
    earlier = min(last, new)
    return earlier if before is None else max(before, earlier)


def _sum(a: float | None, b: float | None) -> float | None:
    # Whole thousandths, so that the order of adding cannot show in the last bits.
    return a if b is None else round((a or 0.0) + round(b, 3), 3)


def _count(a: int | None, b: int | None) -> int | None:
    return a if b is None else (a or 0) + b


def _largest(a: float | None, b: float | None) -> float | None:
    return a if b is None else b if a is None else max(a, b)
