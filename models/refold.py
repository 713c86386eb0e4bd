"""A visitor's events folded again: every state that each session can have been told in. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contracts.decisions import Decision
from contracts.erasures import is_erasure
from contracts.events import Event
from contracts.features import SessionFeatures
from models.session_features import features_of
from models.visitor import GAP, Visitor


@dataclass(slots=True)
class State:
    """A session after the visitor's first `after` events, duplicates counted, until it changed with event `until`."""

    features: SessionFeatures
    after: int
    until: int | None = None


@dataclass(slots=True)
class Refold:
    """What one visitor's events give, event by event, in the order of the log."""

    states: dict[tuple[str, int], list[State]] = field(default_factory=dict)
    """By session id and number of events in the session, so that a record finds those it may tell of."""
    newest: dict[str, list[State]] = field(default_factory=dict)
    """By session id, in the order of `after`."""
    received: list[datetime] = field(default_factory=list)
    """The newest `received_at` after each event."""
    message_ids: set[str] = field(default_factory=set)
    void: set[str] = field(default_factory=set)
    """Ids that sessions had before an earlier event, or a merge, renamed them; and those of sessions that were erased."""
    distinct: int = 0

    def explains(self, state: State, told: SessionFeatures | Decision) -> bool:
        """Whether a record that tells of this state may name the message and the receipt that it does.

        Both depend on where a poll ended: a record names the last event that changed the session, or was told again, and when
        ingest received the visitor's newest event.
        """
        last = None if state.until is None else state.until - 1
        return told.caused_by in self.message_ids and told.received_at in self.received[state.after - 1 : last]

    def _add(self, features: SessionFeatures, after: int) -> None:
        history = self.newest.setdefault(features.session_id, [])
        if history:
            history[-1].until = after
        state = State(features, after)
        history.append(state)
        self.states.setdefault((features.session_id, features.event_count), []).append(state)
        self.void.update(features.replaces)


def refold(visitor_id: str, events: Sequence[Event], gap: timedelta = GAP) -> Refold:
    """Fold a visitor's events, in the order of the log, by the code that the stream runs."""
    unfoldable: set[int] = set()
    while True:
        visitor, found = Visitor(visitor_id), Refold()
        for place, event in enumerate(events):
            if place not in unfoldable:
                try:
                    touched = visitor.observe(event, gap)
                except Exception:  # the stream buries such an event, and folds the others from the state before it
                    unfoldable.add(place)
                    break
                found.message_ids.add(event.message_id)
                if (
                    is_erasure(event) and not visitor.sessions
                ):  # the poll that forgot a session did not tell of it any more
                    found.void.update(found.newest)
                kept = {id(session) for session in visitor.sessions}
                for session in touched:
                    if id(session) in kept:
                        found._add(features_of(visitor, session, event.message_id, gap), place + 1)
            found.received.append(visitor.received_at or event.received_at)
        else:
            found.distinct = visitor.folded
            return found
