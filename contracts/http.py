"""Bodies of the HTTP interfaces, ours and the earlier system's (whose fields may be added to, never taken away)."""

from http import HTTPStatus
from typing import Final, Literal

import msgspec

from contracts.events import DeviceType
from contracts.instants import Instant

_RENAMED: Final = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}


def title_of(status: int) -> str:
    """The name that RFC 9110 gives a status; Python before 3.13 has older names for some."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase


class EventError(msgspec.Struct, frozen=True, kw_only=True, rename={"message_id": "messageId"}):
    """Why one event of a batch was refused; it is in `events-dlq` with the same reason."""

    index: int
    message_id: str | None
    code: str
    message: str


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a 200 from any ingest endpoint. `accepted + rejected` is the number of events in the request."""

    success: bool = True
    accepted: int
    rejected: int = 0
    errors: tuple[EventError, ...] = ()


ValidationCode = Literal["VALUE_INVALID", "VALUE_REQUIRED"]


class ValidationMessage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What would be refused and why, as Google's validation server says it."""

    field_path: str
    """`events[0]`; empty for the request as a whole."""
    description: str
    validation_code: ValidationCode


class ValidationAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of a 200 from `POST /debug/mp/collect`: empty when every event would be accepted. Nothing is stored."""

    validation_messages: tuple[ValidationMessage, ...] = ()


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every error: RFC 9457, with the `code` and `message` that SDKs need."""

    code: str
    message: str
    type: str = "about:blank"
    title: str
    status: int


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /api/decisions/token`: the visitor's secret, whose SHA-256 is the visitor id."""

    visitor_secret: str


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    visitor_id: str
    token: str
    expires_in_s: int


class PredictRequest(msgspec.Struct, frozen=True, kw_only=True):
    session_id: str
    time_on_site: float
    """Seconds."""
    pages_visited: int
    cart_value: float
    previous_purchases: int
    device_type: DeviceType = "unknown"


class PredictedPurchase(msgspec.Struct, frozen=True, kw_only=True):
    will_buy: bool
    confidence: float
    """How sure the answer in `will_buy` is, 0 to 100."""
    probability: float
    """Probability of a purchase, 0 to 1."""


class PredictedPersona(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    color: str
    confidence: float
    style: str


class PredictedIncentive(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    message: str
    discount: float
    priority: str


class PredictAnswer(msgspec.Struct, frozen=True, kw_only=True):
    session_id: str
    timestamp: Instant
    prediction: PredictedPurchase
    persona: PredictedPersona
    incentive: PredictedIncentive | None
    because: tuple[str, ...]
    model_version: str


class AnalyticsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The last 24 hours."""

    total_sessions: int
    conversion_rate: float
    """Sessions with a purchase divided by sessions, 0 to 1."""
    avg_session_time: float
    """Seconds."""
    top_persona: str | None
    total_revenue: float


class HealthAnswer(msgspec.Struct, frozen=True, kw_only=True):
    status: str
    model_trained: bool
    timestamp: Instant
    checks: dict[str, str]
