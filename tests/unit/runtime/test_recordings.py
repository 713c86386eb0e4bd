"""A recording keeps every byte, and gives events back in the order of their arrival, whatever partition they are on."""

from pathlib import Path
from typing import Any

import pytest

from producers.replay.recorded import OVERLAP_MS, after, publish
from runtime import recordings
from runtime.recordings import Part, Record, events_in_file, recorded_in_file, write_recording


class RecordingProducer:
    """Keeps what it is given to send; everything is acknowledged at once."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send(self, topic: str, **told: Any) -> Any:
        self.sent.append(told)
        return self

    def get(self, timeout_s: float) -> None:
        pass


def record(offset: int, at_ms: int, value: bytes | None = b'{"visitor_id":"ada"}') -> Record:
    return Record(offset, at_ms, b"ada", value, [("ce_id", b"\xff\x00 any bytes")])


def parts(number: int, *times: int) -> dict[str, Part]:
    events = [record(place, at_ms) for place, at_ms in enumerate(times)]
    return {
        "decisions": Part("decisions", number, 0, 0, []),
        "session-features": Part("session-features", number, 0, 7, [record(0, 5, None)]),
        "events": Part("events", number, 3, len(times), events),
    }


@pytest.mark.parametrize("per_line", [1, 2, 5_000])
def test_what_is_read_is_what_was_written_however_it_was_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, per_line: int
) -> None:
    monkeypatch.setattr(recordings, "LINE_RECORDS", per_line)
    written = [parts(0, 1, 2, 3), parts(1), parts(2, 9)]
    assert write_recording(tmp_path / "r.gz", written) == 7
    assert list(recorded_in_file(tmp_path / "r.gz")) == written


def test_events_come_in_the_order_of_arrival_and_each_partition_in_its_own(tmp_path: Path) -> None:
    write_recording(tmp_path / "r.gz", [parts(0, 10, 30, 30, 50), parts(1, 20, 40)])
    assert [each.at_ms for each in events_in_file(tmp_path / "r.gz")] == [10, 20, 30, 30, 40, 50]


def test_only_what_the_other_log_may_lack_is_published_again() -> None:
    times = [0, OVERLAP_MS, 2 * OVERLAP_MS, 3 * OVERLAP_MS]
    records = [record(place, at_ms) for place, at_ms in enumerate(times)]
    assert list(after(records, None)) == records
    assert [each.at_ms for each in after(records, 2 * OVERLAP_MS)] == times[2:]


def test_what_no_client_of_ours_could_have_sent_is_recorded_and_does_not_stop_the_others(tmp_path: Path) -> None:
    """Other clients write headers without a value, and records with neither key nor value."""
    odd = [Record(0, 1, b"ada", b"{}", [("ce_id", b"m1"), ("note", None)]), Record(1, 2, None, None, []), record(2, 3)]
    write_recording(tmp_path / "r.gz", [{"events": Part("events", 0, 0, 0, odd)}])
    producer = RecordingProducer()
    assert publish(events_in_file(tmp_path / "r.gz"), producer, lambda count: None) == 2
    assert [(each["value"], each["headers"]) for each in producer.sent] == [
        (b"{}", [("ce_id", b"m1")]),
        (b'{"visitor_id":"ada"}', [("ce_id", b"\xff\x00 any bytes")]),
    ]
