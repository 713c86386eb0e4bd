"""Hop 2. Dead letters in, the events that they become on topic `events`: tried, counted, published and marked a page at a time."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from kafka import KafkaProducer
from psycopg2.extensions import connection as Connection

from contracts.events import Event
from producers.dead_letters import letters
from producers.dead_letters.conditions import Condition
from producers.dead_letters.fix import Fix, fix_of, text_of
from producers.dead_letters.fix_errors import FixError, Unfixable
from producers.dead_letters.heal import Healed, Reading, call_in, healed
from producers.dead_letters.letters import EventId, Kept, Mark, Selection
from producers.dead_letters.rules import Rule, fix_for
from producers.ingest.publish import Record
from producers.ingest.records import event_record
from producers.ingest.rejections import Rejection

MAX_REASONS: Final = 50
"""Different reasons counted one by one; senders may invent as many as they like."""
MAX_SEEN: Final = 100_000
"""Ids of this run that are remembered, so that an event told twice is counted once before Postgres has it."""

Chooser = Callable[[Kept, Any], Fix | None]
"""The fix for a dead letter and the call in its bytes; None when it is not meant. Raises `FixError`."""
Publish = Callable[[Sequence[Record]], None]
"""Returns once every record is acknowledged."""


def by_rules(rules: Sequence[Rule]) -> Chooser:
    return lambda kept, call: fix_for(rules, kept.letter, call)


def by_kept_fix(where: Sequence[Condition]) -> Chooser:
    """Each dead letter with the fix that was kept on it, or as it is."""
    return lambda kept, call: fix_of(kept.fix or "") if all(each.holds(call) for each in where) else None


class Attempt(NamedTuple):
    """What became of one dead letter; `call` is None when its bytes cannot be read."""

    kept: Kept
    fix: Fix
    call: Any
    healed: Healed

    @property
    def event(self) -> Event | None:
        return self.healed.verdict if isinstance(self.healed.verdict, Event) else None

    @property
    def reason(self) -> str:
        """Why it is no event."""
        match self.healed.verdict:
            case Event():
                return ""
            case Rejection(code=code, message=message):
                return f"{code}: {message}"
            case Unfixable() as unfixable:
                return str(unfixable)


@dataclass(slots=True)
class Tally:
    """What was counted. `looked_at` is the sum of the other numbers and of the reasons."""

    looked_at: int = 0
    not_meant: int = 0
    """Chosen, but no rule or condition is for them."""
    new: int = 0
    """Events that are on the log now, or with a dry run would be."""
    known: int = 0
    """Dead letters whose event is stored already, or was told by another dead letter."""
    refused: Counter[str] = field(default_factory=Counter)
    """Reasons for which ingest still refuses."""
    unfixable: Counter[str] = field(default_factory=Counter)
    """Reasons for which bytes cannot be fixed, or not so."""

    @property
    def accepted(self) -> int:
        return self.new + self.known

    def count(self, attempt: Attempt) -> None:
        """Count one that is no event."""
        reasons = self.unfixable if isinstance(attempt.healed.verdict, Unfixable) else self.refused
        reason = attempt.reason
        reasons[reason if reason in reasons or len(reasons) < MAX_REASONS else "other reasons"] += 1


def attempts(
    connection: Connection, selection: Selection, choose: Chooser, reading: Reading, tally: Tally
) -> Iterator[list[Attempt]]:
    """Try every chosen dead letter that waits, a page at a time."""
    for page in letters.waiting(connection, selection):
        tally.looked_at += len(page)
        tried = [attempt for kept in page if (attempt := attempt_of(kept, choose, reading)) is not None]
        tally.not_meant += len(page) - len(tried)
        for attempt in tried:
            if attempt.event is None:
                tally.count(attempt)
        yield tried


def attempt_of(kept: Kept, choose: Chooser, reading: Reading) -> Attempt | None:
    """None when the dead letter is not meant."""
    call = None
    fix: Fix | None = ()
    try:
        call = call_in(kept.letter)
        fix = choose(kept, call)
    except (Unfixable, FixError) as error:
        return Attempt(kept, (), call, Healed(Unfixable(str(error)), call))
    return None if fix is None else Attempt(kept, fix, call, healed(kept.letter, call, fix, reading))


def replay(
    connection: Connection, pages: Iterator[list[Attempt]], tally: Tally, publish: Publish | None
) -> Iterator[list[Attempt]]:
    """Publish what is accepted and not known yet, then mark it; without `publish` only count. Hands on each page when done.

    The mark comes after the acknowledgement: whoever is interrupted between them publishes the same events again, with
    the same ids, and every later step knows these.
    """
    seen: set[EventId] = set()
    for page in pages:
        events = [(attempt.kept.letter, attempt.event) for attempt in page if attempt.event is not None]
        known = letters.with_known_event(connection, [(letter, _id_of(event)) for letter, event in events])
        unknown = [event for letter, event in events if letter.dead_letter_id not in known]
        fresh = {_id_of(event): event for event in unknown if _id_of(event) not in seen}
        tally.new += len(fresh)
        tally.known += len(events) - len(fresh)
        if len(seen) < MAX_SEEN:
            seen |= fresh.keys()
        if publish is not None and events:
            publish([event_record(event) for event in fresh.values()])
            letters.mark_replayed(connection, marks_of(page))
        yield page


def _id_of(event: Event) -> EventId:
    return event.write_key, event.message_id


def keep_fixes(
    connection: Connection, pages: Iterator[list[Attempt]], tally: Tally, *, is_dry: bool
) -> Iterator[list[Attempt]]:
    """Keep on each dead letter the fix with which ingest would accept it, or with a dry run only count."""
    for page in pages:
        marks = marks_of(page)
        tally.new += len(marks)
        if marks and not is_dry:
            letters.mark_fixed(connection, marks)
        yield page


def marks_of(page: Sequence[Attempt]) -> list[Mark]:
    """A mark for every attempt that gave an event."""
    return [
        Mark(attempt.kept.letter.dead_letter_id, attempt.event.message_id, text_of(attempt.fix))
        for attempt in page
        if attempt.event is not None
    ]


def publisher(producer: KafkaProducer, timeout_s: float) -> Publish:
    """Publishes with kafka-python. What it raises, `KafkaError`, leaves the page unmarked."""

    def publish(records: Sequence[Record]) -> None:
        sent = [producer.send(each.topic, each.value, key=each.key, headers=each.headers) for each in records]
        for each in sent:
            each.get(timeout=timeout_s)

    return publish
