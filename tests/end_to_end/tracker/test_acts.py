"""What a visitor does becomes events: page views, clicks, cart and purchase, the dataLayer, engagement."""

import pytest
from playwright.sync_api import Page

from tests.end_to_end.tracker.recording_server import RecordingServer

MUG = {"item_id": "mug-1", "item_name": "Mug", "price": 12.5, "quantity": 2, "currency": "EUR"}


def test_a_loaded_page_is_one_page_view_with_its_context(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop + "/mugs?utm_source=news&utm_campaign=spring&size=xl#top")
    (view,) = server.wait_for_event("page")
    assert view["context"] == {
        "page": {
            "path": "/mugs",
            "search": "?utm_source=news&utm_campaign=spring&size=xl",
            "url": server.shop + "/mugs?utm_source=news&utm_campaign=spring&size=xl",
            "referrer": "",
            "title": "Shop",
        },
        "campaign": {"source": "news", "name": "spring"},
    }
    assert view["messageId"]
    assert view["timestamp"].endswith("Z")


def test_a_batch_is_a_simple_segment_request(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop)
    server.wait_for_event("page")
    (request,) = server.batches
    assert request.headers["content-type"] == "text/plain;charset=UTF-8"
    assert '"writeKey":"demo"' in request.body
    assert '"locale":"en-GB"' in request.body
    assert '"timezone":"Europe/Paris"' in request.body
    assert '"library":{"name":"shopstream.js"' in request.body
    assert '"sentAt":"2' in request.body
    assert not [each for each in server.requests if each.method == "OPTIONS"]


def test_single_page_navigation_is_a_page_view_when_path_or_search_changed(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop + "/")
    page.evaluate("""() => {
        history.pushState({}, '', '/mugs')
        document.title = 'Mugs'
    }""")
    server.wait_for_event("page", 2)
    page.evaluate("history.replaceState({ scroll: 10 }, '', '/mugs#reviews')")
    page.evaluate("history.replaceState({}, '', '/mugs?page=2')")
    page.go_back()
    views = server.wait_for_event("page", 4)
    assert [view["context"]["page"]["url"].removeprefix(server.shop) for view in views] == [
        "/",
        "/mugs",
        "/mugs?page=2",
        "/",
    ]
    assert views[1]["context"]["page"]["referrer"] == server.shop + "/"
    assert views[1]["context"]["page"]["title"] == "Mugs"


def test_a_page_taken_back_from_the_browsers_memory_is_viewed_again(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop)
    server.wait_for_event("page")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    server.wait_for_event("page", 2)


def test_a_page_prepared_ahead_of_a_click_is_viewed_when_it_is_shown(server: RecordingServer, page: Page) -> None:
    page.add_init_script("Object.defineProperty(document, 'prerendering', { value: true })")
    page.goto(server.shop)
    page.wait_for_timeout(400)
    assert server.batches == []
    page.evaluate("document.dispatchEvent(new Event('prerenderingchange'))")
    server.wait_for_event("page")


def test_a_click_on_a_marked_element_carries_its_attributes(server: RecordingServer, page: Page) -> None:
    server.body = '<a data-shopstream-click="hero" data-shopstream-item-id="mug-1" href="#"><b>Look</b></a><i>Not</i>'
    page.goto(server.shop)
    page.click("i")
    page.click("b")
    (click,) = server.wait_for_event("click")
    assert click["properties"] == {"click": "hero", "item_id": "mug-1"}


def test_cart_checkout_and_purchase_calls_speak_ga4(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop)
    page.evaluate(
        """(mug) => {
            shopstream.addToCart(mug)
            shopstream.removeFromCart({ ...mug, quantity: 1 })
            shopstream.checkout({ currency: 'EUR', items: [mug], coupon: 'SPRING' })
            shopstream.purchase({ transaction_id: 't-1', value: 30, currency: 'EUR', items: [mug] })
            shopstream.track('search', { search_term: 'mug' })
        }""",
        MUG,
    )
    server.wait_for_event("search")
    line = {"item_id": "mug-1", "item_name": "Mug", "price": 12.5, "quantity": 2}
    assert server.named("add_to_cart")[0]["properties"] == {"currency": "EUR", "items": [line]}
    assert server.named("remove_from_cart")[0]["properties"] == {"currency": "EUR", "items": [{**line, "quantity": 1}]}
    assert server.named("begin_checkout")[0]["properties"] == {"currency": "EUR", "items": [MUG], "coupon": "SPRING"}
    assert server.named("purchase")[0]["properties"]["transaction_id"] == "t-1"
    assert server.named("search")[0]["type"] == "track"


def test_a_cart_call_in_ga4s_own_form_keeps_all_that_it_says(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop)
    cart = {"currency": "EUR", "value": 25, "coupon": "SPRING", "items": [MUG]}
    page.evaluate("(cart) => shopstream.addToCart(cart)", cart)
    assert server.wait_for_event("add_to_cart")[0]["properties"] == cart


def test_calls_made_before_the_script_arrived_are_kept_in_order(server: RecordingServer, page: Page) -> None:
    server.head = """<script>
        window.shopstream = window.shopstream || []
        shopstream.push(['track', 'view_item', { value: 3 }])
        shopstream.push(['identify', 'anna', { plan: 'gold' }])
    </script>"""
    page.goto(server.shop)
    server.wait_for_event("identify")
    assert [item.get("event", item["type"]) for item in server.items] == ["page", "view_item", "identify"]


def test_the_data_layer_is_bridged_before_and_after_load(server: RecordingServer, page: Page) -> None:
    server.head = """<script>
        window.dataLayer = [{ event: 'gtm.js' }]
        function gtag() { dataLayer.push(arguments) }
        gtag('js', new Date())
        gtag('config', 'G-1')
        gtag('event', 'view_item', { currency: 'EUR', value: 12.5 })
        gtag('event', 'page_view', {})
    </script>"""
    page.goto(server.shop)
    server.wait_for_event("view_item")
    pushed = page.evaluate("""() => {
        dataLayer.push({ ecommerce: null })
        gtag('event', 'purchase', { transaction_id: 't-1', value: 30 })
        return dataLayer.push({ event: 'add_to_cart', ecommerce: { value: 25, items: [{ item_id: 'mug-1' }] } })
    }""")
    (added,) = server.wait_for_event("add_to_cart")
    assert added["properties"] == {"value": 25, "items": [{"item_id": "mug-1"}]}
    assert server.named("purchase")[0]["properties"]["transaction_id"] == "t-1"
    assert [item["event"] for item in server.items if item["type"] == "track"] == [
        "view_item",
        "purchase",
        "add_to_cart",
    ]
    assert pushed == 8


def test_engagement_is_reported_as_sums_when_the_page_changes(server: RecordingServer, page: Page) -> None:
    server.body = '<div style="height: 4000px">Long</div>'
    page.set_viewport_size({"width": 800, "height": 600})
    page.goto(server.shop + "/long")
    server.wait_for_event("page")
    page.mouse.move(100, 100)
    page.mouse.move(400, 500)
    for _ in range(4):
        page.mouse.click(400, 500)
    page.evaluate("new Promise((done) => { addEventListener('scrollend', done); scrollTo(0, 1400) })")
    page.evaluate("history.pushState({}, '', '/next')")
    (engagement,) = server.wait_for_event("user_engagement")
    assert engagement["context"]["page"]["path"] == "/long"
    sums = engagement["properties"]
    assert 0 < sums.pop("engagement_time_msec") < 5_000
    assert 45 <= sums.pop("percent_scrolled") <= 55
    assert sums == {"pointer_distance_px": 500, "click_count": 4, "rage_click_count": 1}


def test_engagement_is_reported_about_every_five_seconds_of_activity(server: RecordingServer, page: Page) -> None:
    page.clock.install()
    page.goto(server.shop)
    server.wait_for_event("page")
    page.mouse.move(10, 10)
    page.clock.run_for(4_900)
    assert server.named("user_engagement") == []
    page.clock.run_for(400)
    (first,) = server.wait_for_event("user_engagement")
    assert first["properties"]["engagement_time_msec"] == pytest.approx(5_000, abs=1_000)
    page.clock.run_for(60_000)  # nothing happens, nothing is said
    page.mouse.move(20, 20)
    page.clock.run_for(5_300)
    second = server.wait_for_event("user_engagement", 2)[1]
    assert second["properties"]["engagement_time_msec"] == pytest.approx(10_000, abs=1_000)


def test_a_page_that_misuses_the_snippet_gets_a_warning_and_no_error(
    server: RecordingServer, page: Page, complaints: list[str]
) -> None:
    server.head = "<script>window.shopstream = 'taken'; window.dataLayer = [null, 1, 'a']</script>"
    page.goto(server.shop)
    page.evaluate("""() => {
        const circle = {}
        circle.self = circle
        shopstream.track('search', circle)
        shopstream.addToCart()
        shopstream.on('nonsense', 3)
        shopstream.push('hm')
        shopstream.track('view_cart')
    }""")
    server.wait_for_event("view_cart")
    assert len(complaints) == 4
    assert all(complaint.startswith("warning: shopstream:") for complaint in complaints)
    complaints.clear()


def test_a_data_layer_that_is_none_costs_the_bridge_only(
    server: RecordingServer, page: Page, complaints: list[str]
) -> None:
    server.head = "<script>window.dataLayer = {}</script>"
    page.goto(server.shop)
    server.wait_for_event("page")
    page.evaluate("history.pushState({}, '', '/next')")
    server.wait_for_distinct("page", 2)
    assert [complaint[:20] for complaint in complaints] == ["warning: shopstream:"]
    complaints.clear()
