"""What could come from each vocabulary's SDKs, and much that could not: strategies of JSON texts, and how ingest reads them."""

import base64
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st

from contracts.events import Event
from producers.ingest.accept import event_of_bytes
from producers.ingest.answers import Refusal
from producers.ingest.bodies import Calls
from producers.ingest.readers import Readers
from producers.ingest.rejections import Rejection
from producers.ingest.vocabulary import shopify, snowplow
from producers.ingest.write_keys import DEMO, LOCAL
from runtime.settings import IngestSettings
from tests.hostile import google
from tests.hostile.rubbish import ANY, DIGITS, EVENT_NAMES, IDS, NASTY, NUMBERS, OBJECTS, TIMES

LIMITS: Final = IngestSettings()
UNLIKE: Final = "unlike"
"""Stands for an id that no other request has."""
READERS: Final = Readers(LIMITS, new_id=lambda: UNLIKE)
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
        return [calls.rejected.get(index) or _verdict(raw, calls, received_at) for index, raw in enumerate(calls.raw)]


def _verdict(raw: bytes, calls: Calls, received_at: datetime) -> Verdict:
    max_bytes = LIMITS.max_event_bytes * calls.times
    return event_of_bytes(raw, envelope=calls.envelope, write_key=DEMO, received_at=received_at, max_bytes=max_bytes)


_SEGMENT_FIELDS: Final[dict[str, st.SearchStrategy[Any]]] = {
    **dict.fromkeys(("userId", "messageId", "groupId", "previousId"), IDS),
    **dict.fromkeys(("properties", "traits", "context"), OBJECTS | ANY),
    **dict.fromkeys(("timestamp", "originalTimestamp", "sentAt"), TIMES),
    "integrations": ANY,
    "writeKey": IDS,
}
SEGMENT: Final = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["track", "page", "screen", "identify", "group", "alias"]) | NASTY,
        "event": EVENT_NAMES | NASTY,
        "anonymousId": st.just("ada") | IDS,
    },
    optional=_SEGMENT_FIELDS,
)
RUDDERSTACK: Final = st.fixed_dictionaries(
    {"type": st.sampled_from(["track", "page", "identify"]), "event": EVENT_NAMES, "anonymousId": st.just("ada") | IDS},
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


SNOWPLOW: Final = st.fixed_dictionaries(
    {"e": st.sampled_from(["pv", "pp", "se", "ue", "tr", "ti"]) | NASTY, "duid": st.just("ada") | NASTY},
    optional={
        **dict.fromkeys(
            ("eid", "uid", "sid", "url", "page", "refr", "ua", "lang", "tz", "tv", "p", "tr_cu"), NASTY | ANY
        ),
        **dict.fromkeys(("dtm", "stm", "ttm", "pp_may", "se_va", "tr_tt", "ti_pr", "ti_qu"), DIGITS | NASTY | ANY),
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


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


MAPPINGS: Final = {
    "segment": Mapping(SEGMENT, lambda events: _json({"batch": events}), READERS.calls(None)),
    "rudderstack": Mapping(RUDDERSTACK, lambda events: _json({"batch": events, "sentAt": "2026-03-02T12:00:00Z"}), READERS.calls(None)),
    "snowplow": Mapping(SNOWPLOW, lambda events: _json({"data": events}), READERS.snowplow, "stm"),
    "shopify": Mapping(SHOPIFY, _json, READERS.shopify),
    "gtag": Mapping(google.GTAG, google.lines, READERS.gtag(b"v=2&tid=demo&cid=ada&_p=7&_s=2"), None),
    "measurement": Mapping(google.MEASUREMENT, lambda events: _json({"client_id": "ada", "events": events}), READERS.measurement({}, LOCAL), None),
    "tag manager": Mapping(google.TAG_MANAGER, _json, READERS.tag_manager, "x-sst-system_properties"),
}  # fmt: skip
