"""Decisions come back over SSE while the shopper is still on the page; an incentive is offered once."""

import json
from datetime import UTC, datetime

from playwright.sync_api import Page

from contracts.codec import ENCODER
from contracts.decisions import Decision, Incentive
from tests.end_to_end.tracker.conftest import turn
from tests.end_to_end.tracker.recording_server import RecordingServer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FREE_SHIPPING = Incentive(
    incentive_id="incentive-1", type="free_shipping", message="Free shipping today", discount=0, priority="high"
)
LISTEN = """() => {
    window.heard = []
    for (const name of ['decision', 'incentive']) shopstream.on(name, (told) => heard.push([name, told]))
    addEventListener('shopstream:decision', ({ detail }) => heard.push(['dom', detail]))
}"""


def decision(decision_id: str = "decision-1", *, is_offered: bool = True) -> Decision:
    return Decision(
        decision_id=decision_id,
        session_id="session-1",
        visitor_id="visitor-1",
        user_id=None,
        caused_by="message-1",
        occurred_at=NOON,
        received_at=NOON,
        decided_at=NOON,
        event_count=3,
        likelihood=0.31,
        persona="Research Shopper",
        persona_confidence=0.8,
        style="Explorer",
        style_confidence=0.7,
        arm="treatment" if is_offered else "holdout",
        incentive=FREE_SHIPPING,
        is_offered=is_offered,
        because=("three product views",),
        model_version="purchase-1",
        policy_version="policy-1",
    )


def heard(page: Page, count: int) -> list[str]:
    """The names of what the page's listeners were told, once there are `count`."""
    page.wait_for_function("(count) => heard.length >= count", arg=count)
    names: list[str] = page.evaluate("heard.map(([name]) => name)")
    return names


def test_a_decision_arrives_over_sse(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop)
    page.evaluate(LISTEN)
    server.decide(decision())
    assert heard(page, 3) == ["decision", "dom", "incentive"]
    assert page.evaluate("heard[0][1]") == json.loads(ENCODER.encode(decision()))
    assert page.evaluate("heard[2][1]") == json.loads(ENCODER.encode(FREE_SHIPPING))
    visitor_id = server.wait_for_event("page")[0]["anonymousId"]
    assert [each.path for each in server.requests if "/api/" in each.path] == [
        "/api/decisions/token",
        f"/api/decisions/{visitor_id}/stream",
    ]


def test_a_late_listener_is_told_the_latest_decision(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop)
    page.evaluate("addEventListener('shopstream:decision', () => { window.arrived = true })")
    server.decide(decision())
    page.wait_for_function("window.arrived")
    page.evaluate(LISTEN)
    assert heard(page, 2) == ["decision", "incentive"]


def test_a_listener_that_was_taken_off_is_told_nothing(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop)
    page.evaluate("""() => {
        const listener = () => heard.push(['off', 0])
        shopstream.on('decision', listener)
        shopstream.off('decision', listener)
    }""")
    page.evaluate(LISTEN)
    server.decide(decision())
    assert "off" not in heard(page, 3)


def test_a_listener_that_throws_keeps_nothing_from_the_others(
    server: RecordingServer, page: Page, complaints: list[str]
) -> None:
    page.goto(server.shop)
    page.evaluate("shopstream.on('decision', () => { throw new Error('mine') })")
    page.evaluate(LISTEN)
    server.decide(decision())
    assert heard(page, 3) == ["decision", "dom", "incentive"]
    assert len(complaints) == 1
    assert complaints.pop().startswith("warning: shopstream: Error: mine")


def test_an_incentive_is_offered_once_in_a_tab(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop)
    page.evaluate(LISTEN)
    server.decide(decision("decision-1"), 1)
    server.decide(decision("decision-2"), 2)
    assert heard(page, 5) == ["decision", "dom", "incentive", "decision", "dom"]
    server.end_streams()
    page.reload()
    page.evaluate(LISTEN)
    server.decide(decision("decision-3"), 3)
    assert heard(page, 2) == ["decision", "dom"]


def test_the_holdout_is_told_of_no_incentive(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop)
    page.evaluate(LISTEN)
    server.decide(decision(is_offered=False))
    assert heard(page, 2) == ["decision", "dom"]


def test_the_page_says_what_became_of_an_incentive(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop)
    page.evaluate("""() => shopstream.on('incentive', (incentive) => {
        shopstream.shown(incentive)
        shopstream.accepted(incentive)
        shopstream.dismissed(incentive)
    })""")
    server.decide(decision())
    server.wait_for_event("incentive_dismissed")
    told = [(item["event"], item["properties"]) for item in server.items if item["type"] == "track"]
    assert told == [
        (f"incentive_{what}", {"incentive_id": "incentive-1"}) for what in ("shown", "accepted", "dismissed")
    ]


def test_a_broken_stream_is_taken_up_again_and_says_nothing_twice(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop)
    page.evaluate(LISTEN)
    server.decide(decision(), 7)
    heard(page, 3)
    server.end_streams()
    server.decide(decision(), 7)
    server.decide(decision("decision-2"), 8)
    assert heard(page, 5) == ["decision", "dom", "incentive", "decision", "dom"]
    streams = [each for each in server.requests if each.path.endswith("/stream")]
    assert [each.headers.get("last-event-id") for each in streams] == [None, "0-7"]


def test_an_old_token_is_replaced_by_a_new_one(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop)
    page.evaluate(LISTEN)
    server.wait_for(lambda: server.streams)
    server.token = "token-2"
    server.end_streams()
    server.decide(decision())
    assert heard(page, 3) == ["decision", "dom", "incentive"]
    assert [(each.path.split("/")[-1], each.status) for each in server.requests if "/api/" in each.path] == [
        ("token", 200),
        ("stream", 200),
        ("stream", 401),
        ("token", 200),
        ("stream", 200),
    ]


def test_a_hidden_tab_holds_no_stream(server: RecordingServer, page: Page) -> None:
    page.goto(server.shop)
    page.evaluate(LISTEN)
    server.wait_for(lambda: server.streams)
    turn(page, "hidden")
    server.end_streams()
    page.wait_for_timeout(300)  # an open stream would be back after 50 ms
    assert server.streams == []
    turn(page, "visible")
    server.decide(decision())
    assert heard(page, 3) == ["decision", "dom", "incentive"]


def test_a_token_that_is_never_answered_is_asked_for_again(server: RecordingServer, page: Page) -> None:
    page.add_init_script(
        "const after = AbortSignal.timeout; AbortSignal.timeout = (ms) => after.call(AbortSignal, ms / 60)"
    )
    server.is_granting.clear()
    page.goto(server.shop)
    page.evaluate(LISTEN)
    server.wait_for(lambda: sum(each.path.endswith("/token") for each in server.requests) > 1)
    server.is_granting.set()
    server.decide(decision())
    assert heard(page, 3) == ["decision", "dom", "incentive"]
