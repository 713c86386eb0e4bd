"""Bodies of every kind: labelled wrongly, zipped, cut, too large; what can be read is taken, and what cannot is told why."""

import gzip
import json

import pytest

from tests.asgi import ask
from tests.ingest_shop import Shop, basic, batch, call


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/json; charset=utf-8", "application/x-www-form-urlencoded", "image/png", ""],
)
@pytest.mark.parametrize("is_zipped", [False, True])
def test_any_content_type_will_do(content_type: str, is_zipped: bool) -> None:
    shop = Shop()
    body = json.dumps(batch(call())).encode()
    headers = {"Content_Type": content_type} | ({"Content_Encoding": "gzip"} if is_zipped else {})
    assert shop.post("/v1/batch", gzip.compress(body) if is_zipped else body, **headers).status == 200


def test_the_bytes_say_whether_a_body_is_zipped() -> None:
    body = json.dumps(batch(call())).encode()
    assert Shop().post("/v1/batch", gzip.compress(body[:9]) + gzip.compress(body[9:])).status == 200
    assert Shop().post("/v1/batch", body, Content_Encoding="gzip").status == 200
    assert Shop().post("/v1/batch", b"\xef\xbb\xbf" + body).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"batch":3}',
        b'{"type":"track"}',
        b'{"batch":' + b"[" * 9_999,
        gzip.compress(b'{"batch":[]}')[:-5],
        b"\x1f\x8bnonsense",
    ],
)
def test_a_body_that_cannot_be_read_is_refused(body: bytes) -> None:
    shop = Shop()
    answer = shop.post("/v1/batch", body, Authorization=basic("demo:"))
    assert (answer.status, answer.json["code"], answer.json["status"]) == (400, "unparsable", 400)
    assert answer.json["message"]
    assert shop.publisher.records == []


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b'{"event":"\xff"}', b'{"event":1e999}'])
def test_a_single_call_that_cannot_be_read_is_refused_too(body: bytes) -> None:
    answer = Shop().post("/v1/track", body, Authorization=basic("demo:"))
    assert (answer.status, answer.json["code"]) == (400, "unparsable")


def test_a_cut_emoji_costs_nothing() -> None:
    shop = Shop()
    body = json.dumps(batch(call("a", properties={"title": "cut \ud83d"}), call("b", properties={"title": "😀"})))
    assert shop.post("/v1/batch", body.encode()).json["accepted"] == 2
    assert [json.loads(bytes(event.custom)) for event in shop.events] == [{"title": "cut �"}, {"title": "😀"}]


def test_a_number_that_is_none_costs_nothing() -> None:
    shop = Shop()
    body = json.dumps({"writeKey": "demo", **batch(call("a", properties={"price": float("nan")}), call("b"))}).encode()
    assert (b"NaN" in body, shop.post("/v1/batch", body).json["accepted"]) == (True, 2)


@pytest.mark.parametrize("size", [1_001, 9_000])
def test_a_body_over_the_limit_is_too_large(size: int) -> None:
    answer = ask(Shop(max_body_bytes=1_000).app, "POST", "/v1/batch", [b"x" * 500, b"x" * (size - 500)])
    assert (answer.status, answer.json["code"]) == (413, "too_large")


def test_a_gzip_bomb_is_not_unpacked_beyond_the_limit() -> None:
    bomb = gzip.compress(b" " * 50_000_000, 1)
    answer = Shop().post("/v1/batch", bomb, Content_Encoding="gzip")
    assert (answer.status, answer.json["code"]) == (413, "too_large")
    assert Shop().post("/v1/batch", gzip.compress(b" " * 3_000_000) * 2).status == 413


def test_a_body_of_many_gzip_members_is_refused() -> None:
    body = json.dumps(batch(call())).encode()
    assert (
        Shop().post("/v1/batch", b"".join(gzip.compress(body[at : at + 10]) for at in range(0, 150, 10))).status == 200
    )
    assert Shop().post("/v1/batch", gzip.compress(body) + gzip.compress(b"") * 16).status == 400


def test_too_many_events_are_too_large() -> None:
    answer = Shop(max_batch_events=2).post("/v1/batch", batch(call(), call(), call()))
    assert (answer.status, answer.json["code"]) == (413, "too_large")


def test_one_event_over_the_limit_is_a_verdict_in_a_batch_and_refused_alone() -> None:
    shop = Shop(max_event_bytes=300)
    large = call("large", properties={"note": "x" * 300})
    answer = shop.post("/v1/batch", batch(call("small"), large))
    assert (answer.status, answer.json["accepted"], answer.json["errors"][0]["code"]) == (200, 1, "too_large")
    assert json.loads(shop.dead_letters[0].raw) == large
    alone = shop.post("/v1/track", large | {"writeKey": "demo"})
    assert (alone.status, alone.json["code"]) == (413, "too_large")


def test_a_dead_letter_fits_into_a_record() -> None:
    shop = Shop()
    shop.post("/v1/batch", batch(call(properties={"note": "x" * 2_000_000})))
    (letter,) = shop.dead_letters
    assert len(letter.raw) == 524_288
    assert "bytes are kept" in letter.message
    assert len(shop.publisher.records[0].value) < 1_000_000
