"""One visitor's sessions: events in any order, cut at pauses longer than the gap. The one fold, live and offline."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

import msgspec

from contracts.erasures import ERASE_VISITOR
from contracts.events import Event
from models.history import History
from models.session import Session

GAP: Final = timedelta(minutes=30)
LATENESS: Final = timedelta(hours=24)
"""How far behind a visitor's newest event a late one still changes sessions: as far as ingest lets a clock be wrong."""
HISTORY: Final = timedelta(days=395)
"""How long a visitor who does not come back is remembered: 13 months, as long as a browser may keep the visitor's id."""
FOLDED_FROM: Final = datetime(2, 1, 1, tzinfo=UTC)
FOLDED_TO: Final = datetime(9990, 1, 1, tzinfo=UTC)
"""Outside these a pause, or the end of a history, would be a time that cannot be told."""
MAX_SEEN: Final = 1_024
"""Message ids remembered of one visitor, newest arrivals first to stay."""


class Visitor(msgspec.Struct, array_like=True):
    """The state kept of one visitor. Sessions are in event-time order, never overlap, and are more than the gap apart."""

    visitor_id: str
    folded: int = 0
    """Distinct events folded ever: of two states of one visitor, the one with more is the newer."""
    user: tuple[datetime, str, str] | None = None
    """Event time, message id and user id of the newest event that names the user."""
    sessions: list[Session] = []
    history: History = msgspec.field(default_factory=History)
    seen: dict[int, None] = {}
    """Hashes of the message ids folded, in arrival order."""
    received_at: datetime | None = None
    """When ingest received the newest arrival."""
    source: str = ""
    """Write key of the newest session, once all sessions are history."""
    read_up_to: tuple[int, int, int] | None = None
    """The stream's: partition and offset of the record folded last, and the newest time that Kafka gave a record until then."""
    erased_at: datetime | None = None
    """When the visitor was to be forgotten last: what ingest received until then is not folded any more."""

    def observe(self, event: Event, gap: timedelta = GAP) -> list[Session]:
        """Fold an event in; returns every session whose features it changed, in event-time order.

        An event that was folded before, or that falls into a session of the history, changes nothing and returns all sessions
        kept, so that their features are sent once more: what followed the first time may not have happened. An erasure leaves
        no session, and returns none. Raises `ValueError` for a time near the end of all time.
        """
        if not FOLDED_FROM <= event.occurred_at < FOLDED_TO:
            raise ValueError(
                f"occurred_at {event.occurred_at.isoformat()} is too near the first or the last day there is"
            )
        if self.erased_at is not None and event.received_at <= self.erased_at:
            return list(self.sessions)
        if event.event_name == ERASE_VISITOR:
            self._erase(event)
            return []
        identity = message_hash(event)
        if identity in self.seen or self.history.has(event):
            return list(self.sessions)
        self._start_over_if_away(event)
        self.seen[identity] = None
        self.folded += 1
        if len(self.seen) > MAX_SEEN:
            del self.seen[next(iter(self.seen))]
        if self.received_at is None or event.received_at > self.received_at:
            self.received_at = event.received_at
        if event.user_id is not None:
            user = (event.occurred_at, event.message_id, event.user_id)
            self.user = user if self.user is None else max(self.user, user)
        place = self._place(event, gap)
        session = self.sessions[place]
        session.add(event, self.visitor_id)
        # A late event is history to the sessions after it, and a user's name is every session's.
        touched = self.sessions[0 if event.user_id is not None else place :]
        self._forget(gap, besides=session)
        return touched

    def is_erased_by(self, event: Event) -> bool:
        """Whether the event is an erasure that was not heard of before."""
        return event.event_name == ERASE_VISITOR and (self.erased_at is None or event.received_at > self.erased_at)

    def _erase(self, event: Event) -> None:
        """Forget everything. What is left says that there is nothing, newer than any state a suspended worker may still write."""
        self.user, self.sessions, self.history, self.seen, self.source = None, [], History(), {}, ""
        self.erased_at = self.received_at = event.received_at
        self.folded += 1

    def _place(self, event: Event, gap: timedelta) -> int:
        """The session the event belongs to, opened or merged as needed."""
        at, sessions = event.occurred_at, self.sessions
        place = len(sessions)
        while place and sessions[place - 1].first[0] - gap > at:
            place -= 1
        # Now sessions[place:] start more than the gap after the event.
        if place and sessions[place - 1].last[0] + gap >= at:
            place -= 1
            if place and sessions[place - 1].last[0] + gap >= at:
                sessions[place - 1].absorb(sessions.pop(place), self.visitor_id)
                place -= 1
            return place
        sessions.insert(place, Session.opened_by(event))
        return place

    def _start_over_if_away(self, event: Event) -> None:
        """Forget everything about a visitor who was away for longer than `HISTORY`, as the stream's store has done."""
        last_seen_at = self.sessions[-1].last[0] if self.sessions else self.history.last_seen_at
        if last_seen_at is not None and event.occurred_at - last_seen_at > HISTORY:
            self.user, self.sessions, self.history, self.seen = None, [], History(), {}

    def _forget(self, gap: timedelta, besides: Session) -> None:
        """Move sessions that are too old to change into the history, but not the one that just did."""
        horizon = self.sessions[-1].last[0] - gap - LATENESS
        if self.sessions[0].last[0] >= horizon:
            return
        kept = []
        for session in self.sessions:
            if session.last[0] >= horizon or session is besides:
                kept.append(session)
            else:
                self.history.remember(session)
        self.sessions = kept

    def history_before(self, session: Session) -> History:
        """What is known of the sessions before one of those kept; not to be changed."""
        history = self.history.before(session.first[0])
        if self.sessions[0] is session:
            return history
        history = history.copy()
        for earlier in self.sessions:
            if earlier is session:
                break
            history.remember(earlier)
        return history

    def forgets_by(self, event: Event, gap: timedelta = GAP) -> bool:
        """Whether folding the event would move a session into the history: what it has become must be told before."""
        if not self.sessions:
            return False
        span = max(self.sessions[-1].last[0], event.occurred_at) - self.sessions[0].last[0]
        return span > LATENESS and span > LATENESS + gap  # asked of every event; most are answered by the first

    def close_before(self, event: Event, gap: timedelta = GAP) -> list[Session]:
        """Close the sessions that folding the event would move into the history; returns the newly closed."""
        newest = max(self.sessions[-1].last[0], event.occurred_at)
        return self.close_until(newest - LATENESS, gap)

    def close_until(self, watermark: datetime, gap: timedelta = GAP) -> list[Session]:
        """Close the sessions that ended more than the gap before the watermark; returns the newly closed."""
        closed = [each for each in self.sessions if not each.is_closed and each.last[0] + gap < watermark]
        for session in closed:
            session.is_closed = True
        return closed

    def forget_until(self, watermark: datetime, gap: timedelta = GAP) -> bool:
        """Move all sessions into the history once none of them can change any more; returns whether it did."""
        if not self.sessions or self.sessions[-1].last[0] + gap + LATENESS >= watermark:
            return False
        for session in self.sessions:
            self.history.remember(session)
        self.source = self.sessions[-1].write_key
        self.sessions = []
        self.seen = {}
        return True


def message_hash(event: Event) -> int:
    """64 bits that stand for the event's identity, its write key and message id."""
    identity = f"{event.write_key}\x1f{event.message_id}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(identity, digest_size=8).digest(), "big")
