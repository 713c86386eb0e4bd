"""What docs/google-analytics.md tells a shop to paste, word for word, with a running ingest.

gtag.js and Tag Manager's container cannot run here: requests as gtag.js writes them stand in for the one, Node with three stand-ins for the other.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser

from contracts.codec import EVENT_DECODER
from contracts.events import Event
from runtime.settings import KafkaSettings
from tests.conformance.front import front_of
from tests.conformance.installed import missing
from tests.conformance.shop import page_at
from tests.conftest import skip_unless_ci
from tests.google_events import PAGE as PARAMETERS
from tests.google_events import common, encoded, gtag_path
from tests.ingest_process import IngestProcess, ingest_process
from tests.kafka_records import records_on

PAGE: Final = (Path(__file__).parents[2] / "docs" / "google-analytics.md").read_text()
SHOP: Final = "https://shop.example"
CONTAINER: Final = """
const [, code, event] = process.argv
const parts = {
  JSON,
  getAllEventData: () => JSON.parse(event),
  sendHttpRequest: (url, options, body) => fetch(url, { ...options, body }).then(({ status }) => ({ statusCode: status })),
}
const data = { gtmOnSuccess: () => console.log('success'), gtmOnFailure: () => console.log('failure') }
new Function('require', 'data', code)((name) => parts[name], data)
"""


def block(name: str) -> str:
    (found,) = re.findall(rf"```{name}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


@pytest.fixture
def ingest(broker: KafkaSettings, tmp_path: Path) -> Iterator[IngestProcess]:
    keys = tmp_path / "keys.toml"
    keys.write_text(block("toml keys"))
    with ingest_process(broker, write_keys_file=str(keys)) as running:
        yield running


def stored(broker: KafkaSettings, count: int) -> list[Event]:
    return [EVENT_DECODER.decode(record.value) for record in records_on(broker, "events", count)]


def test_the_documented_tag_names_a_key_that_its_pages_may_use(ingest: IngestProcess, broker: KafkaSettings) -> None:
    ((measurement_id, address),) = re.findall(
        r"'config', '(\S+)', \{ server_container_url: '(\S+)' \}", block("html tag")
    )
    assert address == "https://collect.shop.example"
    path = gtag_path("page_view", tid=measurement_id)
    assert ingest.ask("POST", path, b"", Origin=SHOP).status == 204
    assert ingest.ask("GET", path, Origin="https://thief.example").status == 403
    (seen,) = stored(broker, 1)
    assert (seen.event_name, seen.write_key) == ("page_view", measurement_id)


def test_a_page_reads_the_answer_without_a_preflight(broker: KafkaSettings, browser: Browser) -> None:
    """With cookies and with lines of text, as gtag.js asks a container of the shop's; the answer is empty."""
    send = """url => new Promise((done) => {
        const request = new XMLHttpRequest()
        request.withCredentials = true
        request.onload = () => done([request.status, request.responseText])
        request.onerror = () => done(['refused', ''])
        request.open('POST', url)
        request.send('en=view_item\\r\\nen=add_to_cart&epn.value=51&cu=EUR')
    })"""
    with (
        ingest_process(broker) as running,
        front_of(running.url, "200", 0) as front,
        page_at(b"<!doctype html><title>Lamps</title>") as shop,
        browser.new_context() as context,
    ):
        page = context.new_page()
        page.goto(shop)
        answer = page.evaluate(send, f"{front.url}/g/collect?{encoded({**PARAMETERS, '_s': '3'})}")
        assert running.metric("ingest_events_accepted_total") == 2
    assert answer == [204, ""]
    assert (len(front.requests), front.preflights) == (1, [])
    assert {each.event_name: each.context.browser for each in stored(broker, 2)} == {
        "view_item": "Headless Chrome",
        "add_to_cart": "Headless Chrome",
    }


def test_the_documented_body_is_a_purchase(ingest: IngestProcess, broker: KafkaSettings) -> None:
    body = block("json measurement").encode()
    assert ingest.ask("POST", "/debug/mp/collect?measurement_id=G-AB12CD34EF", body).json == {"validationMessages": []}
    for key in ("measurement_id=G-AB12CD34EF", "measurement_id=G-AB12CD34EF&api_secret=back-office"):
        assert ingest.ask("POST", f"/mp/collect?{key}", body).status == 204
    first, second = stored(broker, 2)
    assert {first.write_key, second.write_key} == {"G-AB12CD34EF", "back-office"}
    assert (first.event_name, first.properties.value, first.properties.items[0].quantity) == ("purchase", 51, 2)


def test_the_documented_container_tag_forwards_an_event(ingest: IngestProcess, broker: KafkaSettings) -> None:
    if reason := missing(node=True):
        skip_unless_ci(reason)
    code = block("js container").replace("https://collect.shop.example", ingest.url)
    told = [
        subprocess.run(
            ["node", "-e", CONTAINER, each, json.dumps(common("add_to_cart", value=51, currency="EUR"))],
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        ).stdout
        for each in (code, code.replace("back-office", "nobody"))
    ]
    assert told == ["success\n", "failure\n"]
    (seen,) = stored(broker, 1)
    assert (seen.event_name, seen.properties.value, seen.write_key) == ("add_to_cart", 51, "back-office")
