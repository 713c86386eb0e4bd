"""Under which names the console answers, and to whom."""

import base64
import hashlib
from collections.abc import Callable

import pytest
from starlette.applications import Starlette

from tests.asgi import ask

MakeApp = Callable[..., Starlette]
PASSWORD = "correct hörse battery"
FOR_PEOPLE = ("/", "/sessions/s1", "/static/live.js", "/favicon.ico", "/api/openapi.json", "/api/health", "/api/live")
PUBLIC = (
    *("/livez", "/readyz", "/metrics"),
    *("/api/decisions/ada", "/api/decisions/ada/stream", "/api/recommendations/ada"),
)


def basic(password: str, user: str = "anyone") -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize("path", FOR_PEOPLE)
def test_a_page_that_points_its_own_name_at_the_console_reads_nothing(make_app: MakeApp, path: str) -> None:
    answer = ask(make_app(), "GET", path, headers={"host": "evil.example:8081"})
    assert (answer.status, answer.json["code"]) == (421, "unknown_host")
    assert "evil.example" in answer.json["message"]
    assert "SHOPSTREAM_CONSOLE_HOSTS" in answer.json["message"]


@pytest.mark.parametrize("path", PUBLIC)
def test_shops_probes_and_prometheus_come_under_any_name_and_without_the_password(make_app: MakeApp, path: str) -> None:
    answer = ask(make_app(password=PASSWORD), "GET", path, headers={"host": "decide.shop.example"})
    assert answer.status == 200 or answer.json["code"] == "token_missing"


def test_a_shop_s_page_gets_a_token_under_any_name_and_without_the_password(make_app: MakeApp) -> None:
    asked = {"host": "decide.shop.example", "origin": "https://shop.example"}
    body = b'{"visitor_secret":"a visitor\'s secret of many characters"}'
    assert ask(make_app(password=PASSWORD), "POST", "/api/decisions/token", body, asked).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8081",
        "LOCALHOST",
        "shop.localhost",
        "127.0.0.1:8081",
        "10.1.2.3",
        "[::1]:8081",
        "[fe80::1]",
        "",
        None,
    ],
)
def test_an_address_is_nobody_s_name(make_app: MakeApp, host: str | None) -> None:
    headers = {} if host is None else {"host": host}
    assert ask(make_app(), "GET", "/api/health", headers=headers).status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("console.shop.example", 200),
        ("Console.Shop.Example.:443", 200),
        ("shop.example", 421),
        ("console.shop.example.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("evil.example@console.shop.example", 421),
        ("localhost.evil.example", 421),
    ],
)
def test_the_names_that_a_proxy_keeps_are_listed(make_app: MakeApp, host: str, status: int) -> None:
    app = make_app(hosts=("console.shop.example",))
    assert ask(app, "GET", "/api/health", headers={"host": host}).status == status


def test_a_lone_star_answers_under_any_name(make_app: MakeApp) -> None:
    assert ask(make_app(hosts=("*",)), "GET", "/", headers={"host": "whatever.example"}).status == 200


@pytest.mark.parametrize("path", [path for path in FOR_PEOPLE if path != "/api/live"])
def test_with_a_password_people_are_asked_for_it(make_app: MakeApp, path: str) -> None:
    app = make_app(password=PASSWORD)
    asked = ask(app, "GET", path)
    assert (asked.status, asked.json["code"]) == (401, "password_missing")
    assert asked.headers["www-authenticate"].startswith("Basic ")
    assert "HTTP Basic" in asked.json["message"]
    with_it = ask(app, "GET", path, headers=basic(PASSWORD))
    assert with_it.status != 401


@pytest.mark.parametrize(
    "headers",
    [
        basic("wrong horse battery"),
        basic(""),
        basic("x:" + PASSWORD),
        {"authorization": "Basic " + hashlib.sha256(PASSWORD.encode()).hexdigest()},
        {"authorization": "Basic ???"},
        {"authorization": f"Bearer {PASSWORD.encode().hex()}"},
        {"authorization": "Basic"},
        {"authorization": "Basic h\xf6rse"},
    ],
)
def test_anything_but_the_password_is_refused(make_app: MakeApp, headers: dict[str, str]) -> None:
    assert ask(make_app(password=PASSWORD), "GET", "/api/overview", headers=headers).status == 401


def test_people_read_a_refusal_as_a_page_that_a_stranger_cannot_write_into(make_app: MakeApp) -> None:
    opened = {"host": "<b>evil.example</b>", "accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = ask(make_app(), "GET", "/", headers=opened)
    assert answer.status == 421
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert b"&lt;b&gt;evil.example&lt;/b&gt;" in answer.body
    assert b"<b>" not in answer.body
    asked = ask(make_app(password=PASSWORD), "GET", "/", headers={"accept": "text/html"})
    assert (asked.status, asked.headers["www-authenticate"][:6]) == (401, "Basic ")
    assert b"The console has a password" in asked.body
    assert b"There is no page" in ask(make_app(), "GET", "/nope", headers={"accept": "text/html"}).body
    assert ask(make_app(), "GET", "/api/nope", headers={"accept": "text/html"}).json["code"] == "not_found"


def test_refusals_are_guarded_and_kept_by_no_cache(make_app: MakeApp) -> None:
    answer = ask(make_app(password=PASSWORD), "GET", "/")
    assert answer.headers["cache-control"] == "no-store"
    assert "content-security-policy" in answer.headers
