"""The SQL files of this folder: migrations in order, views in dependency order, statements by name."""

import re
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files


def migrations() -> dict[str, str]:
    """Name to text of every migration, oldest first."""
    return _texts("migrations")


def views() -> dict[str, str]:
    """Name to text of every view; a view that reads another comes after it."""
    return in_dependency_order(_texts("views"))


def statements() -> dict[str, str]:
    """Name to text of every statement."""
    return _texts("statements")


@cache
def statement(name: str) -> str:
    """The text of `sql/statements/<name>.sql`."""
    return files("sql").joinpath("statements", f"{name}.sql").read_text("utf-8")


def in_dependency_order(texts: dict[str, str]) -> dict[str, str]:
    """The same views, each after the views that its text names."""
    reads = {
        name: {word for word in re.findall(r"\w+", text) if word in texts and word != name}
        for name, text in texts.items()
    }
    return {name: texts[name] for name in TopologicalSorter(reads).static_order()}


def _texts(folder: str) -> dict[str, str]:
    found = [each for each in files("sql").joinpath(folder).iterdir() if each.name.endswith(".sql")]
    return {each.name.removesuffix(".sql"): each.read_text("utf-8") for each in sorted(found, key=lambda f: f.name)}
