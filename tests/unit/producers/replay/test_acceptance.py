"""What the formats make of a row is what ingest takes: made-up files always, the real ones where they are."""

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from contracts.events import Event
from producers.ingest.accept import event_of_bytes
from producers.ingest.rejections import Rejection
from producers.ingest.write_keys import HISTORY
from producers.replay.items import Recording, ReplayItem
from producers.replay.run import FORMATS
from runtime.settings import IngestSettings
from tests.replay_files import real_data, write_google, write_rees46

NOW = datetime(2026, 3, 2, tzinfo=UTC)
REES46 = real_data() / "rees46-multi-category" / "events_2019-10-01_0000-0250.csv.gz"
GOOGLE = real_data() / "google-merchandise-store"
DAY = date(2016, 8, 2)


def verdict(item: ReplayItem) -> Event | Rejection:
    return event_of_bytes(item.body, write_key=HISTORY, received_at=NOW, max_bytes=IngestSettings().max_event_bytes)


def accepted(recording: Recording) -> list[Event]:
    """The events of all rows; fails with the reason of the first row that is refused."""
    events = []
    for item in recording.items:
        event = verdict(item)
        assert isinstance(event, Event), (event, item.body)
        assert (event.message_id, event.visitor_id, event.occurred_at) == (
            item.message_id,
            item.visitor_id,
            item.occurred_at,
        )
        events.append(event)
    assert len(events) == recording.row_count
    return events


def test_every_row_of_a_made_up_rees46_file_is_accepted(tmp_path: Path) -> None:
    events = accepted(FORMATS["rees46"](write_rees46(tmp_path), None))
    bought = [event for event in events if event.event_name == "purchase"]
    assert [event.properties.value for event in bought] == [254.82, 999.99, 999.99]
    assert bought[0].properties.items[0].item_category == "electronics.smartphone"
    assert b'"user_session":"aaaa"' in bytes(bought[0].custom)


def test_every_hit_of_a_made_up_google_export_is_accepted(tmp_path: Path) -> None:
    events = accepted(FORMATS["google-merchandise"](write_google(tmp_path), None))
    assert Counter(event.event_name for event in events)["page_view"] == 2
    assert sum(event.event_name == "page_view" or event.properties.is_page_view is True for event in events) == 9
    assert [event.properties.value for event in events if event.event_name == "purchase"] == [41.5, 0.0]
    first = events[0].context
    assert (first.page_path, first.device_type, first.os, first.campaign_medium) == (
        "/home",
        "desktop",
        "Windows",
        "organic",
    )


def test_a_row_that_makes_no_sense_is_refused_with_its_reason(tmp_path: Path) -> None:
    broken = "event_time,event_type,product_id,price,user_id\nyesterday,view,1,2.50,3\n2019-10-01 00:00:01 UTC,view,1,cheap,3\n"
    early, cheap = [verdict(item) for item in FORMATS["rees46"](write_rees46(tmp_path, broken), None).items]
    assert {early.message, cheap.message} == {  # type: ignore[union-attr]
        "timestamp must be an ISO 8601 date-time",
        "properties.value must be a number",
    }


@pytest.mark.skipif(not REES46.exists(), reason=f"{REES46} is not there; SHOPSTREAM_TEST_DATA may name its folder")
def test_every_row_of_the_real_rees46_sample_is_accepted() -> None:
    events = accepted(FORMATS["rees46"](REES46, None))
    assert Counter(event.event_name for event in events) == {"view_item": 9869, "purchase": 121, "add_to_cart": 109}


@pytest.mark.skipif(not GOOGLE.exists(), reason=f"{GOOGLE} is not there; SHOPSTREAM_TEST_DATA may name its folder")
def test_every_hit_of_a_real_day_of_the_google_store_is_accepted() -> None:
    events = accepted(FORMATS["google-merchandise"](GOOGLE, DAY))
    assert len(events) == 15_522
    assert {event.context.device_type for event in events} == {"desktop", "mobile", "tablet"}
