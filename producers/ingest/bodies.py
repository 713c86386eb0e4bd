"""Request bodies: read to a bound, unzipped to a bound, and cut into calls that are still JSON text."""

import zlib
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec
from starlette.types import Receive

from producers.ingest.accept import CallType, Envelope
from producers.ingest.answers import Refusal
from producers.ingest.in_flight import Hold
from producers.ingest.rejections import Rejection
from producers.ingest.soundness import is_repairable, read_json, repaired_text

_GZIP: Final = b"\x1f\x8b"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_DRAINED_TIMES: Final = 4
"""How much more of a too large body is read and dropped, so that its sender gets to read the 413."""


_MAX_GZIP_MEMBERS: Final = 16
_MAX_SMALL_BYTES: Final = 1_024
OVERLOADED: Final = Refusal(503, "overloaded", "too much waits here already; send it again later", 1)


class ClientGone(ConnectionError):
    """The sender went away before its request was complete."""


class Calls(msgspec.Struct, frozen=True):
    """The calls of one request, each still JSON text."""

    raw: list[bytes]
    envelope: Envelope
    write_key: str | None
    """Name of the write key that the body says."""
    rejected: Mapping[int, Rejection] = {}
    """Those that could not even be cut out as calls, by their place."""
    consents: Mapping[int, object] = {}
    """What those say of consent, as a call's context would."""
    context_bytes: int = 0
    """Size of the context that every one of them shares."""
    measurement_id: str | None = None
    """Google Analytics' own id of the sender, which is the write key when none is said."""
    times: int = 1
    """How many times as large as any other event each may be."""
    is_of_program: bool = False
    """Sent by a program on behalf of visitors: its own user agent says nothing of them."""


async def read_body(receive: Receive, max_bytes: int, hold: Hold) -> bytes | Refusal:
    """The whole body. What of it has arrived is held, so that many slow or large bodies at once cannot fill the memory."""
    chunks: list[bytes] = []
    size = 0
    more = True
    while more and size <= max_bytes * _DRAINED_TIMES:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        more = message.get("more_body", False)
        if size <= max_bytes:
            if not hold.keep(size, is_reading=more):
                return OVERLOADED
            chunks.append(chunk)
        else:
            chunks.clear()
            hold.keep(0)
    return b"".join(chunks) if size <= max_bytes else _too_large(max_bytes)


def expanded(body: bytes, max_bytes: int) -> bytes | Refusal:
    """The body as plain JSON text. Its first bytes say whether it is gzip: SDKs and proxies label it wrongly, and no JSON starts so."""
    if not body.startswith(_GZIP):
        return body.removeprefix(_BYTE_ORDER_MARK)
    plain = b""
    try:
        # Each member costs a copy of all that follows it, so that many empty ones would take the processor for seconds.
        for _ in range(_MAX_GZIP_MEMBERS + 1):
            if not body:
                return plain
            member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            plain += member.decompress(body, max_bytes + 1 - len(plain))
            if len(plain) > max_bytes:
                return _too_large(max_bytes)
            if not member.eof:
                return Refusal(400, "unparsable", "the gzip body is cut short")
            body = member.unused_data
    except zlib.error as error:
        return Refusal(400, "unparsable", f"the body starts like gzip and is not: {error}")
    return Refusal(400, "unparsable", f"the gzip body has more than {_MAX_GZIP_MEMBERS} members; send one")


def _too_large(max_bytes: int) -> Refusal:
    return Refusal(413, "too_large", f"the body has more than {max_bytes} bytes; send smaller batches")


class _Batch(msgspec.Struct):
    batch: list[msgspec.Raw]
    writeKey: msgspec.Raw = msgspec.Raw(b"null")
    sentAt: msgspec.Raw = msgspec.Raw(b"null")
    timestamp: msgspec.Raw = msgspec.Raw(b"null")
    context: msgspec.Raw = msgspec.Raw(b"null")


class _Key(msgspec.Struct):
    writeKey: msgspec.Raw = msgspec.Raw(b"null")


_BATCH: Final = msgspec.json.Decoder(_Batch)
_KEY: Final = msgspec.json.Decoder(_Key)
_ONE: Final = msgspec.json.Decoder(msgspec.Raw)
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
T = TypeVar("T")


def calls_of(body: bytes, call_type: CallType | None, max_events: int, max_event_bytes: int) -> Calls | Refusal:
    """The calls of a body: one of `call_type`, or with None a batch."""
    try:
        return _batch(body, max_events, max_event_bytes) if call_type is None else _single(body, call_type)
    except (ValueError, RecursionError) as error:
        form = '{"batch": [...]}' if call_type is None else f"one {call_type} call"
        return Refusal(400, "unparsable", f"the body must be a JSON object, {form}: {error}")


def _single(body: bytes, call_type: CallType) -> Calls:
    return Calls([body], Envelope(call_type=call_type), _text(small(decoded(_KEY, body).writeKey)))


def _batch(body: bytes, max_events: int, max_event_bytes: int) -> Calls | Refusal:
    batch = decoded(_BATCH, body)
    if len(batch.batch) > max_events:
        return Refusal(413, "too_large", f"the batch has {len(batch.batch)} events; at most {max_events} are accepted")
    if len(batch.context) > max_event_bytes:
        size = len(batch.context)
        return Refusal(
            413, "too_large", f"the batch's context has {size} bytes; at most {max_event_bytes} are accepted"
        )
    raw = [bytes(each) for each in batch.batch]
    context, sent_at = read_json(batch.context), small(batch.sentAt)
    envelope = Envelope(
        # Anything else is no time, and repairs none.
        sent_at=sent_at if isinstance(sent_at, (str, int, float)) else None,
        timestamp=small(batch.timestamp),
        context=context if isinstance(context, dict) else {},
    )
    write_key = _text(small(batch.writeKey)) or (_key_of_first(raw[0]) if raw else None)
    return Calls(raw, envelope, write_key, context_bytes=len(batch.context))


def one_or_many(body: bytes, max_events: int, form: str) -> list[bytes] | Refusal:
    """The events of a JSON text that is one object or a list of them, each still JSON text; `form` says what it must be."""
    begin = body.lstrip()[:1]
    words = f"{form}, or a list of them"
    if begin not in (b"{", b"["):
        return Refusal(400, "unparsable", words)
    try:
        events = [bytes(each) for each in (decoded(_LIST, body) if begin == b"[" else [decoded(_ONE, body)])]
    except (ValueError, RecursionError) as error:
        return Refusal(400, "unparsable", f"{words}: {error}")
    return within(events, max_events)


def within(events: list[bytes], max_events: int) -> list[bytes] | Refusal:
    """The events, unless they are too many."""
    if len(events) > max_events:
        return Refusal(413, "too_large", f"the body has {len(events)} events; at most {max_events} are accepted")
    return events


def decoded(decoder: msgspec.json.Decoder[T], text: bytes) -> T:
    """What the JSON text says, repaired when it has to be. Raises `ValueError`."""
    try:
        return decoder.decode(text)
    except msgspec.DecodeError:
        if not is_repairable(text):
            raise
        # One cut emoji, or one NaN, must not cost the whole request.
        return decoder.decode(repaired_text(text))


def _key_of_first(call: bytes) -> str | None:
    try:
        return _text(small(_KEY.decode(call).writeKey))
    except (ValueError, RecursionError):
        return None


def small(raw: msgspec.Raw) -> object:
    """The value of a key or a time; None for what is too long to be one, which would cost many times its size to read."""
    return read_json(raw) if len(raw) <= _MAX_SMALL_BYTES else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
