"""Texts, numbers, ids and JSON as nobody should send them: what every vocabulary's events are strewn with."""

from datetime import datetime
from typing import Final

from hypothesis import strategies as st

from producers.ingest.vocabulary import shopify

NASTY: Final = st.sampled_from(
    [
        *(
            "",
            " ",
            "\0",
            "a\0b",
            "\ud83d",
            "cut \udc00",
            "\ufeff",
            "\u202e",
            "😀" * 40,
            "x" * 129,
            "x" * 3_000,
            "\x7f",
            "\n",
        ),
        *("nan", "Infinity", "-0", "1e400", "9" * 400, "0x10", "1_000", "12,50", "٣", "null", "true", "[]", "{}"),
        *("2026-03-02", "2026-03-02T12:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30"),
        *(
            "http://[",
            "http://a/?utm_source=%00",
            "//",
            "javascript:alert(1)",
            "__proto__",
            "constructor",
            "%s%n",
            "' or 1",
        ),
        *("gid://shopify/OrderIdentity/1", "Default Title", "iglu:a/b/jsonschema/1-0-0", "e30="),
        *("G100", "13p3p3p3p5", "~", "~~~k0a~v0b~k1", "id~pr1e999~qt-", "%E0%A4%A", "a%0d%0aen=b"),
    ]
)
NUMBERS: Final = st.sampled_from(
    [0, -0.0, 1, -1, 2**31, 2**53 + 1, 2**63, 2**64, -(2**64), 10**30, 1e18, 1.1e18, -1e300, 5e-324, 10**13, -(10**13)]
) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES: Final = st.none() | st.booleans() | NUMBERS | NASTY | st.text(max_size=10)
NAMES: Final = st.sampled_from(
    [
        *(
            "value",
            "currency",
            "items",
            "products",
            "price",
            "quantity",
            "coupon",
            "index",
            "position",
            "_items",
            "item_id",
        ),
        *(
            "page",
            "url",
            "path",
            "campaign",
            "userAgent",
            "userAgentData",
            "library",
            "device",
            "location",
            "os",
            "locale",
        ),
        *(
            "schema",
            "data",
            "type",
            "name",
            "id",
            "amount",
            "currencyCode",
            "product",
            "title",
            "document",
            "navigator",
        ),
    ]
)
ANY: Final = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | NASTY, inner, max_size=5),
    max_leaves=20,
)
IDS: Final = st.sampled_from(["ada", "m-1", "", None, 7, "x" * 128, "x" * 129, "\0", "\ud83d"]) | ANY
TIMES: Final = st.datetimes().map(datetime.isoformat) | NUMBERS | NASTY | ANY
OBJECTS: Final = st.dictionaries(NAMES | NASTY, ANY, max_size=6)
DIGITS: Final = st.integers(-(10**16), 10**16).map(str)
EVENT_NAMES: Final = st.sampled_from(
    [
        *("Product Added", "Order Completed", "Products Searched", "purchase", "view_item_list", "Song Played"),
        *shopify.EVENT_NAMES,
    ]
)
