"""A shop's server: sends three events with one Python SDK to every ingest it is told of, and stays until its stdin closes.

Usage: send.py SDK INGEST_URL…
"""

import os
import sys
from contextlib import suppress
from datetime import datetime
from typing import Any

VISITOR = "visitor-1"
ITEM = {"product_id": "sku-1", "name": "Lamp", "price": 25.0, "quantity": 2, "currency": "EUR"}


def segment(url: str) -> Any:
    from segment.analytics import Client

    return Client("demo", host=url, gzip=True)


def rudderstack(url: str) -> Any:
    from rudderstack.analytics.client import Client

    return Client("demo", host=url)


def with_segment_calls(client: Any) -> None:
    client.page(anonymous_id=VISITOR, properties={"url": "https://shop.example/lamps"})
    client.track(anonymous_id=VISITOR, event="Product Added", properties=dict(ITEM))
    client.track(anonymous_id=VISITOR, event="Lamp Dimmed", properties={"percent": 40})


def with_snowplow_calls(url: str) -> None:
    from snowplow_tracker import (
        Emitter,
        PageView,
        SelfDescribing,
        SelfDescribingJson,
        StructuredEvent,
        Subject,
        Tracker,
    )

    emitter = Emitter(url, protocol="http", method="post", batch_size=1)
    tracker = Tracker("shop", emitter, app_id="demo", subject=Subject().set_domain_user_id(VISITOR))
    vendor = "iglu:com.snowplowanalytics.snowplow.ecommerce"
    act = SelfDescribingJson(f"{vendor}/snowplow_ecommerce_action/jsonschema/1-0-2", {"type": "add_to_cart"})
    item = {"id": "sku-1", "name": "Lamp", "price": 25.0, "quantity": 2, "currency": "EUR", "category": "Light"}
    product = SelfDescribingJson(f"{vendor}/product/jsonschema/1-0-0", item)
    tracker.track(PageView(page_url="https://shop.example/lamps", page_title="Lamps"))
    tracker.track(SelfDescribing(act, context=[product]))
    tracker.track(StructuredEvent(category="lamps", action="Lamp Dimmed", value=40.0))


def with_measurement_protocol(url: str) -> None:
    from ga4mp import GtagMP

    # The same events of one second would be one event to all: ids are made of what is sent.
    visitor = f"{VISITOR}-{url.rpartition(':')[2]}"
    client = GtagMP(api_secret="s3cr3t", measurement_id="demo", client_id=visitor)
    client._base_domain = f"{url}/mp/collect"  # it has no option for another host
    item = {"item_id": "sku-1", "item_name": "Lamp", "price": 25.0, "quantity": 2}
    for name, params in (
        ("page_view", {"page_location": "https://shop.example/lamps"}),
        ("add_to_cart", {"currency": "EUR", "value": 50.0, "items": [item]}),
        ("Lamp Dimmed", {"percent": 40}),
    ):
        with suppress(OSError):  # what is refused, or has no answer, it tells the shop
            client.send([{"name": name, "params": params}], date=datetime.now())  # noqa: DTZ005  it takes no zone


def main(sdk: str, urls: list[str]) -> None:
    for url in urls:
        match sdk:
            case "segment-python":
                with_segment_calls(segment(url))
            case "rudderstack-python":
                with_segment_calls(rudderstack(url))
            case "snowplow-python":
                with_snowplow_calls(url)
            case "google-analytics-python":
                with_measurement_protocol(url)
    sys.stdin.read()
    os._exit(0)  # not waiting for what an SDK would still like to repeat


main(sys.argv[1], sys.argv[2:])
