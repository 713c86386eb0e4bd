"""The shop over HTTP, as a browser without a script sees it."""

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from html import unescape
from http.cookiejar import CookieJar
from urllib.parse import urlencode

import pytest
import uvicorn

from runtime.settings import StorefrontSettings
from storefront.app import storefront
from tests.asgi import ask
from tests.waiting import until


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The shop, running on a free port."""
    settings = StorefrontSettings(ingest_url="https://collect.example/in", console_url="https://console.example")
    server = uvicorn.Server(uvicorn.Config(storefront(settings), port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


class Visitor:
    """Follows redirects and keeps cookies."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar())).open
        self.at = ""
        self.status = 0
        self.headers: dict[str, str] = {}

    def get(self, path: str) -> str:
        return self.ask(urllib.request.Request(self.url + path))

    def post(self, path: str, body: str = "", **form: object) -> str:
        return self.ask(urllib.request.Request(self.url + path, (body or urlencode(form)).encode()))

    def ask(self, request: urllib.request.Request) -> str:
        try:
            answer = self._open(request)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            self.at, self.status = answer.url.removeprefix(self.url), answer.status
            self.headers = {name.lower(): value for name, value in answer.headers.items()}
            return unescape(answer.read().decode())


@pytest.fixture
def visitor(url: str) -> Visitor:
    return Visitor(url)


def events_of(page: str) -> list[list[object]]:
    """The tracker calls that the page makes when it is shown."""
    found = re.search(r'id="page-events">(.*?)</script>', page)
    assert found
    return list(json.loads(found[1]))


def test_the_tracker_is_installed_with_one_line(visitor: Visitor) -> None:
    assert (
        '<script async src="https://collect.example/in/shopstream.js" data-write-key="demo" '
        'data-decisions="https://console.example" data-clicks></script>'
    ) in visitor.get("/")


def test_the_policy_lets_the_page_reach_ingest_and_console_and_runs_nothing_inline(visitor: Visitor) -> None:
    page = visitor.get("/products/speckled-mug")
    policy = visitor.headers["content-security-policy"]
    assert "script-src 'self' https://collect.example;" in policy
    assert "connect-src 'self' https://collect.example https://console.example;" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]* src=)(?![^>]*application/json)|<style| style=| on\w+=", page)


def test_a_shopper_without_a_script_can_buy(visitor: Visitor) -> None:
    assert "Everything" in visitor.get("/?category=Teapots&sort=price-up")
    assert "€68.00" in visitor.get("/products/moss-side-handle-teapot")
    assert "Your cart" in visitor.post("/cart/add", item_id="moss-side-handle-teapot", quantity=2)
    assert visitor.at == "/cart"
    assert "−€13.60" in visitor.post("/cart/coupon", code="leaf10")
    assert "Where may we send it?" in visitor.get("/checkout")
    assert "How would you like to pay?" in visitor.post("/checkout/shipping", email="ada@example.com")
    thanks = visitor.post("/checkout/order", payment_type="Card")
    assert visitor.at.startswith("/confirmation/MK-")
    assert "€122.40" in thanks
    [[method, order]] = events_of(thanks)
    assert method == "purchase"
    assert order == {
        **order,  # type: ignore[dict-item]  # JSON
        "transaction_id": visitor.at.rsplit("/", 1)[1],
        "value": 122.4,
        "currency": "EUR",
        "coupon": "LEAF10",
        "shipping": 0.0,
    }
    assert "Nothing here yet" in visitor.get("/cart")


def test_each_confirmation_is_of_its_own_order(visitor: Visitor) -> None:
    confirmations = []
    for item_id in ("speckled-mug", "cherry-tea-scoop"):
        visitor.post("/cart/add", item_id=item_id)
        visitor.post("/checkout/order")
        confirmations.append(visitor.at)
    for at, item_id in zip(confirmations, ("speckled-mug", "cherry-tea-scoop"), strict=True):
        (_, bought) = events_of(visitor.get(at))[0]
        assert [item["item_id"] for item in bought["items"]] == [item_id]  # type: ignore[index]  # what JSON gave
    visitor.get("/confirmation/MK-SOMEONE")
    assert visitor.status == 404


def test_pages_report_ga4_events_with_items_value_and_currency(visitor: Visitor) -> None:
    [[_, name, shown]] = events_of(visitor.get("/products/celadon-gaiwan"))
    assert name == "view_item"
    assert isinstance(shown, dict)
    assert (shown["value"], shown["currency"], shown["items"][0]["item_id"]) == (46.0, "EUR", "celadon-gaiwan")
    searched, listed = events_of(visitor.get("/?q=bowl"))
    assert searched[1:] == ["search", {"search_term": "bowl"}]
    assert listed[1] == "view_item_list"


def test_what_a_visitor_types_cannot_become_part_of_the_page(visitor: Visitor) -> None:
    attack = '</script><script>alert(1)</script>"'
    raw = urllib.request.urlopen(f"{visitor.url}/?{urlencode({'q': attack})}").read().decode()
    assert "<script>alert" not in raw
    assert events_of(raw)[0] == ["track", "search", {"search_term": attack}]


def test_a_change_of_quantity_to_none_takes_the_line_out(visitor: Visitor) -> None:
    visitor.post("/cart/add", item_id="speckled-mug")
    assert "Nothing here yet" in visitor.post("/cart/change", item_id="speckled-mug", quantity=0)


def test_an_accepted_offer_changes_cart_and_checkout(visitor: Visitor) -> None:
    visitor.post("/cart/add", item_id="speckled-mug")
    visitor.post("/cart/offer", body='{"incentive_id": "i1", "type": "simplified_checkout", "discount": 0}')
    assert "Express checkout" in visitor.get("/checkout")
    visitor.post("/cart/offer", body='{"incentive_id": "i2", "type": "free_shipping"}')
    assert "€24.00" in visitor.get("/checkout")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/cart/add", "item_id=piano", 404),
        ("/cart/add", "item_id=speckled-mug&quantity=lots", 200),
        ("/cart/add", "\udcff", 404),
        ("/cart/change", "", 404),
        ("/cart/offer", "not json", 422),
        ("/cart/offer", '{"incentive_id": "i", "type": "everything_free"}', 422),
        ("/cart/offer", '{"incentive_id": "\udcff", "type": "discount"}', 422),
        ("/cart/offer", '{"deep": ' + "[" * 5_000, 422),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_and_never_fails(
    visitor: Visitor, path: str, body: str, status: int
) -> None:
    request = urllib.request.Request(visitor.url + path, body.encode("utf-8", "surrogateescape"))
    visitor.ask(request)
    assert visitor.status == status


@pytest.mark.parametrize("path", ["/cart/add", "/cart/offer"])
def test_a_body_that_is_cut_off_is_nobodys_fault(path: str) -> None:
    assert ask(storefront(StorefrontSettings()), "POST", path, b"item_id=", is_cut_off=True).status == 400


@pytest.mark.parametrize("path", ["/checkout", "/checkout/payment"])
def test_an_empty_cart_has_no_checkout(visitor: Visitor, path: str) -> None:
    visitor.get(path)
    assert visitor.at == "/cart"


@pytest.mark.parametrize("path", ["/products/piano", "/confirmation/MK-1", "/art/piano.svg", "/nowhere"])
def test_what_is_not_there_is_a_404(visitor: Visitor, path: str) -> None:
    visitor.get(path)
    assert visitor.status == 404


def test_drawings_and_versioned_files_may_be_kept_and_pages_may_not(visitor: Visitor) -> None:
    page = visitor.get("/")
    assert visitor.headers["cache-control"] == "no-cache"
    sheet = re.search(r'href="(/static/base\.css\?v=\w+)"', page)
    assert sheet
    visitor.get(sheet[1])
    assert "immutable" in visitor.headers["cache-control"]
    visitor.get("/art/speckled-mug.svg")
    assert "immutable" in visitor.headers["cache-control"]


def test_what_is_recommended_is_drawn_from_the_shop_s_own_catalogue(visitor: Visitor) -> None:
    strip = visitor.get("/also?basis=items&item=speckled-mug&item=%3Cscript%3E&item=walnut-tray&item=speckled-mug")
    assert "Others also looked at" in strip
    assert re.findall(r'<a href="/products/(.*?)"', strip) == ["speckled-mug", "walnut-tray"]
    assert "€24.00" in strip
    assert "<script" not in strip
    assert "Popular of late" in visitor.get("/also?basis=popular&item=speckled-mug")


def test_a_strip_without_anything_of_ours_is_no_strip(visitor: Visitor) -> None:
    assert visitor.get("/also?basis=items&item=nothing-of-ours") == ""
    assert visitor.status == 204


def test_health_and_metrics_answer(visitor: Visitor) -> None:
    assert visitor.get("/livez") == "ok"
    assert visitor.get("/readyz") == "{}"
    assert "storefront_orders_total" in visitor.get("/metrics")
