"""Paths into JSON, `properties.items[*].price`, and the places in one value that a path names. Pure."""

import json
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, Final, NamedTuple

from producers.dead_letters.fix_errors import Unfixable


class Every(Enum):
    """The step `[*]`: every element of a list."""

    ELEMENT = "*"


Path = tuple[str | int | Every, ...]
Place = tuple[str | int, ...]
"""A path without `[*]`."""


class _Absent(Enum):
    ABSENT = "absent"


ABSENT: Final = _Absent.ABSENT
_PLAIN: Final = re.compile(r"[\w$-]+")


class Found(NamedTuple):
    place: Place
    value: Any
    """`ABSENT` where there is nothing."""


def is_missing(value: object) -> bool:
    """Whether ingest would say that nothing is there."""
    return value is ABSENT or value is None or value == ""


def found(root: Any, path: Path) -> list[Found]:
    """Each place that `path` names. A key that is not there is a place all the same; an element that is not, is none."""
    now = [Found((), root)]
    for step in path:
        now = [after for each in now for after in _step(each, step)]
    return now


def _step(at: Found, step: str | int | Every) -> Iterator[Found]:
    if isinstance(step, str):
        yield Found((*at.place, step), at.value.get(step, ABSENT) if isinstance(at.value, dict) else ABSENT)
    elif isinstance(at.value, list):
        for index in range(len(at.value)) if step is Every.ELEMENT else (step,):
            if isinstance(index, int) and index < len(at.value):
                yield Found((*at.place, index), at.value[index])


def put(root: Any, place: Place, value: Any) -> None:
    """Set the value at a place; objects on the way that are missing are made. Raises `Unfixable`."""
    node = root
    for depth, step in enumerate(place[:-1], 1):
        child = node[step] if isinstance(step, int) else node.get(step, ABSENT)
        is_key = isinstance(place[depth], str)
        if is_key and is_missing(child):
            child = node[step] = {}
        if not isinstance(child, dict if is_key else list):
            raise Unfixable(f"{shown(place[:depth])} is {kind_of(child)}, not {'an object' if is_key else 'a list'}")
        node = child
        if not is_key and int(place[depth]) >= len(node):
            raise Unfixable(f"{shown(place[: depth + 1])} is not there")
    node[place[-1]] = value


def take(root: Any, place: Place) -> None:
    """Remove what is at a place, which must be there."""
    node = root
    for step in place[:-1]:
        node = node[step]
    del node[place[-1]]


def moved(place: Place, source: Path, target: Path) -> Place:
    """The place of `target` that belongs to a place of `source`: each `[*]` is the same element in both."""
    elements = iter([at for at, step in zip(place, source, strict=True) if step is Every.ELEMENT])
    return tuple(next(elements) if isinstance(step, Every) else step for step in target)


def shown(path: Path | Place) -> str:
    """The path as it is written."""
    text = ""
    for step in path:
        if isinstance(step, str):
            key = step if _PLAIN.fullmatch(step) else json.dumps(step, ensure_ascii=False)
            text += f".{key}" if text else key
        else:
            text += f"[{step.value if isinstance(step, Every) else step}]"
    return text


def kind_of(value: object) -> str:
    """What a JSON value is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "an object"
    return "missing"
