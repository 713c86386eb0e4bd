"""Hop 4. Events in, session features out."""

import heapq
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from aiokafka import ConsumerRecord
from prometheus_client import Counter, Gauge

from contracts.codec import ENCODER, EVENT_DECODER, UNDECODABLE
from contracts.erasures import is_erasure
from contracts.events import Event
from contracts.features import SessionFeatures
from contracts.ids import derived_id
from contracts.topics import EVENTS, EVENTS_DLQ, OUTCOMES, SESSION_FEATURES
from models.session import Session
from models.session_features import features_of, outcome_of
from models.visitor import HISTORY, LATENESS, Visitor
from stream_processors.dead_letters import dead_letter
from stream_processors.outbox import Outbox
from stream_processors.stored_visitor import Times
from stream_processors.visitors import StateTooLarge, VisitorStore
from stream_processors.watermarks import Watermarks

log = logging.getLogger(__name__)

FOLDED: Final = Counter("process_events_folded_total", "Events folded into sessions.")
BURIED: Final = Counter("process_dead_letters_total", "Records that could not be processed.", ["stage", "code"])
VISITORS: Final = Gauge("process_store_visitors", "Visitors whose state is kept.")
STORE_BYTES: Final = Gauge("process_store_bytes", "Size of the visitors' states: in memory, or on disk with RocksDB.")
EXPIRED: Final = Counter("process_visitors_expired_total", "Visitors forgotten because they stayed away for so long.")
ERASED: Final = Counter("process_visitors_erased_total", "Visitors forgotten because `shopstream erase` told so.")
CLOSED: Final = Counter("process_sessions_closed_total", "Sessions closed by the watermark.")

LOOK_AT: Final = 1_000
"""Visitors that each sweep looks at to see whether their history has lasted long enough: a million in 17 minutes."""
SETTLE: Final = timedelta(seconds=10)
"""A visitor who sent this recently is not closed: an old period may be arriving after a newer one."""


class Sessionizer:
    """Folds polls of events into visitors' sessions, and closes sessions when event time has passed them.

    `outbox` gets the features, outcomes, dead letters and changelog records of each call; the caller sends them.
    """

    def __init__(self, store: VisitorStore, gap: timedelta) -> None:
        self._store = store
        self._gap = gap
        self._watermarks = Watermarks()
        self._heard: set[tuple[int, str]] = set()
        """Partition and write key of the sources that sent since the start."""
        self._due: dict[tuple[int, str], list[tuple[datetime, str]]] = {}
        self._scheduled: dict[str, datetime] = {}

    def fold(
        self, partition: int, records: Sequence[ConsumerRecord], outbox: Outbox, *, now: datetime
    ) -> list[SessionFeatures]:
        """Fold one poll of one partition; each session that changed is sent once, as it stands at the end, and returned."""
        by_visitor: dict[str, list[tuple[ConsumerRecord, Event]]] = {}
        for record in records:
            try:
                event = EVENT_DECODER.decode(record.value or b"")
            except UNDECODABLE as error:
                self._bury(partition, record, "undecodable", str(error), outbox, now)
                continue
            by_visitor.setdefault(event.visitor_id, []).append((record, event))
        made: list[SessionFeatures] = []
        for visitor_id, arrivals in by_visitor.items():
            made += self._fold_visitor(partition, visitor_id, arrivals, outbox, now)
        FOLDED.inc(sum(map(len, by_visitor.values())))
        return made

    def _fold_visitor(
        self,
        partition: int,
        visitor_id: str,
        arrivals: list[tuple[ConsumerRecord, Event]],
        outbox: Outbox,
        now: datetime,
    ) -> list[SessionFeatures]:
        visitor = self._store.get(visitor_id, partition)
        try:
            changed = self._observe(visitor, arrivals, outbox)
        except Exception:  # a bug met by one visitor must not stop the partition; its events are kept as dead letters
            log.exception("cannot fold a poll of visitor %s; trying its events one by one", visitor_id)
            changed = self._fold_one_by_one(partition, visitor_id, arrivals, outbox, now)
            visitor = self._store.get(visitor_id, partition)
        try:
            self._store.put(visitor, partition, outbox)
        except StateTooLarge as error:
            self._store.discard_live(visitor_id)
            for record, _ in arrivals:
                self._bury(partition, record, "visitor_too_large", str(error), outbox, now)
            return []
        for features in changed:
            self._emit(features, partition, outbox)
        for _, event in arrivals:
            if is_erasure(event):  # a source that has no sessions
                continue
            # A clock that is ahead, by mistake or on purpose, would take everybody else's sessions along.
            believed = min(event.occurred_at, event.received_at)
            self._watermarks.observe(partition, event.write_key, believed, now=now)
            self._heard.add((partition, event.write_key))
        self._schedule(visitor, partition)
        return changed

    def _observe(
        self, visitor: Visitor, arrivals: Sequence[tuple[ConsumerRecord, Event]], outbox: Outbox
    ) -> list[SessionFeatures]:
        """The sessions that the events changed, each as it stands at the end, with the last event that changed it.

        Records that are read again, as after a crash, change nothing and tell all sessions kept, as events told twice do. Such a
        one stands for no change of another event: what is told of the change would have an id under which less was told before.
        """
        told: list[SessionFeatures] = []
        changed: dict[int, tuple[Session, str]] = {}
        really: set[int] = set()
        for record, event in arrivals:
            folded = visitor.folded
            if _is_read_again(visitor, record):
                touched = visitor.sessions
            else:
                if visitor.forgets_by(event, self._gap) and not is_erasure(event):
                    told += self._told(visitor, changed)
                    told += self._closed(visitor, visitor.close_before(event, self._gap))
                    changed.clear()
                    really.clear()
                    outbox.states_last = outbox.states_last or bool(told)
                if visitor.is_erased_by(event):  # nothing is told any more of who is forgotten here
                    told.clear()
                    changed.clear()
                    really.clear()
                    ERASED.inc()
                touched = visitor.observe(event, self._gap)
                visitor.read_up_to = _read_up_to(visitor, record)
            is_new = visitor.folded > folded
            for session in touched:
                if is_new or id(session) not in really:
                    changed[id(session)] = (session, event.message_id)
            if is_new:
                really.update(map(id, touched))
        return told + self._told(visitor, changed)

    def _told(self, visitor: Visitor, changed: dict[int, tuple[Session, str]]) -> list[SessionFeatures]:
        # A session may have been merged into another since. The newest comes last: it is what a page is told.
        return [
            features_of(visitor, session, changed[id(session)][1], self._gap)
            for session in visitor.sessions
            if id(session) in changed
        ]

    def _closed(self, visitor: Visitor, closed: list[Session]) -> list[SessionFeatures]:
        CLOSED.inc(len(closed))
        return [features_of(visitor, session, session.last[1], self._gap) for session in closed]

    def _fold_one_by_one(
        self,
        partition: int,
        visitor_id: str,
        arrivals: list[tuple[ConsumerRecord, Event]],
        outbox: Outbox,
        now: datetime,
    ) -> list[SessionFeatures]:
        good: list[tuple[ConsumerRecord, Event]] = []
        for record, event in arrivals:
            self._store.discard_live(visitor_id)
            visitor = self._store.get(visitor_id, partition)
            try:
                self._observe(visitor, [*good, (record, event)], outbox)
            except Exception as error:  # the same surprise, now with the one event that brings it
                self._bury(partition, record, "unfoldable", repr(error), outbox, now)
            else:
                good.append((record, event))
        self._store.discard_live(visitor_id)
        outbox.states_last = True  # the state has the offsets of what is buried here
        return self._observe(self._store.get(visitor_id, partition), good, outbox)

    def _emit(self, features: SessionFeatures, partition: int, outbox: Outbox) -> None:
        # Unique for what is said: a closed session, or one that a late event reopened and closed, is told under an id of its own.
        record_id = f"{features.session_id}:{features.event_count}:{features.caused_by}"
        record_id += ":closed" if features.closed_at else ""
        outbox.put(SESSION_FEATURES, partition, features.visitor_id, features, id=record_id, time=features.last_seen_at)
        outcome = outcome_of(features)
        if outcome is not None:
            # An event of an earlier session may take this one's purchase, or name its user; one told again changes nothing.
            outcome_id = derived_id("outcome", ENCODER.encode(outcome).decode())
            outbox.put(OUTCOMES, partition, features.visitor_id, outcome, id=outcome_id, time=outcome.closed_at)

    def _bury(
        self, partition: int, record: ConsumerRecord, code: str, message: str, outbox: Outbox, now: datetime
    ) -> None:
        letter = dead_letter(EVENTS, record, stage="sessionize", code=code, message=message, now=now)
        # As in ingest: a record without a key gives no visitor, and the subject of a CloudEvent is never empty.
        key = letter.visitor_id or letter.dead_letter_id
        outbox.put(EVENTS_DLQ, partition, key, letter, id=letter.dead_letter_id, time=now)
        BURIED.labels("sessionize", code).inc()

    def _schedule(self, visitor: Visitor | Times, partition: int) -> None:
        """Remember when the visitor must be looked at again: when a session may close, or may be forgotten."""
        if not visitor.sessions:
            return
        still_open = [session.last[0] for session in visitor.sessions if not session.is_closed]
        due = (min(still_open) if still_open else visitor.sessions[-1].last[0] + LATENESS) + self._gap
        known = self._scheduled.get(visitor.visitor_id)
        if known is not None and known <= due:  # looked at then, and scheduled anew
            return
        heap = self._due.setdefault((partition, visitor.sessions[-1].write_key), [])
        heapq.heappush(heap, (due, visitor.visitor_id))
        self._scheduled[visitor.visitor_id] = due

    def sweep(self, outbox: Outbox, *, now: datetime) -> None:
        """Close the sessions that event time has passed, and forget what no late event can change any more."""
        for (partition, write_key), heap in self._due.items():
            watermark = self._watermarks.at(partition, write_key, now=now)
            if watermark is None:
                continue
            later: list[tuple[datetime, str]] = []
            while heap and heap[0][0] < watermark:
                due, visitor_id = heapq.heappop(heap)
                if self._scheduled.get(visitor_id) != due:  # an earlier time was found since
                    continue
                visitor = self._store.get(visitor_id, partition)
                if visitor.received_at is not None and now - visitor.received_at < SETTLE:
                    later.append((due, visitor_id))
                    continue
                del self._scheduled[visitor_id]
                self._close(visitor, partition, watermark, outbox)
                self._schedule(visitor, partition)
            for each in later:
                heapq.heappush(heap, each)
        self._expire_some(outbox, now)
        VISITORS.set(len(self._store))
        STORE_BYTES.set(self._store.size_bytes())

    def _expire_some(self, outbox: Outbox, now: datetime) -> None:
        """Look at a few visitors more each time; those who stayed away for longer than their history lasts are removed."""
        for partition, visitor in self._store.next_few(LOOK_AT):
            if self._is_away(partition, visitor, now):
                self._store.remove(visitor.visitor_id, partition, outbox)
                EXPIRED.inc()

    def _is_away(self, partition: int, visitor: Times, now: datetime) -> bool:
        if (
            not visitor.sessions and visitor.history.last_seen_at is None
        ):  # erased; nothing from before is on the log by now
            return now - (visitor.received_at or now) > EVENTS.retention
        source = visitor.sessions[-1].write_key if visitor.sessions else visitor.source
        # Where a source sends no more, each start of a worker takes its watermark back: our clock tells then.
        if (partition, source) not in self._heard and now - (visitor.received_at or now) > HISTORY + LATENESS:
            return all(session.is_closed for session in visitor.sessions)
        watermark = self._watermarks.at(partition, source, now=now)
        if watermark is None or visitor.sessions or visitor.history.last_seen_at is None:
            return False
        return visitor.history.last_seen_at + HISTORY + LATENESS < watermark

    def _close(self, visitor: Visitor, partition: int, watermark: datetime, outbox: Outbox) -> None:
        closed = visitor.close_until(watermark, self._gap)
        for features in self._closed(visitor, closed):
            self._emit(features, partition, outbox)
        if closed:
            outbox.states_last = True
        if visitor.forget_until(watermark, self._gap) or closed:
            self._store.put(visitor, partition, outbox)

    def recover(self, *, now: datetime) -> None:
        """Rebuild timers and watermarks from the store, after each rebalance."""
        self._due.clear()
        self._scheduled.clear()
        self._heard.clear()
        self._watermarks = Watermarks()
        for partition, visitor in self._store.recovered():
            seen_at = [(session.write_key, session.last[0]) for session in visitor.sessions]
            if not seen_at and visitor.history.last_seen_at is not None:
                seen_at = [(visitor.source, visitor.history.last_seen_at)]
            for write_key, last_seen_at in seen_at:
                believed = min(last_seen_at, visitor.received_at or last_seen_at)
                self._watermarks.observe(partition, write_key, believed, now=now)
            self._schedule(visitor, partition)
        VISITORS.set(len(self._store))
        STORE_BYTES.set(self._store.size_bytes())


def _is_read_again(visitor: Visitor, record: ConsumerRecord) -> bool:
    """Whether the record is in the visitor's state. One of a topic that was made anew is not: Kafka got it later."""
    if visitor.read_up_to is None:
        return False
    partition, offset, newest = visitor.read_up_to
    return bool(record.partition == partition and record.offset <= offset and record.timestamp <= newest)


def _read_up_to(visitor: Visitor, record: ConsumerRecord) -> tuple[int, int, int]:
    """How far the visitor's state has the partition once this record, which comes next in it, is folded."""
    newest = record.timestamp
    if visitor.read_up_to is not None and visitor.read_up_to[0] == record.partition:
        newest = max(newest, visitor.read_up_to[2])
    return record.partition, record.offset, newest
