"""Where a page is clicked is told when its tag asks for it, and never of a visitor who refuses."""

import pytest
from playwright.sync_api import Page

from contracts.events import Click, Properties
from producers.ingest.parameters import parameters_of
from tests.end_to_end.tracker.recording_server import RecordingServer

BODY = """
<style>body { margin: 0; height: 3000px } .box { position: absolute; width: 100px; height: 40px; left: 350px }</style>
<button class="box wide" style="top: 100px"><b>Buy</b></button>
<a class="box" style="top: 200px" href="#down?mail=ada@shop.example">Down</a>
<label class="box" style="top: 300px" id="so me<b>">Size</label>
<p class="box" style="top: 2000px">Nothing</p>
"""


@pytest.fixture
def shop(server: RecordingServer, page: Page) -> RecordingServer:
    """A page of 800 by 3,000 pixels whose tag has `data-clicks`."""
    server.attributes = "data-clicks"
    server.body = BODY
    page.set_viewport_size({"width": 800, "height": 600})
    page.goto(server.shop + "/tea")
    server.wait_for_event("page")
    return server


def clicks(server: RecordingServer, page: Page) -> Properties:
    """The report of all that was clicked, as ingest reads it."""
    page.evaluate("history.pushState({}, '', '/next')")
    (told,) = server.wait_for_event("user_engagement")
    assert told["context"]["page"]["path"] == "/tea"
    return parameters_of("user_engagement", told["properties"]).properties


def test_a_click_is_told_by_its_place_on_the_page_and_what_it_hit(shop: RecordingServer, page: Page) -> None:
    page.mouse.click(400, 120)
    page.evaluate("scrollTo(0, 1900)")
    page.mouse.click(360, 110)
    told = clicks(shop, page)
    assert told.clicks == (Click(x=0.5, y=120, element="button.box"), Click(x=0.45, y=2010))
    assert told.page_height_px == 3000


def test_the_third_click_of_a_run_is_rage(shop: RecordingServer, page: Page) -> None:
    for _ in range(4):
        page.mouse.click(400, 120)
    assert [click.is_rage for click in clicks(shop, page).clicks] == [False, False, True, False]


def test_names_hold_neither_queries_nor_what_a_style_sheet_would_not_name(shop: RecordingServer, page: Page) -> None:
    page.mouse.click(400, 320)
    page.evaluate("document.querySelector('a').addEventListener('click', (event) => event.preventDefault())")
    page.mouse.click(400, 220)
    assert [click.element for click in clicks(shop, page).clicks] == ["label", "a:/tea"]


@pytest.mark.parametrize(
    ("link", "named"),
    [
        ("mailto:ada@shop.example", "a.box"),
        ("tel:+4930123456", "a.box"),
        ("javascript:greet('Ada')", "a.box"),
        ("/people/ada%40shop.example", "a"),
    ],
)
def test_no_address_of_a_person_is_told_as_an_element_s_name(
    shop: RecordingServer, page: Page, link: str, named: str
) -> None:
    page.evaluate("addEventListener('click', (event) => event.preventDefault())")
    page.evaluate("(link) => { document.querySelector('a').href = link }", link)
    page.mouse.click(400, 220)
    page.evaluate("document.querySelector('label').id = 'of-ada@shop.example'")
    page.mouse.click(400, 320)
    assert [click.element for click in clicks(shop, page).clicks] == [named, "label"]


def test_inside_a_component_is_a_button_a_button_and_around_it_a_link_a_link(shop: RecordingServer, page: Page) -> None:
    page.evaluate("""() => {
        const within = (host, html) => (host.attachShadow({ mode: 'open' }).innerHTML = html)
        within(document.querySelector('p'), '<button id="add" style="width: 100px; height: 40px">Add</button>')
        document.querySelector('p').style.top = '400px'
        document.querySelector('a').innerHTML = '<x-card></x-card>'
        within(document.querySelector('x-card'), '<b style="display: block; height: 40px">Card</b>')
    }""")
    page.mouse.click(400, 420)
    page.evaluate("addEventListener('click', (event) => event.preventDefault())")
    page.mouse.click(400, 220)
    assert [click.element for click in clicks(shop, page).clicks] == ["button#add", "a:/tea"]


def test_a_label_and_the_field_that_the_browser_clicks_for_it_are_one_click(shop: RecordingServer, page: Page) -> None:
    page.evaluate("""() => {
        document.querySelector('label').insertAdjacentHTML('beforeend', '<input type="checkbox" id="large">')
    }""")
    page.mouse.click(355, 310)
    page.mouse.click(355, 310)
    page.locator("#large").click()
    told = clicks(shop, page)
    assert [click.element for click in told.clicks] == ["label", "label", "input#large"]
    assert (told.click_count, told.rage_click_count) == (3, 0)


def test_a_click_by_the_keyboard_is_at_no_place(shop: RecordingServer, page: Page) -> None:
    page.mouse.move(10, 10)
    page.locator("button").press("Enter")
    told = clicks(shop, page)
    assert (told.click_count, told.clicks) == (1, ())


def test_a_report_has_fifty_places_at_most(shop: RecordingServer, page: Page) -> None:
    page.mouse.move(10, 10)
    page.evaluate("""() => {
        for (let number = 0; number < 60; number++) {
            document.body.dispatchEvent(new MouseEvent('click', { bubbles: true, detail: 1, clientX: number }))
        }
    }""")
    told = clicks(shop, page)
    assert (told.click_count, len(told.clicks)) == (60, 50)


@pytest.mark.parametrize("attributes", ["", 'data-clicks="false"'])
def test_without_being_asked_no_place_is_told(server: RecordingServer, page: Page, attributes: str) -> None:
    server.attributes, server.body = attributes, BODY
    page.goto(server.shop + "/tea")
    server.wait_for_event("page")
    page.mouse.click(400, 120)
    told = clicks(server, page)
    assert (told.click_count, told.clicks, told.page_height_px) == (1, (), None)


def test_who_refuses_is_not_watched(shop: RecordingServer, page: Page) -> None:
    page.mouse.click(400, 120)
    page.evaluate("shopstream.consent(false)")
    page.mouse.click(400, 120)
    page.evaluate("shopstream.track('search', { search_term: 'tea' })")
    shop.wait_for_event("search")
    assert not [told for told in shop.named("user_engagement") if told["context"].get("consent")]
