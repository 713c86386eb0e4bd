"""Who a visitor is, and how little is known of one who refuses."""

import json
import shutil

from playwright.sync_api import Browser, BrowserContext, Page

from contracts.ids import visitor_id_of
from tests.conftest import CHROMIUM_ARGS
from tests.end_to_end.tracker.conftest import watched
from tests.end_to_end.tracker.recording_server import RecordingServer


def stored(page: Page) -> dict[str, str]:
    """What the snippet keeps in localStorage, by key."""
    found: dict[str, str] = page.evaluate("({...localStorage})")
    return {key: value for key, value in found.items() if key.startswith("shopstream.")}


def test_the_visitor_id_is_made_from_a_secret_and_stays(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop)
    (first,) = server.wait_for_event("page")
    visitor_id, secret = stored(page)["shopstream.visitor"].split(".")
    assert first["anonymousId"] == visitor_id == visitor_id_of(secret) == page.evaluate("shopstream.visitorId()")
    assert secret not in server.batches[0].body
    page.reload()
    assert server.wait_for_event("page", 2)[1]["anonymousId"] == visitor_id


def test_two_tabs_of_one_browser_are_one_visitor(server: RecordingServer, page: Page, context: BrowserContext) -> None:
    other = context.new_page()
    page.goto(server.shop, wait_until="commit")
    other.goto(server.shop)
    one, two = server.wait_for_event("page", 2)
    assert one["anonymousId"] == two["anonymousId"]


def test_an_identified_visitor_stays_identified_until_reset(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop)
    page.evaluate("shopstream.identify('anna', { plan: 'gold' })")
    (identify,) = server.wait_for_event("identify")
    assert (identify["userId"], identify["traits"]) == ("anna", {"plan": "gold"})
    page.reload()
    again = server.wait_for_distinct("page", 2)[1]
    assert again["userId"] == "anna"
    page.evaluate("shopstream.reset()")
    page.evaluate("shopstream.page()")
    forgotten = server.wait_for_distinct("page", 3)[2]
    assert "userId" not in forgotten
    assert forgotten["anonymousId"] not in ("", again["anonymousId"])


def test_global_privacy_control_leaves_no_id_and_no_engagement(server: RecordingServer, page: Page) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })")
    page.goto(server.shop)
    page.mouse.move(100, 100)
    page.evaluate("shopstream.identify('anna')")
    page.goto(server.shop + "/next")
    one, two = server.wait_for_distinct("page", 2)
    assert one["anonymousId"]
    assert one["anonymousId"] != two["anonymousId"]
    assert stored(page) == {}
    assert server.named("user_engagement") == server.named("identify") == []
    assert "anna" not in "".join(batch.body for batch in server.batches)
    assert {each.path for each in server.requests} == {"/v1/batch"}


def test_a_batch_says_what_the_visitor_allows_once_they_were_asked(server: RecordingServer, page: Page) -> None:
    def told() -> object:
        return json.loads(server.batches[-1].body)["context"].get("consent")

    page.goto(server.shop)
    server.wait_for_event("page")
    assert told() is None
    page.evaluate("shopstream.consent(true)")
    page.evaluate("shopstream.page()")
    server.wait_for_distinct("page", 2)
    assert told() == {"categoryPreferences": {"analytics": True}}
    page.evaluate("shopstream.consent(false)")
    page.evaluate("shopstream.page()")
    server.wait_for_distinct("page", 3)
    assert told() == {"categoryPreferences": {"analytics": False}}


def test_refused_consent_is_remembered_and_erases_the_visitor(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop)
    known = server.wait_for_event("page")[0]["anonymousId"]
    page.evaluate("shopstream.consent(false)")
    assert stored(page) == {"shopstream.refused": "1"}
    page.reload()
    assert server.wait_for_event("page", 2)[1]["anonymousId"] not in ("", known)
    assert stored(page) == {"shopstream.refused": "1"}
    page.evaluate("shopstream.consent(true)")
    page.wait_for_function("localStorage['shopstream.visitor']")


def test_what_waited_when_a_visitor_refused_counts_as_refused(server: RecordingServer, page: Page) -> None:
    server.status, server.retry_after = 503, "60"
    page.goto(server.shop)
    page.evaluate("shopstream.track('add_to_cart', {})")
    page.wait_for_function("Object.keys(localStorage).some((key) => key.startsWith('shopstream.queue'))")
    server.status = 200
    page.evaluate("shopstream.consent(false)")
    assert stored(page) == {"shopstream.refused": "1"}
    server.wait_for_event("add_to_cart")
    assert '"consent":{"categoryPreferences":{"analytics":false}}' in server.batches[-1].body


def test_who_allows_later_has_not_allowed_it_for_what_was_before(server: RecordingServer, page: Page) -> None:
    server.head = "<script>window.shopstream = [['consent', false]]</script>"
    server.status, server.retry_after = 503, "1"
    page.goto(server.shop)
    page.evaluate("shopstream.track('search', {})")
    server.wait_for(lambda: server.batches)
    page.evaluate("shopstream.consent(true)")
    page.evaluate("shopstream.track('add_to_cart', {})")
    server.status = 200
    (before,), (after,) = server.wait_for_event("search"), server.wait_for_event("add_to_cart")
    assert before["context"]["consent"] == {"categoryPreferences": {"analytics": False}}
    assert "consent" not in after["context"]
    assert before["anonymousId"] != after["anonymousId"]


def test_another_tabs_consent_does_not_name_who_refused_before(
    server: RecordingServer, page: Page, context: BrowserContext, complaints: list[str]
) -> None:
    page.goto(server.shop)
    page.evaluate("shopstream.consent(false)")
    server.wait_for_event("page")
    other = watched(context.new_page(), complaints)
    other.goto(server.shop)
    server.wait_for_event("page", 2)
    page.evaluate("shopstream.track('search', {})")
    other.evaluate("shopstream.consent(true)")
    other.wait_for_function("localStorage['shopstream.visitor']")
    (search,) = server.wait_for_event("search")
    assert search["anonymousId"] not in ("", stored(other)["shopstream.visitor"].split(".")[0])


def test_another_tabs_reset_does_not_give_the_next_visitor_what_was_before(
    server: RecordingServer, page: Page, context: BrowserContext, complaints: list[str]
) -> None:
    page.goto(server.shop)
    page.evaluate("shopstream.identify('anna')")
    (identify,) = server.wait_for_event("identify")
    other = watched(context.new_page(), complaints)
    other.goto(server.shop)
    server.wait_for_event("page", 2)
    page.evaluate("shopstream.track('search', {})")
    other.evaluate("shopstream.reset()")
    (search,) = server.wait_for_event("search")
    assert (search["anonymousId"], search["userId"]) == (identify["anonymousId"], "anna")


def test_a_page_taken_back_from_the_browsers_memory_knows_that_the_visitor_was_forgotten(
    server: RecordingServer, browser: Browser
) -> None:
    # Playwright cannot follow such a page, so its browsers keep none in memory unless told.
    remembering = browser.browser_type.launch(
        executable_path=shutil.which("chromium"),
        args=list(CHROMIUM_ARGS),
        ignore_default_args=["--disable-back-forward-cache"],
    )
    page = remembering.new_page()
    page.goto(server.shop + "/one")
    page.evaluate("shopstream.identify('anna')")
    server.wait_for_event("identify")
    page.goto(server.shop + "/two")
    page.evaluate("shopstream.reset()")
    page.evaluate("setTimeout(() => history.back())")
    back = server.wait_for_distinct("page", 3)[2]
    remembering.close()
    assert back["context"]["page"] == {**back["context"]["page"], "path": "/one", "referrer": server.shop + "/one"}
    assert "userId" not in back
    assert back["anonymousId"] != server.named("identify")[0]["anonymousId"]


def test_consent_refused_before_load_keeps_an_id_from_ever_being_stored(server: RecordingServer, page: Page) -> None:
    server.head = "<script>window.shopstream = [['track', 'search', {}], ['consent', false]]</script>"
    page.goto(server.shop)
    server.wait_for_event("search")
    assert stored(page) == {"shopstream.refused": "1"}


GTAG = "function gtag() { dataLayer.push(arguments) }"


def test_a_choice_in_googles_consent_mode_is_the_visitors_choice(server: RecordingServer, page: Page) -> None:
    refused = "gtag('consent', 'default', { analytics_storage: 'granted' }); gtag('consent', 'update', { analytics_storage: 'denied' })"
    server.head = f"<script>window.dataLayer = []; {GTAG}; {refused}</script>"
    page.goto(server.shop)
    server.wait_for_event("page")
    assert '"consent":{"categoryPreferences":{"analytics":false}}' in server.batches[-1].body
    assert stored(page) == {"shopstream.refused": "2"}
    page.evaluate("gtag('consent', 'update', { ad_storage: 'granted' })")
    assert stored(page) == {"shopstream.refused": "2"}
    page.evaluate("gtag('consent', 'update', { analytics_storage: 'granted' })")
    page.wait_for_function("localStorage['shopstream.visitor']")
    page.evaluate("gtag('consent', 'update', { analytics_storage: 'denied' })")
    assert stored(page) == {"shopstream.refused": "2"}


def test_googles_default_is_no_choice_and_its_yes_lifts_no_refusal_of_the_pages_own(
    server: RecordingServer, page: Page
) -> None:
    server.head = (
        f"<script>window.dataLayer = []; {GTAG}; gtag('consent', 'default', {{ analytics_storage: 'denied' }})</script>"
    )
    page.goto(server.shop)
    page.wait_for_function("localStorage['shopstream.visitor']")
    page.evaluate("shopstream.consent(false)")
    page.evaluate("gtag('consent', 'update', { analytics_storage: 'granted' })")
    page.evaluate("gtag('consent', 'update', { analytics_storage: 'denied' })")
    assert stored(page) == {"shopstream.refused": "1"}


def test_a_page_without_storage_is_still_tracked(server: RecordingServer, page: Page) -> None:
    page.add_init_script("""
        for (const name of ['localStorage', 'sessionStorage']) {
            Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError') } })
        }
    """)
    page.goto(server.shop)
    assert server.wait_for_event("page")[0]["anonymousId"]
