"""The shop finds what is asked for, draws all of it, and sells what the simulated shoppers buy."""

import xml.etree.ElementTree as ElementTree

import pytest

from producers.shoppers import catalogue as simulated
from storefront import cart
from storefront.art.illustrations import illustration
from storefront.catalogue import BRAND, CATEGORIES, CURRENCY, PRODUCTS, found, related_to


def test_simulated_shoppers_know_the_same_products_at_the_same_prices() -> None:
    assert [product.item() for product in simulated.PRODUCTS] == [product.item() for product in PRODUCTS]
    assert (simulated.BRAND, simulated.CURRENCY) == (BRAND, CURRENCY)


def test_simulated_shoppers_pay_the_same_shipping_and_know_the_same_coupon() -> None:
    assert (simulated.SHIPPING, simulated.FREE_SHIPPING_FROM) == (cart.SHIPPING, cart.FREE_SHIPPING_FROM)
    assert cart.COUPONS[simulated.COUPON] == simulated.COUPON_PERCENT


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.item_id)
def test_every_product_has_a_drawing_that_is_small_and_well_formed(product: simulated.Product) -> None:
    drawing = illustration(product.item_id)
    assert drawing is not None
    assert len(drawing) < 20_000
    assert ElementTree.fromstring(drawing).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314  our own drawing


def test_there_is_no_drawing_of_what_we_do_not_sell() -> None:
    assert illustration("../secrets") is None


def test_a_search_finds_products_with_all_its_words_in_any_case() -> None:
    assert [product.item_id for product in found(search="iron TEAPOT")] == ["ember-iron-teapot"]
    assert found(search="bicycle") == []


def test_a_category_holds_only_its_own_and_the_categories_hold_everything() -> None:
    assert {product.category for product in found(category="Tools")} == {"Tools"}
    assert sum(len(found(category=category)) for category in CATEGORIES) == len(PRODUCTS) == 24


def test_products_come_in_the_order_asked_for() -> None:
    prices = [product.price for product in found(sort="price-up")]
    assert prices == sorted(prices)
    assert [product.price for product in found(sort="price-down")] == sorted(prices, reverse=True)
    assert [product.name for product in found(sort="name")] == sorted(product.name for product in PRODUCTS)
    assert found(sort="no such order") == list(PRODUCTS)


def test_what_goes_with_a_product_is_one_of_every_category_and_never_itself() -> None:
    for product in PRODUCTS:
        related = related_to(product)
        assert product not in related
        assert {each.category for each in related} == set(CATEGORIES)
