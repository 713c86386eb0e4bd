"""A dead letter and a fix in, the event that it then is or the reason why not out: by ingest's own reading. Pure."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

import msgspec

from contracts.codec import ENCODER, EVENT_DECODER
from contracts.dead_letters import DeadLetter
from contracts.events import Event
from contracts.ids import derived_id
from contracts.topics import EVENTS
from producers.dead_letters.fix import Fix, fixed
from producers.dead_letters.fix_errors import Unfixable
from producers.dead_letters.places import is_missing
from producers.ingest import ga4, paths, shopify, snowplow
from producers.ingest.accept import CALL_TYPES, CLAMP, CallType, event_of_bytes
from producers.ingest.identity import id_in
from producers.ingest.kept_envelope import envelope_of
from producers.ingest.privacy import BY_DEFAULT, Privacy
from producers.ingest.records import MAX_RAW_BYTES
from producers.ingest.rejections import Rejection, Unfit
from producers.ingest.soundness import read_json
from producers.ingest.vocabulary.ga4 import TIMES
from producers.ingest.write_keys import WriteKeys


class Reading(NamedTuple):
    """How ingest reads calls here, as it is set now."""

    keys: WriteKeys
    max_event_bytes: int
    clamp: timedelta = CLAMP
    privacy: Privacy = BY_DEFAULT


class Healed(NamedTuple):
    """What a fix makes of a dead letter. `after` is the call as the fix left it."""

    verdict: Event | Rejection | Unfixable
    after: Any = None


_VOCABULARIES: Final[Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    paths.SNOWPLOW: snowplow.call_of,
    paths.PIXEL: snowplow.call_of,
    paths.SHOPIFY: shopify.call_of,
    **dict.fromkeys((paths.GTAG, paths.MEASUREMENT, paths.TAG_MANAGER), ga4.call_of),
}
"""Paths that take other events than calls, and how one is read."""
_NOT_AGAIN: Final = "it is no event; the step that sent it makes it again from the events"


def call_in(letter: DeadLetter) -> Any:
    """The JSON object that the bytes are. Raises `Unfixable`."""
    if letter.stage != "ingest" and not _is_event_record(letter):
        raise Unfixable(f"the bytes come from {letter.source or 'an unknown place'}: {_NOT_AGAIN}")
    if not letter.raw and letter.stage == "ingest":
        raise Unfixable("no bytes were kept of a visitor who refuses to be known")
    try:
        call = read_json(letter.raw)
    except Unfit as unfit:
        if len(letter.raw) == MAX_RAW_BYTES:
            raise Unfixable(f"only the first {MAX_RAW_BYTES} of its bytes were kept") from None
        raise Unfixable(f"the bytes cannot be read ({unfit.code})") from None
    if not isinstance(call, dict):
        raise Unfixable("the bytes are JSON, but no object")
    if isinstance(call.get("batch"), list) and "type" not in call:
        raise Unfixable("the bytes are a whole batch; a fix is for one event, so send the batch to POST /v1/batch")
    return call


def healed(letter: DeadLetter, call: Any, fix: Fix, reading: Reading) -> Healed:
    """What becomes of the dead letter whose bytes are `call` with a fix. Sender, arrival and id stay what they were."""
    try:
        after = fixed(call, fix)
        raw = ENCODER.encode(after)
    except Unfixable as unfixable:
        return Healed(unfixable)
    except (OverflowError, UnicodeEncodeError) as error:
        return Healed(Unfixable(f"it holds what JSON cannot say: {error}"))
    # Unchanged bytes are read as they came, as ingest read them. 1 and true are equal in Python and not in JSON.
    raw = letter.raw if raw == ENCODER.encode(call) else raw
    try:
        verdict = _of_record(after) if _is_event_record(letter) else _of_call(letter, raw, call, after, reading)
    except Unfixable as unfixable:
        return Healed(unfixable, after)
    return Healed(verdict, after)


def _is_event_record(letter: DeadLetter) -> bool:
    return letter.stage != "ingest" and (letter.source or "").startswith(f"{EVENTS.name}/")


def _of_record(record: Any) -> Event | Rejection:
    try:
        return EVENT_DECODER.decode(ENCODER.encode(record))
    except msgspec.DecodeError as error:
        return Rejection(code="schema", message=str(error))


def _of_call(letter: DeadLetter, raw: bytes, before: Any, after: Any, reading: Reading) -> Event | Rejection:
    key = reading.keys.named(letter.write_key)
    if key is None:
        raise Unfixable(
            f"write key {letter.write_key} is not known here; set SHOPSTREAM_INGEST_WRITE_KEYS_FILE to ingest's own file"
        )
    try:
        called = _call_of(letter.source, after)
    except Unfit as unfit:
        return Rejection(code=unfit.code, message=str(unfit))
    verdict = event_of_bytes(
        raw if called is after else ENCODER.encode(called),
        envelope=envelope_of(letter, call_type_of(letter.source or "")),
        write_key=key,
        received_at=letter.received_at,
        max_bytes=reading.max_event_bytes * (TIMES if letter.source in paths.GOOGLE else 1),
        clamp=reading.clamp,
        privacy=reading.privacy,
    )
    if isinstance(verdict, Event):
        message_id = _message_id(letter, before, called)
        if verdict.consent == "refused":
            message_id = reading.privacy.message_id(key.name, message_id)
        return msgspec.structs.replace(verdict, message_id=message_id)
    return verdict


def _call_of(path: str | None, after: Any) -> Any:
    """The call itself, or the call that an event of another vocabulary is: as such it stays when ingest could not read it. Raises `Unfit`."""
    read = _VOCABULARIES.get(path or "")
    return after if read is None or after.get("type") in CALL_TYPES else read(after)


def _message_id(letter: DeadLetter, before: Any, after: Any) -> str:
    """The sender's id; without one, that which ingest derived from the call as it came, which no fix changes. Where a fix took the
    sender's id away, one of the dead letter's own: others may have had the same."""
    given = id_in(after, "messageId")
    if given is not None:
        return given
    derived = letter.message_id if is_missing(before.get("messageId")) else None
    return derived or derived_id("dead-letter", letter.dead_letter_id)


def call_type_of(path: str) -> CallType | None:
    """What the request path said that its call is: `/v1/track` or `/v1/t`; None for a batch."""
    if not path.startswith("/v1/"):
        return None
    last = path.rpartition("/")[2]
    return next((each for each in CALL_TYPES if last in (each, each[0])), None)
