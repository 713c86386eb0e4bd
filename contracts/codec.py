"""Bytes to contracts and back, and the CloudEvents headers around them."""

from datetime import UTC, datetime
from typing import Final

import msgspec

from contracts.dead_letters import DeadLetter
from contracts.decisions import Decision
from contracts.events import Event
from contracts.features import SessionFeatures
from contracts.outcomes import Outcome
from contracts.topics import Topic

UNDECODABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for bytes that anybody may have written: a text in them may be no UTF-8, and lists may lie in lists a
thousand times."""

ENCODER: Final = msgspec.json.Encoder()
EVENT_DECODER: Final = msgspec.json.Decoder(Event)
SESSION_FEATURES_DECODER: Final = msgspec.json.Decoder(SessionFeatures)
DECISION_DECODER: Final = msgspec.json.Decoder(Decision)
OUTCOME_DECODER: Final = msgspec.json.Decoder(Outcome)
DEAD_LETTER_DECODER: Final = msgspec.json.Decoder(DeadLetter)

Headers = list[tuple[str, bytes]]


def _written(time: datetime) -> bytes:
    """`time.isoformat()`, whose own way is ten times slower for UTC."""
    if time.tzinfo is not UTC:
        return time.isoformat().encode()
    return ENCODER.encode(time)[1:-2] + b"+00:00"  # without the quotes, and without the Z


def cloud_event_headers(
    topic: Topic, *, id: str, source: str, subject: str, time: datetime, traceparent: str | None = None
) -> Headers:
    """The headers of CloudEvents 1.0 in Kafka's binary mode, for a record of `topic`.

    `id` is unique within `source`, `subject` is the record's key (the visitor), `time` is when it happened.
    """
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_type", topic.type.encode()),
        ("ce_source", source.encode()),
        ("ce_id", id.encode()),
        ("ce_subject", subject.encode()),
        ("ce_time", _written(time)),
        ("content-type", b"application/json"),
    ]
    if traceparent is not None:
        headers.append(("traceparent", traceparent.encode()))
    return headers
