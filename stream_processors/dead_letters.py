"""A record that a step could not process, as a dead letter."""

from datetime import datetime

from aiokafka import ConsumerRecord

from contracts.dead_letters import DeadLetter, Stage
from contracts.ids import derived_id
from contracts.topics import Topic


def dead_letter(
    topic: Topic, record: ConsumerRecord, *, stage: Stage, code: str, message: str, now: datetime
) -> DeadLetter:
    """The dead letter of a record of `topic`; the same record gives the same id each time it fails at `stage`."""
    source = f"{topic.name}/{record.partition}/{record.offset}"
    return DeadLetter(
        dead_letter_id=derived_id(stage, source, str(record.timestamp)),
        stage=stage,
        code=code,
        message=message,
        raw=record.value or b"",
        visitor_id=record.key.decode("utf-8", "replace") if record.key else None,
        received_at=now,
        source=source,
    )
