"""Without consent an event counts and tells of nobody."""

import json
from typing import Any

import pytest

from contracts.events import Event
from producers.ingest.records import MAX_RAW_BYTES
from producers.ingest.soundness import MAX_DEPTH
from tests.ingest_shop import Shop, batch, call
from tests.shopify_events import event as shopify_event
from tests.unit.producers.ingest.test_snowplow import TP2, describe
from tests.unit.producers.ingest.test_snowplow import event as snowplow_event

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
)
GPC: dict[str, Any] = {"Sec_GPC": "1"}
ADA: dict[str, Any] = {
    "anonymousId": "lovelace-browser-1",
    "userId": "lovelace-lovelace",
    "messageId": "lovelace-message-1",
    "traits": {"plan": "lovelace-plan"},
    "properties": {"value": 12.5, "currency": "EUR", "transaction_id": "lovelace-order", "coupon": "lovelace-coupon", "mood": "lovelace-mood",
        "products": [{"product_id": "p1", "price": 12.5, "coupon": "lovelace-coupon-of-an-item"}]},
    "context": {
        "ip": "203.0.113.77",
        "userAgent": BROWSER,
        "locale": "lovelace-locale",
        "timezone": "lovelace-zone",
        "traits": {"name": "lovelace"},
        "page": {
            "url": "https://shop.example/thanks?customer=lovelace#lovelace",
            "path": "/thanks",
            "title": "Thank you, lovelace",
            "referrer": "https://mail.example/inbox/lovelace?q=lovelace",
        },
        "campaign": {"source": "newsletter", "medium": "email", "term": "lovelace-term", "content": "lovelace-content"},
        "screen": {"width": 390, "height": 844},
        "sessionId": "lovelace-session",
    },
}  # fmt: skip


def told(shop: Shop) -> str:
    """Everything that went to Kafka."""
    return "".join(f"{record.key!r} {record.value!r} {record.headers!r}" for record in shop.publisher.records)


def sent(item: dict[str, Any], shop: Shop | None = None, **headers: str) -> Event:
    shop = shop or Shop()
    assert shop.post("/v1/batch", batch(item), **headers).json["accepted"] == 1
    return shop.events[-1]


@pytest.mark.parametrize(
    ("item", "headers", "signals"),
    [
        (ADA, GPC, ("gpc",)),
        (ADA, {"DNT": "1"}, ("dnt",)),
        ({**ADA, "context": {**ADA["context"], "consent": "denied"}}, {}, ("consent",)),
    ],
)
def test_without_consent_an_event_counts_and_tells_of_nobody(
    item: dict[str, Any], headers: dict[str, str], signals: tuple[str, ...]
) -> None:
    shop = Shop()
    event = sent({**item, "type": "track", "event": "Order Completed"}, shop, **headers)
    assert "lovelace" not in told(shop)
    assert "203.0.113" not in told(shop)
    assert (event.consent, event.privacy_signals, event.user_id) == ("refused", signals, None)
    assert event.visitor_id.startswith("day:")
    assert (event.event_name, event.properties.value, event.properties.currency) == ("purchase", 12.5, "EUR")
    seen = event.context
    assert (seen.page_url, seen.page_path, seen.page_referrer) == (
        "https://shop.example/thanks",
        "/thanks",
        "https://mail.example/",
    )
    assert (seen.device_type, seen.browser, seen.os, seen.campaign_source) == (
        "desktop",
        "Chrome",
        "Windows",
        "newsletter",
    )
    assert (seen.screen_width, seen.screen_height) == (None, None)


def test_a_retry_of_a_refusing_visitors_event_is_the_same_event() -> None:
    shop = Shop()
    first, again, next_event = (
        sent(call("m1"), shop, **GPC),
        sent(call("m1"), shop, **GPC),
        sent(call("m2"), shop, **GPC),
    )
    assert (first.message_id, first.visitor_id) == (again.message_id, again.visitor_id)
    assert first.visitor_id == next_event.visitor_id != sent(call("m3", anonymousId="bob"), shop, **GPC).visitor_id
    assert first.message_id != "m1"


def test_the_browsers_refusal_is_the_last_word() -> None:
    granted = call(context={"consent": {"categoryPreferences": {"Analytics": True}}})
    assert sent(granted).consent == "granted"
    assert sent(granted, **GPC).consent == "refused"


def test_one_batch_may_hold_calls_that_allow_and_calls_that_refuse() -> None:
    shop = Shop()
    shop.post("/v1/batch", batch(call("a"), call("b", context={"consent": "denied"})))
    assert (shop.events[0].visitor_id, shop.events[0].consent) == ("ada", None)
    assert shop.events[1].consent == "refused"
    shop.post("/v1/batch", batch(call("c"), context={"consent": "denied"}))
    assert shop.events[2].consent == "refused"


def test_a_refusing_visitor_needs_no_id_at_all() -> None:
    shop = Shop()
    anonymous = snowplow_event("pv", url="https://shop.example/", duid="")
    shop.post(TP2, {"schema": "x", "data": [anonymous]}, SP_Anonymous="*")
    (event,) = shop.events
    assert (event.event_name, event.privacy_signals) == ("page_view", ("sp_anonymous",))


@pytest.mark.parametrize(
    ("name", "data", "consent"),
    [
        ("consent_preferences", {"eventType": "deny_all", "consentScopes": []}, "refused"),
        ("consent_preferences", {"eventType": "allow_all", "consentScopes": ["x"]}, "granted"),
        ("consent_preferences", {"eventType": "allow_selected", "consentScopes": ["necessary"]}, "refused"),
        ("consent_preferences", {"eventType": "allow_selected", "consentScopes": ["statistics"]}, "granted"),
        ("consent_preferences", {}, None),
        ("consent_withdrawn", {"all": True}, "refused"),
        ("consent_withdrawn", {"all": False}, None),
    ],
)
@pytest.mark.parametrize("as_entity", [True, False])
def test_snowplows_consent_is_read_from_the_event_or_an_entity(
    name: str, data: dict[str, Any], consent: str | None, as_entity: bool
) -> None:
    shop, described = Shop(), describe(name, data, "iglu:com.snowplowanalytics.snowplow")
    if as_entity:
        tracked = snowplow_event("pv", co=json.dumps({"schema": "x", "data": [described]}))
    else:
        tracked = snowplow_event("ue", ue_pr=json.dumps({"schema": "x", "data": described}))
    shop.post(TP2, {"schema": "x", "data": [tracked]})
    (event,) = shop.events
    assert event.consent == consent


def test_where_consent_is_required_silence_refuses() -> None:
    shop = Shop(require_consent=True)
    silent = sent(call(), shop)
    assert (silent.consent, silent.privacy_signals) == ("refused", ())
    assert sent(call(context={"consent": {"analytics": True}}), shop).visitor_id == "ada"


def test_a_refusing_visitors_dead_letter_has_a_reason_and_no_bytes() -> None:
    shop = Shop()
    shop.post(
        "/v1/batch",
        batch({**ADA, "type": "track", "event": "Order Completed", "properties": {"value": "lovelace"}}),
        **GPC,
    )
    (letter,) = shop.dead_letters
    assert (letter.raw, letter.visitor_id, letter.code) == (b"", None, "schema")
    assert "not kept" in letter.message
    assert "lovelace" not in told(shop)


def nested(levels: int) -> list[Any]:
    return [nested(levels - 1)] if levels else []


@pytest.mark.parametrize(
    "properties",
    [{"note": "x" * MAX_RAW_BYTES}, {"note": nested(MAX_DEPTH)}, {"note": "x" * MAX_RAW_BYTES, "deep": nested(MAX_DEPTH)}],
    ids=["long", "deep", "long and deep"],
)  # fmt: skip
def test_a_call_that_is_not_read_refuses_all_the_same(properties: dict[str, Any]) -> None:
    shop = Shop()
    shop.post("/v1/batch", batch(call("lovelace", properties=properties, context={"consent": "denied"})))
    assert shop.dead_letters[0].raw == b""
    assert "lovelace" not in told(shop)


@pytest.mark.parametrize(
    "page", [b'"caf\xe9"', json.dumps(nested(MAX_DEPTH)).encode(), json.dumps("x" * MAX_RAW_BYTES).encode()],
    ids=["Latin-1", "deep", "long"],
)  # fmt: skip
def test_a_context_that_is_not_read_refuses_all_the_same(page: bytes) -> None:
    shop = Shop()
    body = json.dumps(batch(call("lovelace", context={"page": {"title": 0}, "consent": {"analytics": False}}))).encode()
    shop.post("/v1/batch", body.replace(b'{"title": 0}', b'{"title": %s}' % page))
    assert shop.dead_letters[0].raw == b""
    assert "lovelace" not in told(shop)


@pytest.mark.parametrize("fields", [{"customData": "none"}, {"customData": {"note": "x" * 300_000}}])
def test_a_refusing_customers_shopify_event_that_is_no_event_leaves_no_bytes(fields: dict[str, Any]) -> None:
    shop, privacy = Shop(), {"analyticsProcessingAllowed": False}
    shop.post(
        "/v1/shopify?writeKey=demo",
        shopify_event("page_viewed", clientId="lovelace", customerPrivacy=privacy, **fields),
    )
    assert shop.dead_letters[0].raw == b""
    assert "lovelace" not in told(shop)


def test_a_snowplow_event_that_is_no_event_still_says_what_was_refused() -> None:
    shop = Shop()
    refusal = describe("consent_preferences", {"eventType": "deny_all"}, "iglu:com.snowplowanalytics.snowplow")
    entities = json.dumps({"schema": "x", "data": [refusal]})
    shop.post(TP2, {"schema": "x", "data": [snowplow_event("unknown", duid="lovelace", co=entities)]})
    assert shop.dead_letters[0].raw == b""
    assert "lovelace" not in told(shop)


def test_a_call_that_leaves_consent_empty_has_its_batchs() -> None:
    shop = Shop()
    shop.post("/v1/batch", batch(call(context={"consent": None}), context={"consent": "denied"}))
    shop.post("/v1/batch", batch(call("lovelace", event=7, context={"consent": None}), context={"consent": "denied"}))
    assert shop.events[0].consent == "refused"
    assert shop.dead_letters[0].raw == b""


def test_a_whole_batch_may_refuse_for_its_dead_letters_too() -> None:
    shop = Shop()
    shop.post("/v1/batch", batch(call("lovelace", event=7), context={"consent": {"analytics": False}}))
    assert shop.dead_letters[0].raw == b""
    assert "lovelace" not in told(shop)


def test_the_answer_still_names_the_senders_own_message_id() -> None:
    answer = Shop().post("/v1/batch", batch(call("m1", event=7)), **GPC)
    assert answer.json["errors"][0]["messageId"] == "m1"
