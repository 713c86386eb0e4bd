"""Made-up sessions that a model is tried on before it is served: it must score them as it did when it was trained.

A card keeps the scores only. What the sessions say is fixed here, so that nobody's visit is in a card, and so that features which are
computed otherwise than in training are noticed although they have kept their names.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from contracts.events import DeviceType
from contracts.features import SessionFeatures

TOLERANCE: Final = 1e-5
"""Machines add float32 up in different orders."""

_DEVICES: Final[tuple[DeviceType, ...]] = ("desktop", "mobile", "tablet", "unknown")
_CHANNELS: Final = ("direct", "search", "social", "email", "paid", "referral")
_PATHS: Final = ("/", "/c/tea", "/p/sencha", "/cart", "/checkout", None, "/help", "/account")
_START: Final = datetime(2026, 1, 5, tzinfo=UTC)


def golden_sessions() -> tuple[SessionFeatures, ...]:
    """Twelve sessions, from the first event of a stranger to a long checkout of a regular."""
    return tuple(_session(number) for number in range(12))


def difference(expected: Sequence[float], likelihoods: Sequence[float]) -> float:
    """The largest distance between two lists of scores; infinite when they are not of the same sessions."""
    if len(expected) != len(likelihoods):
        return float("inf")
    return max(abs(one - other) for one, other in zip(expected, likelihoods, strict=True))


def _session(number: int) -> SessionFeatures:
    events = (1, 1, 2, 3, 4, 5, 8, 10, 13, 21, 34, 60)[number]
    start = _START + timedelta(hours=17 * number)
    seconds = 23.5 * (events - 1)
    views, added = events // 2, max(0, number - 4) // 2
    is_measured, is_regular = number % 3 != 1, number % 4 == 3
    return SessionFeatures(
        session_id=f"golden-{number}",
        visitor_id=f"golden-{number}",
        user_id=None,
        write_key="golden",
        caused_by="golden",
        received_at=start + timedelta(seconds=seconds),
        started_at=start,
        last_seen_at=start + timedelta(seconds=seconds),
        closed_at=None,
        event_count=events,
        page_count=max(1, events - added),
        product_view_count=views,
        distinct_product_count=(views + 1) // 2,
        distinct_category_count=min(views, 3),
        list_view_count=events // 4,
        search_count=number % 2,
        add_to_cart_count=added,
        remove_from_cart_count=added // 3,
        cart_view_count=added // 2,
        wishlist_count=number % 5 // 4,
        promotion_count=number % 3 // 2,
        coupon_count=number // 10,
        checkout_step_count=max(0, number - 8),
        purchase_count=0,
        revenue=0.0,
        cart_value=18.5 * added,
        cart_item_count=added,
        time_on_site_s=seconds,
        viewed_price_mean=12.0 + number if views else None,
        viewed_price_max=30.0 + number if views else None,
        active_ms=700.0 * seconds if is_measured else None,
        scroll_percent_max=min(100.0, 9.0 * events) if is_measured else None,
        pointer_distance_px=410.0 * events if is_measured else None,
        click_count=events // 3 if is_measured else None,
        rage_click_count=number // 9 if is_measured else None,
        device_type=_DEVICES[number % 4],
        channel=_CHANNELS[number % 6],
        entry_path=_PATHS[number % 3],
        last_path=_PATHS[number % 8],
        hour=start.hour,
        weekday=start.weekday(),
        previous_session_count=3 if is_regular else 0,
        previous_purchase_count=2 if is_regular else 0,
        previous_revenue=71.0 if is_regular else 0.0,
        seconds_since_previous_session=200_000.0 if is_regular else None,
        select_item_count=events // 5,
        home_page_count=int(number % 3 == 0),
        information_page_count=number % 7 // 6,
        account_page_count=int(is_regular),
        cart_page_count=added // 2,
        checkout_page_count=max(0, number - 8),
        seconds_since_previous_event=11.0 if events > 1 else None,
        cart_idle_s=35.0 if added else None,
        os=("Windows", "Android", "iOS", None)[number % 4],
        country=("US", "DE", None)[number % 3],
        ga_session_number=4 if is_regular else None,
        previous_event_count=40 if is_regular else 0,
        previous_add_to_cart_count=4 if is_regular else 0,
        previous_checkout_step_count=5 if is_regular else 0,
    )
