"""A visitor store without Kafka: shelves as they are, and changelog records as recovery hands them over."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from faust.types import TP
from yarl import URL

from models.visitor import Visitor
from stream_processors.shelves import Shelf
from stream_processors.visitors import DECODER, ENCODER, VisitorStates
from tests.factories import event as an_event

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


def state(events: int, visitor_id: str = "ada") -> bytes:
    """A stored visitor with so many events."""
    visitor = Visitor(visitor_id)
    for number in range(events):
        visitor.observe(an_event(message_id=f"m{number}", visitor_id=visitor_id))
    return ENCODER.encode(visitor)


def folded(states: VisitorStates, key: bytes = b"ada") -> int | None:
    """How many events the visitor has on the shelf of partition 3."""
    raw = states.shelf(3).get(key)
    return None if raw is None else DECODER.decode(raw).folded
