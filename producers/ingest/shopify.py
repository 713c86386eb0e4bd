"""Hop 2. What a Shopify web pixel sends in, the same calls in Segment's form out, so that all that follows is one way. Pure."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from contracts import event_names as names
from contracts.codec import ENCODER
from producers.ingest.accept import Envelope
from producers.ingest.answers import Refusal
from producers.ingest.bodies import Calls, decoded, one_or_many, small
from producers.ingest.rejections import Rejection, Unfit
from producers.ingest.soundness import read_object
from producers.ingest.vocabulary.places import value_at
from producers.ingest.vocabulary.shopify import (
    CONTEXT,
    EVENT_NAMES,
    ITEM,
    ITEMS,
    NO_VARIANT,
    PAGE,
    PARAMETERS,
    USER_ID,
    VARIANTS,
)

Fields = Mapping[str, Any]


def shopify_calls(body: bytes, max_events: int, max_bytes: int) -> Calls | Refusal:
    """The calls of a body of one event or a list, each as JSON text; an event that cannot be read stays as it came, with its reason."""
    events = one_or_many(body, max_events, "the body must be an event as a web pixel gets it")
    if isinstance(events, Refusal):
        return events
    raw: list[bytes] = []
    rejected: dict[int, Rejection] = {}
    consents: dict[int, object] = {}
    for index, each in enumerate(events):
        try:
            raw.append(ENCODER.encode(call_of(read_object(each, max_bytes))))
        except Unfit as unfit:
            raw.append(each)
            rejected[index] = Rejection(code=unfit.code, message=str(unfit))
            consents[index] = _consent_in(each)
    return Calls(raw, Envelope(), None, rejected, consents)


class _Pixel(msgspec.Struct):
    customerPrivacy: msgspec.Raw = msgspec.Raw(b"null")


_PIXEL: Final = msgspec.json.Decoder(_Pixel)


def _consent_in(raw: bytes) -> object:
    """What the pixel added to an event, also to one of which nothing else is read."""
    try:
        return small(decoded(_PIXEL, raw).customerPrivacy)
    except (ValueError, RecursionError):
        return None


def call_of(event: Fields) -> dict[str, Any]:
    """One event as `analytics.subscribe` gives it, as a Segment call. Raises `Unfit`."""
    name = event.get("name")
    context = _object(event, "context")
    is_page = isinstance(name, str) and EVENT_NAMES.get(name.lower()) == names.PAGE_VIEW
    return {
        "type": "page" if is_page else "track",
        "event": None if is_page else name,
        "properties": _properties(event),
        "messageId": event.get("id"),
        "anonymousId": event.get("clientId"),
        "userId": value_at(event, USER_ID),
        "timestamp": event.get("timestamp"),
        "sentAt": event.get("sentAt"),
        "context": {
            **{ours: value_at(context, path) for ours, path in CONTEXT.items()},
            "page": {ours: value_at(context, path) for ours, path in PAGE.items()},
            "library": {"name": "shopify-web-pixel"},
            # What the shop's consent banner knows; the pixel adds it to each event.
            "consent": event.get("customerPrivacy"),
        },
    }


def _properties(event: Fields) -> dict[str, Any]:
    """The parameters of an event: those of Shopify's own by table, those of a shop's as they came."""
    properties = dict(_object(event, "customData"))
    data = _object(event, "data")
    for key, parameters in PARAMETERS.items():
        about = data.get(key)
        if not isinstance(about, dict):
            continue
        found = {ours: value_at(about, path) for ours, path in parameters.items()}
        properties.update({ours: value for ours, value in found.items() if value is not None})
        if items := [_item(line) for line in _lines(about, ITEMS[key])]:
            properties["items"] = items
        if coupon := _coupon(about):
            properties["coupon"] = coupon
    return properties


def _lines(about: Fields, path: str) -> list[Fields]:
    lines = value_at(about, path) if path else [about]
    return [line for line in lines if isinstance(line, dict)] if isinstance(lines, list) else []


def _item(line: Fields) -> dict[str, Any]:
    variant = next(found for path in VARIANTS if isinstance(found := value_at(line, path), dict))
    item = {
        ours: next((found for path in paths if (found := value_at(variant, path)) is not None), None)
        for ours, paths in ITEM.items()
    }
    if item["item_variant"] in (NO_VARIANT, item["item_name"]):
        item["item_variant"] = None
    return {"quantity": line.get("quantity"), **item}


def _coupon(about: Fields) -> str | None:
    """The code that the shopper gave; automatic discounts have none."""
    applied = about.get("discountApplications")
    for each in applied if isinstance(applied, list) else ():
        if isinstance(each, dict) and each.get("type") == "DISCOUNT_CODE" and isinstance(each.get("title"), str):
            return str(each["title"])
    return None


def _object(event: Fields, key: str) -> dict[str, Any]:
    value = event.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unfit(f"{key} must be an object")
    return value
