"""Values as lines of Postgres's COPY text format."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

Value = str | bytes | datetime | float | int | bool | msgspec.Raw | None
"""Bytes are JSON. Everything else is what it looks like."""


def copy_line(*values: Value) -> bytes:
    """One row. Raises `UnicodeError` for JSON that is not UTF-8."""
    return "\t".join([_WRITERS[type(value)](value) for value in values]).encode()


def _text(value: str) -> str:
    # Most texts need no escape, and this is how they are told from the others at the least cost.
    if "\\" in value or not value.isprintable():
        return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return value


def _json(value: bytes | msgspec.Raw) -> str:
    return _text(bytes(value).decode())


_WRITERS: Final[dict[type, Callable[[Any], str]]] = {
    str: _text,
    bytes: _json,
    msgspec.Raw: _json,
    datetime: datetime.isoformat,
    float: repr,
    int: repr,
    bool: lambda value: "t" if value else "f",
    type(None): lambda _: "\\N",
}
