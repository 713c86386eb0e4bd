"""HTTP requests of simulated shoppers, written out once, so that the load costs next to nothing while it is measured."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

import msgspec

from producers.shoppers.behaviour import visits
from producers.shoppers.visit import body, instant

PATH: Final = "/v1/batch"
_EVENTS_A_VISIT: Final = 6
encode = msgspec.json.Encoder().encode


def requests_of(events: int, events_a_body: int, *, run: str) -> list[bytes]:
    """Whole POSTs with `events_a_body` events each, visit after visit; `run` keeps the message ids of two runs apart."""
    start = datetime.now(UTC) - timedelta(hours=1)
    items = list(islice(_items(events, start, run), events))
    return [_post(items[first : first + events_a_body]) for first in range(0, events, events_a_body)]


def _items(events: int, start: datetime, run: str) -> Iterator[dict[str, Any]]:
    for visit in visits(events // _EVENTS_A_VISIT + 100, seed=5, start=start, days=1 / 48):
        yield from visit.items(run=run)


def _post(items: list[dict[str, Any]]) -> bytes:
    text = encode(body(items, write_key="demo", sent_at=instant(datetime.now(UTC))))
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: collect.shop.example\r\nContent-Type: text/plain;charset=UTF-8\r\n"
        f"Origin: https://shop.example\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text
