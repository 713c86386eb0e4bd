"""The pixel of docs/shopify.md, word for word, in a real Chromium: sandboxed, from another origin, into a running ingest.

Shopify itself cannot run here: a frame with the same sandbox stands in for its pixel manager, and calls what the pixel subscribed.
"""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Request

from contracts.codec import EVENT_DECODER
from contracts.events import Event
from runtime.settings import KafkaSettings
from tests.conformance.shop import page_at
from tests.ingest_process import IngestProcess, ingest_process
from tests.kafka_records import records_on
from tests.shopify_events import CHECKOUT, LINE, event
from tests.waiting import until

PAGE: Final = Path(__file__).parents[2] / "docs" / "shopify.md"
KEYS: Final = '[keys.shopify]\norigins = ["null"]\n'
PIXEL_MANAGER: Final = """
const heard = {}
const subscribe = (name, callback) => { (heard[name] ||= []).push(callback) }
const analytics = { subscribe }
const init = { customerPrivacy: { analyticsProcessingAllowed: true, marketingAllowed: false } }
const api = { analytics, customerPrivacy: { subscribe }, init }
addEventListener('message', ({ data: [name, event] }) => heard[name].forEach((callback) => callback(event)))
"""


@pytest.fixture
def ingest(broker: KafkaSettings, tmp_path: Path) -> Iterator[IngestProcess]:
    keys = tmp_path / "keys.toml"
    keys.write_text(KEYS)
    with ingest_process(broker, write_keys_file=str(keys)) as running:
        yield running


def pixel_of(page: str, ingest: str) -> str:
    (code,) = re.findall(r"```js pixel\n(.*?)```", page, re.DOTALL)
    assert code.count("https://collect.shop.example") == 1
    return str(code.replace("https://collect.shop.example", ingest))


def shop_with(pixel: str) -> str:
    """A shop's page with the frame that Shopify's pixel manager makes for a custom pixel."""
    frame = f"<!doctype html><script>{PIXEL_MANAGER}</script><script>{pixel}</script>"
    return (
        "<!doctype html><title>Lamps</title>"
        f'<iframe sandbox="allow-scripts allow-forms" srcdoc="{html.escape(frame)}"></iframe>'
    )


def test_the_documented_pixel_delivers_a_walk_through_the_shop(
    ingest: IngestProcess, browser: Browser, broker: KafkaSettings
) -> None:
    complaints: list[str] = []
    posted: list[dict[str, Any]] = []
    walk: list[dict[str, Any]] = [
        event("page_viewed", id="sh-1"),
        event("product_added_to_cart", {"cartLine": LINE}, id="sh-2"),
        event("checkout_completed", {"checkout": CHECKOUT}, id="sh-3"),
        event("collection_viewed", {"collection": {"id": "1", "description": "x" * 100_000}}, id="sh-4"),
    ]

    def note(request: Request) -> None:
        if (text := request.post_data) is not None:
            posted.append(json.loads(text))

    with page_at(shop_with(pixel_of(PAGE.read_text(), ingest.url)).encode()) as url, browser.new_context() as context:
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("request", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        tell = "message => document.querySelector('iframe').contentWindow.postMessage(message, '*')"
        page.evaluate(tell, ["all_standard_events", walk[0]])
        consent = {"analyticsProcessingAllowed": True, "marketingAllowed": True}
        page.evaluate(tell, ["visitorConsentCollected", {"customerPrivacy": consent}])
        for each in walk[1:]:
            page.evaluate(tell, ["all_standard_events", each])
        until(lambda: ingest.metric("ingest_events_accepted_total") == len(walk))
    stored: dict[str, Event] = {
        each.message_id: each
        for each in (EVENT_DECODER.decode(record.value) for record in records_on(broker, "events", len(walk)))
    }
    assert {message_id: each.event_name for message_id, each in stored.items()} == {
        "sh-1": "page_view",
        "sh-2": "add_to_cart",
        "sh-3": "purchase",
        "sh-4": "view_item_list",
    }
    assert stored["sh-3"].properties.value == 51
    assert json.loads(bytes(stored["sh-3"].custom))["tax"] == 11
    assert {each.write_key for each in stored.values()} == {"shopify"}
    told = {each["id"]: each["customerPrivacy"]["marketingAllowed"] for each in posted}
    assert told == {"sh-1": False, "sh-2": True, "sh-3": True, "sh-4": True}
    assert complaints == []
