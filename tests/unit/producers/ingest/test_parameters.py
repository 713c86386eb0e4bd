"""Parameters in any vocabulary become typed properties."""

from typing import Any

import pytest

from contracts.events import Item, Properties
from producers.ingest.parameters import Parameters, parameters_of
from producers.ingest.rejections import Unfit


def read(event_name: str = "view_item", **given: Any) -> Parameters:
    return parameters_of(event_name, given)


def properties(event_name: str = "view_item", **given: Any) -> Properties:
    return read(event_name, **given).properties


def test_given_parameters_are_left_alone() -> None:
    given = {"products": [{"product_id": "a", "url": "u"}], "revenue": 1}
    parameters_of("purchase", given)
    assert given == {"products": [{"product_id": "a", "url": "u"}], "revenue": 1}


def test_our_own_word_goes_before_an_alias() -> None:
    parameters = read("purchase", revenue=2, value=1, order_id="b", transaction_id="a")
    assert (parameters.properties.value, parameters.properties.transaction_id) == (1, "a")
    assert parameters.custom == {"revenue": 2, "order_id": "b"}


@pytest.mark.parametrize("absent", [None, ""])
def test_null_and_empty_are_absent(absent: object) -> None:
    parameters = read("purchase", value=absent, revenue=3, items=absent, currency=absent)
    assert parameters.properties == Properties(value=3)


@pytest.mark.parametrize("order_id", ["undefined", "null", "(not set)", "NaN", "0", 0, " "])
def test_an_order_id_that_is_none_does_not_make_all_orders_one(order_id: object) -> None:
    assert properties("purchase", value=3, transaction_id=order_id) == Properties(value=3)
    assert properties("purchase", value=3, order_id=order_id) == Properties(value=3)


def test_a_product_that_is_null_is_absent() -> None:
    parameters = read("purchase", products=[None, {"product_id": "a", "price": 2, "url": "u"}, None])
    assert parameters.properties == Properties(value=2, items=(Item(item_id="a", price=2),))
    assert parameters.custom == {"_items": [{"url": "u"}]}
    assert properties("purchase", items=[None]).items == ()


def test_zero_is_a_value() -> None:
    assert properties("purchase", value=0, items=[{"price": 5}]).value == 0


def test_a_value_is_summed_only_when_every_price_is_known() -> None:
    assert properties("purchase", items=[{"price": 5, "quantity": 2}, {"price": 0.1}]).value == 10.1
    assert properties("purchase", items=[{"price": 5}, {"item_id": "b"}]).value is None
    assert properties("view_item_list", items=[{"price": 5}]).value is None


def test_one_product_that_is_spread_out_takes_its_coupon_along() -> None:
    assert properties("add_to_cart", product_id=7, coupon="MAY", price="2.5").items == (
        Item(item_id="7", price=2.5, coupon="MAY"),
    )
    assert properties("purchase", coupon="MAY").coupon == "MAY"


def test_a_list_of_products_goes_before_a_spread_out_one() -> None:
    parameters = read("add_to_cart", products=[{"sku": "a"}], price=3)
    assert parameters.properties.items == (Item(item_id="a"),)
    assert parameters.custom == {"price": 3}


def test_a_category_alone_is_no_product() -> None:
    assert read("view_item", category="Games") == Parameters(Properties(), {}, {"category": "Games"})


def test_a_place_on_the_page_is_no_index_in_the_list() -> None:
    parameters = read("view_item", product_id="a", position="top_left")
    assert parameters.properties.items == (Item(item_id="a"),)
    assert parameters.custom == {"position": "top_left"}
    assert properties("view_item", product_id="a", position="3").items == (Item(item_id="a", index=3),)


def test_aliases_are_read_in_known_events_only() -> None:
    assert read("Order Updated", revenue=3, order_id="a").custom == {"revenue": 3, "order_id": "a"}


def test_page_parameters_go_to_the_context() -> None:
    parameters = parameters_of("page_view", {"url": "u", "title": "t", "page_path": "/p", "path": 3}, is_page_call=True)
    assert parameters.page == {"page_url": "u", "page_title": "t", "page_path": "/p"}
    assert parameters.custom == {"path": 3}
    assert read("view_item", url="u", page_location="l").page == {"page_url": "l"}


def test_long_free_text_is_cut() -> None:
    assert len(properties("search", search_term="x" * 5_000).search_term or "") == 1_024


@pytest.mark.parametrize("name", ["Filter Changed", "page_view"])
@pytest.mark.parametrize(
    "given",
    [
        {"value": "red"},
        {"value": True},
        {"value": 1e300},
        {"currency": ["EUR"]},
        {"search_term": ["a", "b"]},
        {"percent_scrolled": "90%"},
        {"items": ["a", "b"]},
        {"items": [{"item_id": "a", "price": "$1", "url": "u"}]},
    ],
)
def test_a_shops_own_event_and_a_page_may_mean_something_else_by_our_words(name: str, given: dict[str, Any]) -> None:
    parameters = read(name, **given, coupon="MAY", plan="b")
    assert parameters.properties == Properties(coupon="MAY")
    assert parameters.custom == {**given, "plan": "b"}


@pytest.mark.parametrize(
    "misfit",
    [
        {"coupon": ["MAY"]},
        {"coupon": "x" * 257},
        {"search_term": {}},
        {"percent_scrolled": 101},
        {"click_count": 1.5},
        {"click_count": 10**20},
        {"clicks": [{"x": 1.5, "y": 1}]},
        {"clicks": [{"x": 0.5, "y": 1, "element": "ada@shop.example"}]},
        {"clicks": [{"x": 0.5, "y": 1}] * 101},
        {"page_height_px": -1},
        {"is_page_view": "perhaps"},
        {"ga_session_number": "first"},
    ],
)
def test_what_nothing_is_counted_by_is_set_aside_where_it_does_not_fit(misfit: dict[str, Any]) -> None:
    parameters = read("purchase", value=5, transaction_id="a", plan="b", **misfit)
    assert parameters.properties == Properties(value=5, transaction_id="a")
    assert parameters.custom == {"plan": "b", **misfit}


@pytest.mark.parametrize(
    "misfit",
    [
        {"discount": "10%"},
        {"discount": True},
        {"discount": 1e300},
        {"index": 1.5},
        {"index": 10**20},
        {"coupon": ["MAY"]},
        {"item_name": {"en": "a"}},
        {"item_category": ["Tea", "Green"]},
        {"item_variant": "x" * 257},
    ],
)
def test_an_item_sets_aside_what_nothing_is_counted_by(misfit: dict[str, Any]) -> None:
    parameters = read("purchase", items=[{"item_id": "a"}, {"item_id": "b", "price": 2, "discount": "0.5", **misfit}])
    fitting = Item(item_id="b", price=2, discount=None if "discount" in misfit else 0.5)
    assert parameters.properties == Properties(items=(Item(item_id="a"), fitting))
    assert parameters.custom == {"_items": [{}, misfit]}


def test_a_product_that_is_spread_out_sets_it_aside_as_well() -> None:
    parameters = read("add_to_cart", product_id="a", price=2, category=["Tea"], discount="10%", coupon_name="MAY")
    assert parameters.properties == Properties(value=2, items=(Item(item_id="a", price=2),))
    assert parameters.custom == {"item_category": ["Tea"], "discount": "10%", "coupon_name": "MAY"}
    assert read("coupon_applied", coupon_id=["MAY"]).custom == {"coupon": ["MAY"]}


def test_what_fits_in_a_shops_own_event_is_read_all_the_same() -> None:
    parameters = read("Order Cancelled", value="2.5", items=[{"id": "a", "url": "u"}], currency={})
    assert parameters.properties == Properties(value=2.5, items=(Item(item_id="a"),))
    assert parameters.custom == {"currency": {}, "_items": [{"url": "u"}]}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"value": "a lot"}, "properties.value must be a number"),
        ({"value": True}, "properties.value must be a number"),
        ({"value": "nan"}, "properties.value must be a number from -1e+18 to 1e+18"),
        ({"value": float("inf")}, "properties.value must be a number from -1e+18 to 1e+18"),
        ({"value": 1e300}, "properties.value must be a number from -1e+18 to 1e+18"),
        ({"value": 10**400}, "properties: Number out of range - at `$.value`"),
        ({"currency": ["EUR"]}, "properties.currency must be a text"),
        ({"transaction_id": "x" * 257}, "properties.transaction_id must be at most 256 characters"),
        ({"items": {"item_id": "a"}}, "properties.items must be a list"),
        ({"items": ["a"]}, "properties.items[0] must be an object"),
        ({"items": [{}, {"price": "$1"}]}, "properties.items[1].price must be a number"),
        ({"items": [{"item_id": {}}]}, "properties.items[0].item_id must be a text"),
        ({"value": "a lot", "coupon": []}, "properties.value must be a number"),
        ({"items": [{"quantity": 1e19}]}, "properties.items[0].quantity must be a number from -1e+18 to 1e+18"),
    ],
)
def test_what_does_not_fit_is_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(Unfit) as unfit:
        parameters_of("view_item", given)
    assert str(unfit.value) == message


def test_an_address_in_the_name_of_what_was_clicked_goes() -> None:
    long = "x" * 55
    clicks = [
        {"x": 0.5, "y": 1, "element": name} for name in ("a:/of/ada%40shop.example", f"{long}#a%40b.co", "button#buy")
    ]
    told = parameters_of("user_engagement", {"clicks": clicks}).properties
    assert [click.element for click in told.clicks] == ["a:/of/(redacted)", f"{long}#(redacte", "button#buy"]
