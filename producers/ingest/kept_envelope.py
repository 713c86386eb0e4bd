"""The envelope of a refused call, kept in its dead letter as far as it is needed to read the call again. Pure."""

from typing import Final

from contracts.codec import ENCODER
from contracts.dead_letters import DeadLetter, RequestEnvelope
from producers.ingest.accept import CallType, Envelope
from producers.ingest.device import plain_user_agent

MAX_CONTEXT_BYTES: Final = 4_096
"""A longer context is not kept: every dead letter of a batch has a copy."""
MAX_TEXT_CHARACTERS: Final = 512

_READ: Final = frozenset(
    {
        *(
            "page",
            "campaign",
            "library",
            "device",
            "os",
            "locale",
            "timezone",
            "location",
            "userAgent",
            "userAgentData",
        ),
        *("consent", "consentManagement"),
    }
)
"""What is read of a context. Addresses, traits and all else are not kept."""


def kept(envelope: Envelope) -> RequestEnvelope | None:
    """What a dead letter keeps of an envelope; None when it says nothing."""
    context = {key: value for key, value in envelope.context.items() if key in _READ and value is not None}
    if isinstance(context.get("userAgent"), str):
        context["userAgent"] = plain_user_agent(context["userAgent"])
    found = RequestEnvelope(
        sent_at=_time(envelope.sent_at),
        timestamp=_time(envelope.timestamp),
        context=context if len(ENCODER.encode(context)) <= MAX_CONTEXT_BYTES else {},
        user_agent=plain_user_agent(envelope.user_agent) if envelope.user_agent else None,
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
        user_agent=said.user_agent,
    )


def _time(value: object) -> str | float | None:
    if isinstance(value, str):
        return value[:MAX_TEXT_CHARACTERS]
    return float(value) if isinstance(value, (int, float)) and abs(value) < 1e18 else None
