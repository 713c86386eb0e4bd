"""The fold against a plain computation: any order, repeats and restarts give what sorting all events and cutting them gives."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import Event
from models.session_features import features_of
from models.visitor import GAP, Visitor
from tests.plain_fold import comparable, plain_sessions
from tests.stories import VISITOR, arrivals


def told(visitor: Visitor) -> list[dict[str, object]]:
    return [comparable(features_of(visitor, session, "")) for session in visitor.sessions]


@settings(max_examples=300, deadline=None)
@given(arrivals(), st.sets(st.integers(0, 35), max_size=4))
def test_any_order_repeats_and_restarts_give_the_plain_sessions(events: list[Event], restarts: set[int]) -> None:
    visitor = Visitor(VISITOR)
    for place, event in enumerate(events):
        if place in restarts:
            visitor = msgspec.msgpack.decode(msgspec.msgpack.encode(visitor), type=Visitor)
        visitor.observe(event)
    assert told(visitor) == plain_sessions(events, GAP)


@settings(max_examples=150, deadline=None)
@given(arrivals())
def test_after_each_event_the_sessions_are_those_of_the_events_so_far(events: list[Event]) -> None:
    visitor = Visitor(VISITOR)
    for place, event in enumerate(events):
        visitor.observe(event)
        assert told(visitor) == plain_sessions(events[: place + 1], GAP)


@settings(max_examples=150, deadline=None)
@given(arrivals())
def test_what_an_event_changed_is_told_and_the_rest_stays_true(events: list[Event]) -> None:
    """Whoever keeps the newest record of each session, and drops the void ones, knows every session after every event."""
    visitor, known = Visitor(VISITOR), {}
    for place, event in enumerate(events):
        for session in visitor.observe(event):
            features = features_of(visitor, session, event.message_id)
            known[features.session_id] = features
            for void in features.replaces:
                known.pop(void, None)
        expected = {str(each["session_id"]): each for each in plain_sessions(events[: place + 1], GAP)}
        kept = {session_id: comparable(features) for session_id, features in known.items()}
        for session_id in expected:
            # When ingest received the visitor's newest event is not a feature of the sessions that it did not change.
            kept[session_id]["received_at"] = expected[session_id]["received_at"]
        assert kept == expected
