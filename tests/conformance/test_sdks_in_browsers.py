"""The browser SDKs, unmodified, in a real Chromium on a page of another origin: each event is stored once."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple

import pytest
from playwright.sync_api import Browser

from tests.conformance.expectations import RETRIED, check
from tests.conformance.front import Fault
from tests.conformance.installed import bundled, missing
from tests.conformance.runs import FAULTS, Ingest, Run, runs_of
from tests.conformance.shop import shop_page
from tests.conftest import skip_unless_ci


class Way(NamedTuple):
    """One way in which a shop can set an SDK up, and after which answers its events arrive in the end."""

    page: str
    settings: dict[str, Any]
    delivered: frozenset[Fault] = RETRIED | {"200"}


WAYS: Final = {
    "segment-single": Way("segment", {}),
    "segment-batching": Way("segment", {"strategy": "batching"}),
    "rudderstack-xhr": Way("rudderstack", {}),
    "rudderstack-batch": Way("rudderstack", {"transport": "batch"}),
    # A beacon is never told the answer: what is refused is lost.
    "rudderstack-beacon": Way("rudderstack", {"transport": "beacon"}, frozenset({"200"})),
    "snowplow-post": Way("snowplow", {"method": "post"}),
    "snowplow-get": Way("snowplow", {"method": "get"}),
    # Beacons too.
    "google-analytics": Way("google-analytics", {}, frozenset({"200"})),
}


@pytest.fixture(scope="module", params=list(WAYS))
def way(request: pytest.FixtureRequest) -> Way:
    if reason := missing(browser=True):
        skip_unless_ci(reason)
    return WAYS[request.param]


@pytest.fixture(scope="module")
def runs(way: Way, ingest: Ingest, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[Fault, Run]:
    script = bundled(way.page, tmp_path_factory.mktemp(way.page))

    @contextmanager
    def pages(urls: Sequence[str]) -> Iterator[None]:
        with ExitStack() as stack:
            shop = stack.enter_context(shop_page(script))
            for url in urls:
                # A visitor of its own for each answer. Not routed by playwright, which would answer preflights itself.
                context = stack.enter_context(browser.new_context())
                page = context.new_page()
                page.on("console", lambda message: print(message.text))  # noqa: T201  shown when a test fails
                page.on("pageerror", lambda error: print(error))  # noqa: T201
                page.goto(shop)
                page.evaluate("settings => window.send(settings)", {"ingest": url, **way.settings})
            yield

    return runs_of(ingest, pages, way.delivered)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_browser_sdk_stores_each_event_once_or_gives_up(way: Way, runs: dict[Fault, Run], fault: Fault) -> None:
    check(runs[fault], fault, way.delivered)
