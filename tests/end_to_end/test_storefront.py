"""A real Chromium walks through the shop, with the real tracker and a server that records what it is sent."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect

from contracts.decisions import Decision, Incentive
from runtime.settings import StorefrontSettings
from storefront.app import storefront
from tests.end_to_end.tracker.recording_server import RecordingServer, recording_server
from tests.factories import decision, incentive

NOBODY = "http://127.0.0.1:9"
"""Nothing listens there."""


@pytest.fixture
def pipeline() -> Iterator[RecordingServer]:
    """Stands for ingest and console."""
    with recording_server() as recording:
        yield recording


def _serving(settings: StorefrontSettings) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(storefront(settings), port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def shop(pipeline: RecordingServer) -> Iterator[str]:
    """The shop's address."""
    yield from _serving(StorefrontSettings(ingest_url=pipeline.ingest, console_url=pipeline.ingest))


@pytest.fixture
def lonely_shop() -> Iterator[str]:
    """A shop whose ingest and console are away."""
    yield from _serving(StorefrontSettings(ingest_url=NOBODY, console_url=NOBODY))


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A new visitor's browser."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    yield context
    context.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console said, refusals by the content security policy among it."""
    return []


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Page:
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(f"pageerror: {error}"))
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    return page


def add_to_cart(page: Page, shop: str, item_id: str) -> None:
    page.goto(f"{shop}/products/{item_id}")
    page.get_by_role("button", name="Add to cart", exact=True).click()
    expect(page.locator("#cart-count")).to_be_visible()


def decided(page: Page, pipeline: RecordingServer, offered: Incentive | None = None) -> Decision:
    """Send the page a decision about its visitor."""
    pipeline.wait_for(lambda: pipeline.streams)
    visitor_id = page.evaluate("shopstream.visitorId()")
    made = decision(visitor_id=visitor_id, likelihood=0.42, persona="Research Shopper", incentive=offered)
    pipeline.decide(made)
    return made


def told(pipeline: RecordingServer, name: str) -> list[dict[str, Any]]:
    """The properties of every event of that name. One that a leaving page sent twice has one message id and counts once."""
    return [item["properties"] for item in {item["messageId"]: item for item in pipeline.named(name)}.values()]


def names(pipeline: RecordingServer) -> list[str]:
    """What happened, in order, without engagement reports and marked clicks."""
    distinct = {item["messageId"]: item for item in pipeline.items}.values()
    ordered = sorted(distinct, key=lambda item: item["timestamp"])
    said = [str(item.get("event", item["type"])) for item in ordered]
    return [name for name in said if name not in ("user_engagement", "click")]


def test_each_step_to_the_confirmation_is_told_once_and_in_order(
    page: Page, shop: str, pipeline: RecordingServer, complaints: list[str]
) -> None:
    page.goto(shop)
    page.locator(".card", has_text="Speckled Mug").get_by_role("link").click()
    page.get_by_role("button", name="One more").click()
    page.get_by_role("button", name="Add to cart", exact=True).click()
    page.get_by_role("link", name="View cart").click()
    page.get_by_label("Discount code").fill("leaf10")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("10% off")).to_be_visible()
    page.get_by_role("link", name="Check out").click()
    page.get_by_role("button", name="Fill in a sample address").click()
    page.get_by_role("button", name="Continue to payment").click()
    page.get_by_role("button", name="Place the order").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    pipeline.wait_for_event("purchase")

    [purchase] = told(pipeline, "purchase")
    assert purchase | {"items": []} == {
        "transaction_id": page.url.rsplit("/", 1)[1],
        "currency": "EUR",
        "value": 43.2,
        "coupon": "LEAF10",
        "shipping": 4.9,
        "items": [],
    }
    [mug] = purchase["items"]
    assert (mug["item_id"], mug["price"], mug["quantity"]) == ("speckled-mug", 24.0, 2)
    [added] = told(pipeline, "add_to_cart")
    assert (added["currency"], added["items"]) == ("EUR", [mug])
    expected = [
        *("page", "view_item_list", "select_item"),
        *("page", "view_item", "add_to_cart"),
        *("page", "view_cart", "coupon_applied", "page", "view_cart"),
        *("page", "begin_checkout", "add_shipping_info"),
        *("page", "add_payment_info"),
        *("page", "purchase"),
    ]
    pipeline.wait_for(lambda: len(names(pipeline)) >= len(expected))  # a page left behind may be heard a little later
    assert names(pipeline) == expected
    assert complaints == []


def test_changing_the_cart_is_told_as_added_and_removed(page: Page, shop: str, pipeline: RecordingServer) -> None:
    add_to_cart(page, shop, "bamboo-whisk")
    page.goto(f"{shop}/cart")
    page.get_by_role("button", name="One more Bamboo Whisk").click()
    expect(page.locator(".line .price")).to_have_text("€36.00")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    pipeline.wait_for_event("remove_from_cart")
    assert [added["items"][0]["quantity"] for added in told(pipeline, "add_to_cart")] == [1, 1]
    [removed] = told(pipeline, "remove_from_cart")
    assert (removed["items"][0]["item_id"], removed["items"][0]["quantity"]) == ("bamboo-whisk", 2)


def test_an_accepted_discount_is_shown_once_and_comes_off_the_order(
    page: Page, shop: str, pipeline: RecordingServer, complaints: list[str]
) -> None:
    add_to_cart(page, shop, "speckled-mug")
    decided(page, pipeline, incentive("i7", message="Ten percent off today.", discount=10.0))
    card = page.get_by_label("An offer for you")
    expect(card).to_contain_text("Ten percent off today.")
    page.goto(f"{shop}/cart")
    expect(card).to_be_visible()  # neither taken nor sent away: it stays
    card.get_by_role("button", name="Use it").click()
    expect(page.locator(".sums")).to_contain_text("KILN10")
    pipeline.wait_for_event("incentive_accepted")
    decided(page, pipeline, incentive("i7", discount=10.0))
    page.goto(f"{shop}/checkout")
    expect(page.locator(".sums")).to_contain_text("−€2.40")
    expect(card).to_have_count(0)
    assert told(pipeline, "incentive_shown") == [{"incentive_id": "i7"}]
    assert told(pipeline, "incentive_accepted") == [{"incentive_id": "i7"}]
    assert complaints == []


def test_a_dismissed_incentive_goes_away_and_stays_away(page: Page, shop: str, pipeline: RecordingServer) -> None:
    page.goto(shop)
    decided(page, pipeline, incentive("i8", type="urgency", discount=0.0))
    card = page.get_by_label("An offer for you")
    card.get_by_role("button", name="No, thanks").click()
    expect(card).to_have_count(0)
    pipeline.wait_for_event("incentive_dismissed")
    page.goto(f"{shop}/guide")
    page.wait_for_load_state()
    expect(card).to_have_count(0)


def test_simplified_checkout_is_one_page(page: Page, shop: str, pipeline: RecordingServer) -> None:
    add_to_cart(page, shop, "lichen-tumbler")
    decided(page, pipeline, incentive("i9", type="simplified_checkout", discount=0.0))
    page.get_by_role("button", name="Check out now").click()
    expect(page.get_by_role("heading", name="Express checkout")).to_be_visible()
    page.get_by_role("button", name="Fill in a sample address").click()
    page.get_by_role("button", name="Place the order").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    pipeline.wait_for_event("purchase")
    assert names(pipeline)[-5:] == ["begin_checkout", "add_shipping_info", "add_payment_info", "page", "purchase"]


def test_the_tutorial_leads_to_the_brewing_guide(page: Page, shop: str, pipeline: RecordingServer) -> None:
    page.goto(shop)
    decided(page, pipeline, incentive("i10", type="tutorial", discount=0.0))
    page.get_by_role("button", name="Show me how").click()
    page.wait_for_url("**/guide")


def test_an_incentive_held_out_is_never_shown(page: Page, shop: str, pipeline: RecordingServer) -> None:
    page.goto(shop)
    pipeline.wait_for(lambda: pipeline.streams)
    visitor_id = page.evaluate("shopstream.visitorId()")
    pipeline.decide(decision(visitor_id=visitor_id, arm="holdout", incentive=incentive("i11")))
    expect(page.locator(".developer.live")).to_be_visible()
    expect(page.get_by_label("An offer for you")).to_have_count(0)


def test_a_developer_sees_the_decision_and_its_reasons(page: Page, shop: str, pipeline: RecordingServer) -> None:
    page.goto(shop)
    made = decided(page, pipeline)
    toggle = page.get_by_role("button", name="Pipeline · 42%")
    toggle.click()
    panel = page.locator(".developer-panel")
    for said in ("42%", made.persona, made.style, made.because[0], made.model_version, made.visitor_id):
        expect(panel).to_contain_text(said)
    page.goto(f"{shop}/guide")
    expect(panel).to_be_visible()  # stays open over pages
    page.get_by_role("button", name="Pipeline").click()
    expect(panel).to_be_hidden()


def test_the_shop_sells_when_ingest_and_console_are_away(page: Page, lonely_shop: str, complaints: list[str]) -> None:
    add_to_cart(page, lonely_shop, "walnut-tray")
    page.goto(f"{lonely_shop}/checkout")
    page.get_by_role("button", name="Fill in a sample address").click()
    page.get_by_role("button", name="Continue to payment").click()
    page.get_by_role("button", name="Place the order").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert {each for each in complaints if "net::ERR_" not in each} == set()


def test_no_page_is_wider_than_a_phone(browser: Browser, shop: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    page = context.new_page()
    page.goto(f"{shop}/products/speckled-mug")
    page.get_by_role("button", name="Add to cart", exact=True).tap()
    expect(page.locator("#cart-count")).to_be_visible()
    for path in ("/", "/?category=Cups+%26+Bowls", "/products/speckled-mug", "/cart", "/checkout", "/guide", "/none"):
        page.goto(shop + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    context.close()
