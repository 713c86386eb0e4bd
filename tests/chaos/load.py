"""A steady load of events over HTTP, whose senders repeat each batch until it is acknowledged and remember which were."""

import asyncio
import contextlib
import time
from typing import Any, Final

import aiohttp

TIMEOUT: Final = aiohttp.ClientTimeout(total=6)
RETRY_S: Final = 0.2
GIVE_UP_S: Final = 20.0
"""After the load has ended."""


class Load:
    """`senders` visitors, each sending a batch of `batch` events every `every_s` and waiting for its acknowledgement."""

    def __init__(self, url: str, run: str, *, senders: int = 20, batch: int = 5, every_s: float = 0.2) -> None:
        self.run = run
        self.sent = 0
        self.acknowledged: set[str] = set()
        self.refusals = 0
        """Answers other than 200, and calls that got none."""
        self._url = f"{url}/v1/batch"
        self._senders = senders
        self._batch = batch
        self._every_s = every_s
        self._calls: list[tuple[float, float]] = []
        """When each acknowledged call was made and answered."""

    async def send(self, stop: asyncio.Event) -> None:
        """Until `stop` is set and what was sent is acknowledged, or given up."""
        async with aiohttp.ClientSession(timeout=TIMEOUT) as http:
            await asyncio.gather(*(self._visitor(http, f"{self.run}-{n}", stop) for n in range(self._senders)))

    def first_acknowledged_s(self, at: float) -> float | None:
        """Seconds from `at` to the first acknowledgement of a call made after it."""
        return min((answered - at for called, answered in self._calls if called >= at), default=None)

    async def goes_on(self, at: float) -> None:
        """Return once a call made after `at` is acknowledged, or after a while without."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GIVE_UP_S):
                while self.first_acknowledged_s(at) is None:
                    await asyncio.sleep(RETRY_S)

    async def _visitor(self, http: aiohttp.ClientSession, visitor: str, stop: asyncio.Event) -> None:
        number = 0
        while not stop.is_set():
            next_at = time.monotonic() + self._every_s
            ids = [f"{visitor}-{number + index}" for index in range(self._batch)]
            number += len(ids)
            self.sent += len(ids)
            if not await self._is_acknowledged(http, visitor, ids, stop):
                return  # a visitor's next events come after these or not at all
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))

    async def _is_acknowledged(
        self, http: aiohttp.ClientSession, visitor: str, ids: list[str], stop: asyncio.Event
    ) -> bool:
        body = {"writeKey": "demo", "batch": [_item(visitor, message_id) for message_id in ids]}
        give_up_at = float("inf")
        while time.monotonic() < give_up_at:
            called = time.monotonic()
            try:
                async with http.post(self._url, json=body) as answer:
                    verdicts = await answer.json()
                    if answer.status == 200 and verdicts["accepted"] == len(ids):
                        self._calls.append((called, time.monotonic()))
                        self.acknowledged.update(ids)
                        return True
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass
            self.refusals += 1
            if stop.is_set() and give_up_at == float("inf"):
                give_up_at = time.monotonic() + GIVE_UP_S
            await asyncio.sleep(RETRY_S)
        return False


def _item(visitor: str, message_id: str) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "view_item",
        "anonymousId": visitor,
        "messageId": message_id,
        "properties": {"currency": "EUR", "value": 12.5, "items": [{"item_id": "sencha", "price": 12.5}]},
        "context": {"page": {"path": "/product/sencha", "url": "https://shop.example/product/sencha"}},
    }
