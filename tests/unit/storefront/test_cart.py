"""Sums of a cart, and the cookie that it lives in."""

from base64 import urlsafe_b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storefront.cart import MAX_QUANTITY, Cart, Offer, OfferType, cart_from, cookie_of
from storefront.catalogue import BY_ID, PRODUCTS

TEAPOT = BY_ID["moss-side-handle-teapot"]
SCOOP = BY_ID["cherry-tea-scoop"]


def offer(type: OfferType, discount: float = 0.0) -> Offer:
    return Offer(incentive_id="i1", type=type, discount=discount)


def test_a_small_cart_pays_shipping_and_a_large_one_does_not() -> None:
    small, large = Cart().with_quantity(SCOOP, 2), Cart().with_quantity(TEAPOT, 1)
    assert (small.subtotal, small.shipping, small.total) == (17.0, 4.9, 21.9)
    assert (large.shipping, large.total) == (0.0, 68.0)
    assert Cart().total == 0.0


def test_none_of_a_product_takes_its_line_away_and_too_many_are_capped() -> None:
    cart = Cart().with_quantity(SCOOP, 2).with_quantity(TEAPOT, 500)
    assert cart.quantity_of(TEAPOT) == MAX_QUANTITY
    assert [line.product for line in cart.with_quantity(SCOOP, 0).lines] == [TEAPOT]


def test_the_better_of_coupon_and_offer_counts_and_says_its_name() -> None:
    cart = replace(Cart().with_quantity(TEAPOT, 1), coupon="LEAF10")
    assert (cart.discount, cart.code) == (6.8, "LEAF10")
    better = replace(cart, offer=offer("discount", 15))
    assert (better.discount, better.code, better.total) == (10.2, "KILN15", 57.8)


@pytest.mark.parametrize("claimed", [99.0, -5.0, float("inf")])
def test_an_offer_never_takes_off_more_than_thirty_percent_or_adds_to_the_price(claimed: float) -> None:
    cart = replace(Cart().with_quantity(TEAPOT, 1), offer=offer("discount", claimed))
    assert 0 <= cart.discount <= TEAPOT.price * 0.3 + 0.01


def test_offers_of_other_kinds_do_what_they_say() -> None:
    cart = Cart().with_quantity(SCOOP, 2)
    assert replace(cart, offer=offer("free_shipping")).total == 17.0
    assert replace(cart, offer=offer("loyalty_points")).points == 2 * cart.points
    assert replace(cart, offer=offer("simplified_checkout")).is_express
    assert replace(cart, offer=offer("urgency", 20)).discount == 0


def test_ga4_value_is_what_the_products_cost_after_the_discount() -> None:
    told = replace(Cart().with_quantity(SCOOP, 2), coupon="LEAF10").ga4()
    assert (told["value"], told["currency"], told["coupon"]) == (15.3, "EUR", "LEAF10")
    assert told["items"] == [SCOOP.item(2)]


@given(st.dictionaries(st.sampled_from(PRODUCTS), st.integers(1, MAX_QUANTITY)), st.sampled_from(["", "LEAF10"]))
def test_a_cart_survives_its_cookie(quantities: dict[object, int], coupon: str) -> None:
    cart = Cart(coupon=coupon, offer=offer("discount", 10))
    for product, quantity in quantities.items():
        cart = cart.with_quantity(product, quantity)  # type: ignore[arg-type]  # sampled products
    assert cart_from({"cart": cookie_of(cart)}) == cart


@given(st.text(st.characters(codec="ascii")))
def test_an_unreadable_cookie_is_an_empty_cart(cookie: str) -> None:
    assert cart_from({"cart": cookie}).item_count == 0


def test_a_cookie_of_lists_in_lists_is_an_empty_cart() -> None:
    deep = urlsafe_b64encode(b'{"deep":' + b"[" * 5_000).decode()
    assert cart_from({"cart": deep}).item_count == 0


def test_a_cookie_with_strange_products_keeps_only_ours() -> None:
    tampered = "eyJxdWFudGl0aWVzIjp7ImNoZXJyeS10ZWEtc2Nvb3AiOjk5OTksInBpYW5vIjoyLCJ3YWxudXQtdHJheSI6LTN9fQ=="
    assert [(line.product, line.quantity) for line in cart_from({"cart": tampered}).lines] == [(SCOOP, MAX_QUANTITY)]
