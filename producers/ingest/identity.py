"""Who an event belongs to and by which id it is known, from the ids of a call."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from contracts.ids import derived_id
from producers.ingest.rejections import Unfit

MAX_ID_CHARACTERS: Final = 128
USER: Final = "user:"
"""Begins a visitor id that is made of the user's."""
_CHANGES_ON_RETRY: Final = ("messageId", "sentAt", "receivedAt", "_metadata", "writeKey")
_SORTED: Final = msgspec.json.Encoder(order="sorted")


_NONE: Final = frozenset(
    {
        "",
        "undefined",
        "null",
        "(null)",
        "(not set)",
        "nil",
        "none",
        "nan",
        "[object object]",
        "00000000-0000-0000-0000-000000000000",
    }
)
"""What a program writes that has no id at hand. As an id it would make one visitor of all who send it, and of all their events one."""
_BEGIN: Final = frozenset("uUnN([0 ")
"""What those begin with."""
_CONTROLS: Final = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)])
"""No header of CloudEvents may hold one, nor do people see them: who reads ids from a file leaves a line's end in them."""


def id_in(call: Mapping[str, Any], key: str) -> str | None:
    """The id under `key`, without control characters; null, "" and what stands for no id are absent, a whole number is written out.
    Raises `Unfit`."""
    value = call.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():  # of a column with gaps, pandas makes floats
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > MAX_ID_CHARACTERS:
        raise Unfit(f"{key} must be a text of at most {MAX_ID_CHARACTERS} characters")
    if not value.isprintable():
        value = value.translate(_CONTROLS)
    elif value[0] not in _BEGIN:
        return value
    # WordPress calls every guest 0. Messages may well be counted from there.
    return None if is_no_id(value) or (value == "0" and key == "userId") else value


def is_no_id(text: str) -> bool:
    return text.strip().lower() in _NONE


def message_id_of(call: Mapping[str, Any], call_type: str | None) -> str:
    """The sender's id of the call, or one derived from all that a retry repeats, so that a retry still is the same event."""
    given = id_in(call, "messageId")
    if given is not None:
        return given
    canonical = {key: value for key, value in call.items() if key not in _CHANGES_ON_RETRY}
    return derived_id(call_type or "", _SORTED.encode(canonical).decode())


def visitor_id_of(call: Mapping[str, Any], otherwise: str | None = None) -> str:
    """The browser's anonymous id, else one made of the user's, else `otherwise`. Raises `Unfit`."""
    anonymous_id = id_in(call, "anonymousId")
    if anonymous_id is not None:
        return anonymous_id
    user_id = id_in(call, "userId")
    if user_id is None:
        if otherwise is not None:
            return otherwise
        raise Unfit("anonymousId or userId is required", "missing_identity")
    visitor_id = USER + user_id
    return visitor_id if len(visitor_id) <= MAX_ID_CHARACTERS else USER + derived_id(user_id)
