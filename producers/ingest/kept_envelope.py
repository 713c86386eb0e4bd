"""The envelope of a refused call, kept in its dead letter as far as it is needed to read the call again. Pure."""

from typing import Final

from contracts.codec import ENCODER
from contracts.dead_letters import DeadLetter, RequestEnvelope
from producers.ingest.accept import CallType, Envelope
from producers.ingest.privacy import Privacy

MAX_CONTEXT_BYTES: Final = 4_096
"""A longer context is not kept: every dead letter of a batch has a copy."""
MAX_TEXT_CHARACTERS: Final = 512

_READ: Final = frozenset(
    {
        *("page", "campaign", "library", "device", "browser", "os", "bot", "locale", "timezone", "location"),
        *("screen", "sessionId"),
        *("consent", "consentManagement"),
    }
)
"""What is read of a context. Addresses, traits and all else are not kept."""


def kept(envelope: Envelope, privacy: Privacy) -> RequestEnvelope | None:
    """What a dead letter keeps of an envelope, as far as it may be kept; None when it says nothing."""
    told = privacy.kept_context(envelope.context, envelope.user_agent)
    context = {key: value for key, value in told.items() if key in _READ and value is not None}
    found = RequestEnvelope(
        sent_at=_time(envelope.sent_at),
        timestamp=_time(envelope.timestamp),
        context=context if len(ENCODER.encode(context)) <= MAX_CONTEXT_BYTES else {},
    )
    return found if found != RequestEnvelope() else None


def envelope_of(letter: DeadLetter, call_type: CallType | None) -> Envelope:
    """The envelope with which ingest read the call."""
    said = letter.envelope or RequestEnvelope()
    return Envelope(
        call_type=call_type,
        sent_at=said.sent_at,
        timestamp=said.timestamp,
        context=said.context,
    )


def _time(value: object) -> str | int | float | None:
    if isinstance(value, str):
        return value[:MAX_TEXT_CHARACTERS]
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e18 else None
