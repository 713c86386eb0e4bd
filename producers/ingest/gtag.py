"""Hop 2. Events in the protocol of gtag.js in (`/g/collect`, version 2), the same calls in Segment's form out. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from contracts.codec import ENCODER
from contracts.ids import derived_id
from producers.ingest.accept import Envelope
from producers.ingest.answers import Refusal
from producers.ingest.bodies import Calls, within
from producers.ingest.ga4 import call_of, consent_of, placed
from producers.ingest.rejections import Rejection, Unfit
from producers.ingest.vocabulary.ga4 import (
    GTAG,
    ITEM,
    ITEM_NUMBERS,
    NO_NUMBERS,
    NUMBER,
    TEXT,
    TIMES,
    USER_NUMBER,
    USER_TEXT,
)

MAX_PARAMETERS: Final = 1_000
"""Of one event: 200 items, 100 event and 100 user parameters, and the protocol's own would be less than half of it."""
_MOST_BRANDS: Final = 16
"""A browser has three or four, and each costs many times its size to read."""
_ITEM_PLACE: Final = re.compile(r"pr([1-9][0-9]{0,2})")
_NUMBER: Final = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:e[+-]?[0-9]{1,3})?")


def gtag_calls(query: bytes, body: bytes, max_events: int, max_bytes: int, unlike: str) -> Calls | Refusal:
    """The calls of a request, each as JSON text: an event a line of the body, with what the query says of all of them; without a body
    the query is the event. What is no event stays, with its reason. `unlike` is an id that no other request has.
    """
    if len(body) > max_bytes:  # gtag sends at most 16 KiB; parameters take long to read
        return Refusal(413, "too_large", f"the body has {len(body)} bytes; of gtag.js at most {max_bytes} are read")
    lines = within([line for line in body.splitlines() if line.strip()] or [b""], max_events)
    if isinstance(lines, Refusal):
        return lines
    if len(query) * len(lines) > max_bytes:
        return Refusal(413, "too_large", f"the query is too long for a body of {len(lines)} events; send fewer at once")
    try:
        shared = _parameters(query)
    except Unfit as unfit:
        return Refusal(400, "unparsable", f"the query cannot be read: {unfit}")
    # gtag counts its requests on a page; what is not counted may well be sent again on purpose.
    request_id = derived_id(_text(query), _text(body)) if shared.get("_p") and shared.get("_s") else unlike
    raw: list[bytes] = []
    rejected: dict[int, Rejection] = {}
    consents: dict[int, object] = {}
    for index, line in enumerate(lines):
        message_id, kept, event = placed(request_id, index), line, None
        try:
            event = event_of({**shared, **_parameters(line)})
            kept = ENCODER.encode(event)
            raw.append(ENCODER.encode({**call_of(event), "messageId": message_id}))
        except Unfit as unfit:
            raw.append(kept)
            rejected[index] = Rejection(code=unfit.code, message=str(unfit), message_id=message_id)
            consents[index] = consent_of(event_of(shared) if event is None else event)
    return Calls(
        raw,
        Envelope(),
        None,
        rejected,
        consents,
        context_bytes=len(query),
        measurement_id=shared.get("tid"),
        times=TIMES,
    )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _parameters(raw: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(_text(raw), max_num_fields=MAX_PARAMETERS))
    except ValueError:
        raise Unfit(f"an event has at most {MAX_PARAMETERS} parameters", "too_large") from None


def event_of(parameters: Mapping[str, str]) -> dict[str, Any]:
    """An event of the protocol as common event data."""
    event: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    items: dict[int, dict[str, Any]] = {}
    for key, value in parameters.items():
        if key.startswith(TEXT):
            event.setdefault(key.removeprefix(TEXT), value)
        elif key.startswith(NUMBER):
            event.setdefault(key.removeprefix(NUMBER), _number(value))
        elif key.startswith(USER_TEXT):
            traits[key.removeprefix(USER_TEXT)] = value
        elif key.startswith(USER_NUMBER):
            traits[key.removeprefix(USER_NUMBER)] = _number(value)
        elif place := _ITEM_PLACE.fullmatch(key):
            items[int(place[1])] = _item(value)
    # After the shop's own, which must not stand for what the protocol says.
    event.update({ours: parameters[theirs] for theirs, ours in GTAG.items() if theirs in parameters})
    if items:
        event["items"] = [items[place] for place in sorted(items)]
    if traits:
        event["user_properties"] = traits
    if hints := _hints(parameters):
        event["client_hints"] = hints
    return event


def _item(written: str) -> dict[str, Any]:
    """`idSKU~nmLamp~pr25~k0colour~v0blue`; a tilde within a value is doubled."""
    item: dict[str, Any] = {}
    own: dict[str, dict[str, str]] = {"k": {}, "v": {}}
    for field in written.replace("~~", "\0").split("~"):
        key, value = field[:2], field[2:].replace("\0", "~")
        if key in ITEM_NUMBERS and value in NO_NUMBERS:
            continue
        if key in ITEM:
            item[ITEM[key]] = value
        elif key[:1] in own:
            own[key[0]][key[1:]] = value
    return {**{name: own["v"].get(number) for number, name in own["k"].items()}, **item}


def _hints(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Client hints; a brand is written as `Chromium;122.0.6261.69`, once more encoded."""
    hints: dict[str, Any] = {}
    if "uamb" in parameters:
        hints["mobile"] = parameters["uamb"] == "1"
    if "uap" in parameters:
        hints["platform"] = parameters["uap"]
    if "uafvl" in parameters:
        brands = parameters["uafvl"].split("|", _MOST_BRANDS)[:_MOST_BRANDS]
        hints["brands"] = [{"brand": unquote(each).partition(";")[0]} for each in brands]
    return hints


def _number(written: str) -> int | float | str | None:
    """The number; what is none stays a text, but for that which JSON has no word for."""
    if written in NO_NUMBERS:
        return None
    if not _NUMBER.fullmatch(written):
        return written
    number = float(written)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
