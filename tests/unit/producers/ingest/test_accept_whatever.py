"""Whatever is sent: no JSON and no bytes make it raise, and what it accepts every later step can store."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from contracts.codec import ENCODER, EVENT_DECODER
from contracts.events import Event, Properties
from producers.ingest.accept import Envelope, event_of, event_of_bytes
from producers.ingest.write_keys import DEMO

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


TEXTS = st.text(st.characters() | st.sampled_from("\x00\ud83d\udc00\\u"), max_size=8)
KEYS = st.sampled_from(
    [
        "type",
        "event",
        "name",
        "properties",
        "traits",
        "userId",
        "anonymousId",
        "messageId",
        "timestamp",
        "originalTimestamp",
        "sentAt",
        "context",
        "page",
        "url",
        "campaign",
        "device",
        "library",
        "userAgent",
        "userAgentData",
        "items",
        "products",
        "product_id",
        "price",
        "quantity",
        "value",
        "revenue",
        "currency",
        "coupon",
        "order_id",
        "position",
        "index",
        "click_count",
        "percent_scrolled",
        "search_term",
        "page_location",
        "is_page_view",
        "groupId",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXTS
    | st.sampled_from(
        ["track", "Product Added", "Order Completed", "http://[/?utm_source=%00", "1e400", "nan", "2026-03-02"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | TEXTS, inner, max_size=6),
    max_leaves=25,
)
NUMBERS = st.floats(-100, 100) | st.sampled_from(["1.5", 3, "", None, 1e308, "nan"]) | VALUES
PRODUCTS = st.fixed_dictionaries(
    {},
    optional={"product_id": TEXTS | st.integers(), "price": NUMBERS, "quantity": NUMBERS, "name": TEXTS, "x": VALUES},
)
CALLS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["track", "page", "identify", "group", "alias", "screen"]),
        "event": st.sampled_from(["Product Added", "purchase", "Order Completed", "search", "Song Played"]) | TEXTS,
        "anonymousId": st.just("ada") | TEXTS,
    },
    optional={
        "userId": TEXTS | VALUES,
        "messageId": TEXTS | VALUES,
        "properties": PRODUCTS
        | st.fixed_dictionaries({}, optional={"products": st.lists(PRODUCTS), "revenue": NUMBERS, "value": NUMBERS})
        | st.dictionaries(TEXTS, VALUES, max_size=4)
        | VALUES,
        "traits": st.dictionaries(KEYS | TEXTS, VALUES, max_size=4),
        "context": st.dictionaries(KEYS, VALUES, max_size=6) | VALUES,
        "timestamp": st.datetimes().map(datetime.isoformat) | st.integers(-(10**13), 10**13) | VALUES,
        "sentAt": st.datetimes().map(datetime.isoformat) | VALUES,
        "value": VALUES,
    },
)


@given(item=CALLS | VALUES, context=st.dictionaries(KEYS, VALUES, max_size=3))
def test_no_json_makes_it_raise_and_whatever_it_accepts_every_later_step_can_store(
    item: Any, context: dict[str, Any]
) -> None:
    verdict = event_of(item, envelope=Envelope(context=context), write_key=DEMO, received_at=NOON)
    if isinstance(verdict, Event):
        text = ENCODER.encode(verdict)
        assert EVENT_DECODER.decode(text) == verdict
        assert b"\\u0000" not in text.replace(b"\\\\", b"")
        assert abs(verdict.occurred_at - NOON) <= timedelta(hours=24)
        custom = msgspec.json.decode(verdict.custom)
        assert isinstance(custom, dict)
        assert not custom.keys() & set(Properties.__struct_fields__)
    else:
        ENCODER.encode(verdict)


@given(raw=st.binary(max_size=64) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    event_of_bytes(raw, write_key=DEMO, received_at=NOON, max_bytes=10_000)
