"""Where a value is in a JSON object of somebody else's making."""

from typing import Any

Path = str
"""The names of the objects around a value joined by dots; an empty one is the object itself."""


def value_at(value: object, path: Path) -> Any:
    """The value at a path, None when there is none."""
    for name in path.split(".") if path else ():
        value = value.get(name) if isinstance(value, dict) else None
    return value
