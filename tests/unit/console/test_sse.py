"""Frames of server-sent events, and streams that clean up."""

import asyncio
from collections.abc import AsyncGenerator

from starlette.types import Message

from console.sse import EventStream, frame


def test_a_frame_names_its_id_event_and_data() -> None:
    assert frame("decision", b'{"a":1}', "3-7") == b'id: 3-7\nevent: decision\ndata: {"a":1}\n\n'
    assert frame("decisions", b"[]") == b"event: decisions\ndata: []\n\n"


def test_a_reader_that_leaves_closes_the_source_at_once() -> None:
    async def story() -> None:
        closed = asyncio.Event()
        left = asyncio.Event()

        async def frames() -> AsyncGenerator[bytes]:
            try:
                while True:
                    yield b"data\n\n"
            finally:
                closed.set()

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                left.set()
                await asyncio.sleep(60)  # a reader that takes nothing more

        async def receive() -> Message:
            await left.wait()
            return {"type": "http.disconnect"}

        scope = {"type": "http", "asgi": {"spec_version": "2.3"}, "method": "GET", "headers": []}
        source = frames()
        await asyncio.wait_for(EventStream(source, first=await anext(source))(scope, receive, send), 5)
        assert closed.is_set()

    asyncio.run(story())
