"""Simulated shoppers against a real HTTP server: every event is counted for what became of it."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

from contracts.codec import ENCODER
from contracts.http import BatchAnswer, EventError, TokenAnswer, TokenRequest
from contracts.ids import visitor_id_of
from producers.shoppers.drive import run_shoppers, shop
from producers.shoppers.report import ShopOptions, ShoppersReport
from tests.factories import decision, incentive

Refusal = Callable[[int], web.Response | None]
"""Answer to the n-th POST, None to accept it."""


def unavailable(retry_after: str = "0") -> web.Response:
    return web.Response(status=503, headers={"Retry-After": retry_after})


class Shop:
    """An ingest that stores by message id and refuses what is broken, and a console that decides on every batch."""

    def __init__(self, refuse: Refusal = lambda number: None, *, has_ever_new_offers: bool = False) -> None:
        self.refuse = refuse
        self.has_ever_new_offers = has_ever_new_offers
        self.posts = 0
        self.stored: dict[str, dict[str, Any]] = {}
        self.dead: dict[str, dict[str, Any]] = {}
        self.content_types: set[str] = set()
        self.streams: dict[str, asyncio.Queue[str]] = {}
        self.streams_closed = 0

    async def batch(self, request: web.Request) -> web.Response:
        self.posts += 1
        self.content_types.add(request.content_type)
        body = json.loads(await request.read())
        assert body["writeKey"] == "demo"
        if refusal := self.refuse(self.posts):
            return refusal
        errors = []
        for index, item in enumerate(body["batch"]):
            if fault := _fault(item):
                self.dead[item["messageId"]] = item
                errors.append(EventError(index=index, message_id=item["messageId"], code="schema", message=fault))
            else:
                self.stored[item["messageId"]] = item
                last = item
        if len(errors) < len(body["batch"]) and last["anonymousId"] in self.streams:
            self.streams[last["anonymousId"]].put_nowait(last["messageId"])
        accepted = len(body["batch"]) - len(errors)
        answer = BatchAnswer(accepted=accepted, rejected=len(errors), errors=tuple(errors))
        return web.Response(body=ENCODER.encode(answer), content_type="application/json")

    async def token(self, request: web.Request) -> web.Response:
        secret = msgspec.json.decode(await request.read(), type=TokenRequest).visitor_secret
        answer = TokenAnswer(visitor_id=visitor_id_of(secret), token="t", expires_in_s=600)
        return web.Response(body=ENCODER.encode(answer))

    async def stream(self, request: web.Request) -> web.StreamResponse:
        visitor_id = request.match_info["visitor_id"]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": welcome\n\nretry: 1000\n\n")
        caused_by = self.streams[visitor_id] = asyncio.Queue()
        try:
            while True:
                cause = await caused_by.get()
                offered = incentive(f"i-{cause if self.has_ever_new_offers else visitor_id}")
                offer = decision(visitor_id=visitor_id, caused_by=cause, incentive=offered)
                await response.write(b"id: 0-1\nevent: decision\ndata: " + ENCODER.encode(offer) + b"\n\n")
        finally:
            self.streams_closed += 1

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/v1/batch", self.batch)
        app.router.add_post("/api/decisions/token", self.token)
        app.router.add_get("/api/decisions/{visitor_id}/stream", self.stream)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


def _fault(item: dict[str, Any]) -> str | None:
    properties = item.get("properties", {})
    if not item.get("anonymousId"):
        return "no identity"
    if item["type"] == "track" and "event" not in item:
        return "no name"
    if isinstance(properties.get("value"), str) or isinstance(properties.get("items"), str):
        return "wrong type"
    return None


def went_shopping(
    place: Shop, *, stop_after_s: float | None = None, with_console: bool = False, **options: Any
) -> ShoppersReport:
    """The report of a run of the shop's visitors, fifty times faster than usual."""

    async def run() -> ShoppersReport:
        async with place.open() as url:
            stop = asyncio.Event()
            if stop_after_s is not None:
                asyncio.get_running_loop().call_later(stop_after_s, stop.set)
            asked = {"pace": 50.0, "seed": 11, "shoppers": 4, **options}
            return await shop(
                ShopOptions(ingest_url=url, console_url=url if with_console else None, **asked), stop=stop
            )

    return asyncio.run(run())


def assert_adds_up(report: ShoppersReport, place: Shop) -> None:
    assert report.sent == report.acknowledged + report.rejected + report.failed
    assert report.acknowledged == len(place.stored)
    assert report.rejected == len(place.dead)
    assert report.sessions == len({item["anonymousId"] for item in place.stored.values()})
    assert report.purchases == sum(item.get("event") == "purchase" for item in place.stored.values())
    assert all(message_id.startswith(report.run_prefix + "-") for message_id in [*place.stored, *place.dead])


def test_every_event_of_every_visit_is_acknowledged_or_rejected() -> None:
    place = Shop()
    report = went_shopping(place, count=40, broken_share=0.05)
    assert_adds_up(report, place)
    assert (report.visits, report.sessions, report.failed, report.retries) == (40, 40, 0, 0)
    assert report.rejected > 5
    assert report.purchases > 0
    assert place.content_types == {"text/plain"}


def test_refused_batches_are_sent_again_under_the_same_ids_and_counted_once() -> None:
    answers: dict[int, Callable[[], web.Response]] = {
        0: unavailable,
        1: lambda: web.Response(status=429, headers={"Retry-After": "0"}),
        2: lambda: web.Response(status=500),
    }
    place = Shop(lambda number: answers[number % 7]() if number % 7 in answers else None)
    report = went_shopping(place, count=4)
    assert_adds_up(report, place)
    assert report.failed == 0
    assert report.retries == report.problems["HTTP 503"] + report.problems["HTTP 429"] + report.problems["HTTP 500"] > 0


def test_a_whole_request_refused_for_good_is_failed_and_not_retried() -> None:
    place = Shop(lambda number: web.Response(status=401))
    report = went_shopping(place, count=5)
    assert_adds_up(report, place)
    assert (report.failed, report.acknowledged, report.sessions) == (report.sent, 0, 0)
    assert report.retries == 0


def test_stopping_ends_the_visits_and_leaves_nothing_unaccounted_for() -> None:
    place = Shop(lambda number: unavailable() if number % 5 == 0 else None)
    report = went_shopping(place, stop_after_s=1.0, shoppers=10, pace=5.0)
    assert_adds_up(report, place)
    assert report.failed == 0
    assert report.acknowledged > 10


def test_an_ingest_that_never_answers_again_makes_events_failed_once_patience_ends() -> None:
    place = Shop(lambda number: unavailable("30") if number > 10 else None)
    report = went_shopping(place, stop_after_s=0.6, pace=5.0, patience_s=0.3)
    assert_adds_up(report, place)
    assert report.failed > 0


def test_shoppers_hear_decisions_measure_their_latency_and_react_to_incentives() -> None:
    place = Shop()
    report = went_shopping(place, count=24, shoppers=6, with_console=True, pace=25.0)
    assert_adds_up(report, place)
    assert report.decisions_received == len(report.latencies_ms) > 24
    assert report.seconds_to_first_decision is not None
    assert min(report.latencies_ms) > 0
    assert (report.latency_ms(0.5) or 0) <= (report.latency_ms(0.99) or 0)
    sent = Counter(item.get("event") for item in place.stored.values())
    assert sent["incentive_shown"] == report.incentives_shown > 5
    assert sent["incentive_accepted"] == report.incentives_accepted > 0
    assert sent["incentive_dismissed"] == report.incentives_dismissed > 0
    assert place.streams_closed == 24


def test_who_accepts_one_offer_after_the_other_buys_once() -> None:
    place = Shop(has_ever_new_offers=True)
    report = went_shopping(place, count=60, shoppers=12, with_console=True, pace=25.0, bot_share=0.0)
    assert_adds_up(report, place)
    buyers = [item["anonymousId"] for item in place.stored.values() if item.get("event") == "purchase"]
    assert len(buyers) == len(set(buyers)) == report.purchases > 0


def test_a_console_that_is_away_does_not_keep_anyone_from_shopping() -> None:
    async def run(place: Shop) -> ShoppersReport:
        async with place.open() as url:
            options = ShopOptions(ingest_url=url, console_url="http://127.0.0.1:9", count=2, pace=50.0, seed=11)
            return await shop(options, stop=asyncio.Event())

    place = Shop()
    report = asyncio.run(run(place))
    assert_adds_up(report, place)
    assert report.acknowledged > 0
    assert report.seconds_to_first_decision is None
    assert any(problem.startswith("decisions: ") for problem in report.problems)


def test_a_rate_spaces_the_beginnings_of_visits() -> None:
    report = went_shopping(Shop(), stop_after_s=1.0, rate=8.0, shoppers=20)
    assert 5 <= report.visits <= 10


def test_a_caller_without_an_event_loop_gets_the_report_and_its_progress() -> None:
    async def serve(place: Shop, ready: threading.Event, done: threading.Event, urls: list[str]) -> None:
        async with place.open() as url:
            urls.append(url)
            ready.set()
            while not done.is_set():
                await asyncio.sleep(0.02)

    place, ready, done, urls, seen = Shop(), threading.Event(), threading.Event(), list[str](), list[int]()
    server = threading.Thread(target=lambda: asyncio.run(serve(place, ready, done, urls)))
    server.start()
    try:
        assert ready.wait(5)
        options = ShopOptions(ingest_url=urls[0], count=6, pace=20.0, seed=11)
        report = run_shoppers(options, stop=threading.Event(), on_progress=lambda r: seen.append(r.acknowledged))
    finally:
        done.set()
        server.join()
    assert_adds_up(report, place)
    assert seen[-1] == report.acknowledged
