"""The OpenAPI document: valid, complete, and about the routes that exist."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.routing import Route

from tests.asgi import ask

MakeApp = Callable[..., Starlette]
UNDESCRIBED = {"/api/openapi.json", "/api/live"}
"""The document itself, and the feed of our own page."""


@pytest.fixture
def app(make_app: MakeApp) -> Starlette:
    return make_app()


@pytest.fixture
def document(app: Starlette) -> dict[str, Any]:
    described: dict[str, Any] = ask(app, "GET", "/api/openapi.json").json
    return described


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def everything(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from everything(each)
    elif isinstance(value, list):
        for each in value:
            yield from everything(each)


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert {"title", "version"} <= set(document["info"])


def test_it_describes_exactly_the_routes_of_the_api(app: Starlette, document: dict[str, Any]) -> None:
    described = {(path, method.upper()) for path, method, _ in operations(document)}
    routed = {
        (route.path, method)
        for route in app.routes
        if isinstance(route, Route) and route.path.startswith("/api/") and route.path not in UNDESCRIBED
        for method in (route.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described == routed


def test_every_schema_is_json_schema_2020_12(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_to_a_schema_and_every_schema_is_used(document: dict[str, Any]) -> None:
    references = {each["$ref"] for each in everything(document) if "$ref" in each}
    assert references == {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def test_every_operation_is_whole(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for path, _, operation in operations(document):
        in_path = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
        assert in_path == re.findall(r"{(\w+)}", path)
        assert all("schema" in each for each in operation["parameters"])
        assert all(answer["description"] for answer in operation["responses"].values())
        assert "200" in operation["responses"]


def test_every_error_is_a_problem(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status >= "400":
                assert answer["content"]["application/problem+json"]["schema"] == {
                    "$ref": "#/components/schemas/Problem"
                }


def test_what_is_not_for_shops_may_be_refused_by_name_and_password(document: dict[str, Any]) -> None:
    guarded = {path for path, _, operation in operations(document) if "421" in operation["responses"]}
    for_shops = ("/api/decisions/", "/api/recommendations/")
    assert guarded == {path for path in document["paths"] if not path.startswith(for_shops)}
    for path, _, operation in operations(document):
        assert operation.get("security") == ([{}, {"password": []}] if path in guarded else None)
