"""The bytes of a spool segment: one frame a batch, each with its length and checksums."""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from crc32c import crc32c

MARK: Final = b"\xffSP1"
"""Begins every frame. No JSON text holds a 0xFF, so nobody can send us one; the digit is the format's version."""
_HEAD: Final = struct.Struct("<4sIII")  # mark, records, payload bytes, checksum of the payload
_CHECK: Final = struct.Struct("<I")  # checksum of the head: without it a length is not believed
HEAD_BYTES: Final = _HEAD.size + _CHECK.size


class Frame(NamedTuple):
    """One batch."""

    record_count: int
    payload: bytes


class Damage(NamedTuple):
    """Bytes from `start` to `end` that are no sound frame."""

    start: int
    end: int


class TornTail(NamedTuple):
    """A frame that was being written when its writer ended: nobody was told that it is stored."""

    start: int
    end: int


def framed(frame: Frame) -> bytes:
    """A batch as bytes."""
    head = _HEAD.pack(MARK, frame.record_count, len(frame.payload), crc32c(frame.payload))
    return head + _CHECK.pack(crc32c(head)) + frame.payload


def pieces_of(data: bytes) -> Iterator[Frame | Damage | TornTail]:
    """Everything in a segment, in order; a damaged frame costs no other one."""
    at = 0
    while at < len(data):
        piece = _piece_at(data, at)
        if isinstance(piece, Damage):
            piece = Damage(at, _next_frame(data, at + 1))
        yield piece
        at = at + HEAD_BYTES + len(piece.payload) if isinstance(piece, Frame) else piece.end


def _piece_at(data: bytes, at: int) -> Frame | Damage | TornTail:
    end = len(data)
    if end - at < HEAD_BYTES:
        return TornTail(at, end)
    mark, record_count, size, check = _HEAD.unpack_from(data, at)
    if mark != MARK or _CHECK.unpack_from(data, at + _HEAD.size)[0] != crc32c(data[at : at + _HEAD.size]):
        return Damage(at, end)
    payload = data[at + HEAD_BYTES : at + HEAD_BYTES + size]
    if len(payload) < size:
        return TornTail(at, end)
    return Frame(record_count, payload) if crc32c(payload) == check else Damage(at, end)


def _next_frame(data: bytes, at: int) -> int:
    """Where the next sound frame begins, else the end."""
    while (at := data.find(MARK, at)) >= 0:
        if isinstance(_piece_at(data, at), Frame):
            return at
        at += 1
    return len(data)
