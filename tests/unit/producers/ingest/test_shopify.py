"""A Shopify web pixel's events reach the same events as everyone else's."""

import json
from typing import Any

import pytest

from contracts.codec import ENCODER
from contracts.events import Event
from producers.ingest.shopify import call_of
from producers.ingest.vocabulary import shopify
from tests.ingest_shop import NOON, Shop, basic, batch, call
from tests.shopify_events import CHECKOUT, LINE, VARIANT, event

PATH = "/v1/shopify"


def sent(body: Any, **headers: str) -> Shop:
    shop = Shop()
    answer = shop.post(f"{PATH}?writeKey=demo", body, **headers)
    assert answer.status == 200, answer
    return shop


def one(tracked: dict[str, Any]) -> Event:
    (only,) = sent(tracked).events
    return only


@pytest.mark.parametrize(("theirs", "ours"), sorted(shopify.EVENT_NAMES.items()))
def test_a_standard_event_has_ga4s_name(theirs: str, ours: str) -> None:
    assert one(event(theirs)).event_name == ours


def test_an_event_keeps_its_page_ids_and_time() -> None:
    seen = one(event("page_viewed", sentAt="2026-03-02T11:59:59.600Z"))
    assert (seen.message_id, seen.visitor_id, seen.user_id) == ("sh-024cb97f-43E7", "ece6cea2", None)
    assert (NOON - seen.occurred_at).total_seconds() == pytest.approx(0.1)
    context = seen.context
    assert (context.page_title, context.page_path, context.campaign_source) == ("Lamp – shop", "/lamp", "mail")
    assert (context.page_referrer, context.locale) == ("https://r.example/", "fr-FR")
    assert (context.screen_width, context.screen_height) == (390, 844)
    assert (context.device_type, context.os, context.library_name) == ("mobile", "iOS", "shopify-web-pixel")


def test_a_cart_line_is_an_item_and_its_cost_the_value() -> None:
    cart = one(event("product_added_to_cart", {"cartLine": LINE}))
    (item,) = cart.properties.items
    assert (item.item_id, item.item_name, item.item_brand) == ("7992983748843", "Lamp", "Lux")
    assert (item.item_category, item.item_variant, item.price, item.quantity) == ("Light", "Blue", 25.5, 2)
    assert (cart.properties.value, cart.properties.currency) == (51, "EUR")
    assert json.loads(bytes(cart.custom)) == {"_items": [{"variant_id": "43751530397931", "sku": "LAMP-1"}]}


def test_a_product_a_cart_a_collection_and_a_search_have_their_items() -> None:
    viewed = one(event("product_viewed", {"productVariant": VARIANT}))
    assert (viewed.properties.value, viewed.properties.items[0].quantity) == (25.5, 1)
    cart = one(event("cart_viewed", {"cart": {"id": "c1", "cost": LINE["cost"], "lines": [LINE, LINE]}}))
    assert (cart.properties.value, len(cart.properties.items)) == (51, 2)
    assert json.loads(bytes(cart.custom))["cart_id"] == "c1"
    listed = one(
        event("collection_viewed", {"collection": {"id": "9", "title": "Lamps", "productVariants": [VARIANT] * 3}})
    )
    assert len(listed.properties.items) == 3
    assert json.loads(bytes(listed.custom))["item_list_name"] == "Lamps"
    found = one(event("search_submitted", {"searchResult": {"query": "lamp", "productVariants": [VARIANT]}}))
    assert (found.properties.search_term, len(found.properties.items)) == ("lamp", 1)


def test_a_completed_checkout_is_a_purchase_without_the_shoppers_contact_data() -> None:
    bought = one(event("checkout_completed", {"checkout": CHECKOUT}))
    properties = bought.properties
    assert (bought.event_name, bought.user_id) == ("purchase", "42")
    assert (properties.value, properties.currency, properties.coupon) == (51, "EUR", "TEA10")
    assert properties.transaction_id == "gid://shopify/OrderIdentity/5396"
    assert [(item.item_id, item.item_name, item.price, item.quantity) for item in properties.items] == [
        ("7992983748843", "Lamp", 25.5, 2),
        ("l2", "Gift wrap", None, 1),
    ]
    custom = json.loads(bytes(bought.custom))
    assert (custom["tax"], custom["shipping"], custom["total"], custom["checkout_id"]) == (11, 4, 66, "864ef6919a")
    stored = ENCODER.encode(bought).decode()
    assert not any(private in stored for private in ("ada@example.com", "+33", "Rue", "Lovelace", "Charles"))


def test_a_checkout_is_worth_the_same_whichever_vocabulary_tells_it() -> None:
    shopify_s = one(event("checkout_completed", {"checkout": CHECKOUT})).properties.value
    order = {"order_id": "1", "total": 66, "subtotal": 51, "tax": 11, "shipping": 4}
    shop = Shop()
    shop.post("/v1/batch", batch(call(event="Order Completed", properties=order)))
    ga4 = {"transaction_id": "2", "value": 51, "tax": 11, "shipping": 4}
    shop.post("/v1/batch", batch(call(event="purchase", properties=ga4, messageId="m-2")))
    assert [each.properties.value for each in shop.events] == [shopify_s, 51]


def test_a_checkout_that_does_not_tell_its_subtotal_is_worth_its_total() -> None:
    started = one(event("checkout_started", {"checkout": {**CHECKOUT, "subtotalPrice": None}}))
    assert started.properties.value == 66


def test_a_product_without_variants_has_none() -> None:
    (item,) = one(event("product_viewed", {"productVariant": {**VARIANT, "title": "Default Title"}})).properties.items
    assert item.item_variant is None


def test_a_shops_own_event_keeps_its_name_and_data() -> None:
    own = one(event("newsletter_joined", type="custom", customData={"list": "tea", "value": 3}))
    assert (own.event_name, own.properties.value) == ("newsletter_joined", 3)
    assert json.loads(bytes(own.custom)) == {"list": "tea"}


def test_the_shops_consent_banner_is_heard() -> None:
    privacy = {"analyticsProcessingAllowed": False, "marketingAllowed": False}
    assert call_of(event("page_viewed", customerPrivacy=privacy))["context"]["consent"] == privacy


def test_a_list_is_taken_and_each_event_has_its_verdict() -> None:
    shop = Shop()
    body = [event("page_viewed"), "nonsense", event("product_viewed", clientId=None), event("cart_viewed", data=[1])]
    answer = shop.post(PATH, json.dumps(body).encode(), Authorization=basic("demo:"), Content_Type="text/plain")
    assert (answer.status, answer.json["accepted"]) == (200, 1)
    assert [error["index"] for error in answer.json["errors"]] == [1, 2, 3]
    assert [error["code"] for error in answer.json["errors"]] == ["schema", "missing_identity", "schema"]
    assert [letter.source for letter in shop.dead_letters] == [PATH] * 3


@pytest.mark.parametrize("body", [b"", b"3", b"[", b'{"name":', b"null", b'"page_viewed"', b"{}]"])
def test_a_body_that_is_no_event_is_refused(body: bytes) -> None:
    answer = Shop().post(f"{PATH}?writeKey=demo", body)
    assert (answer.status, answer.json["code"]) == (400, "unparsable")


def test_an_event_beyond_all_measure_is_not_read() -> None:
    shop = Shop(max_event_bytes=1_000)
    answer = shop.post(f"{PATH}?writeKey=demo", [event("page_viewed", more="x" * 8_000)])
    assert [error["code"] for error in answer.json["errors"]] == ["too_large"]
