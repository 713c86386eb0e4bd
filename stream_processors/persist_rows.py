"""What one transaction of the sink writes: records of all topics, decoded, as lines for the staging tables. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from contracts.codec import (
    DEAD_LETTER_DECODER,
    DECISION_DECODER,
    ENCODER,
    EVENT_DECODER,
    OUTCOME_DECODER,
    SESSION_FEATURES_DECODER,
    UNDECODABLE,
)
from contracts.dead_letters import DeadLetter
from contracts.decisions import Decision
from contracts.erasures import is_erasure
from contracts.event_names import CLICK, PURCHASE, USER_ENGAGEMENT
from contracts.events import Event
from contracts.features import SessionFeatures
from contracts.ids import derived_id
from contracts.outcomes import Outcome
from contracts.topics import DECISIONS, EVENTS, EVENTS_DLQ, OUTCOMES, SESSION_FEATURES
from models.cart import cents
from models.session import conversion_id
from stream_processors.persist_copy import Value, copy_line

DECODERS: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    DECISIONS.name: DECISION_DECODER,
    SESSION_FEATURES.name: SESSION_FEATURES_DECODER,
    OUTCOMES.name: OUTCOME_DECODER,
    EVENTS.name: EVENT_DECODER,
    EVENTS_DLQ.name: DEAD_LETTER_DECODER,
}
"""The topics that the sink reads, by name. Kafka is asked for them in this order, and of a backlog gives so much of each: an event
whose session is there already is written once, any other is found and written again when its session comes."""

SESSION_COLUMNS: Final = [name for name in SessionFeatures.__struct_fields__ if name not in {"replaces", "caused_by"}]

Told = TypeVar("Told", SessionFeatures, Outcome)

Partition = tuple[str, int]
"""A topic's name and the number of one of its partitions."""


class Record(NamedTuple):
    """A record as Kafka has it. `value` is None for a tombstone; `written_at` is Kafka's clock."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    written_at: datetime


@dataclass(slots=True)
class Rows:
    """Lines to COPY by staging table, and the offsets to read next once they are in their tables."""

    staged: dict[str, list[bytes]] = field(default_factory=dict)
    next_offsets: dict[Partition, int] = field(default_factory=dict)
    buried: list[str] = field(default_factory=list)
    """The code of each dead letter that the sink itself made; those of other steps it only stores."""

    def add(self, table: str, *values: Value) -> None:
        self.staged.setdefault(table, []).append(copy_line(*values))


def rows_of(records: Iterable[Record]) -> Rows:
    """The rows of records in the order read. A record that cannot be decoded becomes a dead letter's row."""
    rows = Rows()
    sessions: dict[str, SessionFeatures] = {}
    outcomes: dict[str, Outcome] = {}
    replacements: dict[str, str] = {}
    for record in records:
        rows.next_offsets[record.topic, record.partition] = record.offset + 1
        if record.value is None:
            continue
        try:
            match DECODERS[record.topic].decode(record.value):
                case Event() as event if is_erasure(event):
                    rows.add("staged_erasure", event.message_id, event.visitor_id, event.received_at)
                case Event() as event:
                    _add_event(rows, event)
                case SessionFeatures() as features:
                    _keep_fuller(sessions, features)
                    replacements.update(dict.fromkeys(features.replaces, features.session_id))
                case Outcome() as outcome:
                    _keep_fuller(outcomes, outcome)
                case Decision() as decision:
                    _add_decision(rows, decision)
                case DeadLetter() as letter:
                    _add_dead_letter(rows, letter)
        except (*UNDECODABLE, UnicodeError) as error:  # a text may also be one that Postgres cannot be told
            _bury(rows, record, "undecodable", str(error))
    for features in sessions.values():
        rows.add("staged_session", *[getattr(features, name) for name in SESSION_COLUMNS])
    for outcome in outcomes.values():
        rows.add("staged_outcome", *msgspec.structs.astuple(outcome))
    for void_id, session_id in final_ids(replacements).items():
        rows.add("staged_replacement", void_id, session_id)
    return rows


def buried(record: Record, reason: str) -> Rows:
    """The rows of a record that Postgres refused: one dead letter."""
    rows = Rows(next_offsets={(record.topic, record.partition): record.offset + 1})
    _bury(rows, record, "refused_by_postgres", reason)
    return rows


def _bury(rows: Rows, record: Record, code: str, message: str) -> None:
    rows.buried.append(code)
    _add_dead_letter(rows, dead_letter_of(record, code, message))


def dead_letter_of(record: Record, code: str, message: str) -> DeadLetter:
    """The dead letter of a record that the sink could not write."""
    source = f"{record.topic}/{record.partition}/{record.offset}"
    raw = record.value or b""
    return DeadLetter(
        dead_letter_id=derived_id("persist", source, sha256(raw).hexdigest()),
        stage="persist",
        code=code,
        message=message,
        raw=raw,
        received_at=record.written_at,
        source=source,
    )


def final_ids(replacements: dict[str, str]) -> dict[str, str]:
    """For each void session id the id that holds in the end: a replacement may have been replaced itself."""
    final: dict[str, str] = {}
    for void_id, session_id in replacements.items():
        passed = {void_id}
        while session_id in replacements and session_id not in passed:
            passed.add(session_id)
            session_id = replacements[session_id]
        if session_id not in passed:
            final[void_id] = session_id
    return final


def _keep_fuller(kept: dict[str, Told], told: Told) -> None:
    """Of one session keep what was told last, unless it is older.

    A session only grows, and opens again only by an event: with the same events, closed is the newer.
    """
    known = kept.get(told.session_id)
    if known is None or (told.event_count, told.closed_at is not None) >= (
        known.event_count,
        known.closed_at is not None,
    ):
        kept[told.session_id] = told


def _add_event(rows: Rows, event: Event) -> None:
    told, context = event.properties, event.context
    rows.add(
        "staged_event",
        event.write_key,
        event.message_id,
        event.visitor_id,
        event.user_id,
        event.event_name,
        event.occurred_at,
        event.received_at,
        joined(ENCODER.encode(told), bytes(event.custom)),
        ENCODER.encode(context),
        event.consent,
        f"{{{','.join(event.privacy_signals)}}}",
        event.bot_score,
    )
    if event.event_name == PURCHASE:
        rows.add(
            "staged_conversion",
            conversion_id(event),
            event.visitor_id,
            event.user_id,
            event.write_key,
            event.message_id,
            told.transaction_id,
            event.occurred_at,
            event.received_at,
            told.currency,
            cents(told.value) / 100,
            sum(item.quantity for item in told.items),
            told.coupon,
        )
    elif event.event_name in (USER_ENGAGEMENT, CLICK) and event.consent != "refused":
        rows.add(
            "staged_interaction",
            event.write_key,
            event.message_id,
            event.visitor_id,
            event.event_name,
            event.occurred_at,
            context.page_path,
            told.engagement_time_msec,
            told.percent_scrolled,
            told.pointer_distance_px,
            told.click_count,
            told.rage_click_count,
            event.custom,
            ENCODER.encode(told.clicks) if told.clicks else None,
            told.page_height_px,
        )


def joined(known: bytes, custom: bytes) -> bytes:
    """Two JSON objects as one; where both name a key, Postgres keeps `custom`'s. Raises `ValidationError` when `custom` is none."""
    if custom.lstrip()[:1] != b"{":
        raise msgspec.ValidationError("Expected `object` - at `$.custom`")
    if known == b"{}":
        return custom
    if custom == b"{}":
        return known
    return known[:-1] + b"," + custom[custom.index(b"{") + 1 :]


def _add_decision(rows: Rows, decision: Decision) -> None:
    offer = decision.incentive
    charge = offer and offer.charge
    rows.add(
        "staged_prediction",
        decision.decision_id,
        decision.session_id,
        decision.visitor_id,
        decision.user_id,
        decision.caused_by,
        decision.occurred_at,
        decision.received_at,
        decision.decided_at,
        decision.event_count,
        decision.likelihood,
        decision.persona,
        decision.persona_confidence,
        decision.style,
        decision.style_confidence,
        decision.arm,
        *((offer.incentive_id, offer.type, offer.message, offer.discount, offer.priority) if offer else (None,) * 5),
        decision.is_offered,
        ENCODER.encode(decision.because),
        decision.model_version,
        decision.policy_version,
        decision.challenger_version,
        decision.challenger_likelihood,
        *((storable(charge.budget), charge.day.isoformat(), charge.cost) if charge else (None,) * 3),
    )


def _add_dead_letter(rows: Rows, letter: DeadLetter) -> None:
    rows.add(
        "staged_dead_letter",
        *map(
            storable,
            (letter.dead_letter_id, letter.stage, letter.code, letter.message),
        ),
        f"\\x{letter.raw.hex()}",
        *map(storable, (letter.write_key, letter.message_id, letter.visitor_id)),
        letter.received_at,
        storable(letter.source),
        None if letter.envelope is None else ENCODER.encode(letter.envelope),
    )


def storable(text: str | None) -> str | None:
    """The text without what Postgres cannot store: a dead letter may quote the very thing it died of."""
    return text and text.replace("\0", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode()
