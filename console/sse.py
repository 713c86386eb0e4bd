"""Server-sent events: the frames, and a response that ends when either side goes."""

from collections.abc import AsyncGenerator
from typing import Final

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

RETRY: Final = b"retry: 1000\n\n"
HEARTBEAT: Final = b": still here\n\n"
HEARTBEAT_S: Final = 15.0


def frame(event: str, data: bytes, id: str | None = None) -> bytes:
    """One message. `data` is JSON on one line."""
    name = b"" if id is None else b"id: " + id.encode() + b"\n"
    return name + b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"


class EventStream(StreamingResponse):
    """A response of frames that is never stored, compressed or held back on its way, and closes its source at the end."""

    def __init__(self, frames: AsyncGenerator[bytes], first: bytes) -> None:
        self._frames = frames
        headers = {"cache-control": "no-store, no-transform", "x-accel-buffering": "no"}
        super().__init__(_led_by(first, frames), media_type="text/event-stream", headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # A generator interrupted while its frame was being sent would otherwise wait for the garbage collector.
            await self._frames.aclose()


async def _led_by(first: bytes, frames: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async for each in frames:
        yield each
