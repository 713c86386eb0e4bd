"""Why a call did not become an event."""

from typing import Literal

import msgspec

RejectionCode = Literal["unparsable", "schema", "missing_identity", "too_large"]


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on a call that is not an event; the ids are those that could still be read."""

    code: RejectionCode
    message: str
    message_id: str | None = None
    visitor_id: str | None = None


class Unfit(ValueError):
    """Raised while a call is read; `event_of` returns it as a `Rejection`. The text names the field and says what it takes."""

    def __init__(self, message: str, code: RejectionCode = "schema") -> None:
        super().__init__(message)
        self.code: RejectionCode = code
