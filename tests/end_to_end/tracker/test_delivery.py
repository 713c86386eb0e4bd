"""Every event arrives once, whatever ingest, the network and the visitor do."""

import json
from collections import Counter

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.end_to_end.tracker.conftest import turn, watched
from tests.end_to_end.tracker.recording_server import RecordingServer

TRACK = "(names) => { for (const name of names) shopstream.track(name, {}) }"
# As late as can be: an event from before the page goes may leave by itself, if the next page is slow to come.
AT_LEAVING = "addEventListener('pagehide', () => window.isAdding && shopstream.track('add_to_cart', {}));"
ADD_AND_LEAVE = "() => { isAdding = true; location = '/next' }"
QUEUED = """() => Object.entries({...localStorage})
    .filter(([key]) => key.startsWith('shopstream.queue.'))
    .flatMap(([, value]) => JSON.parse(value))"""


def ids_by_name(server: RecordingServer) -> dict[str, set[str]]:
    """The message ids that each event name ever came with, accepted or not."""
    ids: dict[str, set[str]] = {}
    for request in server.batches:
        for item in request.batch:
            ids.setdefault(str(item.get("event") or item["type"]), set()).add(item["messageId"])
    return ids


def test_twenty_events_leave_at_once_in_one_batch(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop)
    server.wait_for_event("page")
    page.evaluate(TRACK, [f"event_{number}" for number in range(20)])
    server.wait_for_event("event_19")
    assert [len(request.batch) for request in server.batches] == [1, 20]


def test_events_refused_with_503_survive_a_reload_and_arrive_once(server: RecordingServer, page: Page) -> None:
    server.status = 503
    page.goto(server.shop)
    page.evaluate(TRACK, ["view_item", "add_to_cart"])
    server.wait_for(lambda: "add_to_cart" in ids_by_name(server))
    page.evaluate(TRACK, ["begin_checkout"])
    page.wait_for_function("localStorage.length > 1")
    server.status = 200
    page.goto(server.shop + "/next")
    server.wait_for_event("page", 2)
    assert Counter(item["event"] for item in server.items if item["type"] == "track") == {
        "view_item": 1,
        "add_to_cart": 1,
        "begin_checkout": 1,
        "user_engagement": 1,
    }
    assert [item["context"]["page"]["path"] for item in server.named("page")] == ["/", "/next"]
    assert len(ids_by_name(server)["add_to_cart"]) == 1
    page.wait_for_function("!Object.keys(localStorage).some((key) => key.startsWith('shopstream.queue'))")


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(server: RecordingServer, page: Page, status: int) -> None:
    server.status, server.retry_after = status, "2"
    page.goto(server.shop)
    server.wait_for(lambda: server.batches)
    page.evaluate(TRACK, ["view_item"])
    server.status = 200
    server.wait_for_event("view_item")
    first, second = server.batches
    assert second.at - first.at > 1.9
    assert [item["type"] for item in server.items] == ["page", "track"]


def test_other_failures_are_tried_again_with_growing_pauses(server: RecordingServer, page: Page) -> None:
    server.status = 500
    page.goto(server.shop)
    server.wait_for(lambda: len(server.batches) == 3)
    server.status = 200
    (view,) = server.wait_for_event("page")
    assert {item["messageId"] for request in server.batches for item in request.batch} == {view["messageId"]}
    one, two, three, _ = (request.at for request in server.batches)
    assert two - one > 0.45
    assert three - two > 0.95


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_a_final_refusal_drops_the_batch_with_one_warning(
    server: RecordingServer, page: Page, complaints: list[str], status: int
) -> None:
    server.status = status
    page.goto(server.shop)
    server.wait_for(lambda: server.batches)
    page.evaluate(TRACK, ["view_item"])
    server.wait_for(lambda: len(server.batches) == 2)
    server.status = 200
    page.evaluate(TRACK, ["add_to_cart"])
    server.wait_for_event("add_to_cart")
    assert [item["event"] for item in server.items] == ["add_to_cart"]
    assert complaints == [f'warning: shopstream: refused {status} {{"code":"x","message":"no"}}']
    complaints.clear()


def test_a_batch_that_is_too_large_is_split_in_half(server: RecordingServer, page: Page) -> None:
    server.max_batch_events = 3
    page.goto(server.shop)
    server.wait_for_event("page")
    names = [f"event_{number}" for number in range(8)]
    page.evaluate(TRACK, names)
    server.wait_for_event("event_7")
    assert [item["event"] for item in server.items if item["type"] == "track"] == names
    assert [len(request.batch) for request in server.batches[1:5]] == [8, 4, 2, 6]


def test_a_browser_without_timed_signals_sends_all_the_same(server: RecordingServer, page: Page) -> None:
    page.add_init_script("delete AbortSignal.timeout")  # Safari 15
    page.goto(server.shop)
    server.wait_for_event("page")


def test_events_leave_by_beacon_when_the_page_goes(server: RecordingServer, page: Page) -> None:
    page.add_init_script(AT_LEAVING)
    page.add_init_script("""
        const beacon = navigator.sendBeacon.bind(navigator)
        navigator.sendBeacon = (url, body) => beacon(url, body) && !!(localStorage.beacons = +(localStorage.beacons || 0) + 1)
    """)
    page.goto(server.shop)
    server.wait_for_event("page")
    page.evaluate(ADD_AND_LEAVE)
    page.wait_for_url("**/next")
    server.wait_for_event("page", 2)
    (request,) = (each for each in server.batches if "add_to_cart" in each.body)
    assert [item["event"] for item in request.batch] == ["add_to_cart", "user_engagement"]
    assert request.headers["content-type"] == "text/plain;charset=UTF-8"
    assert page.evaluate("localStorage.beacons") == "1"
    assert len(server.named("add_to_cart")) == 1


def test_a_refused_beacon_keeps_the_events_for_the_next_page(server: RecordingServer, page: Page) -> None:
    page.add_init_script(AT_LEAVING + "navigator.sendBeacon = () => false")
    page.goto(server.shop)
    server.wait_for_event("page")
    page.evaluate(ADD_AND_LEAVE)
    server.wait_for_event("page", 2)
    (added,) = server.named("add_to_cart")
    assert added["context"]["page"]["path"] == "/"


def test_events_of_an_offline_visitor_arrive_once_back_online(
    server: RecordingServer, page: Page, context: BrowserContext, complaints: list[str]
) -> None:
    page.goto(server.shop)
    server.wait_for_event("page")
    context.set_offline(True)
    page.evaluate(TRACK, ["add_to_cart"])
    page.wait_for_timeout(600)
    context.set_offline(False)
    server.wait_for_event("add_to_cart")
    page.evaluate(TRACK, ["begin_checkout"])
    server.wait_for_event("begin_checkout")
    assert len(server.named("add_to_cart")) == 1
    assert all("ERR_INTERNET_DISCONNECTED" in complaint for complaint in complaints)
    complaints.clear()


def test_two_tabs_share_one_outage_without_losing_or_renaming_an_event(
    server: RecordingServer, page: Page, context: BrowserContext, complaints: list[str]
) -> None:
    server.status = 503
    other = watched(context.new_page(), complaints)
    page.goto(server.shop)
    other.goto(server.shop)
    page.evaluate(TRACK, ["here_1", "here_2"])
    other.evaluate(TRACK, ["there_1", "there_2"])
    server.wait_for(lambda: {"here_2", "there_2"} <= ids_by_name(server).keys())
    other.close(run_before_unload=True)
    server.status = 200
    for name in ("here_1", "here_2", "there_1", "there_2"):
        server.wait_for_event(name)
        assert len(ids_by_name(server)[name]) == 1


def test_a_tab_that_stays_open_sends_what_a_closing_tab_could_not(
    server: RecordingServer, page: Page, context: BrowserContext, complaints: list[str]
) -> None:
    page.goto(server.shop)
    server.wait_for_event("page")
    server.status, server.retry_after = 503, "60"
    other = watched(context.new_page(), complaints)
    other.goto(server.shop)
    other.evaluate(TRACK, ["there"])
    server.wait_for(lambda: "there" in ids_by_name(server))
    server.status = 200
    other.close(run_before_unload=True)
    server.wait_for_event("there")
    assert len(ids_by_name(server)["there"]) == 1
    page.wait_for_function("!Object.keys(localStorage).some((key) => key.startsWith('shopstream.queue'))")


def test_a_tab_that_is_hidden_while_ingest_is_asked_again_keeps_its_events(server: RecordingServer, page: Page) -> None:
    server.status = 503
    page.goto(server.shop)
    server.wait_for(lambda: server.batches)
    server.is_answering.clear()
    server.wait_for(lambda: len(server.batches) == 2)
    page.evaluate(TRACK, ["add_to_cart"])
    turn(page, "hidden")
    page.wait_for_timeout(300)  # a beacon would be here, and get its 503
    server.is_answering.set()
    page.wait_for_timeout(300)
    server.status = 200
    server.wait_for_event("add_to_cart")
    assert len(ids_by_name(server)["add_to_cart"]) == 1


def test_a_hidden_tab_sends_what_it_parked_once_ingest_answers(server: RecordingServer, page: Page) -> None:
    server.status = 503
    page.goto(server.shop)
    server.wait_for(lambda: server.batches)
    server.is_answering.clear()
    server.status = 200
    server.wait_for(lambda: len(server.batches) == 2)
    page.evaluate(TRACK, ["add_to_cart"])
    turn(page, "hidden")
    server.is_answering.set()
    server.wait_for_event("add_to_cart")


def test_a_hidden_tab_that_ends_unheard_leaves_what_was_under_way_to_the_next(
    server: RecordingServer, page: Page, context: BrowserContext, complaints: list[str]
) -> None:
    # A system short of memory ends a hidden page, which hears nothing of it.
    page.add_init_script("addEventListener('pagehide', (event) => event.stopImmediatePropagation(), true)")
    server.status = 503
    page.goto(server.shop)
    page.evaluate(TRACK, ["add_to_cart"])
    server.wait_for(lambda: "add_to_cart" in ids_by_name(server))
    server.is_answering.clear()
    server.wait_for(lambda: len(server.batches) == 2)
    turn(page, "hidden")
    page.close()
    server.is_answering.set()
    server.status = 200
    other = watched(context.new_page(), complaints)
    other.goto(server.shop)
    server.wait_for_event("add_to_cart")
    assert len(ids_by_name(server)["add_to_cart"]) == 1


def test_what_a_hidden_tab_may_not_store_stays_in_it_through_an_outage(server: RecordingServer, page: Page) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })")
    server.status, server.retry_after = 503, "1"
    page.goto(server.shop)
    page.evaluate(TRACK, ["add_to_cart"])
    server.wait_for(lambda: "add_to_cart" in ids_by_name(server))
    page.wait_for_timeout(100)
    turn(page, "hidden")
    page.wait_for_timeout(100)
    server.status = 200
    server.wait_for_event("add_to_cart")
    assert len(ids_by_name(server)["add_to_cart"]) == 1


def test_the_offline_queue_is_bounded_and_gives_up_engagement_first(server: RecordingServer, page: Page) -> None:
    server.status, server.retry_after = 503, "60"
    page.goto(server.shop)
    server.wait_for(lambda: server.batches)
    page.evaluate("""() => {
        for (let n = 0; n < 120; n++) shopstream.track('user_engagement', { n })
        for (let n = 0; n < 120; n++) shopstream.track('view_item', { n })
    }""")
    page.wait_for_function("localStorage.length > 1")
    page.wait_for_timeout(300)
    queued = page.evaluate(QUEUED)
    assert len(queued) <= 200
    assert len(json.dumps(queued, separators=(",", ":"))) <= 65_536
    kept = Counter(item.get("event", item["type"]) for item in queued)
    assert kept["view_item"] == 120
    assert 0 < kept["user_engagement"] < 120
    page.evaluate("() => { for (let n = 0; n < 300; n++) shopstream.track('purchase', { n }) }")
    page.wait_for_timeout(300)
    assert {item["event"] for item in page.evaluate(QUEUED)} == {"purchase"}
