"""Reasons: three, signed, strongest first, in words; nothing is said of what is not known."""

from datetime import timedelta
from typing import Any

import pytest

from models.knowledge import EARLIER_SYSTEM
from models.reasons import REASONS, because
from tests.factories import at, features

PLACES = {reason.name: place for place, reason in enumerate(REASONS)}


def words(name: str, **fields: Any) -> str | None:
    return REASONS[PLACES[name]].words(features(**fields))


def told(credits: dict[str, float], known: frozenset[str] | None = None, **fields: Any) -> tuple[str, ...]:
    row = [credits.get(reason.name, 0.0) for reason in REASONS]
    order = sorted(range(len(row)), key=lambda place: -abs(row[place]))
    return because(features(**fields), row, order, known)


def test_the_three_strongest_are_told_with_their_sign() -> None:
    reasons = told({"cart": 0.2, "history": -0.1, "device": 0.01, "time": -0.3}, cart_value=54.9)
    assert reasons == ("- has just arrived", "+ cart worth 54.90", "- has never bought here")


def test_nothing_is_said_of_what_is_not_known() -> None:
    assert told({"engagement": 0.5, "prices": 0.4, "clicks": 0.3, "device": 0.2}, device_type="unknown") == ()


def test_a_request_with_five_numbers_is_explained_by_them_only() -> None:
    reasons = told({"products": -0.5, "channel": 0.4, "cart": 0.1}, EARLIER_SYSTEM, cart_value=10.0)
    assert reasons == ("+ cart worth 10.00",)


def test_no_credit_is_no_reason() -> None:
    assert told({"cart": 0.1}) == ("+ empty cart",)


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("products", {"product_view_count": 1, "distinct_product_count": 1}, "1 product view"),
        ("products", {"product_view_count": 6, "distinct_product_count": 2}, "2 products looked at 6 times"),
        ("products", {}, "no product looked at yet"),
        ("products", {"product_view_count": 3}, "3 product views"),
        ("cart", {"cart_item_count": 2, "add_to_cart_count": 3, "remove_from_cart_count": 1}, "2 items in the cart"),
        ("cart", {"add_to_cart_count": 1}, "something in the cart"),
        ("cart", {"add_to_cart_count": 1, "remove_from_cart_count": 1}, "empty cart"),
        ("cart", {"cart_page_count": 1}, "cart viewed, nothing added yet"),
        ("cart", {"cart_view_count": 1}, "cart viewed, nothing added yet"),
        ("cart", {"cart_page_count": 2, "remove_from_cart_count": 4}, "took something out of the cart"),
        ("products", {"select_item_count": 2}, "2 products picked from a list"),
        ("place", {"entry_path": "/", "last_path": "/basket.html"}, "on the cart page"),
        ("place", {"entry_path": "/basket.html", "last_path": "/bags"}, "arrived on the cart page"),
        ("place", {"entry_path": "/drinkware", "last_path": "/bags"}, "on a list or another page"),
        ("place", {"entry_path": None, "last_path": None}, None),
        ("time", {"last_seen_at": at("12:00") + timedelta(milliseconds=40)}, "has just arrived"),
        ("finding", {"search_count": 2}, "2 searches"),
        ("finding", {"list_view_count": 1}, "1 product list viewed"),
        ("deals", {"coupon_count": 1}, "coupon entered"),
        ("prices", {"viewed_price_mean": 1234.5}, "looks at prices around 1,234.50"),
        ("time", {"last_seen_at": "12:01"}, "60 seconds on the site"),
        ("time", {"last_seen_at": "12:25"}, "25 minutes on the site"),
        ("time", {"last_seen_at": "15:00"}, "3.0 hours on the site"),
        ("engagement", {"active_ms": 30_000.0}, "30 seconds of active reading"),
        ("engagement", {"scroll_percent_max": 80.0}, "scrolled 80 % of a page"),
        ("clicks", {"rage_click_count": 1}, "impatient clicking"),
        ("clicks", {"click_count": 10**5000}, "1,000,000,000 clicks"),
        ("device", {"device_type": "mobile"}, "on a mobile"),
        ("channel", {"channel": "email"}, "came from an e-mail"),
        ("moment", {}, "Monday 12:00 UTC"),
        ("history", {"previous_purchase_count": 1}, "has bought once before"),
        ("history", {"previous_purchase_count": 3}, "has bought 3 times before"),
        ("history", {"previous_session_count": 2}, "has been here before without buying"),
        ("history", {"ga_session_number": 1}, "has never bought here"),
        ("history", {"ga_session_number": 12}, "visit 12 to the shop"),
        ("checkout", {"checkout_step_count": 1}, "checkout begun"),
        ("depth", {"page_count": 4}, "4 pages viewed"),
    ],
)
def test_words_are_a_shopkeepers(name: str, fields: dict[str, Any], expected: str | None) -> None:
    assert words(name, **fields) == expected
