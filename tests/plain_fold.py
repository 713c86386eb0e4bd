"""The sessions of one visitor computed plainly: all events at once, sorted, cut at pauses. None of the fold's code."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from contracts.events import Event
from contracts.features import SessionFeatures
from contracts.ids import derived_id
from models import bots
from models.channels import channel_of
from models.pages import kind_of

CHECKOUT = ("begin_checkout", "add_shipping_info", "add_payment_info")


def plain_sessions(arrivals: Sequence[Event], gap: timedelta) -> list[dict[str, Any]]:
    """Features of each session, by name, without those that depend on arrival: `replaces`, `caused_by`, `closed_at`."""
    once = list({event.message_id: event for event in reversed(arrivals)}.values())
    events = sorted(once, key=_mark)
    cuts = [0, *(n for n, (a, b) in enumerate(pairwise(events), 1) if b.occurred_at - a.occurred_at > gap), len(events)]
    runs = [events[start:end] for start, end in pairwise(cuts)]
    users = [event.user_id for event in events if event.user_id is not None]
    always = {
        "visitor_id": events[0].visitor_id,
        "user_id": users[-1] if users else None,
        "received_at": max(event.received_at for event in events),
    }
    orders = _orders_of(runs)
    return [
        {
            **always,
            **_session(run),
            **_user(run),
            **_bought(orders[place]),
            **_history(runs[:place], orders[:place], run),
        }
        for place, run in enumerate(runs)
    ]


def _user(run: list[Event]) -> dict[str, str]:
    """Whom the session names, if anybody."""
    users = [event.user_id for event in run if event.user_id is not None]
    return {"user_id": users[-1]} if users else {}


def comparable(features: SessionFeatures) -> dict[str, Any]:
    """The same fields of features that the stream told."""
    free = {"replaces", "caused_by", "closed_at"}
    return {name: getattr(features, name) for name in features.__struct_fields__ if name not in free}


def _mark(event: Event) -> tuple[Any, str]:
    return event.occurred_at, event.message_id


def _session(run: list[Event]) -> dict[str, Any]:
    first, last = run[0], run[-1]

    def count(*names: str) -> int:
        return sum(event.event_name in names for event in run)

    def told(field: str) -> list[Any]:
        reports = [getattr(e.properties, field) for e in run if e.event_name == "user_engagement" or _tells_use(e)]
        return [each for each in reports if each is not None]

    def earliest(field: str, unknown: str | None = None) -> Any:
        return next((v for e in run if (v := getattr(e.context, field)) != unknown), unknown)

    pages = [e for e in run if e.event_name == "page_view" or e.properties.is_page_view]
    kinds = [kind_of(e.context.page_path) for e in pages if e.context.page_path is not None]
    viewed = [item for e in run if e.event_name == "view_item" for item in e.properties.items]
    prices = [round(item.price * 100) for item in viewed if item.price is not None]
    acts = [e for e in run if e.event_name in ("add_to_cart", "remove_from_cart", "purchase")]
    entry = next((e.context for e in run if _tells_entry(e)), None)
    numbers = [e.properties.ga_session_number for e in run if e.properties.ga_session_number is not None]
    cart_cents, cart_items = _cart(acts)
    return {
        "session_id": derived_id("session", first.visitor_id, first.message_id),
        "write_key": first.write_key,
        "started_at": first.occurred_at,
        "last_seen_at": last.occurred_at,
        "event_count": len(run),
        "page_count": len(pages),
        "product_view_count": count("view_item"),
        "distinct_product_count": len({item.item_id for item in viewed}),
        "distinct_category_count": len({item.item_category for item in viewed if item.item_category}),
        "list_view_count": count("view_item_list"),
        "search_count": count("search"),
        "add_to_cart_count": count("add_to_cart"),
        "remove_from_cart_count": count("remove_from_cart"),
        "cart_view_count": count("view_cart"),
        "wishlist_count": count("add_to_wishlist"),
        "promotion_count": count("view_promotion", "select_promotion"),
        "coupon_count": count("coupon_applied"),
        "checkout_step_count": count(*CHECKOUT),
        "cart_value": cart_cents / 100,
        "cart_item_count": cart_items,
        "time_on_site_s": (last.occurred_at - first.occurred_at).total_seconds(),
        "viewed_price_mean": round(sum(prices) / len(prices)) / 100 if prices else None,
        "viewed_price_max": max(prices) / 100 if prices else None,
        "active_ms": _thousandths(told("engagement_time_msec")),
        "scroll_percent_max": max(told("percent_scrolled"), default=None),
        "pointer_distance_px": _thousandths(told("pointer_distance_px")),
        "click_count": sum(told("click_count")) if told("click_count") else None,
        "rage_click_count": sum(told("rage_click_count")) if told("rage_click_count") else None,
        "device_type": earliest("device_type", "unknown"),
        "channel": channel_of(entry) if entry else "direct",
        "entry_path": entry.page_path if entry else None,
        "last_path": next((e.context.page_path for e in reversed(run) if e.context.page_path is not None), None),
        "hour": first.occurred_at.hour,
        "weekday": first.occurred_at.weekday(),
        "select_item_count": count("select_item"),
        **{f"{kind}_page_count": kinds.count(kind) for kind in ("home", "information", "account", "cart", "checkout")},
        "seconds_since_previous_event": (last.occurred_at - run[-2].occurred_at).total_seconds()
        if len(run) > 1
        else None,
        "cart_idle_s": (last.occurred_at - acts[-1].occurred_at).total_seconds() if acts else None,
        "os": earliest("os"),
        "country": earliest("country"),
        "ga_session_number": max(numbers, default=None),
        "consent": next((word for word in ("refused", "granted") if word in {e.consent for e in run}), None),
        "bot_score": bots.bot_score(
            max(e.bot_score or 0.0 for e in run),
            sorted({bots.milliseconds(e.occurred_at) for e in pages})[: bots.MAX_PAGE_TIMES],
            len(pages),
            _thousandths(told("engagement_time_msec")),
        ),
    }


def _bought(orders: dict[str, int]) -> dict[str, Any]:
    return {"purchase_count": len(orders), "revenue": sum(orders.values()) / 100}


def _history(before: list[list[Event]], orders: list[dict[str, int]], run: list[Event]) -> dict[str, Any]:
    events = [event for each in before for event in each]
    return {
        "previous_session_count": len(before),
        "previous_purchase_count": sum(map(len, orders)),
        "previous_revenue": sum(sum(each.values()) for each in orders) / 100,
        "seconds_since_previous_session": (
            (run[0].occurred_at - before[-1][-1].occurred_at).total_seconds() if before else None
        ),
        "previous_event_count": len(events),
        "previous_add_to_cart_count": sum(event.event_name == "add_to_cart" for event in events),
        "previous_checkout_step_count": sum(event.event_name in CHECKOUT for event in events),
    }


def _orders_of(runs: list[list[Event]]) -> list[dict[str, int]]:
    """Orders of each run: one that is told again in a later run is the earlier one's."""
    known: set[str] = set()
    found = []
    for run in runs:
        new = {key: cents for key, cents in _orders(run).items() if key not in known}
        known |= new.keys()
        found.append(new)
    return found


def _orders(run: list[Event]) -> dict[str, int]:
    """Cents by order; an order told twice has its larger amount."""
    orders: dict[str, int] = {}
    for event in run:
        if event.event_name == "purchase":
            key = event.properties.transaction_id or f"event {event.message_id}"
            orders[key] = max(round((event.properties.value or 0) * 100), orders.get(key, 0))
    return orders


def _cart(acts: list[Event]) -> tuple[int, int]:
    held: dict[str, list[int]] = {}
    unnamed = 0
    for act in acts:
        sign = -1 if act.event_name == "remove_from_cart" else 1
        if act.event_name == "purchase":
            held, unnamed = {}, 0
        elif not act.properties.items:
            unnamed = max(0, unnamed + sign * round((act.properties.value or 0) * 100))
        for item in act.properties.items if act.event_name != "purchase" else ():
            line = held.setdefault(str(item.item_id), [0, 0])
            line[0] = max(0, line[0] + sign * round(item.quantity))
            line[1] = round(item.price * 100) if item.price else line[1]
    return sum(count * price for count, price in held.values()) + unnamed, (
        sum(count for count, _ in held.values()) + bool(unnamed)
    )


def _tells_use(event: Event) -> bool:
    """Whether an event of another name reports engagement, as those of Google Analytics do."""
    return event.properties.engagement_time_msec is not None or event.properties.percent_scrolled is not None


def _tells_entry(event: Event) -> bool:
    told = event.context
    return any((told.page_path, told.page_referrer, told.campaign_source, told.campaign_medium))


def _thousandths(values: list[float]) -> float | None:
    return float(sum(Decimal(repr(round(value, 3))) for value in values)) if values else None
