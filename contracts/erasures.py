"""The erasure: the event that tells every reader of topic `events` to forget a visitor."""

from datetime import datetime
from typing import Final
from uuid import uuid4

from contracts.events import Event

ERASE_VISITOR: Final = "shopstream_erase_visitor"
"""The name of such an event. Ingest takes it from nobody: a visitor id is no secret, and a write key is public."""
SOURCE: Final = "shopstream"
"""What stands in place of a sender's write key."""


def erasure_of(visitor_id: str, at: datetime) -> Event:
    """The event that has everything forgotten that ingest received of the visitor until then, and all that was made of it."""
    return Event(
        message_id=str(uuid4()),
        write_key=SOURCE,
        visitor_id=visitor_id,
        event_name=ERASE_VISITOR,
        occurred_at=at,
        received_at=at,
    )


def is_erasure(event: Event) -> bool:
    return event.event_name == ERASE_VISITOR
