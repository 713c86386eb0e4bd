"""Hop 2. One SDK call in, one checked event or the reason why not out: pure, so that recorded calls are read by the same code."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, get_args

import msgspec

from contracts import event_names as names
from contracts.calls import CallType as CallType
from contracts.codec import ENCODER
from contracts.erasures import ERASE_VISITOR
from contracts.events import Event, PrivacySignal, Properties
from producers.ingest.bots import bot_score_in
from producers.ingest.clock import EventTime, instant, repaired
from producers.ingest.context import merged
from producers.ingest.identity import id_in, message_id_of, visitor_id_of
from producers.ingest.parameters import Parameters, parameters_of
from producers.ingest.privacy import BY_DEFAULT, Privacy
from producers.ingest.rejections import Rejection, Unfit
from producers.ingest.scrub import of_a_person
from producers.ingest.soundness import read_json, sound
from producers.ingest.vocabulary import canonical_name, segment
from producers.ingest.write_keys import WriteKey

CALL_TYPES: Final[tuple[CallType, ...]] = get_args(CallType)
MAX_NAME_CHARACTERS: Final = 128
CLAMP: Final = timedelta(hours=24)

_PROTOCOL_KEYS: Final = frozenset(
    {
        *("type", "event", "properties", "traits", "context", "integrations", "channel", "version", "_metadata"),
        *("userId", "anonymousId", "groupId", "previousId", "messageId", "writeKey"),
        *("timestamp", "originalTimestamp", "sentAt", "receivedAt"),
    }
)
"""Keys of a call that have a meaning of their own; a key beyond them is kept with the custom parameters."""
_TYPED: Final = frozenset(Properties.__struct_fields__)
_NO_CUSTOM: Final = msgspec.Raw(b"{}")


class Envelope(msgspec.Struct, frozen=True):
    """What a request says about all of its calls."""

    call_type: CallType | None = None
    """What the path says its call is; in a batch each call says so itself."""
    sent_at: object = None
    timestamp: object = None
    context: Mapping[str, Any] = {}
    user_agent: str | None = None
    """The browser's, from the request, for SDKs that do not send it in the context."""
    signals: tuple[PrivacySignal, ...] = ()
    """Refusals in the request's head."""


NO_ENVELOPE: Final = Envelope()


def event_of(
    item: object,
    *,
    envelope: Envelope = NO_ENVELOPE,
    write_key: WriteKey,
    received_at: datetime,
    clamp: timedelta = CLAMP,
    privacy: Privacy = BY_DEFAULT,
) -> Event | Rejection:
    """The event that one SDK call (a JSON object) is, or why it is none. Never raises, whatever the JSON."""
    try:
        call = sound(item)
    except Unfit as unfit:
        return Rejection(code=unfit.code, message=str(unfit))
    return _event_of_sound(call, envelope, write_key, received_at, clamp, privacy)


def event_of_bytes(
    raw: bytes,
    *,
    envelope: Envelope = NO_ENVELOPE,
    write_key: WriteKey,
    received_at: datetime,
    max_bytes: int,
    clamp: timedelta = CLAMP,
    privacy: Privacy = BY_DEFAULT,
) -> Event | Rejection:
    """The same for a call that is still JSON text."""
    if len(raw) > max_bytes:
        return Rejection(code="too_large", message=f"the event has {len(raw)} bytes; at most {max_bytes} are accepted")
    try:
        call = read_json(raw)
    except Unfit as unfit:
        return Rejection(code=unfit.code, message=str(unfit))
    return _event_of_sound(call, envelope, write_key, received_at, clamp, privacy)


def _event_of_sound(
    call: object, envelope: Envelope, write_key: WriteKey, received_at: datetime, clamp: timedelta, privacy: Privacy
) -> Event | Rejection:
    if not isinstance(call, dict):
        return Rejection(code="schema", message="an event must be a JSON object")
    message_id = visitor_id = None
    try:
        context = merged(envelope.context, call.get("context"))
        consent, signals = privacy.consent_of(context, envelope.signals)
        message_id = message_id_of(call, envelope.call_type)
        visitor_id = visitor_id_of(call, otherwise=message_id if consent == "refused" else None)
        name, parameters = _named(call, _call_type(call, envelope))
        custom = parameters.custom
        for key in call.keys() - _PROTOCOL_KEYS:
            if call[key] is not None:
                custom.setdefault(key, call[key])
        time = _event_time(call, envelope, write_key, received_at, clamp)
        if time.is_clamped:
            custom["_original_timestamp"] = _happened_at(call, envelope)
            custom["_sent_at"] = call.get("sentAt") or envelope.sent_at
        event = Event(
            message_id=message_id,
            write_key=write_key.name,
            visitor_id=visitor_id,
            user_id=id_in(call, "userId"),
            event_name=name,
            occurred_at=time.occurred_at,
            received_at=received_at,
            properties=parameters.properties,
            custom=_json(privacy.cleaned(custom)) if custom else _NO_CUSTOM,
            context=privacy.context(context, parameters.page, envelope.user_agent),
            consent=consent,
            privacy_signals=signals,
            bot_score=bot_score_in(context, envelope.user_agent),
        )
        return privacy.kept(event)
    except Unfit as unfit:
        return Rejection(code=unfit.code, message=str(unfit), message_id=message_id, visitor_id=visitor_id)


def _call_type(call: Mapping[str, Any], envelope: Envelope) -> CallType:
    if envelope.call_type is not None:
        return envelope.call_type
    for known in CALL_TYPES:
        if call.get("type") == known:
            return known
    raise Unfit(f"type must be one of {', '.join(CALL_TYPES)}")


def _named(call: Mapping[str, Any], call_type: CallType) -> tuple[str, Parameters]:
    """The event's canonical or custom name, with its parameters in our words."""
    properties = _object(call, "properties")
    match call_type:
        case "track":
            given = call.get("event")
            stripped = given.strip() if isinstance(given, str) else ""
            if not 0 < len(stripped) <= MAX_NAME_CHARACTERS:
                raise Unfit(f"event must be a text of 1 to {MAX_NAME_CHARACTERS} characters")
            if stripped == ERASE_VISITOR:
                raise Unfit(f"event {ERASE_VISITOR} is for `shopstream erase` alone")
            name = canonical_name(stripped) or stripped
            constants = segment.CONSTANTS.get(stripped.lower())
            return name, parameters_of(name, {**properties, **constants} if constants else properties)
        case "page" | "screen":
            return names.PAGE_VIEW, parameters_of(names.PAGE_VIEW, properties, is_page_call=True)
        case "identify":
            traits = of_a_person(_traits_in_context(call)), of_a_person(_object(call, "traits"))
            return names.IDENTIFY, _untyped(properties, *traits)
        case "group":
            return "group", _untyped(_object(call, "traits"), {"group_id": id_in(call, "groupId")})
        case "alias":
            return "alias", _untyped(properties, {"previous_id": id_in(call, "previousId")})


def _untyped(*objects: Mapping[str, Any]) -> Parameters:
    """Traits of a person or a group: whatever they are called, they are not parameters of an event."""
    return Parameters(Properties(), {}, {key: value for each in objects for key, value in each.items()})


def _traits_in_context(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where RudderStack's SDKs put the traits of an `identify`, and only there."""
    context = call.get("context")
    traits = context.get("traits") if isinstance(context, dict) else None
    return traits if isinstance(traits, dict) else {}


def _object(call: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = call.get(key)
    if value is None or value == "" or value == []:  # PHP writes an empty object as an empty list
        return {}
    if not isinstance(value, dict):
        raise Unfit(f"{key} must be an object")
    return value


def _happened_at(call: Mapping[str, Any], envelope: Envelope) -> object:
    return call.get("originalTimestamp") or call.get("timestamp") or envelope.timestamp


def _event_time(
    call: Mapping[str, Any], envelope: Envelope, write_key: WriteKey, received_at: datetime, clamp: timedelta
) -> EventTime:
    happened_at = instant(_happened_at(call, envelope), "timestamp")
    if write_key.keeps_event_time:
        if happened_at is None:
            raise Unfit(f"timestamp is required with write key {write_key.name}, which keeps event time")
        return EventTime(happened_at, False)
    try:
        sent_at = instant(call.get("sentAt") or envelope.sent_at, "sentAt")
    except Unfit:  # it only helps the repair
        sent_at = None
    return repaired(happened_at, sent_at=sent_at, received_at=received_at, clamp=clamp)


def _json(custom: dict[str, Any]) -> msgspec.Raw:
    # Postgres holds properties and custom in one object, where a custom parameter must not replace a typed one.
    for key in _TYPED & custom.keys():
        custom[f"_{key}"] = custom.pop(key)
    return msgspec.Raw(ENCODER.encode(custom)) if custom else _NO_CUSTOM
