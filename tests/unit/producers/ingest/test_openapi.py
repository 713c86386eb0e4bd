"""The OpenAPI document of ingest: valid, fresh, about what exists, and true of every example."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

import contracts
from producers.ingest import openapi, paths
from producers.ingest.app import IngestApp
from tests.asgi import ask
from tests.ingest_shop import Shop

DOCUMENT: dict[str, Any] = json.loads(openapi.text())
EXAMPLES = Path(contracts.__file__).parent / "examples" / "ingest"


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


@pytest.fixture
def app() -> IngestApp:
    return Shop().app


def test_it_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    validate(DOCUMENT)


def test_the_committed_document_is_fresh() -> None:
    assert openapi.FILE.read_text() == openapi.text(), "run `shopstream reference`"


def test_ingest_serves_it(app: IngestApp) -> None:
    answer = ask(app, "GET", "/openapi.json")
    assert (answer.status, answer.json) == (200, DOCUMENT)


def test_every_path_of_the_app_is_described() -> None:
    alone = {
        *paths.GOOGLE,
        paths.SHOPIFY,
        paths.SNOWPLOW,
        paths.PIXEL,
        paths.CLIENT_METRICS,
        paths.SNIPPET,
        paths.OPENAPI,
    }
    projects = {f"{prefix}{{writeKey}}/settings" for prefix in paths.PROJECTS}
    described = {*paths.CALLS, *paths.HEALTH, *projects, *alone, paths.RUDDERSTACK_SOURCE}
    assert set(DOCUMENT["paths"]) == described


@pytest.mark.parametrize(("path", "method"), [(path, method) for path, method, _ in operations()])
def test_the_app_answers_what_is_described_and_nothing_else(app: IngestApp, path: str, method: str) -> None:
    where = path.format(writeKey="demo")
    answer = ask(app, method.upper(), where, b"{}")
    described = DOCUMENT["paths"][path]
    assert str(answer.status) in described[method]["responses"]
    for other in {"get", "post", "put", "delete"} - set(described):
        assert ask(app, other.upper(), where).status == 405
    if path not in paths.HEALTH:
        assert ask(app, "OPTIONS", where).status == 204
        assert ask(app, method.upper(), f"{where}/", b"{}").status == answer.status


def test_every_operation_has_a_name_of_its_own() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", sorted(EXAMPLES.iterdir()), ids=lambda path: path.stem)
def test_what_ingest_accepts_fits_the_description(path: Path) -> None:
    example = json.loads(path.read_text())
    schemas = DOCUMENT["components"]["schemas"]
    batch = {"$ref": "#/components/schemas/Batch", "components": {"schemas": schemas}}
    if example.get("event") is not None:
        Draft202012Validator(batch).validate({"batch": [example["item"]], **example["envelope"]})
