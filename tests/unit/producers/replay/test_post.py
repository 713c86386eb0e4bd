import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from aiohttp import web

from contracts.http import BatchAnswer, EventError, Problem
from producers.replay import post
from producers.replay.items import Recording, ReplayError, ReplayItem, item
from producers.replay.post import ReplayOptions, ReplayReport, replay
from shopstream.ports import free_port

START = datetime(2019, 10, 1, tzinfo=UTC)


class FakeIngest:
    """Answers what it is told to, in turn, and 200 from then on; remembers each request's message ids."""

    def __init__(self, *answers: tuple[int, dict[str, str]]) -> None:
        self.answers = list(answers)
        self.requests: list[list[str]] = []
        self.keys: set[str | None] = set()
        self.refused: set[str] = set()
        self.acknowledged: list[str] = []
        self.largest = 10_000_000

    async def batch(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        ids = [each["messageId"] for each in msgspec.json.decode(raw)["batch"]]
        self.requests.append(ids)
        self.keys.add(request.headers.get("Authorization"))
        status, headers = self.answers.pop(0) if self.answers else (200, {})
        if len(raw) > self.largest:
            status = 413
        if status == 0:  # hang up
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if status != 200:
            problem = Problem(code="no", message="not today", title="No", status=status)
            return web.Response(status=status, headers=headers, body=msgspec.json.encode(problem))
        self.acknowledged += ids
        errors = tuple(
            EventError(index=index, message_id=each, code="schema", message="no")
            for index, each in enumerate(ids)
            if each in self.refused
        )
        answer = BatchAnswer(accepted=len(ids) - len(errors), rejected=len(errors), errors=errors)
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

    async def serving(self, story: Callable[[str], Awaitable[Any]]) -> Any:
        app = web.Application(client_max_size=10_000_000)
        app.router.add_post("/v1/batch", self.batch)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", free_port())
        await site.start()
        try:
            return await story(site.name)
        finally:
            await runner.cleanup()


def view(number: int, *, second: float = 0, visitor: str = "ada", note: str = "") -> ReplayItem:
    return item(
        "view_item",
        message_id=f"m{number}",
        visitor_id=visitor,
        timestamp="2019-10-01T00:00:00Z",
        occurred_at=START + timedelta(seconds=second),
        properties={"note": note},
        context={},
    )


def replayed(ingest: FakeIngest, items: list[ReplayItem], **options: Any) -> ReplayReport:
    async def story(url: str) -> ReplayReport:
        settings = ReplayOptions(url=url, write_key="history", **options)
        return await replay(Recording(len(items), iter(items)), settings, lambda done, total: None)

    report: ReplayReport = asyncio.run(ingest.serving(story))
    return report


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "FIRST_PAUSE_S", 0.01)


def test_every_distinct_event_is_sent_and_counted_once() -> None:
    ingest = FakeIngest()
    items = [view(number, second=number, visitor=f"v{number % 7}") for number in range(1_200)]
    report = replayed(ingest, [*items[:600], items[599], *items[600:]])
    assert sorted(ingest.acknowledged) == sorted(each.message_id for each in items)
    assert (report.read, report.distinct, report.sent, report.acknowledged, report.rejected) == (
        1201,
        1200,
        1200,
        1200,
        0,
    )
    assert (report.first_occurred_at, report.last_occurred_at) == (START, START + timedelta(seconds=1199))
    assert ingest.keys == {f"Basic {b64encode(b'history:').decode()}"}


def test_a_visitors_events_arrive_in_event_time_order() -> None:
    ingest = FakeIngest()
    items = [view(number, second=number / 10, visitor=f"v{number % 5}") for number in range(4_000)]
    replayed(ingest, items)
    visitor_of = {each.message_id: each.visitor_id for each in items}
    for visitor in set(visitor_of.values()):
        arrived = [int(each[1:]) for each in ingest.acknowledged if visitor_of[each] == visitor]
        assert arrived == sorted(arrived)


def test_what_was_not_acknowledged_is_sent_again_with_the_same_ids() -> None:
    ingest = FakeIngest((503, {"Retry-After": "0"}), (429, {}), (0, {}))
    report = replayed(ingest, [view(1), view(2)])
    assert ingest.requests == [["m1", "m2"]] * 4
    assert (report.sent, report.acknowledged, report.retries) == (2, 2, 3)


def test_refused_events_are_counted_with_their_reason() -> None:
    ingest = FakeIngest()
    ingest.refused = {"m2"}
    report = replayed(ingest, [view(1), view(2), view(3)])
    assert (report.acknowledged, report.rejected, report.rejections) == (2, 1, {"schema": 1})


def test_a_request_that_is_too_large_is_halved() -> None:
    ingest = FakeIngest()
    ingest.largest = 3_000
    report = replayed(ingest, [view(number, note="x" * 500) for number in range(20)])
    assert sorted(ingest.acknowledged) == sorted(f"m{number}" for number in range(20))
    assert (report.sent, report.acknowledged) == (20, 20)


def test_a_limit_ends_the_replay_early() -> None:
    ingest = FakeIngest()
    report = replayed(ingest, [view(number) for number in range(50)], limit=7)
    assert report.sent == len(ingest.acknowledged) == 7


def test_speed_stretches_event_time() -> None:
    report = replayed(FakeIngest(), [view(1), view(2, second=60)], speed=200.0)
    assert report.seconds >= 60 / 200


def test_an_unknown_key_ends_the_replay_with_ingests_own_words() -> None:
    with pytest.raises(ReplayError, match="answered 401: not today"):
        replayed(FakeIngest((401, {})), [view(1)])


def test_an_ingest_that_stays_away_ends_the_replay_with_what_to_do() -> None:
    async def nobody() -> None:
        options = ReplayOptions(url=f"http://127.0.0.1:{free_port()}", write_key="history", patience_s=0.05)
        await replay(Recording(1, iter([view(1)])), options, lambda done, total: None)

    with pytest.raises(ReplayError, match="0 of 1 sent are acknowledged"):
        asyncio.run(nobody())


@pytest.mark.parametrize("url", ["nonsense", "http://"])
def test_a_url_that_is_none_is_named(url: str) -> None:
    with pytest.raises(ReplayError, match="is no URL"):
        asyncio.run(
            replay(Recording(1, iter([view(1)])), ReplayOptions(url=url, write_key="k"), lambda done, total: None)
        )


def test_progress_ends_at_the_last_row() -> None:
    told: list[tuple[int, int]] = []

    async def story(url: str) -> None:
        items = [view(1), view(2, second=1000), view(2, second=1000)]
        await replay(
            Recording(3, iter(items)),
            ReplayOptions(url=url, write_key="history"),
            lambda done, total: told.append((done, total)),
        )

    asyncio.run(FakeIngest().serving(story))
    assert told[-1] == (3, 3)
    assert told == sorted(told)
