"""Bytes of requests that ingest holds, being read or waiting for Kafka, within a bound: overload is answered, not stored."""

from typing import Final, Self

RECORD_BYTES: Final = 1_500
"""What one event costs beside its own text until Kafka has acknowledged it; a small body can hold thousands."""


class InFlight:
    """What all requests hold together. Bodies still being read get at most half, so that slow senders leave room."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self.reading_bytes = 0

    def hold(self) -> "Hold":
        return Hold(self)


class Hold:
    """What one request holds while the `with` block runs."""

    __slots__ = ("_bytes", "_in_flight", "_reading_bytes")

    def __init__(self, in_flight: InFlight) -> None:
        self._in_flight = in_flight
        self._bytes = 0
        self._reading_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._set(0, 0)

    def keep(self, size: int, *, is_reading: bool = False) -> bool:
        """Hold `size` bytes from now on, or return False when there is no room for them."""
        there = self._in_flight
        reading = size if is_reading else 0
        if there.bytes - self._bytes + size > there.max_bytes:
            return False
        if is_reading and there.reading_bytes - self._reading_bytes + reading > there.max_bytes // 2:
            return False
        self._set(size, reading)
        return True

    def _set(self, size: int, reading: int) -> None:
        self._in_flight.bytes += size - self._bytes
        self._in_flight.reading_bytes += reading - self._reading_bytes
        self._bytes, self._reading_bytes = size, reading
