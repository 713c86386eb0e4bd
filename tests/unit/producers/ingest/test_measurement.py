"""What speaks Google's Measurement Protocol reaches the same events as everyone else."""

import json
from typing import Any

import pytest

from contracts.codec import ENCODER
from contracts.events import Event
from producers.ingest.write_keys import WriteKey, WriteKeys
from tests.google_events import measurement
from tests.ingest_shop import NOON, Shop

PATH = "/mp/collect?measurement_id=demo&api_secret=s3cr3t-of-google"
CHECK = f"/debug{PATH}"
TEN_SECONDS_AGO = int(NOON.timestamp() - 10) * 1_000_000
PURCHASE = {
    "name": "purchase",
    "params": {
        "session_id": 1772452790,
        "engagement_time_msec": "100",
        "currency": "EUR",
        "value": 51,
        "transaction_id": "T-1",
        "page_location": "https://shop.example/thanks",
        "items": [{"item_id": "sku-1", "item_name": "Lamp", "price": 25.5, "quantity": 2}],
    },
}


def sent(body: Any, path: str = PATH) -> Shop:
    shop = Shop()
    assert shop.post(path, body, User_Agent="python-requests/2.34").status == 204
    return shop


def one(event: Any, **fields: Any) -> Event:
    (only,) = sent(measurement(event, **fields)).events
    return only


def test_a_purchase_has_its_visitor_session_items_and_money() -> None:
    bought = one(PURCHASE, user_id="u-7")
    assert (bought.event_name, bought.visitor_id, bought.user_id) == ("purchase", "1257382463.1695261066", "u-7")
    properties = bought.properties
    assert (properties.value, properties.currency, properties.transaction_id) == (51, "EUR", "T-1")
    assert (properties.items[0].item_id, properties.engagement_time_msec) == ("sku-1", 100)
    assert (bought.context.sdk_session_id, bought.context.page_path) == ("1772452790", "/thanks")
    assert bytes(bought.custom) == b"{}"


def test_the_time_is_the_events_else_the_bodys_else_ours() -> None:
    timed = {"name": "a", "timestamp_micros": TEN_SECONDS_AGO}
    (first,) = sent(measurement(timed, timestamp_micros=str(TEN_SECONDS_AGO - 5_000_000))).events
    (second,) = sent(measurement({"name": "a"}, timestamp_micros=str(TEN_SECONDS_AGO - 5_000_000))).events
    assert [(NOON - each.occurred_at).total_seconds() for each in (first, second, one({"name": "a"}))] == [10, 15, 0]


def test_a_time_of_any_size_is_a_time_or_a_reason() -> None:
    for time in (10**400, -(10**400), 10**30, 1e300, "9" * 19, True):
        (letter,) = sent(measurement({"name": "a", "timestamp_micros": time})).dead_letters
        assert letter.message == "timestamp must be an ISO 8601 date-time"


def test_events_with_a_time_count_once_and_events_without_one_each_time() -> None:
    shop = Shop()
    for _ in range(2):
        shop.post(PATH, measurement({"name": "a"}, {"name": "a"}, timestamp_micros=TEN_SECONDS_AGO))
    assert len({each.message_id for each in shop.events}) == 2
    for _ in range(2):
        shop.post(PATH, measurement({"name": "a"}))
    assert len({each.message_id for each in shop.events}) == 4


def test_events_of_one_moment_stay_in_their_order() -> None:
    names = ["view_item", "add_to_cart", "begin_checkout", "purchase"]
    events = sent(measurement(*({"name": name} for name in names), timestamp_micros=TEN_SECONDS_AGO)).events
    assert [each.event_name for each in sorted(events, key=lambda each: (each.occurred_at, each.message_id))] == names


def test_the_program_that_sends_is_not_taken_for_the_visitor() -> None:
    told = one(PURCHASE)
    assert (told.bot_score, told.context.browser, told.context.device_type) == (None, None, "unknown")
    device = {"category": "mobile", "operating_system": "iOS", "language": "fr", "screen_resolution": "390x844"}
    known = one(PURCHASE, device=device, user_location={"country_id": "FR"}).context
    assert (known.device_type, known.os, known.locale, known.screen_width) == ("mobile", "iOS", "fr", 390)
    assert known.country == "FR"
    crawled = one(PURCHASE, user_agent="Mozilla/5.0 (compatible; Googlebot/2.1)")
    assert crawled.bot_score == 1


def test_user_properties_are_kept_and_what_is_a_persons_is_not() -> None:
    properties = {"tier": {"value": "gold"}, "email": {"value": "ada@example.com"}}
    told = one(
        PURCHASE, user_properties=properties, user_data={"sha256_email_address": ["ab12"]}, ip_override="192.0.2.9"
    )
    assert json.loads(bytes(told.custom)) == {"user_properties": {"tier": "gold"}}
    assert not any(each in ENCODER.encode(told) for each in (b"ada@", b"ab12", b"192.0.2"))


def test_consent_to_advertising_is_no_consent_to_analytics() -> None:
    assert one(PURCHASE, consent={"ad_user_data": "DENIED", "ad_personalization": "DENIED"}).consent is None
    assert one(PURCHASE, consent={"analytics_storage": "DENIED"}).consent == "refused"


def test_a_parameter_does_not_stand_for_what_the_body_says_of_the_visitor() -> None:
    own = {"client_id": None, "user_id": "somebody", "consent": "yes", "name": "lamps"}
    told = one({"name": "a", "user_id": None, "params": own}, user_id="u-7")
    assert (told.event_name, told.visitor_id, told.user_id) == ("a", "1257382463.1695261066", "u-7")
    assert json.loads(bytes(told.custom)) == {"consent": "yes", "name": "lamps"}
    refused = one({"name": "a", "params": own}, consent={"analytics_storage": "DENIED"})
    assert refused.consent == "refused"


def test_an_app_and_a_known_user_have_a_visitor() -> None:
    assert sent({"app_instance_id": "app-1", "events": [{"name": "a"}]}).events[0].visitor_id == "app-1"
    assert sent({"user_id": "u-7", "events": [{"name": "a"}]}).events[0].visitor_id == "user:u-7"


def test_one_event_needs_no_list() -> None:
    assert sent({"client_id": "ada", "events": PURCHASE}).events[0].event_name == "purchase"


def test_the_api_secret_is_the_write_key_when_it_is_one_and_is_told_to_nobody_otherwise() -> None:
    keys = WriteKeys(
        [WriteKey(name="G-ABC123", origins=("https://shop.example",)), WriteKey(name="till", kind="server")]
    )
    shop = Shop(keys)
    for secret in ("till", "s3cr3t"):
        assert (
            shop.post(f"/mp/collect?measurement_id=G-ABC123&api_secret={secret}", measurement(PURCHASE)).status == 204
        )
    assert [each.write_key for each in shop.events] == ["till", "G-ABC123"]
    for query in ("api_secret=s3cr3t", "api_secret=s3cr3t&measurement_id=G-OTHER"):
        refused = shop.post(f"/mp/collect?{query}", measurement(PURCHASE))
        assert (refused.status, refused.json["code"]) == (401, "unknown_write_key")
        assert b"s3cr3t" not in refused.body


def test_an_event_that_is_none_is_a_dead_letter_with_what_the_body_said_of_all() -> None:
    shop = sent(measurement({"name": "a", "params": [1]}, "nonsense", {"params": {}}, {"name": "b"}))
    assert [event.event_name for event in shop.events] == ["b"]
    assert [letter.code for letter in shop.dead_letters] == ["schema"] * 3
    assert json.loads(shop.dead_letters[0].raw)["client_id"] == "1257382463.1695261066"


def test_a_refusing_visitors_event_that_is_none_leaves_no_bytes() -> None:
    refusal = {"consent": {"analytics_storage": "DENIED"}}
    of_all = sent(measurement({"name": "a", "params": [1]}, **refusal))
    of_one = sent(measurement({"name": "a", "params": [1], **refusal}))
    assert [letter.raw for shop in (of_all, of_one) for letter in shop.dead_letters] == [b"", b""]


@pytest.mark.parametrize("body", [b"", b"3", b"[]", b"{}", b'{"events":', b'{"events":3}', b'{"events":null}'])
def test_a_body_without_events_is_refused(body: bytes) -> None:
    answer = Shop().post(PATH, body)
    assert (answer.status, answer.json["code"]) == (400, "unparsable")


def test_too_much_is_refused() -> None:
    many = measurement(*({"name": "a"} for _ in range(5)))
    assert Shop(max_batch_events=4).post(PATH, many).status == 413
    assert Shop(max_event_bytes=100).post(PATH, {**many, "user_properties": {"a": "x" * 900}}).status == 413
    assert Shop(max_event_bytes=100).post(PATH, measurement(*[{"name": "a"}] * 40, user_id="x" * 700)).status == 413
    shop = Shop(max_event_bytes=100)
    shop.post(PATH, measurement({"name": "x" * 900}))
    assert [letter.code for letter in shop.dead_letters] == ["too_large"]


def test_the_check_says_what_would_be_refused_and_stores_nothing() -> None:
    shop = Shop()
    good = shop.post(CHECK, measurement(PURCHASE))
    assert (good.status, good.json) == (200, {"validationMessages": []})
    bad = shop.post(CHECK, measurement({"name": "purchase", "params": {"value": "much"}}, {"name": "b"}))
    assert bad.json["validationMessages"] == [
        {
            "fieldPath": "events[0]",
            "description": "properties.value must be a number",
            "validationCode": "VALUE_INVALID",
        }
    ]
    nobody = shop.post(CHECK, {"events": [{"name": "b"}]}).json["validationMessages"]
    assert [(each["fieldPath"], each["validationCode"]) for each in nobody] == [("events[0]", "VALUE_REQUIRED")]
    nothing = shop.post(CHECK, b"{}")
    assert (nothing.status, nothing.json["validationMessages"][0]["fieldPath"]) == (200, "")
    assert shop.post("/debug/mp/collect", measurement(PURCHASE)).status == 401
    assert Shop(max_body_bytes=10).post(CHECK, measurement(PURCHASE)).status == 413
    assert shop.publisher.records == []
