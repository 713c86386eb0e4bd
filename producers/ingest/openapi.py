"""The OpenAPI 3.1 document of ingest, made from its paths and the contracts of what goes in and out."""

import json
from pathlib import Path
from typing import Any, Final

import msgspec

import contracts
from contracts.http import Problem, title_of
from producers.ingest.operations import Operation, operations

FILE: Final = Path(contracts.__file__).with_name("ingest-openapi.json")
VERSION: Final = "0.1.0"

_COMPONENT: Final = "#/components/schemas/{name}"
_WAITS: Final = (429, 503)
_MEANINGS: Final = {
    400: "The body cannot be read as a whole. Nothing was stored.",
    401: "No write key, or one that is not known.",
    403: "The write key may not be used from this origin.",
    408: "The body took too long to arrive.",
    413: "More bytes or events than are accepted in one request.",
    429: "Over the rate of the write key or of the address.",
    503: "The events could be stored neither in Kafka nor here, or too much waits. Send them again later.",
}


def text() -> str:
    """The document as it is committed."""
    return json.dumps(document(), indent=2) + "\n"


def document() -> dict[str, Any]:
    described = operations()
    kinds = [Problem]
    for methods in described.values():
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
            for path, methods in described.items()
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


def _described(path: str, operation: Operation, schema_of: dict[str, Any]) -> dict[str, Any]:
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
