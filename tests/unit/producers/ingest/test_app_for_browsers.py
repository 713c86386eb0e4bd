"""What browsers need before and around the events: CORS, settings documents, the snippet, and never a redirect."""

import gzip

import pytest

from producers.ingest.write_keys import WriteKey, WriteKeys
from tests.asgi import ask
from tests.ingest_shop import KEYS, SHOP, Shop, basic, batch, call

PREFLIGHT = {
    "Origin": SHOP,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "anonymousid,authorization,content-type,sentat",
}


@pytest.mark.parametrize(
    "path", ["/v1/batch", "/v1/t", "/beacon/v1/batch", "/sourceConfig/", "/v1/projects/web/settings"]
)
def test_a_preflight_is_answered(path: str) -> None:
    answer = ask(Shop(KEYS).app, "OPTIONS", path, headers=PREFLIGHT)
    assert (answer.status, answer.body) == (204, b"")
    headers = answer.headers
    assert headers["access-control-allow-origin"] == SHOP
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["access-control-allow-methods"] == "GET, POST, HEAD, OPTIONS"
    assert headers["access-control-max-age"] == "7200"
    assert headers["vary"] == "Origin"
    allowed = headers["access-control-allow-headers"].split(", ")
    assert {"authorization", "content-type", "content-encoding", "anonymousid", "sentat", "x-retry-count"} <= {*allowed}
    assert {"rsa-recovered", "rsa-retry-reason", "sp-anonymous", "traceparent", "accept"} <= {*allowed}


def test_an_origin_of_no_key_is_not_let_in() -> None:
    keys = WriteKeys([WriteKey(name="web", origins=("https://other.example",))])
    answer = ask(Shop(keys).app, "OPTIONS", "/v1/batch", headers=PREFLIGHT)
    assert answer.status == 204
    assert "access-control-allow-origin" not in answer.headers


def test_every_answer_lets_the_browser_read_when_to_retry() -> None:
    shop = Shop()
    for answer in (
        shop.post("/v1/batch", batch(call()), Origin=SHOP),
        shop.post("/v1/batch", b"{", Origin=SHOP),
        shop.post("/nowhere", b"", Origin=SHOP),
        ask(shop.app, "GET", "/v1/batch", headers={"Origin": SHOP}),
        ask(shop.app, "GET", "/shopstream.js", headers={"Origin": SHOP}),
    ):
        assert answer.headers["access-control-expose-headers"] == "Retry-After"
        assert answer.headers["access-control-allow-origin"] == SHOP
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "Origin" in answer.headers["vary"]


def test_without_an_origin_there_is_nothing_to_allow() -> None:
    answer = Shop().post("/v1/batch", batch(call()))
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/projects/web/settings", "/projects/web/settings/"])
def test_analytics_js_is_told_to_send_here(path: str) -> None:
    answer = ask(Shop(KEYS).app, "GET", path, headers={"Host": "collect.shop.example", "Origin": SHOP})
    assert answer.status == 200
    assert answer.json == {
        "integrations": {"Segment.io": {"apiKey": "web", "apiHost": "collect.shop.example/v1", "protocol": "http"}},
        "metrics": {"sampleRate": 0},
    }
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["access-control-allow-origin"] == SHOP


@pytest.mark.parametrize("path", ["/sourceConfig/?p=npm&v=3.34.1&writeKey=web", "/sourceConfig?writeKey=web"])
def test_rudderstack_gets_a_source_that_is_enabled(path: str) -> None:
    source = ask(Shop(KEYS).app, "GET", path, headers={"Authorization": basic("web:")}).json["source"]
    assert (source["id"], source["enabled"], source["config"], source["destinations"]) == ("web", True, {}, [])


def test_the_ad_block_probe_is_answered() -> None:
    answer = ask(Shop(KEYS).app, "HEAD", "/sourceConfig/?view=ad")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("path", ["/v1/projects/nope/settings", "/sourceConfig/?writeKey=nope", "/sourceConfig/"])
def test_settings_of_an_unknown_key_are_refused(path: str) -> None:
    answer = ask(Shop(KEYS).app, "GET", path)
    assert (answer.status, answer.json["code"]) == (401, "unknown_write_key")


def test_the_snippet_is_served_plain_and_zipped() -> None:
    shop = Shop()
    plain = ask(shop.app, "GET", "/shopstream.js")
    zipped = ask(shop.app, "GET", "/shopstream.js", headers={"Accept-Encoding": "gzip, br"})
    assert plain.body == gzip.decompress(zipped.body) == b"window.shopstream=1"
    assert zipped.headers["content-encoding"] == "gzip"
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert plain.headers["cache-control"].startswith("public, max-age=")
    head = ask(shop.app, "HEAD", "/shopstream.js")
    assert (head.body, head.headers["content-length"]) == (b"", str(len(plain.body)))


def test_a_wrong_method_or_path_is_a_problem_and_never_a_redirect() -> None:
    shop = Shop()
    wrong = ask(shop.app, "GET", "/v1/batch")
    assert (wrong.status, wrong.headers["allow"], wrong.json["code"]) == (405, "POST, OPTIONS", "method_not_allowed")
    assert shop.post("/shopstream.js", b"").status == 405
    assert shop.post("/v1/m/", b"").status == 200
    for path in ("/", "//", "/v1", "/v1/batch//", "/livez/", "/v1/unknown"):
        answer = ask(shop.app, "GET", path)
        assert answer.status in (404, 405)
        assert {"code", "message"} <= answer.json.keys()


def test_a_strange_query_is_no_obstacle() -> None:
    shop = Shop()
    query = "&".join(f"a{number}=1" for number in range(500))
    assert shop.post(f"/v1/batch?{query}", batch(call())).status == 200
    assert shop.post("/v1/batch?%ff=%00&writeKey", batch(call())).status == 200


def test_health_is_answered_and_readiness_asks_the_publisher() -> None:
    shop = Shop()
    assert ask(shop.app, "GET", "/livez").status == 200
    assert ask(shop.app, "GET", "/readyz").status == 200
    shop.publisher.is_down = True
    assert ask(shop.app, "GET", "/readyz").status == 503
    shop.post("/v1/batch", batch(call(), "nonsense"))
    metrics = ask(shop.app, "GET", "/metrics").body.decode()
    for name in (
        "ingest_events_accepted_total",
        "ingest_events_rejected_total",
        'ingest_answers_total{status="503"}',
        "ingest_request_seconds_bucket",
        "ingest_in_flight_bytes 0.0",
        "ingest_write_key_disagreements_total",
    ):
        assert name in metrics
