"""The OpenAPI 3.1 document of the console, made from the operations and the contracts they name."""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from console.guard import REFUSALS, is_public
from console.operations import Operation
from contracts.http import Problem, title_of

VERSION: Final = "0.1.0"
COMPONENT: Final = "#/components/schemas/{name}"


def openapi_of(operations: Sequence[Operation]) -> dict[str, Any]:
    """The document. Struct docstrings become descriptions, types become schemas."""
    types = [Problem, *(kind for each in operations for kind in (each.answer, each.body) if kind is not None)]
    schemas, components = msgspec.json.schema_components(types, ref_template=COMPONENT)
    schema_of = dict(zip(map(repr, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Shopstream console",
            "version": VERSION,
            "description": (
                "Scores, decisions and sessions of one shop. Errors are `application/problem+json`. The password is asked "
                "for when the console has one."
            ),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"password": {"type": "http", "scheme": "basic", "description": "Any user name."}},
        },
    }


def _operation(operation: Operation, schema_of: dict[str, dict[str, Any]]) -> dict[str, Any]:
    in_path = re.findall(r"{(\w+)}", operation.path)
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in in_path] + [
        {"name": name, "in": "query", "required": False, "schema": {"type": "string"}, "description": text}
        for name, text in operation.query.items()
    ]
    responses: dict[str, Any] = {
        "200": {
            "description": operation.summary,
            "content": {operation.media_type: {"schema": schema_of[repr(operation.answer)]}},
        }
    }
    if operation.may_be_empty:
        responses["204"] = {"description": "There is none."}
    for status in sorted({*operation.problems, *(() if is_public(operation.path) else REFUSALS)}):
        responses[str(status)] = {
            "description": title_of(status),
            "content": {"application/problem+json": {"schema": schema_of[repr(Problem)]}},
        }
    described: dict[str, Any] = {
        "operationId": _operation_id(operation),
        "summary": operation.summary,
        "parameters": parameters,
        "responses": responses,
    }
    if not is_public(operation.path):
        described["security"] = [{}, {"password": []}]
    if operation.body is not None:
        content = {"application/json": {"schema": schema_of[repr(operation.body)]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _operation_id(operation: Operation) -> str:
    words = re.sub(r"[{}]", "", operation.path.removeprefix("/api/")).replace("/", "_")
    return f"{operation.method.lower()}_{words}"
