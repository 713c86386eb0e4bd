"""What a step could not process, as a dead letter."""

from datetime import datetime
from typing import Final

from aiokafka import ConsumerRecord

from contracts.codec import ENCODER
from contracts.dead_letters import DeadLetter, Stage
from contracts.features import SessionFeatures
from contracts.ids import derived_id
from contracts.topics import SESSION_FEATURES, Topic

MAX_RAW_BYTES: Final = 700_000
"""Bytes kept of a record: in base64 they are a third more, and Kafka refuses a record above a megabyte, again at each attempt."""


def dead_letter(
    topic: Topic, record: ConsumerRecord, *, stage: Stage, code: str, message: str, now: datetime
) -> DeadLetter:
    """The dead letter of a record of `topic`; the same record gives the same id each time it fails at `stage`."""
    source = f"{topic.name}/{record.partition}/{record.offset}"
    raw = record.value or b""
    if len(raw) > MAX_RAW_BYTES:
        message = f"{message}; the first {MAX_RAW_BYTES:,} of its {len(raw):,} bytes are kept"
    return DeadLetter(
        dead_letter_id=derived_id(stage, source, str(record.timestamp)),
        stage=stage,
        code=code,
        message=message,
        raw=raw[:MAX_RAW_BYTES],
        visitor_id=record.key.decode("utf-8", "replace") if record.key else None,
        received_at=now,
        source=source,
    )


def dead_features(partition: int, features: SessionFeatures, *, code: str, message: str, now: datetime) -> DeadLetter:
    """The dead letter of features that could not be scored; the same features give the same id."""
    source = f"{SESSION_FEATURES.name}/{partition}/{features.session_id}"
    return DeadLetter(
        dead_letter_id=derived_id("score", source, features.caused_by, str(features.event_count)),
        stage="score",
        code=code,
        message=message,
        raw=ENCODER.encode(features),
        visitor_id=features.visitor_id,
        received_at=now,
        source=source,
    )
