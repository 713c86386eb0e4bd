"""With consent or without, addresses, user agents, secrets and what the shop drops stay outside."""

import json
from typing import Any

import msgspec
import pytest

from tests.ingest_shop import Shop, batch, call
from tests.unit.producers.ingest.test_privacy import ADA, BROWSER, GPC, sent, told
from tests.unit.producers.ingest.test_snowplow import TP2, action, describe


def test_a_title_that_tells_the_visitors_address_tells_its_network_only() -> None:
    shown = sent(call(context={"page": {"title": "You come from 203.0.113.77"}}))
    assert shown.context.page_title == "You come from 203.0.113.0"


@pytest.mark.parametrize("headers", [{}, GPC])
def test_an_e_mail_address_in_a_pages_address_a_title_or_a_search_is_not_kept(headers: dict[str, str]) -> None:
    page = {
        "url": "https://shop.example/bye/ada@mail.example",
        "path": "/bye/ada@mail.example",
        "title": "ada@mail.example",
        "referrer": "https://shop.example/account/ada%40mail.example",
    }
    shop = Shop()
    sent(call(context={"page": page}, properties={"search_term": "ada@mail.example"}), shop, **headers)
    sent(call("m-2", context={"page": {**page, "title": "Good bye, ada@mail.example"}}), shop, **headers)
    shop.post("/v1/batch", batch(call(event=None, context={"page": {**page, "title": "Bye, ada@mail.example"}})))
    assert "mail.example" not in told(shop)


@pytest.mark.parametrize("address", ["203.0.113.77", "2001:db8:85a3:8d3:1319:8a2e:370:7348", "203.0.113.77-x"])
def test_an_address_for_an_id_is_known_until_midnight(address: str) -> None:
    shop = Shop()
    first, again = sent(call("a", anonymousId=address), shop), sent(call("b", anonymousId=address), shop)
    assert first.visitor_id == again.visitor_id
    assert first.visitor_id.startswith("day:")
    user = sent(call("c", anonymousId=None, userId=address), shop)
    assert (user.visitor_id[:4], user.user_id) == ("day:", None)
    shop.post("/v1/batch", batch(call("d", event=None, anonymousId=address)))
    assert shop.dead_letters[0].visitor_id == first.visitor_id
    assert address not in told(shop)


def test_a_dead_letter_keeps_the_ids_of_its_call() -> None:
    shop = Shop()
    ids = {"anonymousId": "/a?sid=1", "userId": "ada at ada@mail.example", "messageId": "https://x.example/?token=1"}
    shop.post("/v1/batch", batch(call(event=None, properties={"email": "a"}, **ids)))
    kept = json.loads(shop.dead_letters[0].raw)
    assert {key: kept[key] for key in ids} == ids


@pytest.mark.parametrize("headers", [{}, GPC])
def test_an_address_is_cut_and_a_user_agent_goes_wherever_they_stand(headers: dict[str, str]) -> None:
    shop = Shop()
    seen: dict[str, Any] = {
        "locale": BROWSER,
        "timezone": BROWSER,
        "campaign": {"source": "203.0.113.77", "medium": BROWSER, "name": "203.0.113.77"},
        "library": {"name": BROWSER, "version": "203.0.113.77"},
        "location": {"country": "203.0.113.77"},
        "os": {"name": BROWSER},
        "browser": {"name": BROWSER},
        "page": {"title": BROWSER},
    }
    products = [{"product_id": "p1", "name": "found by 203.0.113.77", "brand": "203.0.113.77"}]
    properties = {"search_term": "203.0.113.77", "products": products}
    event = sent(call(event="Product Added", properties=properties, context=seen), shop, **headers)
    assert (event.context.campaign_source, event.properties.items[0].item_name) == (
        "203.0.113.0",
        "found by 203.0.113.0",
    )
    assert "203.0.113.77" not in told(shop)
    assert "Mozilla" not in told(shop)


def test_a_campaign_that_is_an_e_mail_address_is_not_kept_as_in_the_pages_own_address() -> None:
    campaign = {"source": "newsletter", "name": "ada@shop.example"}
    kept = sent(call(context={"campaign": campaign}), **GPC).context
    assert (kept.campaign_source, kept.campaign_name) == ("newsletter", None)


def test_a_dead_letter_keeps_neither_addresses_nor_user_agents_nor_dropped_fields() -> None:
    shop = Shop()
    bad = call(event="add_to_cart", properties={"value": "x", "email": "ada@example.com"}, context=ADA["context"])
    shop.post("/v1/batch", batch(bad))
    (letter,) = shop.dead_letters
    kept = json.loads(letter.raw)
    assert kept["properties"] == {"value": "x"}
    assert kept["context"]["ip"] == "203.0.113.0"
    assert "userAgent" not in kept["context"]
    assert (kept["context"]["device"], kept["context"]["os"]) == ({"type": "desktop"}, {"name": "Windows"})


def test_a_dead_letter_with_nothing_to_hide_has_its_bytes_as_they_came() -> None:
    shop = Shop()
    raw = b'{"batch": [ {"type":"track",  "event":7, "anonymousId":"ada"} ], "writeKey":"demo"}'
    shop.post("/v1/batch", raw)
    assert shop.dead_letters[0].raw == b'{"type":"track",  "event":7, "anonymousId":"ada"}'


def test_with_consent_secrets_stay_outside_all_the_same() -> None:
    shop = Shop()
    event = sent(
        call(
            properties={"email": "ada@example.com", "ip": "203.0.113.77", "link": "https://x.example/?token=t0&a=1"},
            context={"page": {"url": "https://shop.example/reset?token=t0", "path": "/reset?token=t0"}},
            userAgent=BROWSER,
        ),
        shop,
    )
    assert msgspec.json.decode(event.custom) == {"ip": "203.0.113.0", "link": "https://x.example/?a=1"}
    assert (event.context.page_url, event.context.page_path) == ("https://shop.example/reset", "/reset")
    for secret in ("t0", "203.0.113.77", "Mozilla"):
        assert secret not in told(shop)


def test_what_googles_and_snowplows_words_tell_of_a_person_is_dropped() -> None:
    user_data = {"sha256_email_address": "lovelace", "address": [{"city": "lovelace"}]}
    shop = Shop()
    event = sent(call(event="purchase", properties={"value": 1, "user_data": user_data, "tax": 2}), shop)
    step = describe("checkout_step", {"step": 1, "shipping_full_address": "lovelace", "delivery_method": "post"})
    shop.post(TP2, {"schema": "x", "data": [action("checkout_step", step)]})
    assert msgspec.json.decode(event.custom) == {"tax": 2}
    assert [each.event_name for each in shop.events] == ["purchase", "add_shipping_info"]
    assert "lovelace" not in told(shop)


def test_a_persons_full_name_is_dropped_as_its_parts_are_and_a_groups_stays() -> None:
    shop = Shop()
    ada = {"name": "Lovelace", "firstName": "Lovelace", "plan": "gold"}
    shop.post("/v1/identify", {**call(traits=ada), "writeKey": "demo"})
    shop.post("/v1/identify", {**call("m-2", context={"traits": ada}), "writeKey": "demo"})
    shop.post("/v1/identify", {**call("m" * 999, traits=ada, context={"traits": ada}), "writeKey": "demo"})
    group = {"groupId": "g", "traits": {"name": "Initech"}, "writeKey": "demo"}
    shop.post("/v1/group", call("m-3", **group))
    shop.post("/v1/group", call("m" * 999, **group))
    assert "Lovelace" not in told(shop)
    assert json.loads(shop.dead_letters[0].raw)["traits"] == {"plan": "gold"}
    assert json.loads(shop.dead_letters[1].raw)["traits"] == {"name": "Initech"}
    customs = [msgspec.json.decode(event.custom) for event in shop.events]
    assert customs == [{"plan": "gold"}, {"plan": "gold"}, {"name": "Initech", "group_id": "g"}]


def test_what_is_dropped_is_for_the_shop_to_say() -> None:
    shop = Shop(drop_fields=("mood",), drop_query_parameters=("ref",))
    event = sent(
        call(properties={"mood": 1, "email": "a@b.example"}, context={"page": {"url": "/?ref=1&token=2"}}), shop
    )
    assert msgspec.json.decode(event.custom) == {"email": "a@b.example"}
    assert event.context.page_url == "/?token=2"
