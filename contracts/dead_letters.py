"""The dead letter: bytes we could not process, with the reason."""

from typing import Literal

import msgspec

from contracts.instants import Instant

Stage = Literal["ingest", "sessionize", "score", "persist"]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One record of topic `events-dlq`. `raw` travels as base64."""

    dead_letter_id: str
    """Derived from the bytes and where they were met, so that the same failure met twice is one dead letter."""
    stage: Stage
    code: str
    """Machine-readable reason: `schema`, `missing_identity`, `unparsable`, …"""
    message: str
    """The reason for people: what is wrong and where."""
    raw: bytes
    write_key: str | None = None
    message_id: str | None = None
    visitor_id: str | None = None
    received_at: Instant
    source: str | None = None
    """`topic/partition/offset` when the bytes came from Kafka, the request path when they came over HTTP."""
