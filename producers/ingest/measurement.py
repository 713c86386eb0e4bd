"""Hop 2. Google's Measurement Protocol in (`/mp/collect`), the same calls in Segment's form out. Pure."""

from typing import Any, Final

import msgspec

from contracts.codec import ENCODER
from contracts.http import BatchAnswer, ValidationAnswer, ValidationCode, ValidationMessage
from contracts.ids import derived_id
from producers.ingest.accept import Envelope
from producers.ingest.answers import Refusal
from producers.ingest.bodies import Calls, decoded, one_or_many
from producers.ingest.ga4 import call_of, consent_of, placed
from producers.ingest.rejections import Rejection, Unfit
from producers.ingest.soundness import read_json, read_object
from producers.ingest.vocabulary.ga4 import TIMES

_FORM: Final = 'the body must be a JSON object, {"client_id": ..., "events": [...]}'


class _Payload(msgspec.Struct):
    """What is read of a body; addresses and `user_data` are not."""

    events: msgspec.Raw
    client_id: msgspec.Raw = msgspec.Raw(b"null")
    app_instance_id: msgspec.Raw = msgspec.Raw(b"null")
    user_id: msgspec.Raw = msgspec.Raw(b"null")
    timestamp_micros: msgspec.Raw = msgspec.Raw(b"null")
    user_properties: msgspec.Raw = msgspec.Raw(b"null")
    user_agent: msgspec.Raw = msgspec.Raw(b"null")
    user_location: msgspec.Raw = msgspec.Raw(b"null")
    device: msgspec.Raw = msgspec.Raw(b"null")
    consent: msgspec.Raw = msgspec.Raw(b"null")


_PAYLOAD: Final = msgspec.json.Decoder(_Payload)
_SHARED: Final = tuple(name for name in _Payload.__struct_fields__ if name != "events")


def measurement_calls(
    body: bytes, measurement_id: str | None, max_events: int, max_bytes: int, unlike: str
) -> Calls | Refusal:
    """The calls of a body, each as JSON text; an event that cannot be read stays, with its reason and what the body says of all of them.
    `unlike` is an id that no other request has."""
    try:
        payload = decoded(_PAYLOAD, body)
        given = {name: getattr(payload, name) for name in _SHARED}
        size = sum(map(len, given.values()))
        if size > max_bytes:
            return Refusal(
                413, "too_large", f"what the body says of all events has {size} bytes; at most {max_bytes} are read"
            )
        shared = {name: value for name, raw in given.items() if (value := read_json(raw)) is not None}
    except (ValueError, RecursionError) as error:
        return Refusal(400, "unparsable", f"{_FORM}: {error}")
    events = one_or_many(bytes(payload.events), max_events, "events must be an object")
    if isinstance(events, Refusal):
        return events
    if size * len(events) > max_bytes:
        return Refusal(413, "too_large", f"the body says too much of all its {len(events)} events; send fewer at once")
    content_id = derived_id(body.decode("utf-8", "replace"))
    raw: list[bytes] = []
    rejected: dict[int, Rejection] = {}
    consents: dict[int, object] = {}
    for index, each in enumerate(events):
        message_id, kept, said = None, each, shared
        try:
            event = read_object(each, max_bytes)
            event = said = {**shared, **{key: value for key, value in event.items() if value is not None}}
            kept = ENCODER.encode(event)
            message_id = placed(content_id if _tells_time(event) else unlike, index)
            raw.append(ENCODER.encode({**call_of(event), "messageId": message_id}))
        except Unfit as unfit:
            raw.append(kept)
            rejected[index] = Rejection(code=unfit.code, message=str(unfit), message_id=message_id)
            consents[index] = consent_of(said)
    return Calls(
        raw,
        Envelope(),
        None,
        rejected,
        consents,
        context_bytes=size,
        measurement_id=measurement_id,
        times=TIMES,
        is_of_program=True,
    )


def _tells_time(event: dict[str, Any]) -> bool:
    """Whether it can be told from another event with the same content."""
    params = event.get("params")
    return bool(event.get("timestamp_micros") or (isinstance(params, dict) and params.get("timestamp_micros")))


def validated(answer: BatchAnswer | Refusal) -> ValidationAnswer:
    """The verdicts in the words of Google's validation server."""
    if isinstance(answer, Refusal):
        return ValidationAnswer(validation_messages=(_message("", answer.message, "VALUE_INVALID"),))
    return ValidationAnswer(
        validation_messages=tuple(
            _message(
                f"events[{error.index}]",
                error.message,
                "VALUE_REQUIRED" if error.code == "missing_identity" else "VALUE_INVALID",
            )
            for error in answer.errors
        )
    )


def _message(field_path: str, description: str, code: ValidationCode) -> ValidationMessage:
    return ValidationMessage(field_path=field_path, description=description, validation_code=code)
