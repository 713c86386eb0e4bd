"""What can be asked of ingest and what it answers, path by path: the OpenAPI document says it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from contracts.calls import (
    Batch,
    Call,
    GoogleEvent,
    MeasurementPayload,
    RudderStackSource,
    SegmentSettings,
    ShopifyEvent,
    SnowplowPayload,
)
from contracts.http import BatchAnswer, ValidationAnswer
from producers.ingest import paths

_TAKING: Final = (400, 401, 403, 408, 413, 429, 503)
"""Statuses, besides 200, of a request with events."""
_TO_SNOWPLOW: Final = (400, 401, 403, 408, 429, 503)
"""A 413 would be repeated for ever by its trackers; they get a 400."""
_ANY_KEY: Final[list[dict[str, list[str]]]] = [{"basic": []}, {"query": []}, {}]
"""Or in the body."""
_WRITE_KEY: Final = {"writeKey": "The write key, for senders that cannot set a header."}
_PIXEL_QUERY: Final = {
    "e": "Kind of event: pv, pp, se, ue, tr, ti.",
    "eid": "Id of the event.",
    "aid": "The write key.",
    "duid": "Id of the visitor.",
    "uid": "Id of the user.",
    "dtm": "When it happened, milliseconds since 1970.",
    "stm": "When it was sent, milliseconds since 1970.",
    "url": "Address of the page.",
    "page": "Title of the page.",
    "refr": "Referrer.",
    "ue_px": "Self-describing event, base64.",
    "cx": "Entities, base64.",
}
_GTAG_QUERY: Final = {
    "v": "2.",
    "tid": "The measurement id, which is the write key.",
    "cid": "Id of the visitor.",
    "uid": "Id of the user.",
    "sid": "Id of the session.",
    "_p": "The page load.",
    "_s": "How-manieth request of it.",
    "en": "Name of the event.",
    "dl": "Address of the page.",
    "dr": "Referrer.",
    "dt": "Title of the page.",
    "gcs": "Consent, G1 and a digit each for advertising and analytics.",
    "cu": "Currency.",
    "epn.value": "A number of the event; ep.… is a text.",
    "pr1": "First item, id…~nm…~pr…~qt….",
}
_MEASUREMENT_QUERY: Final = {
    "measurement_id": "The measurement id, which is the write key.",
    "api_secret": "Where it is a write key itself, that one.",
}


class Operation(NamedTuple):
    id: str
    summary: str
    answer: Any
    """A contract, or the media type of something else."""
    body: Any = None
    problems: tuple[int, ...] = ()
    query: Mapping[str, str] = {}
    tag: str = "events"
    security: list[dict[str, list[str]]] | None = None
    media_types: tuple[str, ...] = ("application/json", "text/plain")
    is_body_required: bool = True
    status: int = 200
    """When all is well."""


def operations() -> dict[str, dict[str, Operation]]:
    """Path → method → operation."""
    found: dict[str, dict[str, Operation]] = {}
    for path in paths.BATCHES:
        summary = "A batch of calls, as SDKs send them."
        found[path] = {"post": Operation(_id("post", path), summary, BatchAnswer, Batch, _TAKING, security=_ANY_KEY)}
    for path, call_type in paths.SINGLE.items():
        summary = f"One {call_type} call."
        found[path] = {"post": Operation(_id("post", path), summary, BatchAnswer, Call, _TAKING, security=_ANY_KEY)}
    shopify = "Events of a Shopify web pixel, one or a list."
    found[paths.SHOPIFY] = {
        "post": Operation(
            "post_shopify", shopify, BatchAnswer, ShopifyEvent | list[ShopifyEvent], _TAKING, security=_ANY_KEY
        )
    }
    snowplow = "Events of a Snowplow tracker; `aid` of the first is the write key."
    found[paths.SNOWPLOW] = {
        "post": Operation("post_tp2", snowplow, "text/plain", SnowplowPayload, _TO_SNOWPLOW, security=_ANY_KEY)
    }
    pixel = "One event of a Snowplow tracker in the query."
    pixel_problems = tuple(status for status in _TO_SNOWPLOW if status != 408)
    found[paths.PIXEL] = {
        "get": Operation(
            "get_pixel", pixel, "image/gif", problems=pixel_problems, query=_PIXEL_QUERY, security=_ANY_KEY
        )
    }
    found |= _of_google()
    report = "An SDK's report about itself; it is not kept."
    found[paths.CLIENT_METRICS] = {
        "post": Operation("post_client_metrics", report, BatchAnswer, dict[str, Any], (408, 413, 503), tag="settings")
    }
    found[paths.RUDDERSTACK_SOURCE] = _fetched(
        "rudderstack_source", "Settings of RudderStack's JS SDK.", RudderStackSource, (401, 403), _WRITE_KEY
    )
    for prefix in paths.PROJECTS:
        path = f"{prefix}{{writeKey}}/settings"
        found[path] = _fetched(_id("", path), "Settings of analytics.js.", SegmentSettings, (401, 403))
    found[paths.SNIPPET] = _fetched("snippet", "The browser snippet.", "text/javascript", tag="service")
    found[paths.OPENAPI] = _fetched("openapi", "This document.", dict[str, Any], tag="service")
    found["/livez"] = {"get": Operation("get_livez", "The process runs.", "text/plain", tag="service")}
    found["/readyz"] = {
        "get": Operation(
            "get_readyz", "All that it needs answers; 503 says what does not.", dict[str, str], tag="service"
        )
    }
    found["/metrics"] = {"get": Operation("get_metrics", "Prometheus metrics.", "text/plain", tag="service")}
    return found


def _of_google() -> dict[str, dict[str, Operation]]:
    line, lines = (
        "One event of gtag.js in the query.",
        "Events of gtag.js, one a line, with what the query says of all.",
    )
    gtag = Operation(
        "get_gtag",
        line,
        None,
        problems=tuple(each for each in _TAKING if each != 408),
        query=_GTAG_QUERY,
        security=_ANY_KEY,
        status=204,
    )
    payload = gtag._replace(query=_MEASUREMENT_QUERY, body=MeasurementPayload, problems=_TAKING)
    return {
        paths.GTAG: {
            "get": gtag,
            "post": gtag._replace(
                id="post_gtag",
                summary=lines,
                body=str,
                problems=_TAKING,
                media_types=("text/plain",),
                is_body_required=False,
            ),
        },
        paths.MEASUREMENT: {
            "post": payload._replace(id="post_measurement", summary="Events of Google's Measurement Protocol.")
        },
        paths.MEASUREMENT_CHECK: {
            "post": payload._replace(
                id="post_measurement_check",
                summary="What would be refused of them; nothing is stored.",
                answer=ValidationAnswer,
                status=200,
            )
        },
        paths.TAG_MANAGER: {
            "post": Operation(
                "post_tag_manager",
                "Events of server-side Tag Manager, one or a list.",
                BatchAnswer,
                GoogleEvent | list[GoogleEvent],
                _TAKING,
                security=_ANY_KEY,
            )
        },
    }


def _fetched(
    name: str,
    summary: str,
    answer: Any,
    problems: tuple[int, ...] = (),
    query: Mapping[str, str] = {},
    tag: str = "settings",
) -> dict[str, Operation]:
    security = _ANY_KEY if problems else None
    return {
        method: Operation(f"{method}_{name.strip('_')}", summary, answer, None, problems, query, tag, security)
        for method in ("get", "head")
    }


def _id(method: str, path: str) -> str:
    words = path.replace("{writeKey}/", "").strip("/").replace("/", "_")
    return f"{method}_{words}"
