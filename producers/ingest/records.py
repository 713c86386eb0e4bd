"""Checked events and dead letters as Kafka records."""

from datetime import datetime
from hashlib import blake2b
from typing import Final

from contracts.codec import ENCODER, cloud_event_headers
from contracts.dead_letters import DeadLetter, RequestEnvelope
from contracts.events import Event
from contracts.ids import derived_id
from contracts.topics import EVENTS, EVENTS_DLQ
from producers.ingest.accept import NO_ENVELOPE, Envelope
from producers.ingest.privacy import BY_DEFAULT, NO_BYTES, Privacy
from producers.ingest.publish import Record
from producers.ingest.rejections import Rejection
from producers.ingest.write_keys import WriteKey

MAX_RAW_BYTES: Final = 524_288
"""More of a call than this is cut from its dead letter: as base64 it must fit into one record of an unconfigured broker."""


def event_record(event: Event, traceparent: str | None = None) -> Record:
    headers = cloud_event_headers(
        EVENTS,
        id=event.message_id,
        source=f"/ingest/{event.write_key}",
        subject=event.visitor_id,
        time=event.occurred_at,
        traceparent=traceparent,
    )
    return Record(EVENTS.name, event.visitor_id.encode(), ENCODER.encode(event), headers)


def dead_letter_of(
    rejection: Rejection,
    raw: bytes,
    *,
    write_key: WriteKey,
    received_at: datetime,
    path: str,
    privacy: Privacy = BY_DEFAULT,
    envelope: Envelope = NO_ENVELOPE,
    kept_envelope: RequestEnvelope | None = None,
) -> DeadLetter:
    """The dead letter of a rejected call, with its bytes as far as they may be kept. The same bytes under the same key are the same."""
    message, message_id, visitor_id = rejection.message, rejection.message_id, rejection.visitor_id
    if len(raw) > MAX_RAW_BYTES:
        message = f"{message}; the first {MAX_RAW_BYTES} of its {len(raw)} bytes are kept"
    stands_for = ["ingest", write_key.name, blake2b(raw, digest_size=16).hexdigest()]
    kept = privacy.kept_bytes(raw, envelope.context, envelope.signals, MAX_RAW_BYTES)
    if kept is None:
        message = f"{rejection.message}; {NO_BYTES}"
        stands_for.append("refused")
        message_id, visitor_id = message_id and privacy.message_id(write_key.name, message_id), None
    elif visitor_id is not None:
        visitor_id = privacy.visitor_id(write_key.name, visitor_id, received_at)
    return DeadLetter(
        dead_letter_id=derived_id(*stands_for),
        stage="ingest",
        code=rejection.code,
        message=message,
        raw=kept or b"",
        write_key=write_key.name,
        message_id=message_id,
        visitor_id=visitor_id,
        received_at=received_at,
        source=path,
        envelope=None if kept is None else kept_envelope,
    )


def dead_letter_record(letter: DeadLetter, traceparent: str | None = None) -> Record:
    key = letter.visitor_id or letter.dead_letter_id
    headers = cloud_event_headers(
        EVENTS_DLQ,
        id=letter.dead_letter_id,
        source=f"/ingest/{letter.write_key}",
        subject=key,
        time=letter.received_at,
        traceparent=traceparent,
    )
    return Record(EVENTS_DLQ.name, key.encode(), ENCODER.encode(letter), headers)
