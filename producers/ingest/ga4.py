"""Hop 2. Google Analytics' common event data in, the same calls in Segment's form out, so that all that follows is one way. Pure.

Server-side Tag Manager sends it as it is; `gtag.py` and `measurement.py` put their protocols into it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from contracts.codec import ENCODER
from contracts.ids import derived_id
from producers.ingest.accept import Envelope
from producers.ingest.answers import Refusal
from producers.ingest.bodies import Calls, decoded, one_or_many, small
from producers.ingest.consent import is_refusal
from producers.ingest.context import screen_of
from producers.ingest.identity import is_no_id
from producers.ingest.rejections import Rejection, Unfit
from producers.ingest.scrub import of_a_person
from producers.ingest.soundness import read_object
from producers.ingest.vocabulary.ga4 import (
    CAMPAIGN,
    CONSENT,
    CONSENT_UPDATE,
    CONTEXT,
    COUNTRY,
    DEVICE,
    INTERNAL,
    KEPT,
    NO_PARAMETERS,
    PAGE,
    PURPOSES,
    SCREEN,
    SHORT_FORMS,
    TIMES,
    USER_PROPERTIES,
    VISITOR,
)
from producers.ingest.vocabulary.places import value_at

Fields = Mapping[str, Any]

_GCS: Final = re.compile(r"G1([01-])([01-])")
_GCD: Final = re.compile(r"\d*([a-z])\d+([a-z])\d+([a-z])\d+([a-z])")
_TELLS_ITS_PLACE: Final = (("x-ga-page_id", "x-ga-request_count"), ("timestamp_micros",), ("event_id",))
"""What makes an event another than one with the same content: the page it is of and its number there, its time, an id."""
_OF_THE_CONTAINER: Final = "x-sst-system_properties"
"""When Tag Manager's container got the event, and the like: another each time it gets the same one."""


def ga4_calls(body: bytes, max_events: int, max_bytes: int, unlike: str) -> Calls | Refusal:
    """The calls of a body of one event or a list, each as JSON text; an event that cannot be read stays as it came, with its reason.
    `unlike` is an id that no other request has."""
    events = one_or_many(body, max_events, "the body must be an event as Tag Manager has it")
    if isinstance(events, Refusal):
        return events
    raw: list[bytes] = []
    rejected: dict[int, Rejection] = {}
    consents: dict[int, object] = {}
    measurement_id = None
    for index, each in enumerate(events):
        message_id = None
        try:
            event = read_object(each, max_bytes)
            measurement_id = measurement_id or event.get("x-ga-measurement_id")
            message_id = message_id_of(event, index, unlike)
            raw.append(ENCODER.encode({**call_of(event), "messageId": message_id}))
        except Unfit as unfit:
            raw.append(each)
            rejected[index] = Rejection(code=unfit.code, message=str(unfit), message_id=message_id)
            consents[index] = _consent_in(each)
    name = measurement_id if isinstance(measurement_id, str) else None
    return Calls(raw, Envelope(), None, rejected, consents, measurement_id=name, times=TIMES, is_of_program=True)


def message_id_of(event: Fields, index: int, unlike: str) -> str:
    """The same for an event that comes twice. Nobody else gives one: see docs/decisions/0022-google-analytics.md."""
    if not any(all(event.get(key) for key in keys) for keys in _TELLS_ITS_PLACE):
        return placed(unlike, index)
    content = {key: value for key, value in event.items() if key != _OF_THE_CONTAINER}
    return placed(derived_id(_SORTED.encode(content).decode()), index)


def placed(request_id: str, index: int) -> str:
    """The id of an event of a request. Those of one moment are sorted by their ids, and so stay in their order."""
    return f"{request_id}-{index:04d}"


_MOST_MICROS: Final = 1e18
"""In the year 33658. A number may have more digits than can be divided."""
_SORTED: Final = msgspec.json.Encoder(order="sorted")


_SHORT: Final = {
    "gcs": "x-ga-gcs",
    "gcd": "x-ga-gcd",
    "mp2_gcd": "x-ga-mp2-gcd",
    "of_the_container": _OF_THE_CONTAINER,
}


class _Said(msgspec.Struct, rename=_SHORT):
    gcs: msgspec.Raw = msgspec.Raw(b"null")
    gcd: msgspec.Raw = msgspec.Raw(b"null")
    mp2_gcd: msgspec.Raw = msgspec.Raw(b"null")
    consent: msgspec.Raw = msgspec.Raw(b"null")
    consent_state: msgspec.Raw = msgspec.Raw(b"null")
    of_the_container: msgspec.Raw = msgspec.Raw(b"null")


_SAID: Final = msgspec.json.Decoder(_Said)


def _consent_in(raw: bytes) -> object:
    """What an event says of consent, also one of which nothing else is read."""
    try:
        said = decoded(_SAID, raw)
        told = {_SHORT.get(field, field): small(getattr(said, field)) for field in said.__struct_fields__}
        return consent_of(told)
    except (ValueError, RecursionError):
        return None


def consent_of(event: Fields) -> dict[str, Any] | None:
    """What consent mode says, by purpose; a refusal in one of its forms decides."""
    said: dict[str, Any] = {}
    for path in CONSENT:
        found = value_at(event, path)
        for purpose, answer in found.items() if isinstance(found, dict) else ():
            if not is_refusal(said.get(purpose)):
                said[purpose] = answer
    gcs, gcd = event.get("x-ga-gcs"), event.get("x-ga-gcd") or event.get("x-ga-mp2-gcd")
    for found in (_GCS.match(str(gcs)), _GCD.match(str(gcd).lower())):
        for purpose, sign in zip(PURPOSES, found.groups() if found else (), strict=False):
            if sign in SHORT_FORMS and not is_refusal(said.get(purpose)):
                said[purpose] = SHORT_FORMS[sign]
    return said or None


def call_of(event: Fields) -> dict[str, Any]:
    """One event as a Segment call. An event of the Measurement Protocol, `{"name": ..., "params": ...}`, is one too. Raises `Unfit`."""
    told = dict(event)
    name = told.pop("event_name", None)
    is_measurement = name is None
    if is_measurement:
        name = told.pop("name", None)
    params = told.pop("params", None)
    if isinstance(params, dict):
        told = {**params, **_present(told)}  # a shop's own must not stand for what the protocol says
    elif params is not None:
        if is_measurement:
            raise Unfit("params must be an object")
        told["params"] = params  # a shop's own of that name
    properties = _properties(told)
    if str(told.get("x-ga-gcu")).lower() in ("1", "true"):
        name, properties["updated_event"] = CONSENT_UPDATE, name
    return {
        "type": "track",
        "event": name,
        "properties": properties,
        "anonymousId": next((told[key] for key in VISITOR if told.get(key) and not is_no_id(str(told[key]))), None),
        "userId": told.get("user_id"),
        "originalTimestamp": _milliseconds(told.get("timestamp_micros")),
        "context": {
            **{ours: _first(told, paths) for ours, paths in CONTEXT.items()},
            "page": {ours: value_at(told, path) for ours, path in PAGE.items()},
            "campaign": _present({ours: told.get(theirs) for ours, theirs in CAMPAIGN.items()}),
            "screen": screen_of(_first(told, SCREEN)),
            "location": {"country": _country(told)},
            "userAgentData": _hints(told.get("client_hints")),
            **{ours: {key: value_at(told, path)} for ours, (key, path) in DEVICE.items()},
            "library": {"name": "google-analytics", "version": told.get("x-ga-gtm_version")},
            "consent": consent_of(told),
        },
    }


def _properties(told: Fields) -> dict[str, Any]:
    """The parameters of the event: all that is not known to be something else."""
    properties = {
        key: value
        for key, value in told.items()
        if key.partition(".")[0] not in NO_PARAMETERS and not key.startswith(INTERNAL)
    }
    if isinstance(properties.get("consent"), dict):
        del properties["consent"]
    properties.update(_present({ours: told.get(theirs) for theirs, ours in KEPT.items()}))
    for key in USER_PROPERTIES:
        traits = told.get(key)
        if isinstance(traits, dict) and traits:
            properties["user_properties"] = of_a_person({name: _trait(value) for name, value in traits.items()})
    return properties


def _trait(value: Any) -> Any:
    """The Measurement Protocol wraps a user's property, to say since when it holds."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


def _hints(hints: Any) -> dict[str, Any] | None:
    """Client hints; the container leaves the quotes of the header around some."""
    if not isinstance(hints, dict):
        return None
    platform = hints.get("platform")
    return {**hints, "platform": platform.strip('"') if isinstance(platform, str) else None}


def _country(told: Fields) -> str | None:
    """The country of a region such as `US-TX`."""
    region = _first(told, COUNTRY)
    return region.partition("-")[0] if isinstance(region, str) else None


def _milliseconds(micros: Any) -> Any:
    """Milliseconds since 1970; what is no such number stays what it is, for the clock to refuse."""
    if isinstance(micros, str) and micros.isascii() and micros.isdigit() and len(micros) < 20:
        micros = int(micros)
    is_number = isinstance(micros, (int, float)) and not isinstance(micros, bool) and abs(micros) < _MOST_MICROS
    return micros / 1000 if is_number else micros


def _first(told: Fields, paths: tuple[str, ...]) -> Any:
    return next((found for path in paths if (found := value_at(told, path)) not in (None, "")), None)


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None and value != ""}
