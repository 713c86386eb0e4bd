"""Recovery takes the newest state of a visitor, whoever wrote last."""

from types import SimpleNamespace
from typing import Any

from yarl import URL

from models.visitor import Visitor
from stream_processors.visitors import DECODER, ENCODER, NewestStates
from tests.factories import event


def state(events: int) -> bytes:
    visitor = Visitor("ada")
    for number in range(events):
        visitor.observe(event(message_id=f"m{number}"))
    return ENCODER.encode(visitor)


def recovered(*records: bytes | None) -> NewestStates:
    app: Any = SimpleNamespace(conf=SimpleNamespace())
    table: Any = SimpleNamespace(name="visitors")
    store = NewestStates(URL("memory://"), app, table)
    batch: Any = [SimpleNamespace(key=b"ada", message=SimpleNamespace(value=raw, partition=3)) for raw in records]
    store.apply_changelog_batch(batch, lambda key: key, lambda value: value)
    return store


def test_a_worker_that_wakes_late_cannot_take_a_visitor_back_in_time() -> None:
    store = recovered(state(2), state(5), state(3))
    assert DECODER.decode(store.data[b"ada"]).folded == 5


def test_of_equals_the_later_counts() -> None:
    closed = DECODER.decode(state(2))
    closed.sessions[0].is_closed = True
    assert DECODER.decode(recovered(state(2), ENCODER.encode(closed)).data[b"ada"]).sessions[0].is_closed


def test_a_deleted_visitor_is_gone() -> None:
    assert recovered(state(2), None).data == {}
