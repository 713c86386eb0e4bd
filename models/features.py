"""Hop 5. Session features in, one row of numbers out: the only definition of what a model sees.

The stream, the trainer and the replayer all come through `vector`, so a score is the same live and offline.
Nothing here tells what the session has bought: `purchase_count` and `revenue` of the session itself are not read.
A value that is not known is NaN, never zero.
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from operator import attrgetter, itemgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.features import SessionFeatures
from models.markets import country_place, system_place
from models.pages import kind_of

Row = NDArray[np.float32]
NAN: Final = math.nan
LARGEST: Final = 1e30
"""Anything larger is this, so that a number made up to break us stays a float32."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One named number. `sources` are the fields of `SessionFeatures` it is made from; `of` is None when it is that field as it is."""

    name: str
    meaning: str
    unit: str
    sources: tuple[str, ...]
    of: Callable[[SessionFeatures], float | None] | None = None


def _as_is(name: str, meaning: str, unit: str = "count") -> Feature:
    return Feature(name, meaning, unit, (name,))


def _flag(name: str, meaning: str, source: str, of: Callable[[SessionFeatures], float | None]) -> Feature:
    return Feature(name, meaning, "0 or 1", (source,), of)


def _ratio(above: float | None, below: float | None) -> float:
    return above / below if below and above is not None else NAN


def _device(kind: str) -> Feature:
    return _flag(
        f"is_{kind}",
        f"The device is a {kind}.",
        "device_type",
        lambda f: NAN if f.device_type == "unknown" else float(f.device_type == kind),
    )


def _channel(kind: str) -> Feature:
    return _flag(f"from_{kind}", f"The session came from channel `{kind}`.", "channel", lambda f: f.channel == kind)


PLACES: Final = {
    None: 2.0,
    "information": 0.0,
    "home": 1.0,
    "search": 3.0,
    "product": 4.0,
    "account": 5.0,
    "cart": 6.0,
    "checkout": 7.0,
}


def _place(path: str | None) -> float | None:
    return None if path is None else PLACES[kind_of(path)]


_DAY: Final = [(math.sin(math.tau * h / 24), math.cos(math.tau * h / 24)) for h in range(24)]
_WEEK: Final = [(math.sin(math.tau * d / 7), math.cos(math.tau * d / 7)) for d in range(7)]

FEATURES: Final[tuple[Feature, ...]] = (
    # what was done
    _as_is("event_count", "Events so far."),
    _as_is("page_count", "Pages viewed."),
    _as_is("product_view_count", "Product views."),
    _as_is("distinct_product_count", "Different products viewed."),
    _as_is("distinct_category_count", "Different categories viewed."),
    _as_is("list_view_count", "Product lists viewed."),
    _as_is("search_count", "Searches."),
    _as_is("add_to_cart_count", "Additions to the cart."),
    _as_is("remove_from_cart_count", "Removals from the cart."),
    _as_is("cart_view_count", "Looks at the cart."),
    _as_is("wishlist_count", "Additions to the wish list."),
    _as_is("promotion_count", "Promotions seen or clicked."),
    _as_is("coupon_count", "Coupons entered."),
    _as_is("checkout_step_count", "Steps taken in the checkout."),
    _as_is("select_item_count", "Products chosen from a list, quick looks among them."),
    _as_is("home_page_count", "Views of the home page."),
    _as_is("information_page_count", "Pages about the shop: help, terms, shipping."),
    _as_is("account_page_count", "Pages of signing in, registering and the account."),
    _as_is("cart_page_count", "Pages whose path is the cart's."),
    _as_is("checkout_page_count", "Pages whose path is the checkout's."),
    Feature(
        "last_page_place",
        "How near to a purchase the newest page is, from information (0) over lists (2) to the checkout (7).",
        "0 to 7",
        ("last_path",),
        lambda f: _place(f.last_path),
    ),
    Feature(
        "entry_page_place",
        "How near to a purchase the first page was, from information (0) over lists (2) to the checkout (7).",
        "0 to 7",
        ("entry_path",),
        lambda f: _place(f.entry_path),
    ),
    # the cart and prices
    _as_is("cart_value", "Value of what is in the cart.", "currency"),
    _as_is("cart_item_count", "Items in the cart."),
    _as_is("viewed_price_mean", "Mean price of the products viewed.", "currency"),
    _as_is("viewed_price_max", "Highest price of a product viewed.", "currency"),
    Feature(
        "views_per_product",
        "Product views for each different product: above 1 means coming back to one.",
        "ratio",
        ("product_view_count", "distinct_product_count"),
        lambda f: _ratio(f.product_view_count, f.distinct_product_count),
    ),
    # time and pace
    _as_is("time_on_site_s", "Time from the first event to the newest.", "s"),
    Feature(
        "seconds_per_event",
        "Mean pause between events; unknown at the first.",
        "s",
        ("time_on_site_s", "event_count"),
        lambda f: f.time_on_site_s / (f.event_count - 1) if f.event_count > 1 else NAN,
    ),
    Feature(
        "seconds_per_page",
        "Time on site for each page viewed.",
        "s",
        ("time_on_site_s", "page_count"),
        lambda f: f.time_on_site_s / f.page_count if f.page_count and f.event_count > 1 else NAN,
    ),
    _as_is("seconds_since_previous_event", "Pause before the newest event.", "s"),
    _as_is("cart_idle_s", "Time since the cart changed last; unknown without a cart.", "s"),
    # engagement
    Feature(
        "active_s",
        "Time the page was visible and used.",
        "s",
        ("active_ms",),
        lambda f: None if f.active_ms is None else f.active_ms / 1000.0,
    ),
    Feature(
        "active_share",
        "Active time divided by time on site.",
        "ratio",
        ("active_ms", "time_on_site_s"),
        lambda f: _ratio(f.active_ms, f.time_on_site_s * 1000.0),
    ),
    _as_is("scroll_percent_max", "Deepest scroll on any page.", "%"),
    Feature(
        "pointer_speed_px_s",
        "Pointer travel for each second of active time: slow is hesitant, fast is hurried.",
        "px/s",
        ("pointer_distance_px", "active_ms"),
        lambda f: _ratio(f.pointer_distance_px, f.active_ms and f.active_ms / 1000.0),
    ),
    _as_is("click_count", "Clicks."),
    _as_is("rage_click_count", "Runs of quick clicks on one spot."),
    # where from, on what, when
    Feature(
        "country_place",
        "The visitor's country, large markets first.",
        "place",
        ("country",),
        lambda f: country_place(f.country),
    ),
    Feature("system_place", "The operating system.", "place", ("os",), lambda f: system_place(f.os)),
    _device("desktop"),
    _device("mobile"),
    _device("tablet"),
    _channel("direct"),
    _channel("search"),
    _channel("social"),
    _channel("email"),
    _channel("paid"),
    _channel("referral"),
    Feature("hour_sin", "Hour of the day on a circle, UTC.", "-1 to 1", ("hour",), lambda f: _DAY[f.hour][0]),
    Feature("hour_cos", "Hour of the day on a circle, UTC.", "-1 to 1", ("hour",), lambda f: _DAY[f.hour][1]),
    Feature("weekday_sin", "Day of the week on a circle, UTC.", "-1 to 1", ("weekday",), lambda f: _WEEK[f.weekday][0]),
    Feature("weekday_cos", "Day of the week on a circle, UTC.", "-1 to 1", ("weekday",), lambda f: _WEEK[f.weekday][1]),
    # history
    _as_is("previous_session_count", "Sessions of the visitor before this one."),
    _as_is("ga_session_number", "The how-manieth session of the visitor, by the sender's own count."),
    _as_is("previous_event_count", "Events of the visitor before this session."),
    _as_is("previous_add_to_cart_count", "Additions to the cart before this session."),
    _as_is("previous_checkout_step_count", "Steps taken in a checkout before this session."),
    _as_is("previous_purchase_count", "Purchases of the visitor before this session."),
    _as_is("previous_revenue", "What the visitor spent before this session.", "currency"),
    Feature(
        "days_since_previous_session",
        "Days since the visitor's session before this one; unknown when there was none.",
        "days",
        ("seconds_since_previous_session",),
        lambda f: None if f.seconds_since_previous_session is None else f.seconds_since_previous_session / 86_400.0,
    ),
)

NAMES: Final = tuple(feature.name for feature in FEATURES)
SOURCES: Final = frozenset(source for feature in FEATURES for source in feature.sources)
"""Every field of `SessionFeatures` that a model sees."""

# Plain fields are read by one call in C, which halves the cost of a row; another call in C restores the order of FEATURES.
_PLAIN: Final = [i for i, feature in enumerate(FEATURES) if feature.of is None]
_DERIVED: Final = [i for i, feature in enumerate(FEATURES) if feature.of is not None]
_read_plain: Final = attrgetter(*(FEATURES[i].sources[0] for i in _PLAIN))
_derive: Final = tuple(feature.of for feature in FEATURES if feature.of is not None)
_in_order: Final = itemgetter(*np.argsort(_PLAIN + _DERIVED).tolist())


def vector(features: SessionFeatures) -> Row:
    """The session as one row of float32, in the order of `FEATURES`."""
    row: Row = matrix((features,))[0]
    return row


def matrix(sessions: Sequence[SessionFeatures]) -> Row:
    """One row a session, float32, columns in the order of `FEATURES`."""
    rows = [_in_order((*_read_plain(each), *[of(each) for of in _derive])) for each in sessions]
    try:
        wide = np.array(rows, dtype=np.float64)
    except OverflowError:  # a whole number of hundreds of digits, from a page that lies
        wide = np.array([[None if v is None else min(v, LARGEST) for v in row] for row in rows], dtype=np.float64)
    np.minimum(wide, LARGEST, out=wide)
    return wide.astype(np.float32).reshape(len(rows), len(FEATURES))


def known_columns(sources: Collection[str]) -> NDArray[np.bool_]:
    """Which features can be made from these fields of `SessionFeatures` alone; the others are unknown."""
    return np.array([set(feature.sources) <= set(sources) for feature in FEATURES])


def definition_digest() -> str:
    """Changes with any feature's name, meaning, unit, source or place: a model is only served what it was trained on."""
    text = "\n".join("\t".join((f.name, f.meaning, f.unit, *f.sources)) for f in FEATURES)
    return blake2b(text.encode(), digest_size=8).hexdigest()
