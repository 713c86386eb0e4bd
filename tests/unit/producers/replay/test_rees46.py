import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from producers.replay import rees46
from producers.replay.items import ReplayError, ReplayItem
from tests.replay_files import REES46, write_rees46


def row(**cells: str) -> dict[str, str]:
    """A view of a phone."""
    return {
        "event_time": "2019-10-01 00:00:01 UTC",
        "event_type": "view",
        "product_id": "1004767",
        "category_id": "2053",
        "category_code": "electronics.smartphone",
        "brand": "samsung",
        "price": "254.82",
        "user_id": "511",
        "user_session": "aaaa",
        **cells,
    }


def sent(item: ReplayItem) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(item.body)
    return body


def test_a_row_becomes_a_segment_call_with_its_event_time() -> None:
    item = rees46.item_of(row())
    body = sent(item)
    assert item.occurred_at == datetime(2019, 10, 1, 0, 0, 1, tzinfo=UTC)
    assert body["timestamp"] == "2019-10-01T00:00:01Z"
    assert (body["type"], body["event"], body["anonymousId"]) == ("track", "view_item", "511")
    assert body["properties"] == {
        "currency": "USD",
        "value": 254.82,
        "items": [
            {
                "item_id": "1004767",
                "item_brand": "samsung",
                "item_category": "electronics.smartphone",
                "price": 254.82,
                "quantity": 1,
            }
        ],
        "category_id": "2053",
        "user_session": "aaaa",
    }


@pytest.mark.parametrize(
    ("event_type", "event"),
    [
        ("view", "view_item"),
        ("cart", "add_to_cart"),
        ("remove_from_cart", "remove_from_cart"),
        ("purchase", "purchase"),
        ("wishlist", "wishlist"),
    ],
)
def test_the_formats_words_become_ga4s_and_others_stay(event_type: str, event: str) -> None:
    assert sent(rees46.item_of(row(event_type=event_type)))["event"] == event


def test_empty_cells_are_left_out() -> None:
    properties = sent(rees46.item_of(row(category_code="", brand="", price="", user_session="")))["properties"]
    assert properties == {"items": [{"item_id": "1004767", "quantity": 1}], "category_id": "2053"}


def test_cells_that_make_no_sense_are_sent_for_ingest_to_refuse() -> None:
    item = rees46.item_of(row(event_time="yesterday", price="cheap"))
    assert item.occurred_at is None
    assert sent(item)["timestamp"] == "yesterday"
    assert sent(item)["properties"]["value"] == "cheap"
    assert rees46.item_of(row(event_time="9999-12-31 23:00:00-14:00")).occurred_at is None


def test_equal_rows_have_equal_ids_whatever_the_order_of_columns() -> None:
    turned = dict(reversed(row().items()))
    assert rees46.item_of(row()).message_id == rees46.item_of(turned).message_id
    assert rees46.item_of(row()).message_id != rees46.item_of(row(price="254.83")).message_id


def test_a_file_in_another_order_is_told_in_event_time_order(tmp_path: Path) -> None:
    head, *rows = REES46.splitlines()
    path = write_rees46(tmp_path, "\n".join([head, *reversed(rows)]) + "\n")
    recording = rees46.recording(path)
    times = [item.occurred_at for item in recording.items]
    assert recording.row_count == len(times) == 10
    assert times == sorted(times, key=str)


def test_a_day_can_be_picked(tmp_path: Path) -> None:
    text = REES46 + "2019-10-02 00:00:00 UTC,view,1,2,,,3.00,4,cccc\n"
    recording = rees46.recording(write_rees46(tmp_path, text), date(2019, 10, 2))
    assert [item.visitor_id for item in recording.items] == ["4"]
    assert recording.row_count == 1


def test_an_uncompressed_file_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "november.csv"
    path.write_text(REES46)
    assert len(list(rees46.recording(path).items)) == 10


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="no column user_id; it has event_time, "):
        rees46.recording(write_rees46(tmp_path, REES46.replace("user_id", "someone")))


def test_files_in_folders_below_are_found_where_the_folder_has_none(tmp_path: Path) -> None:
    below = tmp_path / "october"
    below.mkdir()
    (below / "events.csv").write_text(REES46)
    assert rees46.files(tmp_path) == [below / "events.csv"]
    (tmp_path / "all.csv").write_text(REES46)
    assert rees46.files(tmp_path) == [tmp_path / "all.csv"]


def test_a_folder_in_place_of_the_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="is a folder; give the file"):
        rees46.recording(tmp_path)


@pytest.mark.parametrize(
    ("bytes_", "words"),
    [(b"", "is empty"), (b"\x1f\x8b\x08\x00broken", "cannot be read as CSV"), (None, "does not exist")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, bytes_: bytes | None, words: str) -> None:
    path = tmp_path / ("log.csv" if bytes_ == b"" else "log.csv.gz")
    if bytes_ is not None:
        path.write_bytes(bytes_)
    with pytest.raises(ReplayError, match=words):
        rees46.recording(path)
