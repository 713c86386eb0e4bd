"""`shopstream settings`: writes the two lists of every setting that are kept in the repository."""

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Final

import typer

from runtime.settings import ALL, env_example
from shopstream.written import write_whole

ENV_EXAMPLE: Final = Path(".env.example")
DOCUMENT: Final = Path("docs/settings.md")
TITLES: Final = {
    "KAFKA": "Kafka",
    "POSTGRES": "Postgres",
    "INGEST": "Ingest (hop 2)",
    "PROCESS": "Stream processor (hops 4 and 5)",
    "PERSIST": "Sink (hop 6)",
    "CONSOLE": "Console and API (hop 9)",
    "STOREFRONT": "Demo storefront",
    "GRAFANA": "Grafana (hop 8)",
}


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Set-up")(settings)


def settings(
    folder: Annotated[Path, typer.Option(help="Root of the repository.", file_okay=False, exists=True)] = Path(),
) -> None:
    """Write `.env.example` and `docs/settings.md` from the settings in the code."""
    (folder / DOCUMENT).parent.mkdir(parents=True, exist_ok=True)
    for path, text in ((ENV_EXAMPLE, env_example()), (DOCUMENT, document())):
        write_whole(folder / path, text.encode())
        typer.echo(f"wrote {folder / path}")


def document() -> str:
    """The text of `docs/settings.md`."""
    lines = [
        "# Settings",
        "",
        "Every setting is an environment variable, read once when a process starts. A value that cannot be read stops the",
        "start with a sentence that names it. `shopstream up` sets what its services need; `.env.example` lists all with",
        "their defaults. Both lists are made by `shopstream settings`.",
    ]
    for group in ALL:
        lines += ["", f"## {TITLES.get(group.step(), group.step().title())}", ""]
        lines += ["| variable | default | meaning |", "| --- | --- | --- |"]
        lines += [
            f"| `{group.variable(each.name)}` | {_default(each.default)} | {each.metadata['doc']} |"
            for each in fields(group)
        ]
    return "\n".join(lines) + "\n"


def variables() -> list[str]:
    """The name of every setting."""
    return [group.variable(each.name) for group in ALL for each in fields(group)]


def _default(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"`{text}`" if text else "empty"
