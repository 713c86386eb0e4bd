"""A real Chromium in front of the recording server; a page error or a console message fails the test."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.end_to_end.tracker.recording_server import RecordingServer, recording_server


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with recording_server() as recording:
        yield recording


@pytest.fixture
def context(browser: Browser, server: RecordingServer) -> Iterator[BrowserContext]:
    """A new visitor's browser. Closed before the server, so that leaving pages still find it."""
    context = browser.new_context(locale="en-GB", timezone_id="Europe/Paris")
    yield context
    context.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console and `pageerror` said; a test that expects some takes them out."""
    return []


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Iterator[Page]:
    page = watched(context.new_page(), complaints)
    yield page
    if not page.is_closed():
        page.evaluate("0")  # lets the last console messages through
    assert complaints == []


def watched(page: Page, complaints: list[str]) -> Page:
    def hear(message: ConsoleMessage) -> None:
        # The browser reports each status that a test asked the server for.
        if "the server responded with a status" not in message.text:
            complaints.append(f"{message.type}: {message.text}")

    page.on("pageerror", lambda error: complaints.append(f"pageerror: {error}"))
    page.on("console", hear)
    return page


def turn(page: Page, state: str) -> None:
    """Tell the page that its tab is `hidden` or `visible`."""
    page.evaluate(
        """(state) => {
            Object.defineProperty(document, 'visibilityState', { value: state, configurable: true })
            document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
        }""",
        state,
    )
