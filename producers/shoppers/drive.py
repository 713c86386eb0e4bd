"""Simulated shoppers in the live shop: visits through the real endpoint, decisions through the real stream."""

import asyncio
import contextlib
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

import aiohttp

from contracts import event_names
from contracts.decisions import Decision, Incentive
from producers.shoppers import catalogue
from producers.shoppers.behaviour import persuaded, shopper_of, visit
from producers.shoppers.bots import bot_visit, is_bots_turn
from producers.shoppers.posting import Poster
from producers.shoppers.reactions import CONVINCED, broken, incentive_act, reaction_to
from producers.shoppers.report import ShopOptions, ShoppersReport
from producers.shoppers.streams import listen
from producers.shoppers.visit import Act, Item, Visit

SAME_BATCH_S: Final = 0.3
"""Acts closer together than this leave the browser in one batch."""
SHORTEST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 3.0
TIMES_FASTER: Final = 15.0
"""Pauses of a visit are divided by this, then kept within the shortest and the longest."""
STREAM_WAIT_S: Final = 3.0
LAST_DECISION_WAIT_S: Final = 1.5
PROGRESS_S: Final = 0.5

OnProgress = Callable[[ShoppersReport], None]


async def shop(options: ShopOptions, *, stop: asyncio.Event, on_progress: OnProgress | None = None) -> ShoppersReport:
    """Let shoppers walk until `count` visits are done or `stop` is set; every event sent is then accounted for."""
    report = ShoppersReport(run_prefix=options.run_prefix)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        floor = _Floor(options, report, stop, Poster(http, options, report, stop))
        progress = asyncio.create_task(_tell(report, on_progress)) if on_progress else None
        try:
            async with asyncio.TaskGroup() as shoppers:
                for place in range(options.shoppers):
                    shoppers.create_task(floor.shopper(place, http))
        finally:
            if progress:
                progress.cancel()
    if on_progress:
        on_progress(report)
    return report


def run_shoppers(
    options: ShopOptions, *, stop: threading.Event, on_progress: OnProgress | None = None
) -> ShoppersReport:
    """`shop`, for a caller without an event loop."""

    async def run() -> ShoppersReport:
        stopped = asyncio.Event()

        async def watch() -> None:
            while not stop.is_set():
                await asyncio.sleep(0.1)
            stopped.set()

        watching = asyncio.create_task(watch())
        try:
            return await shop(options, stop=stopped, on_progress=on_progress)
        finally:
            watching.cancel()

    return asyncio.run(run())


async def _tell(report: ShoppersReport, on_progress: OnProgress) -> None:
    while True:
        await asyncio.sleep(PROGRESS_S)
        on_progress(report)


class _Floor:
    """The shop floor: hands out visits to shoppers, no more and no faster than asked."""

    def __init__(self, options: ShopOptions, report: ShoppersReport, stop: asyncio.Event, poster: Poster) -> None:
        self.options = options
        self.poster = poster
        self.report = report
        self.stop = stop
        self.began_at = time.perf_counter()
        self._numbers = itertools.count()
        self._next_start_at = time.monotonic()

    async def shopper(self, place: int, http: aiohttp.ClientSession) -> None:
        """One shopper after another at this place."""
        with_stream = self.options.console_url is not None and place < self.options.streams
        await self.pause(min(place * 0.05, 2.0))  # not everyone comes through the door at once
        while (number := await self._turn()) is not None:
            self.report.visits += 1
            planned = self._planned(number)
            await LiveVisit(planned, self, self.poster, http).walk(with_stream and planned.archetype != "bot")

    def _planned(self, number: int) -> Visit:
        seed, now = self.options.seed, datetime.now(UTC)
        if is_bots_turn(number, seed=seed, share=self.options.bot_share):
            return bot_visit(number, seed=seed, started_at=now)
        return visit(number, shopper_of(seed, number), seed=seed, started_at=now)

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than until the end."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), seconds)

    async def _turn(self) -> int | None:
        """The number of the next visit; None when there is none."""
        if self.stop.is_set():
            return None
        number = next(self._numbers)
        if self.options.count is not None and number >= self.options.count:
            return None
        if self.options.rate is not None:
            now = time.monotonic()
            start_at = max(now, self._next_start_at)
            self._next_start_at = start_at + 1 / self.options.rate
            await self.pause(start_at - now)
        return None if self.stop.is_set() else number


class LiveVisit:
    """One visit as it happens. Its clock runs faster than ours and ends now: a visit of five minutes walked in
    twenty seconds began five minutes ago, so that the session has the length of a person's.
    """

    def __init__(self, planned: Visit, floor: _Floor, poster: Poster, http: aiohttp.ClientSession) -> None:
        self._visit = planned
        self._floor = floor
        self._options = floor.options
        self._report = floor.report
        self._poster = poster
        self._http = http
        self._random = Random(f"{floor.options.seed}/live/{planned.number}")
        self._message = itertools.count()
        self._plan = deque(planned.acts)
        self._walked: list[Act] = []
        walking_s = sum(self._pause_of(act) for act in planned.acts)
        self._clock = planned.started_at - timedelta(seconds=max(0.0, planned.duration_s - walking_s))
        self._posted_at: dict[str, float] = {}
        self._last_message_id: str | None = None
        self._has_session = False
        self._is_persuaded = False
        self._offers: asyncio.Queue[Incentive] = asyncio.Queue()
        self._seen: set[str] = set()
        self._caught_up = asyncio.Event()

    async def walk(self, with_stream: bool) -> None:
        """From the landing page to the last act, or to the stop; then wait shortly for the last decision."""
        listening: asyncio.Task[None] | None = None
        if with_stream and self._options.console_url is not None:
            opened = asyncio.Event()
            listening = asyncio.create_task(
                listen(
                    self._http,
                    self._options.console_url,
                    self._visit.visitor_secret,
                    on_decision=self._decided,
                    on_problem=lambda problem: self._report.problems.update((problem,)),
                    opened=opened,
                )
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(opened.wait(), STREAM_WAIT_S)
        try:
            while self._plan:
                await self._wait(self._pause_of(self._plan[0]))
                if self._floor.stop.is_set():
                    break
                await self._send(self._next_acts())
            if listening and self._has_session:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._caught_up.wait(), LAST_DECISION_WAIT_S)
        finally:
            if listening:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    def _next_acts(self) -> list[Act]:
        """The next act and those that follow it at once."""
        acts = [self._plan.popleft()]
        while self._plan and self._plan[0].after_s < SAME_BATCH_S:
            acts.append(self._plan.popleft())
        return acts

    def _pause_of(self, act: Act) -> float:
        if act.after_s < SAME_BATCH_S:
            return 0.0
        pause = min(LONGEST_PAUSE_S, max(SHORTEST_PAUSE_S, act.after_s / TIMES_FASTER))
        return pause / self._options.pace

    async def _wait(self, seconds: float) -> None:
        """Pause before the next act, meanwhile looking at what is offered."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._floor.stop.is_set():
            try:
                incentive = await asyncio.wait_for(self._offers.get(), min(left, 0.5))
            except TimeoutError:
                continue
            await self._look_at(incentive)

    async def _look_at(self, incentive: Incentive) -> None:
        if not self._walked:
            return
        context = self._walked[-1].context
        await self._send([incentive_act(event_names.INCENTIVE_SHOWN, incentive, context, after_s=0.1)])
        self._report.incentives_shown += 1
        reaction = reaction_to(incentive, self._visit.archetype, self._random)
        if reaction == "ignored":
            return
        await self._floor.pause(self._random.uniform(0.5, 2.0) / self._options.pace)
        if self._floor.stop.is_set():
            return
        if reaction == "dismissed":
            self._report.incentives_dismissed += 1
            await self._send([incentive_act(event_names.INCENTIVE_DISMISSED, incentive, context, after_s=2.0)])
            return
        self._report.incentives_accepted += 1
        await self._send([incentive_act(event_names.INCENTIVE_ACCEPTED, incentive, context, after_s=3.0)])
        if self._random.random() < CONVINCED and not self._is_persuaded:
            coupon = catalogue.COUPON if incentive.type == "discount" else None
            done = len(self._visit.acts) - len(self._plan)
            if acts := persuaded(self._visit, done, seed=self._options.seed, coupon=coupon):
                self._plan = deque(acts)
                self._is_persuaded = True

    async def _send(self, acts: list[Act]) -> None:
        batch: list[Item] = []
        for act in acts:
            self._walked.append(act)
            # A visit that incentives made longer catches up with our clock and stays with it.
            self._clock = min(self._clock + timedelta(seconds=act.after_s), datetime.now(UTC))
            item = self._visit.item(act, self._message_id(), self._clock)
            batch.append(item)
            self._last_message_id = item["messageId"]
            if self._random.random() < self._options.broken_share:
                batch.append(broken(item, self._message_id(), self._random))
        self._caught_up.clear()
        now = time.perf_counter()
        self._posted_at.update((item["messageId"], now) for item in batch)
        if await self._poster.post(batch) and not self._has_session:
            self._has_session = True
            self._report.sessions += 1

    def _message_id(self) -> str:
        return f"{self._options.run_prefix}-{self._visit.number}-{next(self._message)}"

    def _decided(self, decision: Decision) -> None:
        now = time.perf_counter()
        if decision.decision_id in self._seen:
            return
        self._seen.add(decision.decision_id)
        report = self._report
        report.decisions_received += 1
        if report.seconds_to_first_decision is None:
            report.seconds_to_first_decision = now - self._floor.began_at
        posted_at = self._posted_at.pop(decision.caused_by, None)
        if posted_at is not None:
            report.latencies_ms.append((now - posted_at) * 1000)
        if decision.caused_by == self._last_message_id:
            self._caught_up.set()
        incentive = decision.incentive
        if decision.is_offered and incentive is not None and incentive.incentive_id not in self._seen:
            self._seen.add(incentive.incentive_id)
            self._offers.put_nowait(incentive)
