"""A shopper's end of the decision channel: a token for the visitor's secret, then server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

import aiohttp
import msgspec

from contracts.codec import DECISION_DECODER
from contracts.decisions import Decision
from contracts.http import TokenAnswer, TokenRequest

RECONNECT_S: Final = 1.0
TOKEN_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
STREAM_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=90)


async def listen(
    http: aiohttp.ClientSession,
    console_url: str,
    visitor_secret: str,
    *,
    on_decision: Callable[[Decision], None],
    on_problem: Callable[[str], None],
    opened: asyncio.Event,
) -> None:
    """Hand over the visitor's decisions as they come, reconnecting until cancelled. Sets `opened` at the first connection."""
    api = f"{console_url.rstrip('/')}/api/decisions"
    last_id: str | None = None
    while True:
        try:
            granted = await _token(http, api, visitor_secret)
            headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
            async with http.get(
                f"{api}/{granted.visitor_id}/stream",
                params={"token": granted.token},
                headers=headers,
                timeout=STREAM_TIMEOUT,
            ) as response:
                response.raise_for_status()
                opened.set()
                async for event_id, data in server_sent(response.content):
                    last_id = event_id or last_id
                    on_decision(DECISION_DECODER.decode(data))
        except aiohttp.ClientResponseError as error:
            on_problem(f"decisions: HTTP {error.status}")
        except (aiohttp.ClientError, msgspec.DecodeError, TimeoutError, OSError) as error:
            on_problem(f"decisions: {type(error).__name__}")
        await asyncio.sleep(RECONNECT_S)


async def server_sent(lines: aiohttp.StreamReader) -> AsyncIterator[tuple[str | None, bytes]]:
    """The `decision` events of a stream, each as its id and data."""
    event_id: str | None = None
    name, data = b"", b""
    async for line in lines:
        field, _, value = line.rstrip(b"\r\n").partition(b":")
        value = value.removeprefix(b" ")
        match field:
            case b"id":
                event_id = value.decode()
            case b"event":
                name = value
            case b"data":
                data += value
            case b"" if not line.strip():
                if data and name == b"decision":
                    yield event_id, data
                name, data = b"", b""


async def _token(http: aiohttp.ClientSession, api: str, visitor_secret: str) -> TokenAnswer:
    question = msgspec.json.encode(TokenRequest(visitor_secret=visitor_secret))
    async with http.post(f"{api}/token", data=question, timeout=TOKEN_TIMEOUT) as response:
        response.raise_for_status()
        return msgspec.json.decode(await response.read(), type=TokenAnswer)
