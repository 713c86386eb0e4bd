"""`shopstream reference`: writes the lists of topics, views, metrics, event names and features, AsyncAPI, OpenAPI, JSON Schemas and examples."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from shopstream.written import write_whole

DOCUMENT: Final = Path("docs/reference.md")
OF_THE_CLIENT: Final = (
    "python_",
    "process_cpu",
    "process_virtual",
    "process_resident",
    "process_open",
    "process_max",
    "process_start",
)
"""Beginnings of the metrics that prometheus-client itself adds."""


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Set-up")(reference)


def reference(
    folder: Annotated[Path, typer.Option(help="Root of the repository.", file_okay=False, exists=True)] = Path(),
) -> None:
    """Write `docs/reference.md`, the AsyncAPI and OpenAPI documents, and the JSON Schemas and examples of the topics from the code."""
    from contracts import asyncapi, examples, schemas
    from producers.ingest import openapi

    written = ((folder / DOCUMENT, document()), (asyncapi.FILE, asyncapi.text()), (openapi.FILE, openapi.text()))
    for path, text in written:
        write_whole(path, text.encode())
        typer.echo(f"wrote {path}")
    for path in [*schemas.write(), *examples.write()]:
        typer.echo(f"wrote {path}")


def document() -> str:
    """The text of `docs/reference.md`."""
    return "\n".join(
        [
            "# Reference",
            "",
            "Topics, views, metrics, event names and features, made from the code by `shopstream reference`.",
            "Settings are in [settings.md](settings.md).",
            *_table("Topics (hop 3)", "topic | record | CloudEvents type | kept", _topics()),
            "",
            "The key is `visitor_id` everywhere. The JSON Schema of each record is in `contracts/schemas/`,",
            "and `contracts/asyncapi.json` describes them all for AsyncAPI 3 tools. `contracts/ingest-openapi.json`, which ingest",
            "also serves at `/openapi.json`, describes its HTTP side for OpenAPI 3.1 tools.",
            *_table("Views (hop 7)", "view | one row", _views()),
            *_table("Metrics", "metric | kind | meaning", _metrics()),
            *_table("Event names", "name | means", _events()),
            "",
            "Any other name is a custom event and is kept as it came.",
            *_table("Features (hop 5)", "feature | unit | meaning | made from", _features()),
            "",
            "What a model sees, in this order. What is not known is missing, never zero.",
            "",
        ]
    )


def _table(title: str, columns: str, rows: Iterator[str]) -> list[str]:
    rule = " | ".join("---" for _ in columns.split("|"))
    return ["", f"## {title}", "", f"| {columns} |", f"| {rule} |", *(f"| {row} |" for row in rows)]


def _topics() -> Iterator[str]:
    from contracts.topics import TOPICS

    for topic in TOPICS:
        yield f"`{topic.name}` | `{topic.value.__name__}` | `{topic.type}` | {topic.retention.days} days"


def _features() -> Iterator[str]:
    from models.features import FEATURES

    for each in FEATURES:
        yield f"`{each.name}` | {each.unit} | {each.meaning} | {', '.join(f'`{source}`' for source in each.sources)}"


def _views() -> Iterator[str]:
    from sql.files import views

    for name, text in sorted(views().items()):
        yield f"`{name}` | {text.splitlines()[0].removeprefix('-- ')}"


def _metrics() -> Iterator[str]:
    from prometheus_client import REGISTRY

    for name in ("producers", "stream_processors", "console", "storefront"):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(module.name)
    for family in sorted(REGISTRY.collect(), key=lambda family: family.name):
        if not family.name.startswith(OF_THE_CLIENT):
            total = "_total" if family.type == "counter" else ""
            yield f"`{family.name}{total}` | {family.type} | {family.documentation}"


def _events() -> Iterator[str]:
    from contracts.event_names import MEANINGS

    for name, meaning in MEANINGS.items():
        yield f"`{name}` | {meaning}"
