"""A visitor store without Kafka: shelves as they are, and changelog records as recovery hands them over."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from faust.types import TP
from yarl import URL

from stream_processors.shelves import Shelf
from stream_processors.visitors import VisitorStates

CHANGELOG = "visitors-changelog"


def states_on(open_shelf: Callable[[int], Shelf]) -> VisitorStates:
    """The states of a worker whose shelves are opened by `open_shelf`."""
    app: Any = SimpleNamespace(conf=SimpleNamespace())
    table: Any = SimpleNamespace(name="visitors")
    return VisitorStates(URL("shelves://"), app, table, open_shelf=open_shelf)


def recover(states: VisitorStates, partition: int, *records: tuple[int, bytes, bytes | None]) -> None:
    """Have the states read one poll of changelog records: offset, key and value."""
    poll = [SimpleNamespace(offset=offset, key=key, value=value) for offset, key, value in records]
    event: Any = SimpleNamespace(message=SimpleNamespace(partition=partition, value=poll))
    states.apply_changelog_batch([event], lambda key: key, lambda value: value)


def place(partition: int) -> TP:
    """The changelog's partition."""
    return TP(CHANGELOG, partition)
