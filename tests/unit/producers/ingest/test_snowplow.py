"""Snowplow's trackers reach the same events as everyone else's."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codec import ENCODER
from contracts.events import Event
from producers.ingest.answers import PIXEL
from producers.ingest.bodies import Calls
from producers.ingest.snowplow import snowplow_calls
from producers.ingest.vocabulary import snowplow
from tests.asgi import ask
from tests.ingest_shop import KEYS, NOON, SHOP, Shop

TP2 = "/com.snowplowanalytics.snowplow/tp2"
COMMERCE = "iglu:com.snowplowanalytics.snowplow.ecommerce"
NOON_MS = int(NOON.timestamp() * 1000)
PRODUCT = {
    "id": "sku-1",
    "name": "Lamp",
    "category": "Light",
    "price": 25,
    "quantity": 2,
    "position": 3,
    "currency": "EUR",
}


def event(kind: str, **fields: str) -> dict[str, str]:
    return {"e": kind, "eid": "e1", "aid": "demo", "duid": "ada", "dtm": str(NOON_MS), "tv": "js-4.10.1", **fields}


def describe(name: str, data: Any, vendor: str = COMMERCE) -> dict[str, Any]:
    return {"schema": f"{vendor}/{name}/jsonschema/1-0-0", "data": data}


def action(kind: str, *entities: dict[str, Any], **data: Any) -> dict[str, str]:
    act = {"schema": "iglu:…/unstruct_event", "data": describe("snowplow_ecommerce_action", {"type": kind, **data})}
    return event("ue", ue_pr=json.dumps(act), co=json.dumps({"schema": "iglu:…/contexts", "data": entities}))


def sent(*events: Any, shop: Shop | None = None, **headers: str) -> Shop:
    shop = shop or Shop()
    body = {"schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4", "data": events}
    answer = shop.post(TP2, body, **headers)
    assert (answer.status, answer.body) == (200, b"ok")
    return shop


def one(tracked: dict[str, str]) -> Event:
    (only,) = sent(tracked).events
    return only


def test_a_page_view_keeps_its_page_and_ids() -> None:
    seen = one(
        event(
            "pv",
            url="https://shop.example/a?utm_source=mail",
            page="A",
            refr="https://r.example/",
            uid="u1",
            lang="fr",
            res="390x844",
            sid="s1",
        )
    )
    assert (seen.event_name, seen.message_id, seen.visitor_id, seen.user_id) == ("page_view", "e1", "ada", "u1")
    assert (seen.context.page_title, seen.context.page_path, seen.context.campaign_source) == ("A", "/a", "mail")
    assert (seen.context.library_name, seen.context.library_version) == ("snowplow", "js-4.10.1")
    assert (seen.context.screen_width, seen.context.screen_height, seen.context.sdk_session_id) == (390, 844, "s1")
    assert seen.occurred_at == NOON


@pytest.mark.parametrize(("theirs", "ours"), sorted(snowplow.ACTIONS.items()))
def test_an_e_commerce_action_has_ga4s_name(theirs: str, ours: str) -> None:
    assert one(action(theirs)).event_name == ours


def test_products_are_items_and_give_the_line_its_value() -> None:
    cart = one(
        action("add_to_cart", describe("product", PRODUCT), describe("cart", {"total_value": 80, "cart_id": "c"}))
    )
    (item,) = cart.properties.items
    assert (item.item_id, item.item_name, item.item_category, item.price) == ("sku-1", "Lamp", "Light", 25)
    assert (item.quantity, item.index) == (2, 3)
    assert (cart.properties.value, cart.properties.currency) == (50, "EUR")
    assert json.loads(bytes(cart.custom)) == {"cart_value": 80, "cart_id": "c"}


def test_a_transaction_is_a_purchase() -> None:
    data = {
        "transaction_id": "t1",
        "revenue": 42.5,
        "currency": "EUR",
        "payment_method": "card",
        "discount_code": "TEN",
    }
    order = one(action("transaction", describe("product", PRODUCT), describe("transaction", data)))
    assert (order.event_name, order.properties.transaction_id, order.properties.value) == ("purchase", "t1", 42.5)
    assert (order.properties.coupon, json.loads(bytes(order.custom))) == ("TEN", {"payment_method": "card"})


@pytest.mark.parametrize("said", [{}, {"currency": None}])
def test_a_product_without_currency_has_the_transactions(said: dict[str, Any]) -> None:
    product = {key: value for key, value in PRODUCT.items() if key != "currency"} | said
    data = {"transaction_id": "t1", "revenue": 42.5, "currency": "EUR", "discount_code": None}
    order = one(action("transaction", describe("product", product), describe("transaction", data)))
    assert (order.properties.value, order.properties.currency, order.properties.coupon) == (42.5, "EUR", None)


def test_the_older_transaction_is_a_purchase_too() -> None:
    order = one(event("tr", tr_id="t1", tr_tt="42.5", tr_cu="eur", tr_tx="2"))
    assert (order.event_name, order.properties.value, order.properties.currency) == ("purchase", 42.5, "EUR")


@pytest.mark.parametrize(
    ("filled", "ours"),
    [
        ({"step": 1}, "begin_checkout"),
        ({"step": 2, "delivery_method": "post"}, "add_shipping_info"),
        ({"step": 3, "delivery_method": "post", "payment_method": "card"}, "add_payment_info"),
        ({"step": 2, "delivery_method": "post", "payment_method": None}, "add_shipping_info"),
        ({"step": 1, "delivery_method": "", "payment_method": None}, "begin_checkout"),
    ],
)
def test_a_checkout_step_is_what_the_shopper_filled_in(filled: dict[str, Any], ours: str) -> None:
    assert one(action("checkout_step", describe("checkout_step", filled))).event_name == ours


def test_a_structured_event_is_named_by_its_action() -> None:
    seen = one(event("se", se_ca="lamps", se_ac="Lamp Dimmed", se_la="hall", se_va="40"))
    assert (seen.event_name, seen.properties.value) == ("Lamp Dimmed", 40)
    assert json.loads(bytes(seen.custom)) == {"event_category": "lamps", "event_label": "hall"}


def test_a_page_ping_says_how_far_the_page_was_read() -> None:
    seen = one(event("pp", pp_may="600", vp="800x400", ds="800x2000"))
    assert (seen.event_name, seen.properties.percent_scrolled) == ("user_engagement", 50)


def test_any_other_self_describing_event_is_custom_with_its_entities_beside_it() -> None:
    act = json.dumps({"data": describe("link_click", {"targetUrl": "https://x.example"}, "iglu:com.other")}).encode()
    cx = json.dumps({"data": [describe("cart", {"total_value": 1}, "iglu:com.other")]}).encode()
    encoded = {"ue_px": base64.urlsafe_b64encode(act).decode().rstrip("="), "cx": base64.b64encode(cx).decode()}
    seen = one(event("ue", **encoded))
    assert seen.event_name == "link_click"
    assert json.loads(bytes(seen.custom)) == {
        "targetUrl": "https://x.example",
        "_entities": [{"vendor": "com.other", "name": "cart", "data": {"total_value": 1}}],
    }


@pytest.mark.parametrize("res", ["", "x", "390", "390x", "a x b", "390x844x3", "-390x844", "٣٩x٨٤", "9" * 5_000 + "x1"])
def test_a_screen_of_no_size_is_left_out(res: str) -> None:
    assert one(event("pv", res=res)).context.screen_width is None


def test_the_clock_is_repaired_and_a_sent_time_cut_to_seconds_does_no_harm() -> None:
    late = {"dtm": str(NOON_MS - 7_200_000), "stm": str(NOON_MS - 7_200_000 + 5_000)}
    assert (NOON - one(event("pv", **late)).occurred_at).total_seconds() == 5
    assert one(event("pv", dtm=str(NOON_MS - 3_999), stm=str(NOON_MS - 4_500))).occurred_at == NOON


def test_addresses_and_the_collectors_cookie_never_come_in() -> None:
    shop = sent(
        event("pv", ip="203.0.113.9", nuid="cookie-1", tnuid="cookie-1"), SP_Anonymous="*", Cookie="sp=cookie-1"
    )
    (record,) = shop.publisher.records
    assert b"203.0.113.9" not in record.value
    assert b"cookie-1" not in record.value


def test_the_pixel_takes_one_event_from_the_query() -> None:
    shop = Shop()
    answer = ask(shop.app, "GET", f"/i?{urlencode(event('pv', page='é'))}", headers={"Origin": SHOP})
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, PIXEL.body, "image/gif")
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert [each.context.page_title for each in shop.events] == ["é"]
    assert ask(shop.app, "POST", "/i").status == 405


def test_what_cannot_be_read_is_a_dead_letter_and_the_rest_is_stored() -> None:
    broken = [
        event("ue", ue_px="!"),
        event("ue", ue_pr="{"),
        event("ue"),
        event("pv", cx="e30"),
        {"e": 1},
        7,
        event("zz"),
    ]
    shop = sent(*broken, event("pv"), {**event("pv"), "duid": ""})
    assert [each.event_name for each in shop.events] == ["page_view"]
    assert [each.code for each in shop.dead_letters] == ["schema"] * 7 + ["missing_identity"]
    assert shop.dead_letters[0].source == TP2
    assert "base64" in shop.dead_letters[0].message


def test_what_makes_these_trackers_stop_is_answered_400_or_401() -> None:
    assert Shop().post(TP2, b"{").status == 400
    assert Shop(KEYS).post(TP2, {"data": [event("pv", aid="nobody")]}).status == 401
    # A 413 would be repeated for ever.
    too_large = Shop(max_batch_events=1).post(TP2, {"data": [event("pv"), event("pv")]})
    assert (too_large.status, too_large.json["code"]) == (400, "too_large")
    down = Shop()
    down.publisher.is_down = True
    assert down.post(TP2, {"data": [event("pv")]}).status == 503


TEXT = st.one_of(st.text(max_size=20), st.sampled_from(["ue", "pv", "pp", "se", "tr", "e30=", '{"data":[]}', "1x1"]))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=8,
)
KEY = st.sampled_from(
    ["e", "eid", "aid", "duid", "dtm", "stm", "ue_px", "ue_pr", "cx", "co", "pp_may", "vp", "ds", "se_va"]
)


@given(st.lists(st.one_of(JSON, st.dictionaries(KEY, st.one_of(TEXT, JSON, JSON.map(json.dumps)))), max_size=3))
def test_whatever_is_sent_is_read_or_refused(events: list[Any]) -> None:
    try:
        body = ENCODER.encode({"data": events})
    except UnicodeEncodeError:
        body = json.dumps({"data": events}).encode()
    calls = snowplow_calls(body, 10, 10_000)
    if isinstance(calls, Calls):
        assert len(calls.raw) == len(events)
