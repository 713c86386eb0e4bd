"""The OpenAPI 3.1 document of ingest, made from its paths and the contracts of what goes in and out."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

import contracts
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
from contracts.http import BatchAnswer, Problem, ValidationAnswer, title_of
from producers.ingest import paths

FILE: Final = Path(contracts.__file__).with_name("ingest-openapi.json")
VERSION: Final = "0.1.0"

_COMPONENT: Final = "#/components/schemas/{name}"
_TAKING: Final = (400, 401, 403, 408, 413, 429, 503)
"""Statuses, besides 200, of a request with events."""
_TO_SNOWPLOW: Final = (400, 401, 403, 408, 429, 503)
"""A 413 would be repeated for ever by its trackers; they get a 400."""
_WAITS: Final = (429, 503)
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
_MEANINGS: Final = {
    400: "The body cannot be read as a whole. Nothing was stored.",
    401: "No write key, or one that is not known.",
    403: "The write key may not be used from this origin.",
    408: "The body took too long to arrive.",
    413: "More bytes or events than are accepted in one request.",
    429: "Over the rate of the write key or of the address.",
    503: "The events could be stored neither in Kafka nor here, or too much waits. Send them again later.",
}


class _Operation(NamedTuple):
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


def text() -> str:
    """The document as it is committed."""
    return json.dumps(document(), indent=2) + "\n"


def document() -> dict[str, Any]:
    operations = _operations()
    kinds = [Problem]
    for methods in operations.values():
        for each in methods.values():
            kinds += [kind for kind in (each.answer, each.body) if kind is not None and not isinstance(kind, str)]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_COMPONENT)
    schema_of = dict(zip(map(repr, kinds), schemas, strict=True))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Shopstream ingest",
            "version": VERSION,
            "description": (
                "Takes the calls of the Segment, RudderStack and Snowplow SDKs, of Shopify's web pixels and of Google "
                "Analytics. A 200, or a 204 for the latter, means that every event of the request is stored, or is a "
                "dead letter with its reason. Bodies are JSON whatever the content type says, but for those of gtag.js, "
                "and may be gzip. Every path also answers with a slash at its end, and OPTIONS with 204 and the CORS "
                "headers."
            ),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "events", "description": "Events in."},
            {"name": "settings", "description": "What browser SDKs fetch before they send."},
            {"name": "service", "description": "The service itself."},
        ],
        "paths": {
            path: {method: _described(path, each, schema_of) for method, each in methods.items()}
            for path, methods in operations.items()
        },
        "components": {
            "schemas": components,
            "responses": {_name(status): _problem(status, schema_of) for status in _MEANINGS},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": "The write key as user, no password."},
                "query": {"type": "apiKey", "in": "query", "name": "writeKey"},
            },
        },
    }


def _operations() -> dict[str, dict[str, _Operation]]:
    """Path → method → operation."""
    found: dict[str, dict[str, _Operation]] = {}
    for path in paths.BATCHES:
        summary = "A batch of calls, as SDKs send them."
        found[path] = {"post": _Operation(_id("post", path), summary, BatchAnswer, Batch, _TAKING, security=_ANY_KEY)}
    for path, call_type in paths.SINGLE.items():
        summary = f"One {call_type} call."
        found[path] = {"post": _Operation(_id("post", path), summary, BatchAnswer, Call, _TAKING, security=_ANY_KEY)}
    shopify = "Events of a Shopify web pixel, one or a list."
    found[paths.SHOPIFY] = {
        "post": _Operation(
            "post_shopify", shopify, BatchAnswer, ShopifyEvent | list[ShopifyEvent], _TAKING, security=_ANY_KEY
        )
    }
    snowplow = "Events of a Snowplow tracker; `aid` of the first is the write key."
    found[paths.SNOWPLOW] = {
        "post": _Operation("post_tp2", snowplow, "text/plain", SnowplowPayload, _TO_SNOWPLOW, security=_ANY_KEY)
    }
    pixel = "One event of a Snowplow tracker in the query."
    pixel_problems = tuple(status for status in _TO_SNOWPLOW if status != 408)
    found[paths.PIXEL] = {
        "get": _Operation(
            "get_pixel", pixel, "image/gif", problems=pixel_problems, query=_PIXEL_QUERY, security=_ANY_KEY
        )
    }
    found |= _of_google()
    report = "An SDK's report about itself; it is not kept."
    found[paths.CLIENT_METRICS] = {
        "post": _Operation("post_client_metrics", report, BatchAnswer, dict[str, Any], (408, 413, 503), tag="settings")
    }
    found[paths.RUDDERSTACK_SOURCE] = _fetched(
        "rudderstack_source", "Settings of RudderStack's JS SDK.", RudderStackSource, (401, 403), _WRITE_KEY
    )
    for prefix in paths.PROJECTS:
        path = f"{prefix}{{writeKey}}/settings"
        found[path] = _fetched(_id("", path), "Settings of analytics.js.", SegmentSettings, (401, 403))
    found[paths.SNIPPET] = _fetched("snippet", "The browser snippet.", "text/javascript", tag="service")
    found[paths.OPENAPI] = _fetched("openapi", "This document.", dict[str, Any], tag="service")
    found["/livez"] = {"get": _Operation("get_livez", "The process runs.", "text/plain", tag="service")}
    found["/readyz"] = {
        "get": _Operation(
            "get_readyz", "All that it needs answers; 503 says what does not.", dict[str, str], tag="service"
        )
    }
    found["/metrics"] = {"get": _Operation("get_metrics", "Prometheus metrics.", "text/plain", tag="service")}
    return found


def _of_google() -> dict[str, dict[str, _Operation]]:
    line, lines = (
        "One event of gtag.js in the query.",
        "Events of gtag.js, one a line, with what the query says of all.",
    )
    gtag = _Operation(
        "get_gtag",
        line,
        None,
        problems=tuple(each for each in _TAKING if each not in (408, 413)),
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
            "post": _Operation(
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
) -> dict[str, _Operation]:
    security = _ANY_KEY if problems else None
    return {
        method: _Operation(f"{method}_{name.strip('_')}", summary, answer, None, problems, query, tag, security)
        for method in ("get", "head")
    }


def _described(path: str, operation: _Operation, schema_of: dict[str, Any]) -> dict[str, Any]:
    is_head = operation.id.startswith("head_")
    responses: dict[str, Any] = {str(operation.status): {"description": operation.summary}}
    if not is_head and operation.answer is not None:
        responses[str(operation.status)]["content"] = _content(operation.answer, schema_of)
    if path == "/readyz":
        responses["503"] = {"description": "It is not ready.", "content": _content(operation.answer, schema_of)}
    for status in operation.problems:
        # A HEAD has an answer without a body.
        reference = {"$ref": f"#/components/responses/{_name(status)}"}
        responses[str(status)] = {"description": _MEANINGS[status]} if is_head else reference
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [
            *([_parameter("writeKey", "path", "The write key.")] if "{writeKey}" in path else []),
            *(_parameter(name, "query", meaning) for name, meaning in operation.query.items()),
        ],
        "responses": responses,
    }
    if operation.security is not None:
        described["security"] = operation.security
    if operation.body is not None:
        schema = schema_of[repr(operation.body)]
        described["requestBody"] = {
            "required": operation.is_body_required,
            "content": {media_type: {"schema": schema} for media_type in operation.media_types},
        }
    return described


def _content(answer: Any, schema_of: dict[str, Any]) -> dict[str, Any]:
    if isinstance(answer, str):
        return {answer: {"schema": {"type": "string"}}}
    return {"application/json": {"schema": schema_of[repr(answer)]}}


def _name(status: int) -> str:
    return title_of(status).replace(" ", "")


def _problem(status: int, schema_of: dict[str, Any]) -> dict[str, Any]:
    content = _content(Problem, schema_of)
    described: dict[str, Any] = {"description": _MEANINGS[status], "content": content}
    if status in _WAITS:
        seconds = {"type": "integer", "minimum": 1}
        described["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": seconds}}
    return described


def _parameter(name: str, where: str, meaning: str) -> dict[str, Any]:
    is_required = where == "path"
    return {"name": name, "in": where, "required": is_required, "schema": {"type": "string"}, "description": meaning}


def _id(method: str, path: str) -> str:
    words = path.replace("{writeKey}/", "").strip("/").replace("/", "_")
    return f"{method}_{words}"
