"""What others looked at appears in the shop: from their clicks through the whole pipeline into a real Chromium."""

import json
import re
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from runtime.settings import KafkaSettings
from tests.running import Running, running
from tests.waiting import until

SERVICES = ("console", "persist", "process", "ingest", "storefront")
RECOMMENDED = re.compile("/api/recommendations/")
PASSWORD = "a password of the console's people"


@pytest.fixture
def shop(broker: KafkaSettings, database: str, tmp_path: Path) -> Iterator[Running]:
    settings = {"SHOPSTREAM_CONSOLE_RECOMMEND_REFRESH_S": "1", "SHOPSTREAM_CONSOLE_PASSWORD": PASSWORD}
    with running(broker, database, tmp_path, SERVICES, **settings) as services:
        yield services


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def page(browser: Browser, complaints: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(f"pageerror: {error}"))
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    yield page
    context.close()


def look(shop: Running, visitor_id: str, *item_ids: str) -> None:
    """Somebody looks at the items one after the other, with a Segment SDK."""
    begin = datetime.now(UTC) - timedelta(minutes=1)
    batch = [
        {
            "type": "track",
            "event": "Product Viewed",
            "anonymousId": visitor_id,
            "messageId": f"{visitor_id}-{number}",
            "timestamp": (begin + timedelta(seconds=number)).isoformat(),
            "properties": {"product_id": item_id},
        }
        for number, item_id in enumerate(item_ids)
    ]
    browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    body = json.dumps({"batch": batch, "writeKey": "demo", "sentAt": datetime.now(UTC).isoformat()}).encode()
    request = urllib.request.Request(f"{shop.urls['ingest']}/v1/batch", body, {"User-Agent": browser})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert json.load(answer)["accepted"] == len(item_ids)


def known_item_count(shop: Running) -> int:
    with urllib.request.urlopen(f"{shop.urls['console']}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return int(float(next(line for line in lines if line.startswith("console_recommend_items ")).split()[1]))


def answered(page: Page, url: str) -> None:
    """Open the page and wait for the console's answer."""
    with page.expect_response(RECOMMENDED) as answer:
        page.goto(url)
    answer.value.finished()


def strip(page: Page) -> list[str]:
    return page.locator("[data-also] .card-name").all_inner_texts()


def test_what_others_looked_at_is_shown_on_a_product_s_page_without_what_the_shopper_knows(
    shop: Running, page: Page, complaints: list[str]
) -> None:
    url = shop.urls["storefront"]
    answered(page, f"{url}/products/speckled-mug")
    expect(page.locator("[data-also]")).to_be_hidden()  # nothing is known yet

    for number in range(3):
        look(
            shop,
            f"tea-lover-{number}",
            "speckled-mug",
            "bamboo-whisk",
            "lichen-tumbler",
            "fine-strainer",
            "no-longer-sold",
        )
    until(lambda: known_item_count(shop) == 5)
    page.goto(f"{url}/products/speckled-mug")
    expect(page.get_by_role("heading", name="Others also looked at")).to_be_visible()
    assert strip(page) == ["Lichen Tumbler", "Fine Strainer"]  # the whisk is on the page already

    page.get_by_role("button", name="Add Fine Strainer to the cart").click()
    expect(page.locator("#cart-count")).to_have_text("1")
    in_cart = "select count(*) from events where event_name = 'add_to_cart'"
    until(lambda: shop.query(in_cart) == [(1,)])
    page.locator("[data-also]").get_by_role("link", name="Lichen Tumbler").click()
    page.wait_for_url("**/products/lichen-tumbler")
    expect(page.locator("[data-also]")).to_be_visible()
    assert strip(page) == ["Bamboo Whisk"]  # the mug was just looked at, the strainer is in the cart
    selected = "select properties ->> 'item_list_name' from events where event_name = 'select_item'"
    until(lambda: shop.query(selected) == [("Others also looked at",)])
    assert complaints == []


def test_in_the_cart_is_shown_what_others_put_beside(shop: Running, page: Page, complaints: list[str]) -> None:
    for number in range(3):
        look(shop, f"tea-lover-{number}", "walnut-tray", "white-peony", "speckled-mug")
    until(lambda: known_item_count(shop) == 3)
    page.goto(f"{shop.urls['storefront']}/products/walnut-tray")
    page.get_by_role("button", name="Add to cart", exact=True).click()
    expect(page.locator("#cart-count")).to_have_text("1")
    until(lambda: shop.query("select count(*) from events where event_name = 'add_to_cart'") == [(1,)])
    page.goto(f"{shop.urls['storefront']}/cart")
    expect(page.get_by_role("heading", name="Others also looked at")).to_be_visible()
    assert strip(page) == ["White Peony", "Speckled Mug"]
    assert complaints == []
