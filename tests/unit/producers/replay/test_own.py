import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from producers.replay import own
from producers.replay.items import ReplayError, ReplayItem


def call(timestamp: str = "2026-03-01T12:00:00Z", **fields: object) -> dict[str, Any]:
    return {"type": "page", "messageId": "m-1", "anonymousId": "ada", "timestamp": timestamp, **fields}


def log(folder: Path, *calls: object, name: str = "2026-03-01.jsonl.gz") -> Path:
    text = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in calls)
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def ids(items: list[ReplayItem]) -> list[str]:
    return [each.message_id for each in items]


def test_a_line_is_sent_as_it_stands(tmp_path: Path) -> None:
    (item,) = own.recording(log(tmp_path, call(properties={"path": "/tea"}))).items
    assert (item.message_id, item.visitor_id) == ("m-1", "ada")
    assert item.occurred_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert json.loads(item.body) == call(properties={"path": "/tea"})


def test_a_folder_is_read_in_order_of_time_whatever_the_order_of_its_files_and_lines(tmp_path: Path) -> None:
    log(tmp_path, call("2026-03-02T09:00:00Z", messageId="third"), name="a.jsonl")
    log(tmp_path, call("2026-03-01T12:00:00+02:00", messageId="first"), call(messageId="second"), name="b.jsonl.gz")
    (tmp_path / "readme.txt").write_text("not a log")
    recording = own.recording(tmp_path)
    assert recording.row_count == 3
    assert ids(list(recording.items)) == ["first", "second", "third"]
    assert ids(list(own.recording(tmp_path, date(2026, 3, 2)).items)) == ["third"]


def test_without_an_id_the_same_line_is_the_same_event_and_another_is_another(tmp_path: Path) -> None:
    bare = call(messageId=None)
    first, again, other = own.recording(log(tmp_path, bare, bare, call(messageId=None, userId="u"))).items
    assert first.message_id == again.message_id != other.message_id


def test_a_user_without_an_anonymous_id_is_a_visitor_too_and_a_time_that_is_none_is_left_to_ingest(
    tmp_path: Path,
) -> None:
    (item,) = own.recording(log(tmp_path, call("yesterday", anonymousId=None, userId="u-7"))).items
    assert (item.visitor_id, item.occurred_at) == ("u-7", None)
    (item,) = own.recording(log(tmp_path, call("0001-01-01T00:00:00+14:00"))).items
    assert item.occurred_at is None, "in UTC it was before the first year"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["{}", "", "no json"], "line 3 of .* is no Segment call"),
        (["[1]"], "line 1 of .* is no Segment call"),
        (['{"a":' + "[" * 200_000 + "]" * 200_000 + "}"], "line 1 of .* is no Segment call"),
    ],
)
def test_a_line_that_is_no_call_is_named(tmp_path: Path, lines: list[str], words: str) -> None:
    with pytest.raises(ReplayError, match=words):
        own.recording(log(tmp_path, *lines))


def test_a_line_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "latin.jsonl"
    path.write_bytes('{"type": "page", "anonymousId": "Zoë"}'.encode("latin-1"))
    with pytest.raises(ReplayError, match=r"line 1 of .* is no Segment call"):
        own.recording(path)


def test_what_is_not_there_or_cut_short_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="does not exist"):
        own.recording(tmp_path / "none.jsonl")
    with pytest.raises(ReplayError, match="no file of JSON lines"):
        own.recording(tmp_path)
    path = log(tmp_path, *[call(messageId=str(number)) for number in range(500)])
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ReplayError, match="cut short"):
        own.recording(path)
