"""What simulated shoppers send is what ingest takes: every item becomes the event it means, every broken one is refused."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from contracts import event_names
from contracts.events import Event
from models.channels import channel_of
from producers.ingest.accept import event_of
from producers.ingest.rejections import Rejection
from producers.ingest.write_keys import HISTORY
from producers.shoppers.behaviour import visits
from producers.shoppers.reactions import broken
from producers.shoppers.visit import Visit

START = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def some() -> list[Visit]:
    return list(visits(400, seed=5, start=START, days=4))


def events_of(visit: Visit) -> list[Event]:
    received_at = visit.started_at + timedelta(seconds=visit.duration_s)
    events = [event_of(item, write_key=HISTORY, received_at=received_at) for item in visit.items()]
    assert not [event for event in events if isinstance(event, Rejection)]
    return [event for event in events if isinstance(event, Event)]


def test_every_item_becomes_the_event_that_the_act_means(some: list[Visit]) -> None:
    for visit in some:
        events = events_of(visit)
        assert [event.event_name for event in events] == [act.event for act in visit.acts]
        assert {event.visitor_id for event in events} == {visit.visitor_id}
        assert {event.event_name for event in events} <= event_names.RECOMMENDED


def test_devices_and_channels_of_all_kinds_arrive(some: list[Visit]) -> None:
    landings = [events_of(visit)[0].context for visit in some]
    assert set(Counter(context.device_type for context in landings)) == {"desktop", "mobile", "tablet"}
    channels = {"direct", "search", "social", "email", "paid", "referral"}
    assert {channel_of(context) for context in landings} == channels


def test_money_and_engagement_arrive_where_features_look_for_them(some: list[Visit]) -> None:
    by_name = {event.event_name: event.properties for visit in some for event in events_of(visit)}
    assert by_name["purchase"].transaction_id
    assert by_name["purchase"].value == pytest.approx(
        sum((item.price or 0) * item.quantity for item in by_name["purchase"].items)
        * (0.9 if by_name["purchase"].coupon else 1)
    )
    assert (by_name["user_engagement"].engagement_time_msec or 0) > 0
    assert by_name["search"].search_term


def test_no_broken_item_is_accepted(some: list[Visit]) -> None:
    random = Random(3)
    items = [item for visit in some[:60] for item in visit.items()]
    for item in items:
        answer = event_of(broken(item, "m", random), write_key=HISTORY, received_at=START)
        assert isinstance(answer, Rejection)
