"""Why a session got its likelihood, in words a shopkeeper would use.

The method is Saabas' path attribution: going down a tree, each split moves the expected share of buyers, and the move is credited
to the feature that was split on; averaged over the trees, base + credits = the forest's raw probability, exactly (`models/forest.py`
stores the credits in the leaves). It is honest about what the forest did, but unlike SHAP a feature tested near the root may get
credit that it shares with a feature tested below it. Features that say the same thing to a person share one reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.features import SessionFeatures
from models.markets import country_name
from models.pages import kind_of

TOP: Final = 3


@dataclass(frozen=True, slots=True)
class Reason:
    """A topic a person understands, the features it stands for, and its words for a session: None when nothing is known of it.

    `needs` is the field of `SessionFeatures` without which the words would be a guess.
    """

    name: str
    needs: str
    features: tuple[str, ...]
    words: Callable[[SessionFeatures], str | None]


def _many(count: int, one: str, more: str) -> str:
    return f"{min(count, 10**9):,} {one if count == 1 else more}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return _many(round(seconds), "second", "seconds")
    return _many(round(seconds / 60), "minute", "minutes") if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def _cart(f: SessionFeatures) -> str:
    if f.cart_value:
        return f"cart worth {f.cart_value:,.2f}"
    if f.cart_item_count:  # not every sender tells prices
        return _many(f.cart_item_count, "item in the cart", "items in the cart")
    if f.add_to_cart_count:
        return "empty cart" if f.remove_from_cart_count else "something in the cart"
    # What an earlier visit left in it is not known, so whoever looks at the cart may have one that is not empty.
    if f.remove_from_cart_count:
        return "took something out of the cart"
    return "cart viewed, nothing added yet" if f.cart_view_count or f.cart_page_count else "empty cart"


def _checkout(f: SessionFeatures) -> str:
    return "checkout begun" if f.checkout_step_count else "checkout not begun"


def _products(f: SessionFeatures) -> str:
    views = f.product_view_count
    if f.distinct_product_count and views > 1 and f.distinct_product_count * 2 <= views:
        return f"{_many(f.distinct_product_count, 'product', 'products')} looked at {views:,} times"
    if not views and f.select_item_count:
        return _many(f.select_item_count, "product picked from a list", "products picked from a list")
    return _many(views, "product view", "product views") if views else "no product looked at yet"


def _finding(f: SessionFeatures) -> str | None:
    if f.search_count:
        return _many(f.search_count, "search", "searches")
    return _many(f.list_view_count, "product list viewed", "product lists viewed")


def _deals(f: SessionFeatures) -> str | None:
    return (
        "coupon entered" if f.coupon_count else "looked at promotions" if f.promotion_count else "no look at promotions"
    )


def _prices(f: SessionFeatures) -> str | None:
    return None if f.viewed_price_mean is None else f"looks at prices around {f.viewed_price_mean:,.2f}"


def _depth(f: SessionFeatures) -> str:
    return _many(f.page_count, "page viewed", "pages viewed")


PAGE_WORDS: Final = {
    "home": "on the home page",
    "information": "reading about the shop",
    "search": "on a search page",
    "product": "on a product page",
    "account": "on an account page",
    "cart": "on the cart page",
    "checkout": "on a checkout page",
}


def _page(f: SessionFeatures) -> str | None:
    if f.last_path is None:
        return None
    if kind := kind_of(f.last_path):
        return PAGE_WORDS[kind]
    entry = kind_of(f.entry_path or f.last_path)
    return "on a list or another page" if entry is None else f"arrived {PAGE_WORDS[entry]}"


def _account(f: SessionFeatures) -> str | None:
    if f.account_page_count:
        return _many(f.account_page_count, "account page viewed", "account pages viewed")
    if f.information_page_count:
        return _many(f.information_page_count, "page about the shop read", "pages about the shop read")
    return "no account page yet"


def _market(f: SessionFeatures) -> str | None:
    # The name is the sender's text: only its place is believed, so only known countries are named.
    return None if f.country is None else f"from {country_name(f.country)}"


def _time(f: SessionFeatures) -> str:
    return f"{_duration(f.time_on_site_s)} on the site" if f.time_on_site_s > 0.5 else "has just arrived"


def _engagement(f: SessionFeatures) -> str | None:
    if f.active_ms is not None:
        return f"{_duration(f.active_ms / 1000)} of active reading"
    return None if f.scroll_percent_max is None else f"scrolled {f.scroll_percent_max:.0f} % of a page"


def _trouble(f: SessionFeatures) -> str | None:
    if f.rage_click_count:
        return "impatient clicking"
    return None if f.click_count is None else _many(f.click_count, "click", "clicks")


def _device(f: SessionFeatures) -> str | None:
    return None if f.device_type == "unknown" else f"on a {f.device_type}"


CHANNEL_WORDS: Final = {
    "direct": "came directly",
    "search": "came from a search engine",
    "social": "came from a social network",
    "email": "came from an e-mail",
    "paid": "came from an advertisement",
    "referral": "came from another site",
}


def _channel(f: SessionFeatures) -> str | None:
    return CHANNEL_WORDS.get(f.channel)


def _moment(f: SessionFeatures) -> str:
    return ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")[
        f.weekday
    ] + f" {f.hour:02}:00 UTC"


def _history(f: SessionFeatures) -> str:
    if f.previous_purchase_count:
        return (
            f"has bought {'once' if f.previous_purchase_count == 1 else f'{f.previous_purchase_count:,} times'} before"
        )
    if f.previous_session_count:
        return "has been here before without buying"
    if f.ga_session_number is not None and f.ga_session_number > 1:  # what was before we came, only the sender knows
        return f"visit {min(f.ga_session_number, 10**9):,} to the shop"
    return "has never bought here"


REASONS: Final = (
    Reason(
        "cart",
        "cart_value",
        (
            *("add_to_cart_count", "remove_from_cart_count", "cart_view_count", "cart_page_count"),
            *("cart_value", "cart_item_count", "cart_idle_s"),
        ),
        _cart,
    ),
    Reason("checkout", "checkout_step_count", ("checkout_step_count", "checkout_page_count"), _checkout),
    Reason(
        "products",
        "product_view_count",
        (
            "product_view_count",
            "distinct_product_count",
            "distinct_category_count",
            "views_per_product",
            "wishlist_count",
            "select_item_count",
        ),
        _products,
    ),
    Reason("finding", "search_count", ("list_view_count", "search_count"), _finding),
    Reason("deals", "promotion_count", ("promotion_count", "coupon_count"), _deals),
    Reason("prices", "viewed_price_mean", ("viewed_price_mean", "viewed_price_max"), _prices),
    Reason("depth", "page_count", ("event_count", "page_count", "home_page_count"), _depth),
    Reason("place", "last_path", ("last_page_place", "entry_page_place"), _page),
    Reason("account", "account_page_count", ("account_page_count", "information_page_count"), _account),
    Reason(
        "time",
        "time_on_site_s",
        ("time_on_site_s", "seconds_per_event", "seconds_per_page", "seconds_since_previous_event"),
        _time,
    ),
    Reason(
        "engagement", "active_ms", ("active_s", "active_share", "scroll_percent_max", "pointer_speed_px_s"), _engagement
    ),
    Reason("clicks", "click_count", ("click_count", "rage_click_count"), _trouble),
    Reason("device", "device_type", ("is_desktop", "is_mobile", "is_tablet", "system_place"), _device),
    Reason("market", "country", ("country_place",), _market),
    Reason(
        "channel",
        "channel",
        ("from_direct", "from_search", "from_social", "from_email", "from_paid", "from_referral"),
        _channel,
    ),
    Reason("moment", "hour", ("hour_sin", "hour_cos", "weekday_sin", "weekday_cos"), _moment),
    Reason(
        "history",
        "previous_purchase_count",
        (
            "previous_session_count",
            "previous_purchase_count",
            "previous_revenue",
            "days_since_previous_session",
            "ga_session_number",
            "previous_event_count",
            "previous_add_to_cart_count",
            "previous_checkout_step_count",
        ),
        _history,
    ),
)

_WORDS: Final = tuple(reason.words for reason in REASONS)


def because(
    features: SessionFeatures, credits: Sequence[float], order: Sequence[int], known: frozenset[str] | None = None
) -> tuple[str, ...]:
    """The strongest reasons, most important first, each opening with `+` (raises the likelihood) or `-` (lowers it).

    `credits` has one number for each of `REASONS`, `order` their indices by falling strength, `known` the fields that may be
    believed. A reason that nothing is known of, or without credit, is left out.
    """
    told: list[str] = []
    for place in order:
        credit = credits[place]
        if not credit:
            break
        words = _WORDS[place](features)
        if words is not None and (known is None or REASONS[place].needs in known):
            told.append(f"{'+' if credit > 0 else '-'} {words}")
            if len(told) == TOP:
                break
    return tuple(told)
