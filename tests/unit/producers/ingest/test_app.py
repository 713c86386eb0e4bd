"""The HTTP side of ingest, asked without a socket and with a publisher that records."""

import json

import pytest

from tests.asgi import ask
from tests.ingest_shop import KEYS, NOON, SHOP, Shop, basic, batch, call

SINGLE = {
    "track": "song_played",
    "t": "song_played",
    "page": "page_view",
    "p": "page_view",
    "screen": "page_view",
    "s": "page_view",
    "identify": "identify",
    "i": "identify",
    "group": "group",
    "g": "group",
    "alias": "alias",
    "a": "alias",
}


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    "path", ["/v1/batch", "/v1/b", "/v1/batch/b", "/batch", "/b", "/beacon/v1/batch", "/v1/import"]
)
def test_a_batch_is_taken_at_each_of_its_paths(path: str, slash: str) -> None:
    shop = Shop()
    answer = shop.post(path + slash, batch(call("a"), call("b")))
    assert (answer.status, answer.json) == (200, {"success": True, "accepted": 2, "rejected": 0, "errors": []})
    assert [event.message_id for event in shop.events] == ["a", "b"]


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(("path", "event_name"), SINGLE.items())
def test_each_call_is_taken_at_its_paths(path: str, event_name: str, slash: str) -> None:
    shop = Shop()
    body = {"writeKey": "demo", "userId": "u", "event": "song_played", "messageId": "m"}
    assert shop.post(f"/v1/{path}{slash}", body).status == 200
    assert [event.event_name for event in shop.events] == [event_name]


def test_a_record_is_keyed_by_visitor_and_carries_cloud_event_headers() -> None:
    shop = Shop()
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    shop.post("/v1/batch", batch(call()), traceparent=trace)
    (record,) = shop.publisher.records
    assert (record.topic, record.key) == ("events", b"ada")
    headers = dict(record.headers)
    assert headers["ce_id"] == b"m1"
    assert headers["ce_subject"] == b"ada"
    assert headers["ce_source"] == b"/ingest/demo"
    assert headers["traceparent"] == trace.encode()


@pytest.mark.parametrize("ids", [f"{0:032}-00f067aa0ba902b7", f"4bf92f3577b34da6a3ce929d0e0e4736-{0:016}"])
def test_a_trace_whose_ids_are_zero_is_none(ids: str) -> None:
    shop = Shop()
    shop.post("/v1/batch", batch(call()), traceparent=f"00-{ids}-01")
    (record,) = shop.publisher.records
    assert "traceparent" not in dict(record.headers)


def test_a_request_is_read_by_its_own_head_and_not_by_the_one_before() -> None:
    shop = Shop(KEYS)
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    head = {"authorization": basic("web"), "origin": SHOP, "traceparent": trace, "user_agent": "Googlebot/2.1"}
    first = shop.post("/v1/batch", {"batch": [call("a")]}, **head, sec_gpc="1")
    second = shop.post("/v1/batch", {"batch": [call("b")]}, authorization=basic("back"))
    assert (first.status, second.status) == (200, 200)
    assert first.headers["access-control-allow-origin"] == SHOP
    assert "access-control-allow-origin" not in second.headers
    one, other = shop.events
    assert (one.write_key, one.consent, one.privacy_signals, one.bot_score) == ("web", "refused", ("gpc",), 1.0)
    assert (other.write_key, other.consent, other.privacy_signals, other.bot_score) == ("back", None, (), None)
    assert ["traceparent" in dict(record.headers) for record in shop.publisher.records] == [True, False]


def test_a_bad_event_is_a_verdict_and_a_dead_letter_while_the_others_are_stored() -> None:
    shop = Shop()
    bad = call("bad", event="purchase", properties={"value": "a lot"})
    answer = shop.post("/v1/batch", batch(call("a"), bad, {"type": "track"}, call("d")))
    assert answer.status == 200
    assert answer.json == {
        "success": True,
        "accepted": 2,
        "rejected": 2,
        "errors": [
            {"index": 1, "messageId": "bad", "code": "schema", "message": "properties.value must be a number"},
            {
                "index": 2,
                "messageId": answer.json["errors"][1]["messageId"],
                "code": "missing_identity",
                "message": "anonymousId or userId is required",
            },
        ],
    }
    assert [event.message_id for event in shop.events] == ["a", "d"]
    letter, nameless = shop.dead_letters
    assert (letter.stage, letter.code, letter.message) == ("ingest", "schema", "properties.value must be a number")
    assert json.loads(letter.raw) == bad
    assert (letter.write_key, letter.message_id, letter.visitor_id) == ("demo", "bad", "ada")
    assert (letter.received_at, letter.source) == (NOON, "/v1/batch")
    assert (nameless.visitor_id, json.loads(nameless.raw)) == (None, {"type": "track"})


def test_the_same_bad_event_sent_twice_is_one_dead_letter() -> None:
    shop = Shop()
    shop.post("/v1/batch", batch("nonsense"))
    shop.post("/v1/track", b'"nonsense"', Authorization=basic("demo:"))
    shop.post("/v1/batch", batch("nonsense"))
    assert len(shop.dead_letters) == 2
    assert len({letter.dead_letter_id for letter in shop.dead_letters}) == 1


def test_an_empty_batch_is_taken() -> None:
    assert Shop().post("/v1/batch", batch()).json["accepted"] == 0


def test_a_sender_that_breaks_off_gets_no_answer() -> None:
    shop = Shop()
    with pytest.raises(ValueError, match="not enough values"):  # nothing was sent to unpack
        ask(shop.app, "POST", "/v1/batch", [])
    assert shop.publisher.records == []


def test_the_write_key_of_the_header_wins_then_the_bodys_then_the_querys() -> None:
    def key_of(body_key: str | None, query: str = "", **headers: str) -> str:
        shop = Shop(KEYS)
        answer = shop.post(f"/v1/batch{query}", batch(call(), writeKey=body_key), **headers)
        return shop.events[0].write_key if answer.status == 200 else str(answer.status)

    assert key_of("web", "?writeKey=slow", Authorization=basic("back:")) == "back"
    assert key_of("web", "?writeKey=slow") == "web"
    assert key_of(None, "?writeKey=slow") == "slow"
    assert key_of(None, Authorization=basic("back")) == "back"
    assert key_of("web", Authorization="Bearer token") == "web"
    assert key_of("web", Authorization="Basic !!!") == "web"
    assert key_of("web", Authorization=basic("unknown:")) == "401"
    assert key_of(None) == "401"
    assert key_of("unknown") == "401"


def test_a_write_key_may_stand_in_the_events_only() -> None:
    shop = Shop()
    assert shop.post("/v1/batch", {"batch": [call(writeKey="demo")]}).status == 200
    assert shop.post("/v1/track", call(writeKey="demo")).status == 200
    assert "writeKey" not in bytes(shop.events[0].custom).decode()


def test_an_unknown_key_is_told_what_to_do() -> None:
    answer = Shop().post("/v1/batch", batch(call(), writeKey="nope"))
    assert (answer.status, answer.json["code"]) == (401, "unknown_write_key")
    assert "'nope'" in answer.json["message"]


def test_a_browser_key_is_refused_from_another_origin_and_a_server_key_from_any() -> None:
    shop = Shop(KEYS)
    assert shop.post("/v1/batch", batch(call(), writeKey="web"), Origin=SHOP).status == 200
    assert shop.post("/v1/batch", batch(call(), writeKey="web")).status == 200
    for key in ("other", "back"):
        answer = shop.post("/v1/batch", batch(call(), writeKey=key), Origin=SHOP)
        assert (answer.status, answer.json["code"]) == (403, "origin_not_allowed")
        assert answer.headers["access-control-allow-origin"] == SHOP  # so that the SDK sees the 403


def test_over_the_rate_is_429_until_the_wait_is_over() -> None:
    shop = Shop(KEYS)
    calls = [call(str(number)) for number in range(6)]
    assert shop.post("/v1/batch", batch(*calls, writeKey="slow")).status == 200
    answer = shop.post("/v1/batch", batch(call("late"), writeKey="slow"), Origin=SHOP)
    assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (429, "rate_limited", "2")
    shop.seconds += 2
    assert shop.post("/v1/batch", batch(call("late"), writeKey="slow")).status == 200
    assert len(shop.events) == 7


def test_without_kafka_nothing_is_acknowledged() -> None:
    shop = Shop()
    shop.publisher.is_down = True
    answer = shop.post("/v1/batch", batch(call()))
    assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, "kafka_unavailable", "1")
    shop.publisher.is_down = False
    assert shop.post("/v1/batch", batch(call())).status == 200


def test_more_than_may_wait_for_kafka_is_refused() -> None:
    answer = Shop(max_inflight_bytes=10).post("/v1/batch", batch(call()))
    assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, "overloaded", "1")


def test_the_user_agent_of_the_request_helps_browsers_only() -> None:
    phone = "Mozilla/5.0 (iPhone) Version/16.6 Mobile Safari/604.1"
    shop = Shop(KEYS)
    shop.post("/v1/batch", batch(call(), writeKey="web"), User_Agent=phone)
    shop.post("/v1/batch", batch(call(), writeKey="back"), User_Agent=phone)
    assert [event.context.device_type for event in shop.events] == ["mobile", "unknown"]


def test_an_sdks_report_about_itself_is_answered_and_not_kept() -> None:
    shop = Shop()
    assert shop.post("/v1/m", {"series": []}).json["success"] is True
    assert shop.publisher.records == []
