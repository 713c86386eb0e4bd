"""Hop 2. What a Snowplow tracker sends in, the same calls in Segment's form out, so that all that follows is one way. Pure."""

import binascii
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

import msgspec

from contracts import event_names as names
from contracts.codec import ENCODER
from producers.ingest.accept import Envelope
from producers.ingest.answers import Refusal
from producers.ingest.bodies import Calls, decoded
from producers.ingest.context import screen_of
from producers.ingest.rejections import Rejection, Unfit
from producers.ingest.soundness import MAX_DEPTH, read_json, read_object
from producers.ingest.vocabulary.snowplow import (
    ACTIONS,
    CHECKOUT_STEPS,
    CONSENT,
    CONTEXT,
    ECOMMERCE,
    ENTITIES,
    PAGE,
    PARAMETERS,
    SELF_DESCRIBING,
)

Fields = Mapping[str, Any]


class _Entity(NamedTuple):
    """A self-describing JSON: whose it is and what it is called, by its schema, and what it says."""

    vendor: str
    name: str
    data: dict[str, Any]


class _Payload(msgspec.Struct):
    data: list[msgspec.Raw]


_PAYLOAD: Final = msgspec.json.Decoder(_Payload)


def snowplow_calls(body: bytes, max_events: int, max_bytes: int) -> Calls | Refusal:
    """The calls of a `payload_data` body, each as JSON text; an event that cannot be read stays as it came, with its reason."""
    try:
        payload = decoded(_PAYLOAD, body)
    except (ValueError, RecursionError) as error:
        return Refusal(400, "unparsable", f'the body must be a JSON object, {{"schema": ..., "data": [...]}}: {error}')
    if len(payload.data) > max_events:
        return Refusal(413, "too_large", f"the body has {len(payload.data)} events; at most {max_events} are accepted")
    raw: list[bytes] = []
    rejected: dict[int, Rejection] = {}
    consents: dict[int, object] = {}
    write_key = None
    for index, each in enumerate(payload.data):
        event: dict[str, Any] | None = None
        try:
            event = read_object(each, max_bytes)
            write_key = write_key or _text(event, "aid")
            raw.append(ENCODER.encode(call_of(event)))
        except Unfit as unfit:
            raw.append(bytes(each))
            rejected[index] = Rejection(code=unfit.code, message=str(unfit))
            consents[index] = None if event is None else _consent_in(event)
    return Calls(raw, Envelope(), write_key, rejected, consents)


def pixel_body(query: Mapping[str, list[str]]) -> bytes:
    """A GET's one event as the body of a POST."""
    return ENCODER.encode({"data": [{name: values[0] for name, values in query.items()}]})


def call_of(event: Fields) -> dict[str, Any]:
    """One event of the tracker protocol as a Segment call. Raises `Unfit`."""
    entities = list(_entities(event))
    session = next((entity.data for entity in entities if entity.name == "client_session"), {})
    happened_at = _milliseconds(event, "ttm") or _milliseconds(event, "dtm")
    sent_at = _milliseconds(event, "stm")
    if isinstance(happened_at, int) and isinstance(sent_at, int):
        sent_at = max(sent_at, happened_at)  # the Python tracker cuts it to whole seconds
    context = {ours: event.get(theirs) for theirs, ours in CONTEXT.items()}
    tracker = _text(event, "tv")
    act = _act(event, entities)
    return {
        **act,
        "messageId": _text(event, "eid"),
        "anonymousId": _text(event, "duid") or session.get("userId") or _text(event, "sid"),
        "userId": _text(event, "uid"),
        "originalTimestamp": happened_at,
        "sentAt": sent_at,
        "context": {
            **context,
            "page": {ours: event.get(theirs) for theirs, ours in PAGE.items()},
            "screen": screen_of(event.get("res")),
            "device": {"type": "mobile" if event.get("p") == "mob" else None},
            "library": {"name": "snowplow", "version": tracker},
            "consent": _consent(act, entities),
        },
    }


def _consent_in(event: Fields) -> object:
    """What an event says of consent that is no call, as far as it can be read."""
    entities: list[_Entity] = []
    act: Fields = {"properties": {}}
    with suppress(Unfit):
        entities.extend(_entities(event))  # those before one that cannot be read stay
    with suppress(Unfit):
        act = _act(event, entities)
    return _consent(act, entities)


def _consent(act: Fields, entities: list[_Entity]) -> object:
    """What the newest consent dialogue allowed, where the event or an entity beside it tells of one."""
    told: dict[Any, Fields] = {act.get("event"): act["properties"]}
    told.update((entity.name, entity.data) for entity in entities)
    preferences, withdrawal = told.get("consent_preferences"), told.get("consent_withdrawn")
    if withdrawal is not None and withdrawal.get("all"):
        return False
    if preferences is None:
        return None
    if preferences.get("eventType") == "allow_selected":
        return preferences.get("consentScopes")
    return CONSENT.get(str(preferences.get("eventType")))


def _act(event: Fields, entities: list[_Entity]) -> dict[str, Any]:
    """What happened, with its parameters."""
    kind = _text(event, "e") or ""
    parameters = {ours: event[theirs] for theirs, ours in PARAMETERS.get(kind, {}).items() if theirs in event}
    match kind:
        case "pv":
            return {"type": "page", "properties": _with_entities(parameters, entities)}
        case "pp":
            return _track(names.USER_ENGAGEMENT, {"percent_scrolled": _percent_scrolled(event)}, entities)
        case "se":
            return _track(_text(event, "se_ac"), parameters, entities)
        case "tr":
            return _track(names.PURCHASE, parameters, entities)
        case "ti":
            return _track("transaction_item", parameters, entities)
        case "ue":
            return _self_described(event, entities)
    raise Unfit("e must be one of pv, pp, se, ue, tr, ti")


def _track(name: str | None, parameters: Fields, entities: list[_Entity]) -> dict[str, Any]:
    return {"type": "track", "event": name, "properties": _with_entities(dict(parameters), entities)}


def _self_described(event: Fields, entities: list[_Entity]) -> dict[str, Any]:
    outer = _json_in(event, "ue_px", "ue_pr")
    act = _entity(outer.get("data") if isinstance(outer, dict) else None, "ue_px or ue_pr")
    data = _renamed(act)
    if act.name == "snowplow_ecommerce_action":
        action = data.pop("type", None)
        name = ACTIONS.get(action, action) if isinstance(action, str) else None
        return _track(_step(entities) if action == "checkout_step" else name, data, entities)
    if act.name == "site_search" and isinstance(data.get("search_term"), list):
        data["search_term"] = " ".join(term for term in data["search_term"] if isinstance(term, str))
    return _track(SELF_DESCRIBING.get(act.name, act.name), data, entities)


def _step(entities: list[_Entity]) -> str:
    steps = [entity.data for entity in entities if entity.name == "checkout_step"]
    filled = {key for step in steps for key, value in step.items() if value not in (None, "")}
    return next((name for name, marks in CHECKOUT_STEPS if marks & filled), names.BEGIN_CHECKOUT)


def _with_entities(parameters: dict[str, Any], entities: list[_Entity]) -> dict[str, Any]:
    """The event's own parameters first, then those its entities add; what has no place among them is kept under `_entities`."""
    items: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for entity in entities:
        is_ours = entity.vendor == ECOMMERCE
        if is_ours and entity.name == "product":
            if entity.data.get("currency") is not None:  # else the transaction's or the cart's holds
                parameters.setdefault("currency", entity.data["currency"])
            items.append({key: value for key, value in entity.data.items() if key != "currency"})
        elif is_ours and entity.name in ENTITIES:
            for key, value in _renamed(entity).items():
                if value is not None:
                    parameters.setdefault(key, value)
        else:
            others.append({"vendor": entity.vendor, "name": entity.name, "data": entity.data})
    if items:
        parameters["items"] = items
    if others:
        parameters["_entities"] = others
    return parameters


def _renamed(entity: _Entity) -> dict[str, Any]:
    ours = PARAMETERS.get(entity.name, {})
    return {ours.get(key, key): value for key, value in entity.data.items()}


def _entities(event: Fields) -> Iterator[_Entity]:
    outer = _json_in(event, "cx", "co")
    if outer is None:
        return
    entities = outer.get("data") if isinstance(outer, dict) else None
    if not isinstance(entities, list):
        raise Unfit("cx or co must hold a list of self-describing JSONs")
    for each in entities:
        yield _entity(each, "cx or co")


def _entity(value: object, where: str) -> _Entity:
    """`iglu:vendor/name/format/version` is how a schema is named."""
    if isinstance(value, dict) and isinstance(value.get("schema"), str) and isinstance(value.get("data"), dict):
        parts = value["schema"].removeprefix("iglu:").split("/")
        if len(parts) == 4:
            return _Entity(parts[0], parts[1], value["data"])
    raise Unfit(f"{where} must hold a self-describing JSON, with the address of its schema and an object of data")


def _json_in(event: Fields, encoded: str, plain: str) -> Any:
    """A JSON that travels as text, in base64 or plain; None when there is none. Raises `Unfit`."""
    text = _text(event, encoded)
    if text is None:
        text = _text(event, plain)
        return None if text is None else _read(text.encode(), plain)
    try:
        digits = text.translate(_URL_SAFE)
        unwrapped = b64decode(digits + "=" * (-len(digits) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Unfit(f"{encoded} must be base64 of a JSON text") from None
    return _read(unwrapped, encoded)


_URL_SAFE: Final = str.maketrans("+/", "-_", "=\n\r ")


def _read(text: bytes, name: str) -> Any:
    try:
        return read_json(text)
    except Unfit:
        raise Unfit(f"{name} must be JSON, nested at most {MAX_DEPTH} levels") from None


def _text(event: Fields, key: str) -> str | None:
    value = event.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Unfit(f"{key} must be a text")
    return value


def _milliseconds(event: Fields, key: str) -> object:
    """Milliseconds since 1970; a text that is no such number stays what it is, for the clock to refuse."""
    text = _text(event, key)
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 16 else text


def _percent_scrolled(event: Fields) -> float | None:
    """How far down the window's lower edge came, of the document's height."""
    bottom, window, document = event.get("pp_may"), event.get("vp"), event.get("ds")
    try:
        shown = int(str(bottom)) + int(str(window).split("x")[1])
        return round(min(100.0, max(0.0, 100 * shown / int(str(document).split("x")[1]))), 1)
    except (ValueError, IndexError, ZeroDivisionError, OverflowError):
        return None
