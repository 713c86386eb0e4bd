"""What gtag.js sends reaches the same events as everyone else's."""

import json
from typing import Any

import pytest

from contracts import event_names as names
from contracts.codec import ENCODER
from contracts.events import Event
from producers.ingest.gtag import MAX_PARAMETERS
from producers.ingest.vocabulary import ga4
from producers.ingest.write_keys import WriteKey, WriteKeys
from tests.asgi import Asked, ask
from tests.google_events import IPHONE, LAMP, PAGE, encoded, gtag_path
from tests.ingest_shop import KEYS, NOON, SHOP, Shop

PURCHASE = {
    "cu": "EUR",
    "epn__value": "51",
    "epn__tax": "11",
    "ep__transaction_id": "T-1",
    "ep__coupon": "TEA10",
    "pr1": LAMP,
    "pr2": "idsku-2~nmGift wrap~pr0",
}


def got(shop: Shop, path: str, **headers: str) -> Asked:
    return ask(shop.app, "GET", path, b"", {"user-agent": IPHONE, **headers})


def one(path: str, **headers: str) -> Event:
    shop = Shop()
    assert got(shop, path, **headers).status == 204
    (event,) = shop.events
    return event


def custom(event: Event) -> Any:
    return json.loads(bytes(event.custom))


@pytest.mark.parametrize("name", sorted(names.RECOMMENDED))
def test_every_name_is_its_own(name: str) -> None:
    assert one(gtag_path(name)).event_name == name


def test_a_page_view_has_its_visitor_page_session_and_device() -> None:
    seen = one(gtag_path("page_view", uid="u-7", _et="1250"))
    assert (seen.visitor_id, seen.user_id, seen.event_name) == ("1257382463.1695261066", "u-7", "page_view")
    assert seen.occurred_at == seen.received_at == NOON
    context = seen.context
    assert (context.page_url, context.page_path) == ("https://shop.example/lamp?utm_source=mail", "/lamp")
    assert (context.page_title, context.page_referrer) == ("Lamp – shop", "https://r.example/")
    assert (context.campaign_source, context.locale, context.sdk_session_id) == ("mail", "fr-fr", "1772452790")
    assert (context.device_type, context.os, context.screen_width) == ("mobile", "iOS", 390)
    assert (context.library_name, context.library_version) == ("google-analytics", "45je57g1v898116370za200")
    assert (seen.properties.ga_session_number, seen.properties.engagement_time_msec) == (3, 1250)
    assert custom(seen) == {"session_engaged": "1"}


def test_a_purchase_has_its_items_and_money() -> None:
    bought = one(gtag_path("purchase", **PURCHASE))
    properties = bought.properties
    assert (properties.value, properties.currency, properties.transaction_id) == (51, "EUR", "T-1")
    assert properties.coupon == "TEA10"
    lamp, wrap = properties.items
    assert (lamp.item_id, lamp.item_name, lamp.item_brand, lamp.item_category) == ("sku-1", "Lamp", "Lux", "Light")
    assert (lamp.item_variant, lamp.price, lamp.quantity, lamp.coupon) == ("Blue", 25.5, 2, "TEA10")
    assert (lamp.discount, lamp.index, wrap.item_name, wrap.price) == (1.5, 3, "Gift wrap", 0)
    assert custom(bought)["tax"] == 11
    beside = custom(bought)["_items"][0]
    assert beside["item_category2"] == "Desk"
    assert (beside["item_list_id"], beside["item_list_name"], beside["affiliation"]) == ("home_list", "Home", "Web")
    assert beside["colour"] == "blue"


def test_items_are_in_the_order_of_their_numbers_and_a_doubled_tilde_is_one() -> None:
    seen = one(gtag_path("view_item_list", pr10="idten", pr2="idtwo~nmHalf~~dark~~~pr5"))
    assert [item.item_id for item in seen.properties.items] == ["two", "ten"]
    assert (seen.properties.items[0].item_name, seen.properties.items[0].price) == ("Half~dark~", 5)


def test_an_order_of_two_hundred_items_is_an_order() -> None:
    bought = one(gtag_path("purchase", epn__value="10200", cu="EUR", **{f"pr{place}": LAMP for place in range(1, 201)}))
    assert (bought.properties.value, len(bought.properties.items)) == (10_200, 200)


def test_a_number_that_is_none_is_absent_as_in_json() -> None:
    bought = one(gtag_path("purchase", epn__value="NaN", cu="EUR", pr1="idsku-1~nmInfinity~prNaN~qt2", ep__note="NaN"))
    lamp = bought.properties.items[0]
    assert (bought.properties.value, lamp.price, lamp.quantity, lamp.item_name) == (None, None, 2, "Infinity")
    assert custom(bought)["note"] == "NaN"


def test_a_parameter_may_have_any_name() -> None:
    told = one(gtag_path("filter", ep__params="colour=blue", ep__name="lamps", ep__event="x", ep__type="page"))
    assert told.event_name == "filter"
    assert {key: custom(told)[key] for key in ("params", "name", "event", "type")} == {
        "params": "colour=blue",
        "name": "lamps",
        "event": "x",
        "type": "page",
    }


def test_numbers_texts_and_user_properties_are_kept_as_they_were_meant() -> None:
    own = {"epn__stars": "4.5", "epn__pages": "12", "epn__odd": "1_000", "ep__agreed": "true", "up__tier": "gold"}
    told = custom(one(gtag_path("review_written", **own, upn__orders="3", ep__page_section="top")))
    assert (told["stars"], told["pages"], told["odd"], told["agreed"]) == (4.5, 12, "1_000", "true")
    assert told["user_properties"] == {"tier": "gold", "orders": 3}


def test_what_google_keeps_for_itself_and_what_is_a_persons_is_not_taken() -> None:
    private = {"em": "tv.1~em.abc", "up__email": "ada@example.com", "up__name": "Ada", "ep__user_data.phone": "+331"}
    stored = ENCODER.encode(one(gtag_path("page_view", **private))).decode()
    assert not any(each in stored for each in ("em.abc", "ada@", "Ada", "+331", "198.51.100.77", "tag_exp", "noapi"))


def test_a_scroll_and_the_time_of_engagement_are_numbers() -> None:
    assert one(gtag_path("scroll", epn__percent_scrolled="90")).properties.percent_scrolled == 90
    assert one(gtag_path("user_engagement", _et="7549")).properties.engagement_time_msec == 7549


def test_a_search_has_its_term() -> None:
    searched = one(gtag_path("view_search_results", ep__search_term="lamp"))
    assert (searched.event_name, searched.properties.search_term) == ("search", "lamp")


def test_a_campaign_that_the_page_sets_goes_before_its_address() -> None:
    seen = one(gtag_path("page_view", cs="news", cm="e-mail", cn="spring", ck="lamp", cc="top")).context
    assert (seen.campaign_source, seen.campaign_medium, seen.campaign_name) == ("news", "e-mail", "spring")
    assert (seen.campaign_term, seen.campaign_content) == ("lamp", "top")


def test_a_body_has_an_event_a_line_and_all_stay_in_their_order() -> None:
    shop = Shop()
    lines = ["en=view_item&_et=5&pr1=" + LAMP, "en=add_to_cart&dt=Cart&epn.value=51&cu=EUR", "en=remove_from_cart"]
    path = "/g/collect?" + encoded({**PAGE, "_s": "2"})
    answer = shop.post(path, "\r\n".join(lines).encode(), Content_Type="text/plain;charset=UTF-8", User_Agent=IPHONE)
    assert (answer.status, answer.body) == (204, b"")
    assert [each.event_name for each in sorted(shop.events, key=lambda each: (each.occurred_at, each.message_id))] == [
        "view_item",
        "add_to_cart",
        "remove_from_cart",
    ]
    assert [each.context.page_title for each in shop.events] == ["Lamp – shop", "Cart", "Lamp – shop"]
    assert {each.visitor_id for each in shop.events} == {PAGE["cid"]}


def test_what_is_delivered_twice_is_one_event_and_the_next_request_of_the_page_another() -> None:
    shop = Shop()
    for path in (gtag_path("add_to_cart"), gtag_path("add_to_cart"), gtag_path("add_to_cart", _s="2")):
        got(shop, path)
    first, again, other = (each.message_id for each in shop.events)
    assert first == again != other


@pytest.mark.parametrize("place", ["", "&_s=1", "&_p=1772452790123"])
def test_what_is_not_counted_on_a_page_is_an_event_of_its_own_each_time(place: str) -> None:
    shop = Shop()
    for _ in range(2):
        got(shop, f"/g/collect?v=2&tid=demo&cid=ada&en=lamp_lit{place}")
    assert len({each.message_id for each in shop.events}) == 2


@pytest.mark.parametrize(
    ("gcs", "gcd", "consent"),
    [
        ("G111", "13t3t3t3t5l1", "granted"),
        ("G101", "13p3t3p3p5l1", "granted"),
        ("G100", "13p3p3p3p5l1", "refused"),
        ("G110", "13t3p3t3t5l1", "refused"),
        ("G1--", "13l3l3l3l1l1", None),
        ("", "13r3u3r3r5l1", "refused"),
        ("", "13m3N3m3m5l1", "granted"),
        ("G111", "13q3q3q3q5l1", "refused"),
        ("nonsense", "nonsense", None),
    ],
)
def test_consent_mode_is_heard(gcs: str, gcd: str, consent: str | None) -> None:
    assert one(gtag_path("page_view", gcs=gcs, gcd=gcd)).consent == consent


def test_consent_mode_is_heard_whatever_a_consent_dialogue_calls_analytics() -> None:
    shop = Shop(analytics_purposes=("C0002",))
    got(shop, gtag_path("page_view", gcs="G100"))
    assert [event.consent for event in shop.events] == ["refused"]


def test_an_event_that_is_sent_again_after_consent_counts_once() -> None:
    again = one(gtag_path("page_view", _s="2", gcs="G111", gcu="1"))
    assert (again.event_name, again.consent, again.context.campaign_source) == ("consent_update", "granted", "mail")
    assert custom(again)["updated_event"] == "page_view"


def test_a_visitor_who_refuses_counts_and_leaves_no_id() -> None:
    for event in (
        one(gtag_path("purchase", gcs="G100", **PURCHASE)),
        one(gtag_path("purchase", **PURCHASE), **{"sec-gpc": "1"}),
    ):
        assert (event.consent, event.properties.value, event.user_id) == ("refused", 51, None)
        assert PAGE["cid"] not in ENCODER.encode(event).decode()


def test_a_refusing_visitors_events_stay_in_their_order() -> None:
    shop = Shop()
    lines = [f"en={name}" for name in ("view_item", "add_to_cart", "remove_from_cart", *"abcde", "purchase")]
    for _ in range(2):
        shop.post("/g/collect?" + encoded({**PAGE, "_s": "1", "gcs": "G100"}), "\n".join(lines).encode())
    events = {each.message_id: each.event_name for each in shop.events}
    assert [f"en={events[message_id]}" for message_id in sorted(events)] == lines


def test_a_crawler_is_known_by_its_user_agent_or_client_hints() -> None:
    event = one(gtag_path("page_view"), **{"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"})
    assert event.bot_score == 1
    assert one(gtag_path("page_view", uafvl="Not(A%3ABrand;24|HeadlessChrome;122")).bot_score == 1
    assert one(gtag_path("page_view")).bot_score is None


def test_the_measurement_id_is_the_write_key_and_its_origins_hold() -> None:
    shop = Shop(WriteKeys([WriteKey(name="G-ABC123", origins=(SHOP,))]))
    path = gtag_path("page_view", tid="G-ABC123")
    allowed = got(shop, path, origin=SHOP)
    assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (204, SHOP)
    assert allowed.headers["access-control-allow-credentials"] == "true"
    assert [event.write_key for event in shop.events] == ["G-ABC123"]
    assert got(shop, path, origin="https://thief.example").status == 403
    assert got(shop, gtag_path("page_view", tid="G-OTHER")).json["code"] == "unknown_write_key"


def test_an_event_that_is_none_is_a_dead_letter_and_the_others_are_stored() -> None:
    shop = Shop()
    body = b"en=page_view\nen=\nen=purchase&epn.value=much&cu=EUR\nen=page_view&" + b"a=1&" * MAX_PARAMETERS
    assert shop.post("/g/collect?" + encoded(PAGE), body).status == 204
    assert [event.event_name for event in shop.events] == ["page_view"]
    assert [letter.code for letter in shop.dead_letters] == ["schema", "schema", "too_large"]
    assert {letter.source for letter in shop.dead_letters} == {"/g/collect"}
    assert all(letter.message_id for letter in shop.dead_letters)


def test_an_event_without_a_name_is_a_dead_letter_with_its_bytes() -> None:
    shop = Shop()
    assert got(shop, "/g/collect?" + encoded({**PAGE, "ep.params": "x", "ep.plan": "a"})).status == 204
    assert json.loads(shop.dead_letters[0].raw)["plan"] == "a"


def test_a_refusing_visitors_event_that_is_none_leaves_no_bytes() -> None:
    shop = Shop()
    nameless = b"ep.params=x&ep.plan=secret"
    shop.post("/g/collect?" + encoded({**PAGE, "gcs": "G100"}), nameless)
    shop.post("/g/collect?" + encoded(PAGE), nameless + b"&gcs=G100")
    assert [letter.raw for letter in shop.dead_letters] == [b"", b""]


def test_a_list_of_brands_without_end_is_cut() -> None:
    assert one(gtag_path("page_view", uafvl="|" * 60_000)).event_name == "page_view"


def test_requests_that_cannot_be_taken_are_refused_as_everywhere() -> None:
    assert got(Shop(), "/g/collect?en=page_view").status == 401
    assert Shop(max_batch_events=2).post(gtag_path("page_view"), b"en=a\nen=b\nen=c").status == 413
    assert Shop(max_body_bytes=100).post(gtag_path("page_view"), b"en=a&" + b"x" * 200).status == 413
    assert Shop(max_event_bytes=8).post("/g/collect?" + "x" * 200, b"en=a\n" * 20).status == 413
    assert Shop(max_event_bytes=200).post(gtag_path("page_view"), b"en=a&ep.b=" + b"x" * 1_600).status == 413
    many = got(Shop(), "/g/collect?" + "a=1&" * (MAX_PARAMETERS + 1))
    assert (many.status, many.json["code"]) == (400, "unparsable")
    slow = Shop(KEYS)
    assert [got(slow, gtag_path("page_view", tid="slow")).status for _ in range(5)][-1] == 429
    broken = Shop()
    broken.publisher.is_down = True
    assert got(broken, gtag_path("page_view")).status == 503


def test_the_tables_know_no_letter_twice() -> None:
    assert len(set(ga4.ITEM.values())) == len(ga4.ITEM)
    assert len(set(ga4.GTAG.values())) == len(ga4.GTAG)
