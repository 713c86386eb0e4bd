"""A shop's own event log: JSON lines, one Segment call each, as SDKs post them and customer data platforms archive them.

A line needs `type`, and `anonymousId` or `userId`; `timestamp` says when it happened. The path is a file (`.gz` or plain) or a folder
of them, read in the order of their names.
"""

import gzip
import zlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import msgspec

from contracts.ids import derived_id
from producers.replay.items import Recording, ReplayError, ReplayItem

ENDINGS: Final = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz")


class _Call(msgspec.Struct, rename="camel"):
    """What a replay reads of a call. What it is worth otherwise, ingest says."""

    message_id: str | None = None
    anonymous_id: str | None = None
    user_id: str | None = None
    timestamp: str | None = None
    original_timestamp: str | None = None


_decoder: Final = msgspec.json.Decoder(_Call, strict=False)


def recording(path: Path, day: date | None = None) -> Recording:
    """The events of a log, or of one UTC day of it. A log already in event-time order is streamed, never held whole."""
    count, is_ordered, newest = 0, True, datetime.min.replace(tzinfo=UTC)
    for each in _items(path, day):
        count += 1
        if each.occurred_at is not None:
            is_ordered = is_ordered and newest <= each.occurred_at
            newest = max(newest, each.occurred_at)
    return Recording(count, _items(path, day) if is_ordered else _sorted(path, day))


def item_of(line: bytes) -> ReplayItem:
    """The event a line tells. Without a message id, the same line is the same event. Raises `msgspec.DecodeError`."""
    call = _decoder.decode(line)
    return ReplayItem(
        message_id=call.message_id or derived_id("own", line.hex()),
        visitor_id=call.anonymous_id or call.user_id or "",
        occurred_at=_instant(call.timestamp or call.original_timestamp),
        body=line,
    )


def _items(path: Path, day: date | None) -> Iterator[ReplayItem]:
    for file in _files(path):
        opened = gzip.open if file.suffix == ".gz" else open
        number = 0
        try:
            with opened(file, "rb") as lines:
                for number, line in enumerate(lines, 1):  # noqa: B007  the handlers name it
                    if text := line.strip():
                        each = item_of(text)
                        if day is None or (each.occurred_at is not None and each.occurred_at.date() == day):
                            yield each
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ReplayError(
                f"line {number} of {file} is no Segment call ({error}); each line must be one JSON object as an SDK posts it"
            ) from error
        except (EOFError, zlib.error, OSError) as error:
            raise ReplayError(
                f"{file} cannot be read after line {number} ({error}); fetch it again, it may be cut short"
            ) from error


def _sorted(path: Path, day: date | None) -> Iterator[ReplayItem]:
    never = datetime.max.replace(tzinfo=UTC)
    yield from sorted(_items(path, day), key=lambda each: each.occurred_at or never)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        if not path.exists():
            raise ReplayError(f"{path} does not exist; give the path of the event log")
        return [path]
    files = sorted(file for file in path.iterdir() if file.name.endswith(ENDINGS))
    if not files:
        raise ReplayError(f"{path} has no file of JSON lines; they end in {', '.join(ENDINGS)}")
    return files


def _instant(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the first and the last day there is, in another zone, are in no year of ours
        return None
