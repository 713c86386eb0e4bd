"""Posting batches the way the browser snippet does, and counting exactly what became of every event."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Final

import aiohttp
import msgspec

from contracts import event_names
from contracts.codec import UNDECODABLE
from contracts.http import BatchAnswer
from producers.shoppers.report import ShopOptions, ShoppersReport
from producers.shoppers.visit import Item, body, instant

ANSWER_TIMEOUT: Final = aiohttp.ClientTimeout(total=20)
FIRST_BACKOFF_S: Final = 0.2
LONGEST_BACKOFF_S: Final = 5.0
RETRIED: Final = frozenset({408, 425, 429})
"""Refusals that may end; every 5xx is retried too."""

_encode = msgspec.json.Encoder().encode
_answer = msgspec.json.Decoder(BatchAnswer)


class Poster:
    """Posts batches to one ingest until each is answered for good; the report's counts are its."""

    def __init__(
        self, http: aiohttp.ClientSession, options: ShopOptions, report: ShoppersReport, stop: asyncio.Event
    ) -> None:
        self._http = http
        self._url = f"{options.ingest_url.rstrip('/')}/v1/batch"
        self._write_key = options.write_key
        self._patience_s = options.patience_s
        self._report = report
        self._stop = stop
        self._random = Random(options.seed)
        self._gives_up_at: float | None = None

    async def post(self, batch: Sequence[Item]) -> int:
        """Send the batch, with the same message ids as often as needed; returns how many events were accepted."""
        report = self._report
        report.sent += len(batch)
        for attempt in range(1_000_000):
            retry_after_s: float | None = None
            try:
                async with self._http.post(
                    self._url,
                    data=_encode(body(batch, write_key=self._write_key, sent_at=instant(datetime.now(UTC)))),
                    # text/plain, as the snippet: a browser then sends no preflight.
                    headers={"Content-Type": "text/plain;charset=UTF-8"},
                    timeout=ANSWER_TIMEOUT,
                ) as response:
                    raw = await response.read()
                    if response.status == 200:
                        return self._count(batch, raw)
                    report.problems[f"HTTP {response.status}"] += 1
                    if response.status not in RETRIED and response.status < 500:
                        break
                    with contextlib.suppress(ValueError):
                        retry_after_s = float(response.headers.get("Retry-After", ""))
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                report.problems[type(error).__name__] += 1
            if not await self._may_retry(attempt, retry_after_s):
                break
            report.retries += 1
        report.failed += len(batch)
        return 0

    def _count(self, batch: Sequence[Item], raw: bytes) -> int:
        try:
            answer = _answer.decode(raw)
        except UNDECODABLE:  # an ingest of someone else's, without verdicts
            answer = BatchAnswer(accepted=len(batch))
        if answer.accepted + answer.rejected != len(batch):
            self._report.problems["verdicts do not add up to the batch"] += 1
        rejected = {error.index for error in answer.errors}
        self._report.acknowledged += answer.accepted
        self._report.rejected += answer.rejected
        self._report.purchases += sum(
            item.get("event") == event_names.PURCHASE for index, item in enumerate(batch) if index not in rejected
        )
        return answer.accepted

    async def _may_retry(self, attempt: int, retry_after_s: float | None) -> bool:
        """Wait before the next attempt; false once patience has ended."""
        backoff = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(attempt, 10)) * self._random.uniform(0.5, 1.0)
        wait_s = max(backoff, retry_after_s or 0.0)
        if not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), wait_s)
                wait_s = 0.0  # stopped while waiting: try once more at once
        now = time.monotonic()
        if self._stop.is_set():
            self._gives_up_at = self._gives_up_at or now + self._patience_s
            if now + wait_s > self._gives_up_at:
                return False
            if wait_s:
                await asyncio.sleep(wait_s)
        return True
