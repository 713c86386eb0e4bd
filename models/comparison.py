"""What the stream told, beside what its events give when they are folded and scored again: equal bit by bit, or how not. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeVar

import msgspec
from msgspec.structs import replace

from contracts.codec import DECISION_DECODER, ENCODER, EVENT_DECODER, SESSION_FEATURES_DECODER
from contracts.decisions import Decision
from contracts.events import Event
from contracts.features import SessionFeatures
from contracts.topics import DECISIONS, SESSION_FEATURES
from models.refold import Refold, State, refold
from models.serving import Scorer, Scores

SCORED: Final = ("likelihood", "persona", "persona_confidence", "style", "style_confidence", "model_version")
TOGETHER: Final = 512
"""Decisions scored in one call, whoever they are of: a score does not depend on the others in its batch."""
FIRST: Final = 20
"""Differences kept to be shown; all are counted."""

Contract = TypeVar("Contract", Event, SessionFeatures, Decision)

Fields = dict[str, tuple[Any, Any]]
"""By name: the value that was told, and the one that the refold gives."""


@dataclass(frozen=True, slots=True)
class Told:
    """One record of a topic: where it is, and its value."""

    offset: int
    value: bytes


@dataclass(slots=True)
class Story:
    """The records of one visitor, each topic's in the order of the log."""

    visitor_id: str
    events: list[Told] = field(default_factory=list)
    features: list[Told] = field(default_factory=list)
    decisions: list[Told] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Extent:
    """What is known of one partition's recording: how far the stream has got, and whether the beginning is missing."""

    folded: int
    """Offset in `events` up to which every session must have been told."""
    scored: int | None = None
    """Offset in `session-features` up to which every open session must have been decided about; None where that is done with
    the fold, and not by reading that topic."""
    told_from: int = 0
    """Offset in `events` from which on all that was told is still there: retention may have taken what was told before."""
    is_whole: bool = True
    """Whether `events` goes back to the beginning; if not, visitors known before it cannot be compared."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A record that the refold does not give, or one that it gives and that was never told (`offset` is None)."""

    topic: str
    visitor_id: str
    session_id: str
    event_count: int
    offset: int | None
    fields: Fields

    def __str__(self) -> str:
        where = f"{self.topic}@{self.offset}" if self.offset is not None else f"{self.topic} lacks"
        what = ", ".join(f"{name} {told!r} is {again!r} folded again" for name, (told, again) in self.fields.items())
        return f"{where}: session {self.session_id} of {self.visitor_id} after {self.event_count} events: {what}"


@dataclass(slots=True)
class Comparison:
    """Counts what was compared and what differs, one visitor after another. `scorers` are by model version; the first is ours."""

    scorers: Mapping[str, Scorer]
    gap: timedelta
    visitors: int = 0
    older: int = 0
    """Visitors known before the recording begins; they are not compared."""
    events: int = 0
    waiting: int = 0
    """Events of them that the stream has not folded yet; nothing that they lead to is asked for."""
    sessions: int = 0
    features: int = 0
    decisions: int = 0
    differences: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many records differ, by topic and field."""
    differing: int = 0
    first: list[Difference] = field(default_factory=list)
    _unscored: list[tuple[Told, Decision, list[State]]] = field(default_factory=list)

    def add(self, story: Story, extent: Extent) -> None:
        """Compare all that was told of one visitor."""
        read = [(each.offset, _decoded(EVENT_DECODER, each.value)) for each in story.events]
        events = [event for _, event in read if event is not None]
        offsets = [offset for offset, event in read if event is not None]
        again = refold(story.visitor_id, events, self.gap)
        told = [
            (each, features)
            for each in story.features
            if (features := _decoded(SESSION_FEATURES_DECODER, each.value)) is not None
        ]
        if not extent.is_whole and any(_events_behind(features) > again.distinct for _, features in told):
            self.older += 1
            return
        self.visitors += 1
        self.events += len(events)
        self.sessions += sum(session_id not in again.void for session_id in again.newest)
        folded = sum(offset < extent.folded for offset in offsets)
        told_from = sum(offset < extent.told_from for offset in offsets)
        self.waiting += len(offsets) - folded
        states = self._compare_features(again, told)
        decided = self._compare_decisions(again, story.decisions)
        self._require_told(story.visitor_id, again, states, folded, told_from)
        due = [
            (record, features)
            for record, features in told
            if record.offset in states
            and (
                record.offset < extent.scored if extent.scored is not None else states[record.offset][0].after <= folded
            )
        ]
        self._require_decided(again, due, decided)

    def finish(self) -> None:
        """Score what still waits."""
        self._score()

    def _compare_features(
        self, again: Refold, told: Iterable[tuple[Told, SessionFeatures]]
    ) -> dict[int, tuple[State, State]]:
        """Returns by offset the first and the last state that a record may tell of."""
        found: dict[int, tuple[State, State]] = {}
        for record, features in told:
            self.features += 1
            matching = [
                state
                for state in again.states.get((features.session_id, features.event_count), ())
                if again.explains(state, features) and not _fields(features, _expected(state, features, self.gap))
            ]
            if matching:
                found[record.offset] = (matching[0], matching[-1])
                continue
            nearest = _nearest(again, features.session_id, features.event_count)
            fields = _fields(features, _expected(nearest, features, self.gap)) if nearest else {}
            self._differs(SESSION_FEATURES.name, record, features, fields or _unexplained(features, nearest))
        return found

    def _compare_decisions(self, again: Refold, told: Iterable[Told]) -> set[tuple[str, int, str]]:
        decided: set[tuple[str, int, str]] = set()
        for record in told:
            decision = _decoded(DECISION_DECODER, record.value)
            if decision is None:
                continue
            self.decisions += 1
            decided.add((decision.session_id, decision.event_count, decision.caused_by))
            states = [
                state
                for state in again.states.get((decision.session_id, decision.event_count), ())
                if state.features.last_seen_at == decision.occurred_at
                and state.features.user_id == decision.user_id
                and again.explains(state, decision)
            ]
            if states:
                self._unscored.append((record, decision, states))
            else:
                nearest = _nearest(again, decision.session_id, decision.event_count)
                self._differs(DECISIONS.name, record, decision, _unexplained(decision, nearest))
        if len(self._unscored) >= TOGETHER:
            self._score()
        return decided

    def _score(self) -> None:
        unscored, self._unscored = self._unscored, []
        ours = next(iter(self.scorers))
        by_model: dict[str, list[tuple[Told, Decision, list[State]]]] = {}
        for record, decision, states in unscored:
            version = decision.model_version if decision.model_version in self.scorers else ours
            by_model.setdefault(version, []).append((record, decision, states))
        for version, group in by_model.items():
            scores = iter(self.scorers[version].score([each.features for _, _, states in group for each in states]))
            for record, decision, states in group:
                found = [_score_fields(decision, next(scores)) for _ in states]
                if all(found):
                    self._differs(DECISIONS.name, record, decision, min(found, key=len))

    def _require_told(
        self, visitor_id: str, again: Refold, found: Mapping[int, tuple[State, State]], folded: int, told_from: int
    ) -> None:
        reached: dict[str, int] = {}
        for _, latest in found.values():
            session_id = latest.features.session_id
            reached[session_id] = max(latest.after, reached.get(session_id, 0))
        for session_id, states in again.newest.items():
            state = next((each for each in reversed(states) if each.after <= folded), None)
            if state is None or state.after <= told_from or session_id in again.void:
                continue
            if reached.get(session_id, 0) < state.after:
                missing = Difference(
                    SESSION_FEATURES.name,
                    visitor_id,
                    session_id,
                    state.features.event_count,
                    None,
                    {"record": (None, 1)},
                )
                self._note(missing)

    def _require_decided(
        self,
        again: Refold,
        due: Iterable[tuple[Told, SessionFeatures]],
        decided: set[tuple[str, int, str]],
    ) -> None:
        # Of the states told in one poll only the newest is decided about, and of a closed session none.
        last = {features.session_id: features for _, features in due}
        for session_id, features in last.items():
            if features.closed_at is not None or session_id in again.void:
                continue
            if (session_id, features.event_count, features.caused_by) not in decided:
                self._differs(DECISIONS.name, None, features, {"record": (None, 1)})

    def _differs(self, topic: str, record: Told | None, told: SessionFeatures | Decision, fields: Fields) -> None:
        offset = record.offset if record else None
        self._note(Difference(topic, told.visitor_id, told.session_id, told.event_count, offset, fields))

    def _note(self, difference: Difference) -> None:
        self.differing += 1
        self.differences.update((difference.topic, name) for name in difference.fields)
        if len(self.first) < FIRST:
            self.first.append(difference)


def _decoded(decoder: msgspec.json.Decoder[Contract], raw: bytes) -> Contract | None:
    """The record, None for what is none: a dead letter of the stream or of the sink."""
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _events_behind(features: SessionFeatures) -> int:
    """How many of the visitor's events these features are made of."""
    return features.event_count + (features.previous_event_count or 0)


def _expected(state: State, told: SessionFeatures, gap: timedelta) -> SessionFeatures:
    """The state as it must have been told at that moment: whether the watermark had closed the session, only the stream knows."""
    closed_at = state.features.last_seen_at + gap if told.closed_at else None
    return replace(state.features, caused_by=told.caused_by, received_at=told.received_at, closed_at=closed_at)


def _fields(told: SessionFeatures, again: SessionFeatures) -> Fields:
    """The fields whose bits differ."""
    if ENCODER.encode(told) == ENCODER.encode(again):
        return {}
    pairs = ((name, getattr(told, name), getattr(again, name)) for name in told.__struct_fields__)
    return {name: (a, b) for name, a, b in pairs if ENCODER.encode(a) != ENCODER.encode(b)}


def _score_fields(decision: Decision, scores: Scores) -> Fields:
    pairs = [(name, getattr(decision, name), getattr(scores, name)) for name in SCORED]
    # What follows the model's reasons is the policy's.
    pairs.append(("because", decision.because[: len(scores.because)], scores.because))
    return {name: (a, b) for name, a, b in pairs if ENCODER.encode(a) != ENCODER.encode(b)}


def _nearest(again: Refold, session_id: str, event_count: int) -> State | None:
    states = again.newest.get(session_id, ())
    return min(states, key=lambda each: abs(each.features.event_count - event_count), default=None)


def _unexplained(told: SessionFeatures | Decision, nearest: State | None) -> Fields:
    """For a record whose session, or whose moment in the session, the refold does not know."""
    if nearest is None:
        return {"session_id": (told.session_id, None)}
    known = nearest.features
    moment: Fields = {"event_count": (told.event_count, known.event_count), "user_id": (told.user_id, known.user_id)}
    moment["received_at"] = (told.received_at, known.received_at)
    moment["caused_by"] = (told.caused_by, known.caused_by)
    return {name: pair for name, pair in moment.items() if pair[0] != pair[1]} or {"moment": (None, None)}
