"""What could come from each vocabulary's SDKs, and much that could not: strategies of JSON texts, and how ingest reads them."""

import base64
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from hypothesis import strategies as st

from contracts.events import Event
from producers.ingest.accept import Envelope, event_of_bytes
from producers.ingest.answers import Refusal
from producers.ingest.bodies import Calls
from producers.ingest.readers import Readers
from producers.ingest.rejections import Rejection
from producers.ingest.vocabulary import ga4, shopify, snowplow
from producers.ingest.write_keys import DEMO, LOCAL
from runtime.settings import IngestSettings

LIMITS: Final = IngestSettings()
READERS: Final = Readers(LIMITS, new_id=lambda: "unlike")
Verdict = Event | Rejection


class Mapping(NamedTuple):
    """One vocabulary: events as they may come, the body that carries them, and how ingest cuts that body into calls."""

    events: st.SearchStrategy[Any]
    body: Callable[[list[Any]], bytes]
    read: Callable[[bytes], Calls | Refusal]
    changes: str | None = "sentAt"
    """What is another when the same event is sent once more."""

    def verdicts(self, body: bytes, received_at: datetime) -> list[Verdict] | Refusal:
        """What ingest makes of a body."""
        calls = self.read(body)
        if isinstance(calls, Refusal):
            return calls
        return [
            calls.rejected.get(index) or _verdict(raw, calls.envelope, received_at)
            for index, raw in enumerate(calls.raw)
        ]


def _verdict(raw: bytes, envelope: Envelope, received_at: datetime) -> Verdict:
    return event_of_bytes(
        raw, envelope=envelope, write_key=DEMO, received_at=received_at, max_bytes=LIMITS.max_event_bytes
    )


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

_SEGMENT_FIELDS: Final[dict[str, st.SearchStrategy[Any]]] = {
    **dict.fromkeys(("userId", "messageId", "groupId", "previousId"), IDS),
    **dict.fromkeys(("properties", "traits", "context"), OBJECTS | ANY),
    **dict.fromkeys(("timestamp", "originalTimestamp", "sentAt"), TIMES),
    "integrations": ANY,
    "writeKey": IDS,
}
_NAMES: Final = st.sampled_from(
    [
        *("Product Added", "Order Completed", "Products Searched", "purchase", "view_item_list", "Song Played"),
        *shopify.EVENT_NAMES,
    ]
)
SEGMENT: Final = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["track", "page", "screen", "identify", "group", "alias"]) | NASTY,
        "event": _NAMES | NASTY,
        "anonymousId": st.just("ada") | IDS,
    },
    optional=_SEGMENT_FIELDS,
)
RUDDERSTACK: Final = st.fixed_dictionaries(
    {"type": st.sampled_from(["track", "page", "identify"]), "event": _NAMES, "anonymousId": st.just("ada") | IDS},
    optional={
        **_SEGMENT_FIELDS,
        "channel": NASTY,
        "userId": st.just("") | IDS,
        "context": st.fixed_dictionaries(
            {"sessionId": NUMBERS | ANY, "sessionStart": ANY}, optional={"traits": OBJECTS, "page": OBJECTS | ANY}
        ),
        "_metadata": ANY,
    },
)


def _described(name: str, data: Any) -> dict[str, Any]:
    return {"schema": f"iglu:{snowplow.ECOMMERCE}/{name}/jsonschema/1-0-0", "data": data}


_ENTITIES: Final = st.builds(
    _described, st.sampled_from(["product", "cart", "transaction", "checkout_step", "promotion", "user"]), OBJECTS | ANY
)
_CONTEXTS: Final = st.builds(
    lambda data: {"schema": "iglu:a/contexts/b/1-0-0", "data": data}, st.lists(_ENTITIES | ANY, max_size=4)
)
_UNSTRUCTURED: Final = st.builds(
    lambda act: {"schema": "iglu:a/unstruct_event/b/1-0-0", "data": act},
    st.builds(
        _described,
        st.sampled_from(["snowplow_ecommerce_action", "site_search", "add_to_cart", "link_click"]),
        OBJECTS | ANY,
    )
    | ANY,
)


def _as_base64(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


_DIGITS: Final = st.integers(-(10**16), 10**16).map(str)
SNOWPLOW: Final = st.fixed_dictionaries(
    {"e": st.sampled_from(["pv", "pp", "se", "ue", "tr", "ti"]) | NASTY, "duid": st.just("ada") | NASTY},
    optional={
        **dict.fromkeys(
            ("eid", "uid", "sid", "url", "page", "refr", "ua", "lang", "tz", "tv", "p", "tr_cu"), NASTY | ANY
        ),
        **dict.fromkeys(("dtm", "stm", "ttm", "pp_may", "se_va", "tr_tt", "ti_pr", "ti_qu"), _DIGITS | NASTY | ANY),
        **dict.fromkeys(("vp", "ds"), st.sampled_from(["1x1", "0x0", "-1x-1", "1x", "x"]) | NASTY),
        "ue_px": _UNSTRUCTURED.map(_as_base64) | NASTY,
        "ue_pr": _UNSTRUCTURED.map(json.dumps) | NASTY,
        "cx": _CONTEXTS.map(_as_base64) | NASTY,
        "co": _CONTEXTS.map(json.dumps) | NASTY,
    },
)

_MONEY: Final = (
    st.fixed_dictionaries({}, optional={"amount": NUMBERS | ANY, "currencyCode": st.just("EUR") | ANY}) | ANY
)
_VARIANT: Final = (
    st.fixed_dictionaries(
        {},
        optional={
            "id": IDS,
            "sku": IDS,
            "title": NASTY,
            "price": _MONEY,
            "product": st.dictionaries(st.sampled_from(["id", "title", "vendor", "type"]), IDS, max_size=4) | ANY,
        },
    )
    | ANY
)
_LINE: Final = (
    st.fixed_dictionaries(
        {},
        optional={
            "merchandise": _VARIANT,
            "variant": _VARIANT,
            "quantity": NUMBERS | ANY,
            "cost": st.fixed_dictionaries({"totalAmount": _MONEY}),
        },
    )
    | ANY
)
_ABOUT: Final = st.fixed_dictionaries(
    {},
    optional={
        "cartLine": _LINE,
        "productVariant": _VARIANT,
        "cart": st.fixed_dictionaries({"lines": st.lists(_LINE, max_size=3) | ANY, "cost": ANY}) | ANY,
        "collection": st.fixed_dictionaries({"productVariants": st.lists(_VARIANT, max_size=3), "id": IDS}) | ANY,
        "searchResult": st.fixed_dictionaries({"query": NASTY | ANY}) | ANY,
        "checkout": st.fixed_dictionaries(
            {
                "lineItems": st.lists(_LINE, max_size=3) | ANY,
                "totalPrice": _MONEY,
                "currencyCode": NASTY | ANY,
                "discountApplications": st.lists(
                    st.just({"type": "DISCOUNT_CODE", "title": "x" * 300}) | ANY, max_size=2
                )
                | ANY,
                "order": st.fixed_dictionaries({"id": IDS, "customer": st.fixed_dictionaries({"id": IDS}) | ANY}) | ANY,
            }
        )
        | ANY,
    },
)
SHOPIFY: Final = st.fixed_dictionaries(
    {"name": st.sampled_from(sorted(shopify.EVENT_NAMES)) | NASTY, "clientId": st.just("ada") | IDS},
    optional={
        "id": IDS,
        "timestamp": TIMES,
        "sentAt": TIMES,
        "data": _ABOUT | ANY,
        "customData": OBJECTS | ANY,
        "context": OBJECTS | ANY,
        "customerPrivacy": ANY,
    },
)

_GTAG_NAMES: Final = st.sampled_from([*ga4.GTAG, "uamb", "uap", "uafvl", "pr1", "pr200", "pr999", "_uip", "em"])
_GTAG_OWN: Final = st.builds(
    lambda begin, name: begin + name,
    st.sampled_from([ga4.TEXT, ga4.NUMBER, ga4.USER_TEXT, ga4.USER_NUMBER]),
    NAMES | st.sampled_from(["event_name", "client_id", "params", "user_data.email", ""]),
)
GTAG: Final = st.builds(
    lambda own, event: {"_p": "1772452790123", **own, **event},
    st.dictionaries(_GTAG_NAMES | _GTAG_OWN | NASTY, NASTY | _DIGITS, max_size=12),
    st.fixed_dictionaries(
        {"en": st.sampled_from(["purchase", "page_view", "lit"]) | NASTY, "cid": st.just("ada") | NASTY}
    ),
)
_PARAMS: Final = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("session_id", "ga_session_number", "engagement_time_msec", "value", "transaction_id"), IDS),
        **dict.fromkeys(("items", "consent", "consent_state", "user_properties", "user_data", "device"), ANY),
        **dict.fromkeys(("page_location", "page_title", "language", "screen_resolution", "user_agent"), NASTY | ANY),
        **dict.fromkeys(("client_hints", "user_location", "x-ga-gcs", "x-ga-gcd", "x-ga-ur"), OBJECTS | NASTY | ANY),
        **dict.fromkeys(("x-sst-system_properties", "x-ga-mp2-user_properties"), OBJECTS | ANY),
    },
)
_MICROS: Final = st.integers(-(2**60), 2**60) | TIMES
TAG_MANAGER: Final = st.builds(
    lambda params, event: {**params, "x-ga-page_id": 7, **event},
    _PARAMS,
    st.fixed_dictionaries(
        {"event_name": _NAMES | NASTY, "client_id": st.just("ada") | IDS},
        optional={"timestamp_micros": _MICROS, "params": OBJECTS | ANY, "user_id": IDS},
    ),
)
MEASUREMENT: Final = st.fixed_dictionaries(
    {"name": _NAMES | NASTY, "timestamp_micros": st.just(1_772_452_800_000_000) | _MICROS},
    optional={"params": _PARAMS | ANY, "client_id": IDS, "user_id": IDS},
)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _lines(events: list[Any]) -> bytes:
    """A body of gtag.js; what is no event of it is some text."""
    return b"\r\n".join(
        urlencode(event, errors="surrogatepass").encode() if isinstance(event, dict) and event else _json(event)
        for event in events
    )


MAPPINGS: Final = {
    "segment": Mapping(SEGMENT, lambda events: _json({"batch": events}), READERS.calls(None)),
    "rudderstack": Mapping(RUDDERSTACK, lambda events: _json({"batch": events, "sentAt": "2026-03-02T12:00:00Z"}), READERS.calls(None)),
    "snowplow": Mapping(SNOWPLOW, lambda events: _json({"data": events}), READERS.snowplow, "stm"),
    "shopify": Mapping(SHOPIFY, _json, READERS.shopify),
    "gtag": Mapping(GTAG, _lines, READERS.gtag(b"v=2&tid=demo&cid=ada&_p=7"), None),
    "measurement": Mapping(MEASUREMENT, lambda events: _json({"client_id": "ada", "events": events}), READERS.measurement({}, LOCAL), None),
    "tag manager": Mapping(TAG_MANAGER, _json, READERS.tag_manager, "x-sst-system_properties"),
}  # fmt: skip
