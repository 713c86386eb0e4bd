"""The dead letter: bytes we could not process, with the reason."""

from typing import Any, Literal

import msgspec

from contracts.instants import Instant

Stage = Literal["ingest", "sessionize", "score", "persist"]


class RequestEnvelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a request said about all of its calls, as far as one of them needs it to be read again. `context` is a part of the SDK's."""

    sent_at: str | int | float | None = None
    timestamp: str | int | float | None = None
    context: dict[str, Any] = {}
    """With the device instead of the user agent."""


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
    envelope: RequestEnvelope | None = None
