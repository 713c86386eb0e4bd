"""A tab sleeps, as on a closed laptop, until its token has expired and its stream is gone; then it goes on."""

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page, Response

from contracts.codec import ENCODER
from contracts.topics import DECISIONS
from runtime.kafka import durable_producer
from runtime.settings import KafkaSettings
from tests.end_to_end.tracker.conftest import watched
from tests.end_to_end.tracker.recording_server import RecordingServer
from tests.factories import decision
from tests.running import running

LONGER_THAN_A_TOKEN_S = 2.5


def decide(kafka: KafkaSettings, visitor_id: str, decision_id: str, event_count: int) -> None:
    told = decision(
        datetime.now(UTC), decision_id=decision_id, session_id="s", visitor_id=visitor_id, event_count=event_count
    )
    producer = durable_producer(kafka)
    producer.send(DECISIONS.name, key=visitor_id.encode(), value=ENCODER.encode(told), partition=0).get(10)
    producer.close()


def hears(page: Page, decision_id: str) -> None:
    page.wait_for_function("(id) => heard.includes(id)", arg=decision_id, polling=100)


def test_a_tab_that_slept_over_the_end_of_its_token_gets_another_and_hears_decisions_again(
    server: RecordingServer, browser: Browser, broker: KafkaSettings, database: str, tmp_path: Path
) -> None:
    with running(broker, database, tmp_path, ("console",), SHOPSTREAM_CONSOLE_TOKEN_TTL_S="1") as services:
        server.console = services.urls["console"]
        context = browser.new_context()
        complaints: list[str] = []
        page = watched(context.new_page(), complaints)
        answers: list[tuple[str, int]] = []

        def note(got: Response) -> None:
            if "/api/" in got.url:
                answers.append((got.url.partition("?")[0].rpartition("/")[2], got.status))

        page.on("response", note)
        page.goto(server.shop)
        page.evaluate("window.heard = []; shopstream.on('decision', (told) => heard.push(told.decision_id))")
        visitor_id = server.wait_for_event("page")[0]["anonymousId"]
        decide(broker, visitor_id, "before", 1)
        hears(page, "before")

        browser_side = context.new_cdp_session(page)
        browser_side.send("Page.setWebLifecycleState", {"state": "frozen"})
        (console,) = services.supervisor.runs()
        services.supervisor.stop("console")  # and with it the stream, as a network that is gone ends it
        time.sleep(
            LONGER_THAN_A_TOKEN_S
        )  # before it is there again: a tab is frozen in its own time, and may still come back
        services.supervisor.start(console.service)
        services.supervisor.wait_until_ready(60, threading.Event())
        decide(broker, visitor_id, "meanwhile", 2)
        browser_side.send("Page.setWebLifecycleState", {"state": "active"})
        hears(page, "meanwhile")
        decide(broker, visitor_id, "after", 3)
        hears(page, "after")
        assert ("stream", 401) in answers, answers
        context.close()
