"""What is asked of a recording whose beginnings retention has taken."""

import pytest

from models.comparison import Comparison, Difference, Extent
from models.visitor import GAP
from runtime.recordings import Part, Record
from shopstream.compare import extent_of, stories_of, verdict


def part(topic: str, *times: int, start: int = 0, done: int = 0) -> Part:
    value = b'{"visitor_id":"ada"}'
    return Part(topic, 2, start, done, [Record(start + n, at_ms, b"", value, []) for n, at_ms in enumerate(times)])


def recorded(events: Part, features: Part, decisions: Part) -> dict[str, Part]:
    return {each.topic: each for each in (events, features, decisions)}


EVENTS = part("events", 10, 20, 30, 40, done=3)
WHOLE = part("session-features", 11, 21, 31)
DECISIONS = part("decisions", 12)


def test_of_a_whole_recording_everything_folded_is_asked_for() -> None:
    assert extent_of(recorded(EVENTS, WHOLE, DECISIONS)) == Extent(folded=3, scored=None, told_from=0, is_whole=True)


def test_features_that_are_gone_are_not_asked_for() -> None:
    trimmed = part("session-features", 25, 31, start=5)
    assert extent_of(recorded(EVENTS, trimmed, DECISIONS)).told_from == 2
    empty = part("session-features", start=5)
    assert extent_of(recorded(EVENTS, empty, DECISIONS)).told_from == 3


def test_decisions_that_are_gone_are_not_asked_for() -> None:
    assert extent_of(recorded(EVENTS, WHOLE, part("decisions", start=9))).scored == 0


def test_a_log_without_its_beginning_is_not_whole() -> None:
    assert not extent_of(recorded(part("events", 10, start=4), WHOLE, DECISIONS)).is_whole


def test_a_visitors_records_of_all_topics_are_one_story_and_unreadable_bytes_are_left_out() -> None:
    broken = part("events", 10)
    broken.records.append(Record(1, 11, b"ada", b"{", []))
    broken.records.append(Record(2, 11, b"ada", b'{"visitor_id":"\xff"}', []))
    (story,) = stories_of(recorded(broken, WHOLE, DECISIONS))
    assert (len(story.events), len(story.features), len(story.decisions)) == (1, 3, 1)


@pytest.mark.parametrize("older", [0, 3])
def test_the_verdict_names_what_differs_and_what_was_left_out(older: int) -> None:
    found = Comparison({}, GAP, visitors=2, events=9, sessions=2, features=4, decisions=4, waiting=5, older=older)
    told = "\n".join(verdict(found))
    assert "9 events of 2 visitors give 2 sessions" in told
    assert "5 of the events wait to be folded" in told
    assert ("3 visitors are older than the recording" in told) == bool(older)
    assert "all are equal, bit by bit" in told
    found.differing = 1
    found.differences["decisions", "likelihood"] = 1
    found.first.append(Difference("decisions", "ada", "s1", 3, 17, {"likelihood": (0.25, 0.5)}))
    told = "\n".join(verdict(found))
    assert "1 differ:" in told
    assert "decisions likelihood: 1" in told
    assert "decisions@17: session s1 of ada after 3 events: likelihood 0.25 is 0.5 folded again" in told
