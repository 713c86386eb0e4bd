"""A visit becomes the Segment items that the browser snippet would send."""

import json
from datetime import UTC, datetime, timedelta

from producers.shoppers.behaviour import visits
from producers.shoppers.visit import Visit

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def one(what: str) -> Visit:
    return next(v for v in visits(500, seed=3, start=START, days=2) if any(act.event == what for act in v.acts))


def test_message_ids_are_the_run_the_visit_and_the_act() -> None:
    visit = one("purchase")
    ids = [item["messageId"] for item in visit.items(run="sim7")]
    assert ids == [f"sim7-{visit.number}-{index}" for index in range(len(visit.acts))]
    assert ids == [item["messageId"] for item in visit.items(run="sim7")]


def test_timestamps_follow_the_pauses_from_the_given_beginning() -> None:
    visit = one("purchase")
    stamps = [datetime.fromisoformat(item["timestamp"]) for item in visit.items(START)]
    assert stamps == sorted(stamps)
    assert stamps[0] - START < timedelta(milliseconds=1)
    assert abs(stamps[-1] - START - timedelta(seconds=visit.duration_s)) < timedelta(milliseconds=2)


def test_page_calls_carry_their_page_and_track_calls_their_ga4_name() -> None:
    first, second, *_ = one("view_item").items()
    assert (first["type"], "event" in first) == ("page", False)
    assert first["context"]["page"]["url"].startswith("https://mossandkiln.example/")
    assert (second["type"], second["event"]) in {
        ("track", "view_item"),
        ("track", "view_item_list"),
        ("track", "search"),
    }
    assert "Mozilla/5.0" in first["context"]["userAgent"]


def test_a_campaign_is_told_with_the_landing_page_only() -> None:
    visit = next(v for v in visits(500, seed=3, start=START, days=2) if "campaign" in v.acts[0].context)
    pages = [act for act in visit.acts if act.type == "page"]
    assert ["campaign" in page.context for page in pages] == [True] + [False] * (len(pages) - 1)


def test_a_signed_in_visitor_is_identified_and_named_on_every_event() -> None:
    visit = one("identify")
    items = list(visit.items())
    identify = next(item for item in items if item["type"] == "identify")
    assert "traits" in identify
    assert {item["userId"] for item in items} == {visit.user_id}


def test_the_payload_is_a_batch_with_the_write_key_inside() -> None:
    payload = one("purchase").payload(write_key="demo")
    assert set(payload) == {"batch", "writeKey", "sentAt"}
    assert json.loads(json.dumps(payload)) == payload
    assert payload["sentAt"] == payload["batch"][-1]["timestamp"]
