"""A shop's server: sends three events with one Python SDK to every ingest it is told of, and stays until its stdin closes.

Usage: send.py SDK INGEST_URL…
"""

import os
import sys
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


def main(sdk: str, urls: list[str]) -> None:
    for url in urls:
        match sdk:
            case "segment-python":
                with_segment_calls(segment(url))
            case "rudderstack-python":
                with_segment_calls(rudderstack(url))
    sys.stdin.read()
    os._exit(0)  # not waiting for what an SDK would still like to repeat


main(sys.argv[1], sys.argv[2:])
