r"""Text and nesting that every later step can store, whatever an attacker or a cut emoji put into the JSON.

A NUL character (which Postgres cannot store) and a lone surrogate (which UTF-8 cannot carry) become U+FFFD, the replacement
character: a page title cut in the middle of an emoji is everyday input and no reason to lose an event.
In JSON text both can only be written as escapes, `\u0000` and `\ud83d`, so the text is repaired before it is read. So are NaN and
Infinity, which Python writes into JSON and which are none: they are null, as in what JavaScript writes.
"""

import json
import re
from typing import Any, Final

import msgspec

from contracts.codec import ENCODER
from producers.ingest.rejections import Unfit

MAX_DEPTH: Final = 64

_ESCAPED_NUL: Final = b"\\u0000"
_DECODE: Final = msgspec.json.Decoder().decode
# Every escape is consumed whole, so that the second half of a pair, or of an escaped backslash, is never taken for a start.
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2}|u0000)|.)",
    re.DOTALL,
)
_STEPS: Final = (b'"', b"\\", b"NaN", b"Infinity")
_MAX_STEPS: Final = 700_000
"""More than 4 MB of nothing but escapes need; what has more was made to be slow."""
# Texts are stepped over whole, also one without an end.
_TEXT_OR_NO_NUMBER: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|-?(?:NaN|Infinity)\b', re.DOTALL)


def repaired_text(text: bytes) -> bytes:
    """JSON text with every NUL, every lone surrogate and every number that is none replaced."""
    text = _ESCAPE.sub(lambda escape: b"\\ufffd" if escape[1] else escape[0], text)
    if not _may_hold_no_numbers(text):
        return text
    return _TEXT_OR_NO_NUMBER.sub(lambda found: found[0] if found[0].startswith(b'"') else b"null", text)


def is_repairable(text: bytes) -> bool:
    """Whether what no JSON reader takes in it may be something that `repaired_text` replaces, in little time."""
    return (may_hold_surrogates(text) or _may_hold_no_numbers(text)) and sum(map(text.count, _STEPS)) <= _MAX_STEPS


def may_hold_surrogates(text: bytes) -> bool:
    return b"\\ud" in text or b"\\uD" in text


def _may_hold_no_numbers(text: bytes) -> bool:
    return b"NaN" in text or b"Infinity" in text


def read_json(raw: bytes | msgspec.Raw) -> Any:
    """The value of a JSON text, sound. Raises `Unfit`."""
    text = bytes(raw)
    if text == b"null":  # what most requests leave out
        return None
    if b"\\" in text and _ESCAPED_NUL in text:  # one byte is found many times faster
        text = repaired_text(text)
    try:
        try:
            value = _DECODE(text)
        except msgspec.DecodeError:
            if not is_repairable(text):
                raise
            value = _DECODE(repaired_text(text))
    except RecursionError:
        raise Unfit(f"nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:  # msgspec's errors and the codec's are both
        raise Unfit(f"not JSON: {error}", "unparsable") from None
    _check_depth(value, text)
    return value


def read_object(raw: bytes | msgspec.Raw, max_bytes: int) -> dict[str, Any]:
    """An event's JSON text, sound and an object of no more than so many bytes. Raises `Unfit`."""
    if len(raw) > max_bytes:
        raise Unfit(f"the event has {len(raw)} bytes; at most {max_bytes} are read", "too_large")
    event = read_json(raw)
    if not isinstance(event, dict):
        raise Unfit("an event must be a JSON object")
    return event


def sound(value: Any) -> Any:
    """The same JSON value, sound. Raises `Unfit`."""
    try:
        text = _text_of(value)
    except RecursionError:
        raise Unfit(f"nested deeper than {MAX_DEPTH} levels") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise Unfit(f"not a JSON value: {error}") from None
    if _ESCAPED_NUL in text or may_hold_surrogates(text):
        return read_json(text)
    _check_depth(value, text)
    return value


def _text_of(value: Any) -> bytes:
    try:
        return ENCODER.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value).encode()  # writes a lone surrogate as its escape


def _check_depth(value: Any, text: bytes) -> None:
    if len(text) <= MAX_DEPTH:
        return
    # Counting brackets is fast and never too low; only a text with many of them is walked.
    if text.count(b"{") + text.count(b"[") <= MAX_DEPTH:
        return
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for each in level
            if isinstance(each, (dict, list, tuple))
            for child in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return
    raise Unfit(f"nested deeper than {MAX_DEPTH} levels")
