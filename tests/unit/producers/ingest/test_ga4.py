"""What server-side Tag Manager forwards reaches the same events as everyone else's."""

import json
from typing import Any

import pytest

from contracts.codec import ENCODER
from contracts.events import Event
from tests.google_events import common
from tests.ingest_shop import Shop, basic
from tests.replay_files import real_data

PATH = "/v1/ga4"
RECORDED = real_data() / "tracker-payloads" / "ga4_server_side_gtm_hits.jsonl"


def sent(body: Any, **headers: str) -> Shop:
    shop = Shop()
    answer = shop.post(PATH, body, User_Agent="python-requests/2.34", **headers)
    assert (answer.status, answer.json["rejected"]) == (200, 0), answer
    return shop


def one(event: dict[str, Any]) -> Event:
    (only,) = sent(event).events
    return only


def test_a_page_view_has_its_visitor_page_session_device_and_country() -> None:
    seen = one(common("page_view", user_id="u-7"))
    assert (seen.visitor_id, seen.user_id) == ("oEzstqb1SUkULygCXFzTFuOZPnG9GItyNJIo8t9tCi0=.1695261066", "u-7")
    context = seen.context
    assert (context.page_path, context.page_title, context.campaign_source) == ("/lamp", "Lamp – shop", "mail")
    assert (context.locale, context.sdk_session_id, context.country) == ("fr-fr", "1772452790", "US")
    assert (context.device_type, context.os, context.screen_height) == ("mobile", "iOS", 844)
    assert (context.library_version, seen.properties.ga_session_number, seen.bot_score) == ("45je39i0", 3, None)
    assert json.loads(bytes(seen.custom)) == {"session_engaged": "1"}


def test_an_id_that_is_none_leaves_the_visitor_to_the_next() -> None:
    assert one(common("page_view", client_id="undefined")).visitor_id == "1257382463.1695261066"


def test_a_purchase_has_its_items_and_money_and_nothing_of_the_person() -> None:
    item = {"item_id": "sku-1", "item_name": "Lamp", "price": 25.5, "quantity": 2, "region": "US"}
    bought = one(common("purchase", value=51, currency="EUR", transaction_id="T-1", items=[item], tax=11))
    assert (bought.properties.value, bought.properties.items[0].price) == (51, 25.5)
    assert json.loads(bytes(bought.custom))["tax"] == 11
    stored = ENCODER.encode(bought).decode()
    assert not any(private in stored for private in ("ada@example.com", "ab12", "Paris", "198.51.100", "Mozilla"))


@pytest.mark.parametrize(
    ("said", "consent"),
    [
        ({"x-ga-gcs": "G100"}, "refused"),
        ({"x-ga-gcs": "G111"}, "granted"),
        ({"x-ga-mp2-gcd": "11p1p1p1p5"}, "refused"),
        ({"consent_state": {"ad_storage": False, "analytics_storage": False}}, "refused"),
        ({"consent_state": {"ad_storage": False, "analytics_storage": True}}, "granted"),
        ({"x-sst-system_properties": {"consent": {"consentGrantedState": {"analytics_storage": True}}}}, "granted"),
        ({"consent": {"analytics_storage": "denied"}, "consent_state": {"analytics_storage": True}}, "refused"),
        ({"consent": {"analytics_storage": "denied"}, "x-ga-gcs": "G111"}, "refused"),
        ({"consent": {"ad_storage": "denied"}, "x-ga-gcs": "G101"}, "granted"),
        ({}, None),
    ],
)
def test_consent_mode_is_heard(said: dict[str, Any], consent: str | None) -> None:
    assert one(common("page_view", **said)).consent == consent


def test_an_event_that_the_container_gets_twice_is_one() -> None:
    later = {"uc": "US", "request_start_time_ms": 1772452799999}
    shop = sent([common("add_to_cart"), common("add_to_cart", **{"x-ga-request_count": 5})])
    shop.post(PATH, [common("add_to_cart", **{"x-sst-system_properties": later})])
    first, other, again = (event.message_id for event in shop.events)
    assert first == again != other


def test_an_event_that_tells_no_page_is_one_of_its_own_each_time() -> None:
    bare = {"event_name": "lamp_lit", "client_id": "ada", "x-ga-measurement_id": "demo"}
    shop = sent([bare, bare])
    shop.post(PATH, bare)
    uncounted = {**bare, "x-ga-page_id": 1061079922}
    for _ in range(2):
        shop.post(PATH, uncounted)
    assert len({event.message_id for event in shop.events}) == 5


def test_params_beside_the_name_of_an_event_are_a_parameter() -> None:
    assert json.loads(bytes(one(common("filter", params="colour=blue")).custom))["params"] == "colour=blue"


def test_the_write_key_is_the_measurement_id_unless_the_request_has_another() -> None:
    event = common("page_view", **{"x-ga-measurement_id": "G-OTHER"})
    assert Shop().post(PATH, event).status == 401
    shop = Shop()
    assert shop.post(f"{PATH}?writeKey=demo", event).status == 200
    assert sent(event, Authorization=basic("demo:")).events[0].write_key == "demo"


def test_events_that_are_none_are_dead_letters_without_what_is_a_persons() -> None:
    shop = Shop()
    body = [common("page_view"), "nonsense", common("a", event_name=None, params=3), common("purchase", items={"a": 1})]
    answer = shop.post(PATH, body)
    assert (answer.status, answer.json["accepted"]) == (200, 1)
    assert [(error["index"], error["code"]) for error in answer.json["errors"]] == [
        (1, "schema"),
        (2, "schema"),
        (3, "schema"),
    ]
    kept = b"".join(letter.raw for letter in shop.dead_letters)
    assert not any(private in kept for private in (b"ada@example.com", b"ab12", b"198.51.100.77", b"Mozilla"))


def test_a_refusing_visitors_event_that_is_none_leaves_no_bytes() -> None:
    shop = Shop(max_event_bytes=1_000)
    refusals: list[dict[str, Any]] = [
        {"x-ga-gcs": "G100"},
        {"consent": {"analytics_storage": "denied"}},
        {"x-sst-system_properties": {"consent": {"consentGrantedState": {"analytics_storage": False}}}},
    ]
    for refusal in refusals:
        shop.post(f"{PATH}?writeKey=demo", common("a", event_name=None, params=3, **refusal))
        shop.post(f"{PATH}?writeKey=demo", common("a", note="x" * 9_000, **refusal))
    assert [letter.raw for letter in shop.dead_letters] == [b""] * 6


@pytest.mark.parametrize("body", [b"", b"3", b"[", b'{"event_name":', b"null", b"{}]"])
def test_a_body_that_is_no_event_is_refused(body: bytes) -> None:
    answer = Shop().post(f"{PATH}?writeKey=demo", body)
    assert (answer.status, answer.json["code"]) == (400, "unparsable")


@pytest.mark.skipif(not RECORDED.is_file(), reason=f"no recorded requests at {RECORDED}; set SHOPSTREAM_TEST_DATA")
def test_requests_of_real_containers_are_taken() -> None:
    shop = Shop()
    recorded = [json.loads(line)["events"] for line in RECORDED.read_text().splitlines()]
    answers = [shop.post(f"{PATH}?writeKey=demo", events, Authorization=basic("demo")) for events in recorded]
    assert {answer.status for answer in answers} == {200}
    # One container forwarded an event of nobody, without any id.
    assert [error["code"] for answer in answers for error in answer.json["errors"]] == ["missing_identity"]
    assert sorted(event.event_name for event in shop.events) == [
        *("PDP Clicks", "PDP Clicks", "login", "login"),
        *("page_view", "page_view", "page_view", "page_view", "page_view"),
        *("product_exposure", "product_exposure", "select_item"),
    ]
    assert all(event.context.page_path and event.context.browser for event in shop.events)
    assert {event.consent for event in shop.events} == {None, "granted"}
    chosen = next(event for event in shop.events if event.event_name == "select_item")
    assert (chosen.properties.items[0].item_id, chosen.properties.engagement_time_msec) == (
        "CTF-28015231-16005642",
        7549,
    )
    stored = b"".join(record.value for record in shop.publisher.records)
    assert not any(private in stored for private in (b"@example.com", b"LoginName", b"203.0.113.1", b"Mozilla"))
