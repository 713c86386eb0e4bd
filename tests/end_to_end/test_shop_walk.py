"""A real Chromium walks through the demo shop while the whole pipeline runs: every event stored once, decisions back in time."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from runtime.settings import KafkaSettings
from tests.running import Running, running
from tests.waiting import until

SERVICES = ("console", "persist", "process", "ingest", "storefront")


@pytest.fixture
def shop(broker: KafkaSettings, database: str, tmp_path: Path) -> Iterator[Running]:
    with running(broker, database, tmp_path, SERVICES) as services:
        yield services


class Watched:
    """A page, with every event its tracker posted and every decision its event stream brought."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.message_ids: set[str] = set()
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._note)
        page.add_init_script(
            """addEventListener('shopstream:decision', (told) => {
                const heard = JSON.parse(sessionStorage.heard || '[]')
                heard.push({at: Date.now(), caused_by: told.detail.caused_by, occurred_at: told.detail.occurred_at})
                sessionStorage.heard = JSON.stringify(heard)
            })"""
        )

    def _note(self, request: Any) -> None:
        if request.method == "POST" and request.url.endswith("/v1/batch"):
            self.message_ids |= {item["messageId"] for item in request.post_data_json["batch"]}

    def decisions(self) -> list[dict[str, Any]]:
        heard: list[dict[str, Any]] = self.page.evaluate("JSON.parse(sessionStorage.heard || '[]')")
        return heard

    def quickest_s(self) -> float:
        """Seconds from an act to the decision it caused, both by the browser's clock."""
        waits = "(heard) => heard.map((told) => told.at - Date.parse(told.occurred_at))"
        waited_ms: list[float] = self.page.evaluate(waits, self.decisions())
        return min(waited_ms) / 1000


def test_every_event_of_a_purchase_is_stored_once_and_the_page_hears_decisions(shop: Running, browser: Browser) -> None:
    context = browser.new_context()
    visit = Watched(context.new_page())
    page = visit.page
    page.goto(shop.urls["storefront"])
    until(lambda: bool(visit.decisions()))  # the stream is open, and the pipeline is warm
    assert visit.decisions(), shop.log("process")

    page.locator(".card", has_text="Speckled Mug").get_by_role("link").click()
    before = len(visit.decisions())
    page.get_by_role("button", name="Add to cart", exact=True).click()
    until(lambda: len(visit.decisions()) > before)
    assert visit.quickest_s() < 1, "a decision comes within a second of an act"

    page.goto(f"{shop.urls['storefront']}/cart")
    page.get_by_role("link", name="Check out").click()
    page.get_by_role("button", name="Fill in a sample address").click()
    page.get_by_role("button", name="Continue to payment").click()
    page.get_by_role("button", name="Place the order").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    visitor_id = page.evaluate("shopstream.visitorId()")
    page.goto("about:blank")  # the shopper leaves: what is still queued goes with the beacon

    def stored() -> dict[str, str]:
        return dict(shop.query("select message_id, event_name from events where visitor_id = %s", visitor_id))

    once = ("add_to_cart", "begin_checkout", "add_shipping_info", "add_payment_info", "purchase")
    until(lambda: visit.message_ids <= stored().keys() and set(once) <= set(stored().values()))
    found = stored()
    assert visit.message_ids <= found.keys()
    told = [name for name in found.values() if name in once]
    assert Counter(told) == dict.fromkeys(once, 1)
    assert shop.query("select count(*) from events where visitor_id = %s", visitor_id) == [(len(found),)]
    assert shop.query("select count(*) from conversions where visitor_id = %s", visitor_id) == [(1,)]
    sessions = "select count(*), max(event_count) from sessions where visitor_id = %s"
    until(lambda: shop.query(sessions, visitor_id) == [(1, len(stored()))])
    assert shop.query(sessions, visitor_id) == [(1, len(stored()))]
    assert visit.complaints == []
