"""The console's pages in a real Chromium: they show what happens as it happens, and strangers' text stays text."""

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from playwright.sync_api import Browser, Page, expect

from contracts.codec import ENCODER
from contracts.decisions import Charge, Decision
from contracts.events import Context
from contracts.features import SessionFeatures
from contracts.topics import DECISIONS
from runtime.kafka import durable_producer
from runtime.settings import KafkaSettings
from shopstream.ports import free_port
from shopstream.probes import ready_check
from sql.migrate import migrate
from tests.factories import decision, event, features, incentive, outcome
from tests.stored import store
from tests.waiting import until

HOSTILE = "\"><img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"
REPORT_VIOLATIONS = "addEventListener('securitypolicyviolation', (e) => console.error('CSP ' + e.violatedDirective))"


@pytest.fixture
def url(broker: KafkaSettings, database: str, tmp_path: Path) -> Iterator[str]:
    """The address of a running console over a migrated database."""
    with running_console(broker, database, tmp_path) as address:
        yield address


@contextmanager
def running_console(broker: KafkaSettings, database: str, tmp_path: Path, **settings: str) -> Iterator[str]:
    migrate(database)
    port = free_port()
    environ = {
        **os.environ,
        "SHOPSTREAM_CONSOLE_PORT": str(port),
        "SHOPSTREAM_KAFKA_BROKERS": ",".join(broker.brokers),
        "SHOPSTREAM_POSTGRES_DSN": database,
        **settings,
    }
    with (tmp_path / "console.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "shopstream", "console"], env=environ, stderr=log)
    is_ready = ready_check(f"http://127.0.0.1:{port}")
    try:
        until(lambda: is_ready() is None)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        ended = process.wait(10)
    assert ended == 0


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """A tab in which every error, console message and refused piece of content fails the test."""
    complaints: list[str] = []
    tab = browser.new_page(viewport={"width": 1440, "height": 900})
    tab.add_init_script(REPORT_VIOLATIONS)
    tab.on("pageerror", lambda error: complaints.append(f"pageerror: {error}"))
    tab.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    tab.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    yield tab
    tab.evaluate("0")  # lets the last console messages through
    tab.close()
    assert complaints == []


NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page asks the clock, and this module may have been imported long before its tests run."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC))


def seen(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def told(session: SessionFeatures, likelihood: float, event_count: int | None = None, **others: Any) -> Decision:
    return decision(
        session.last_seen_at,
        session_id=session.session_id,
        visitor_id=session.visitor_id,
        event_count=event_count or session.event_count,
        likelihood=likelihood,
        **others,
    )


def test_an_empty_shop_says_how_to_fill_it(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.get_by_role("heading", name="No one is in the shop.")).to_be_visible()
    expect(page.locator("#empty")).to_contain_text(f'data-decisions="{url}"')
    expect(page.locator("#link")).to_have_text("Live")


def test_a_session_is_shown_with_all_we_know_of_it(page: Page, url: str, database: str) -> None:
    session = features(seen(60), seen(2), visitor_id="ada", user_id="ada@shop", cart_value=80.5, cart_item_count=2)
    store(database, session, told(session, 0.62, persona="Quick Buyer", style="Hurried", incentive=incentive()))
    page.goto(url)
    row = page.locator("#rows tr")
    for words in ("ada@shop", "62%", "Quick Buyer", "Hurried", "10 % off", "80.50", "desktop · direct", "2 items"):
        expect(row).to_contain_text(words)
    expect(page.locator("#active")).to_have_text("1")
    expect(page.locator("#chart-likelihood rect.bin")).to_have_count(10)
    expect(page.locator("#chart-funnel")).to_contain_text("Visited")
    expect(page.locator("#chart-personas")).to_contain_text("Quick Buyer")


def test_a_decision_moves_the_row_and_the_feed_at_once(
    page: Page, url: str, broker: KafkaSettings, database: str
) -> None:
    session = features(seen(60), seen(2), visitor_id="ada")
    store(database, session, told(session, 0.1))
    page.goto(url)
    expect(page.locator("#rows tr")).to_contain_text("10%")
    expect(page.locator("#link")).to_have_text("Live")
    new = told(session, 0.9, event_count=2, incentive=incentive(message="Ships free today."))
    producer = durable_producer(broker)
    producer.send(DECISIONS.name, key=b"ada", value=ENCODER.encode(new), partition=0).get(10)
    # The row in Postgres never changes in this test, so what follows came over the feed.
    expect(page.locator("#feed li")).to_contain_text("Ships free today.")
    expect(page.locator("#feed li")).to_contain_text("90%")
    producer.close()


def test_a_click_on_a_session_tells_its_story(page: Page, url: str, database: str) -> None:
    session = features(
        seen(60), seen(2), visitor_id="ada", event_count=2, cart_value=20.0, add_to_cart_count=1, closed_at=None
    )
    looked = event("view_item", seen(60), items=[{"item_name": "Green tea", "price": 10.0}], value=10.0)
    added = event("add_to_cart", seen(2), value=20.0, colour="jade", context=Context(page_path="/tea"))
    first = decision(seen(60), session_id=session.session_id, likelihood=0.1, because=("- empty cart",))
    second = told(session, 0.7, incentive=incentive(), because=("+ cart worth 20.00",))
    store(database, looked, added, session, first, second)
    page.goto(url)
    page.get_by_role("link", name="ada").click()
    expect(page).to_have_url(re.compile(f"/sessions/{session.session_id}$"))
    timeline = page.locator("#timeline")
    for words in ("Viewed a product", "Green tea", "Added to cart", "/tea", "cart worth 20.00", "10 % off", "+60"):
        expect(timeline).to_contain_text(words)
    expect(page.locator("#outcome")).to_contain_text("Still open")
    expect(page.locator("#chart-curve circle")).to_have_count(2)
    timeline.get_by_text("Added to cart").click()
    expect(timeline).to_contain_text('"colour": "jade"')


def test_the_end_of_a_story_says_what_became_of_it(page: Page, url: str, database: str) -> None:
    session = features(seen(4000), seen(3900), closed_at=seen(2000))
    ended = outcome(seen(4000), seen(3900), session_id=session.session_id, abandoned_cart_value=42.0)
    store(database, session, ended)
    page.goto(f"{url}/sessions/{session.session_id}")
    expect(page.locator("#outcome")).to_contain_text("Left the cart")
    expect(page.locator("#outcome")).to_contain_text("42.00 was in it")


def test_what_strangers_typed_stays_text(page: Page, url: str, broker: KafkaSettings, database: str) -> None:
    session = features(
        seen(60),
        seen(2),
        visitor_id=HOSTILE[:120],
        user_id=HOSTILE,
        last_path=f"javascript:alert(1)//{HOSTILE}",
        channel=HOSTILE,
        event_count=2,
    )
    typed = event(
        HOSTILE[:128],
        seen(60),
        visitor_id=session.visitor_id,
        user_id=HOSTILE,
        items=[{"item_name": HOSTILE, "item_id": HOSTILE, "price": 1.0}],
        search_term=HOSTILE,
        transaction_id=HOSTILE,
        coupon=HOSTILE,
        currency=HOSTILE,
        value=2.0,
        custom={HOSTILE: [HOSTILE], "__proto__": {"is_polluted": True}, "constructor": HOSTILE},
        context=Context(page_path=f"javascript:alert(1)//{HOSTILE}"),
    )
    verdict = told(session, 0.5, user_id=HOSTILE, because=(HOSTILE,), incentive=incentive(message=HOSTILE))
    store(database, typed, session, verdict)
    producer = durable_producer(broker)
    producer.send(DECISIONS.name, key=b"x", value=ENCODER.encode(verdict), partition=0).get(10)
    producer.close()

    page.goto(url)
    expect(page.locator("#rows tr")).to_contain_text("<img src=x onerror=")
    expect(page.locator("#feed li")).to_contain_text("<img src=x onerror=")
    assert_inert(page)
    page.goto(f"{url}/sessions/{session.session_id}")
    expect(page.locator("#timeline")).to_contain_text("<img src=x onerror=")
    page.locator("#timeline summary").first.click()
    expect(page.locator("#timeline pre")).to_contain_text("<script>")
    assert_inert(page)


def assert_inert(page: Page) -> None:
    assert page.locator("img:not(.brand img)").count() == 0
    assert page.locator("body script").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0
    assert "hacked" not in page.title()
    assert page.evaluate("({}).is_polluted") is None


def test_both_pages_fit_a_phone(page: Page, url: str, database: str) -> None:
    session = features(seen(60), seen(2), visitor_id="v" * 128, last_path="/" + "long" * 40)
    store(database, session, told(session, 0.5, incentive=incentive(message="word " * 40)))
    page.set_viewport_size({"width": 390, "height": 844})
    for address, ready in ((url, "#rows tr"), (f"{url}/sessions/{session.session_id}", "#timeline li")):
        page.goto(address)
        page.locator(ready).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    last_page = page.locator("#features dt", has_text="Last page")
    assert last_page.evaluate("(name) => name.scrollWidth") > 60, "a long path leaves its name in one piece"


def test_a_story_that_does_not_exist_is_said_in_a_sentence(browser: Browser, url: str) -> None:
    tab = browser.new_page()
    tab.goto(f"{url}/sessions/nobody")
    expect(tab.locator("#link")).to_have_text("No such session")
    expect(tab.get_by_role("heading", name="There is no session with this id.")).to_be_visible()
    expect(tab.locator("#story")).to_be_hidden()
    tab.get_by_role("link", name="Sessions in progress").click()
    expect(tab).to_have_url(f"{url}/")
    tab.close()


def test_the_page_says_that_it_is_not_up_to_date_and_goes_on_by_itself(
    browser: Browser, url: str, database: str
) -> None:
    tab = browser.new_page()
    tab.goto(url)
    expect(tab.locator("#link")).to_have_text("Live")
    tab.route("**/api/sessions?*", lambda route: route.abort())
    expect(tab.locator("#trouble")).to_contain_text("The console does not answer")
    expect(tab.locator("#link")).to_have_text("Not up to date")
    tab.unroute("**/api/sessions?*")
    expect(tab.locator("#link")).to_have_text("Live")
    expect(tab.locator("#trouble")).to_be_hidden()
    tab.close()


def test_with_a_password_the_pages_work_for_who_knows_it_and_for_nobody_else(
    browser: Browser, broker: KafkaSettings, database: str, tmp_path: Path
) -> None:
    password = "correct horse battery"
    with running_console(broker, database, tmp_path, SHOPSTREAM_CONSOLE_PASSWORD=password) as url:
        session = features(seen(60), seen(2), visitor_id="ada", session_id="s1")
        store(database, session, told(session, 0.1))
        with pytest.raises(urllib.error.HTTPError, match="401") as refused:
            urllib.request.urlopen(url, timeout=5)
        refused.value.close()
        context = browser.new_context(http_credentials={"username": "ada", "password": password})
        page = context.new_page()
        page.goto(url)
        expect(page.locator("#rows tr")).to_contain_text("10%")
        expect(page.locator("#link")).to_have_text("Live")
        page.goto(f"{url}/sessions/s1")
        expect(page.locator("main")).to_contain_text("ada")
        context.close()


def test_one_event_and_one_decision_are_said_in_the_singular(page: Page, url: str, database: str) -> None:
    session = features(seen(60), seen(2), visitor_id="ada", session_id="s1", event_count=1)
    looked = event("page_view", seen(60), visitor_id="ada", session_id="s1")
    store(database, looked, session, decision(seen(60), session_id="s1", visitor_id="ada"))
    page.goto(f"{url}/sessions/s1")
    expect(page.locator("#timeline-count")).to_have_text("1 event, 1 decision")
    expect(page.locator("#none")).to_be_hidden()


def test_budgets_of_today_are_shown_when_there_are_any(page: Page, url: str, database: str) -> None:
    page.goto(url)
    expect(page.locator("#link")).to_have_text("Live")
    expect(page.locator("#budgets-card")).to_be_hidden()
    session = features(seen(60), seen(2), visitor_id="ada")
    charge = Charge(budget="discounts", day=NOW.date(), cost=12.5)
    store(database, session, told(session, 0.4, incentive=incentive(charge=charge), is_offered=True))
    with closing(psycopg2.connect(database)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("insert into budget_day values ('discounts', %s, 300, 25)", [NOW.date()])
    expect(page.locator("#budgets")).to_contain_text("12.50 of 300")
    expect(page.locator("#budgets")).to_contain_text("1 offer")
