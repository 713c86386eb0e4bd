"""The heatmap in a real Chromium: from a click in the shop's page to heat on the console's, and what strangers named stays text."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from contracts.events import Context, Event
from runtime.settings import KafkaSettings
from tests.end_to_end.test_console_page import REPORT_VIOLATIONS, running_console
from tests.factories import event, features
from tests.stored import store

COLOURS_AT = """(places) => {
    const canvas = document.getElementById('canvas')
    const { data, width } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    return places.map(([x, y]) => {
        const at = 4 * (Math.round(y * width / 1280) * width + Math.round(x * width))
        return [...data.slice(at, at + 3)]
    })
}"""
"""Of places in a desktop's page: the share of its width, and pixels from its top."""


@pytest.fixture
def url(broker: KafkaSettings, database: str, tmp_path: Path) -> Iterator[str]:
    with running_console(broker, database, tmp_path) as address:
        yield address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab in which every error and every refused piece of content fails the test."""
    complaints: list[str] = []
    tab = browser.new_page(viewport={"width": 1440, "height": 900})
    tab.add_init_script(REPORT_VIOLATIONS)
    tab.on("pageerror", lambda error: complaints.append(f"pageerror: {error}"))
    tab.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    yield tab
    tab.evaluate("0")
    tab.close()
    assert complaints == []


def clicked(
    path: str, *places: tuple[float, float, str | None], device: str = "desktop", page_height_px: float = 1500.0
) -> list[msgspec.Struct]:
    """A visit that clicked there, and its session."""
    now = datetime.now(UTC)
    visitor_id = f"{device} of {path[:100]}"
    report: Event = event(
        "user_engagement",
        now - timedelta(seconds=30),
        visitor_id=visitor_id,
        context=Context(page_path=path),
        click_count=len(places),
        engagement_time_msec=9000.0,
        percent_scrolled=50.0,
        page_height_px=page_height_px,
        clicks=[{"x": x, "y": y, **({"element": element} if element else {})} for x, y, element in places],
    )
    session = features(
        now - timedelta(minutes=1), now, session_id=visitor_id, visitor_id=visitor_id, device_type=device
    )
    return [session, report]


def test_a_shop_whose_tag_does_not_ask_is_told_how(page: Page, url: str) -> None:
    page.goto(f"{url}/heatmap")
    expect(page.get_by_role("heading", name="No page has said where it is clicked.")).to_be_visible()
    expect(page.locator("#none")).to_contain_text("data-clicks")


def test_the_most_clicked_page_is_hot_where_it_was_clicked(page: Page, url: str, database: str) -> None:
    places = [(0.5, 300.0, "button#buy")] * 5 + [(0.2, 900.0, None)]
    store(database, *clicked("/tea", *places), *clicked("/about", (0.9, 100.0, "a:/")))
    page.goto(url)
    page.get_by_role("link", name="Heatmap").click()
    expect(page.locator("#map-title")).to_have_text("/tea")
    expect(page.locator("#map-count")).to_have_text("6 clicks by 1 session")
    expect(page.locator("#elements li")).to_have_text(["button#buy5"])
    expect(page.locator("#dead")).to_have_text("1 17%")
    expect(page.locator("#active")).to_have_text("9 s")
    cold, hot, warm = page.evaluate(COLOURS_AT, [[0.7, 600], [0.505, 305], [0.205, 905]])
    assert cold == [255, 255, 255]
    assert hot[0] > 1.5 * max(hot[1:]), "red"
    assert warm not in (cold, hot)
    expect(page.locator("#depths i").nth(9)).to_have_attribute("title", "100% of visits saw the first 50% of the page")
    expect(page.locator("#depths i").nth(10)).to_have_attribute("title", "0% of visits saw the first 55% of the page")


def test_another_page_and_device_are_a_click_away_and_the_way_back_works(page: Page, url: str, database: str) -> None:
    store(
        database,
        *clicked("/tea", (0.5, 300.0, None), (0.5, 300.0, None)),
        *clicked("/about", (0.9, 100.0, "a:/")),
        *clicked("/about", (0.9, 100.0, "a:/"), (0.8, 90.0, "a:/"), device="mobile"),
    )
    page.goto(f"{url}/heatmap")
    expect(page.locator("#map-title")).to_have_text("/tea")
    page.get_by_role("link", name="/about").click()
    expect(page.locator("#map-count")).to_have_text("1 click by 1 session")
    page.locator("#device").select_option("mobile")
    expect(page.locator("#map-count")).to_have_text("2 clicks by 1 session")
    page.locator("#device").select_option("tablet")
    expect(page.locator("#map-count")).to_have_text("0 clicks by 0 sessions")
    for _ in range(3):
        page.go_back()
    expect(page.locator("#map-title")).to_have_text("/tea")
    expect(page.locator("#device")).to_have_value("desktop")


def test_a_screenshot_lies_under_the_heat(page: Page, url: str, database: str, tmp_path: Path) -> None:
    store(database, *clicked("/tea", (0.5, 300.0, None)))
    page.goto(f"{url}/heatmap")
    expect(page.locator("#map-title")).to_have_text("/tea")
    shot = tmp_path / "shop.png"
    page.screenshot(path=shot)
    page.set_input_files("#shot", shot)
    expect(page.locator("#shot-name")).to_have_text("shop.png")
    # The screenshot's own left edge is the console's grey paper, where the sheet was white.
    assert page.evaluate(COLOURS_AT, [[0.003, 300]]) != [[255, 255, 255]]
    page.set_input_files("#shot", {"name": "a.txt", "mimeType": "image/png", "buffer": b"no image"})
    expect(page.locator("#shot-name")).to_have_text("Not an image")


def test_what_strangers_named_stays_text_and_fits_a_phone(page: Page, url: str, database: str) -> None:
    hostile = '/"><img/src=x/onerror="document.title=\'hacked\'">' + "long" * 100
    store(database, *clicked(hostile, (0.5, 300.0, "b\"'&" + "x" * 60)))
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(f"{url}/heatmap")
    expect(page.locator("#map-count")).to_have_text("1 click by 1 session")
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    assert page.locator("main img").count() == 0
    assert page.title() == "Heatmap · Shopstream"


def test_a_page_that_says_it_has_no_height_shows_its_clicks_all_the_same(page: Page, url: str, database: str) -> None:
    store(database, *clicked("/flat", (0.5, 300.0, None), page_height_px=0.0))
    page.goto(f"{url}/heatmap")
    expect(page.locator("#map-count")).to_have_text("1 click by 1 session")
    expect(page.locator("#trouble")).to_be_hidden()
    assert page.evaluate(COLOURS_AT, [[0.505, 305]]) != [[255, 255, 255]]
