"""ClickstreamDMM as events: each page one event, in order, and nothing of the outcome before the purchase."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import event_names
from producers.replay.dmm import PAGES, START, items
from producers.replay.items import ReplayError, ReplayItem
from tests.replay_files import write_dmm

SESSIONS = "session,purchase,static1,static5_z,n_pages\nd1,1,0,0.5,3\nd2,0,1,-0.5,2\n"
PAGE_EVENTS = "session,seq,seconds,page\nd1,0,0,0\nd1,1,40,3\nd1,2,40,6\nd2,0,0,2\nd2,1,7,9\nd3,0,0,1\n"
"""Two pages of d1 in one second; a class that nobody knows; a visit that the sessions file has not."""


def read(folder: Path) -> dict[str, list[ReplayItem]]:
    stories: dict[str, list[ReplayItem]] = {}
    for each in items(folder, lambda visitor_id: True):
        stories.setdefault(each.visitor_id, []).append(each)
    return stories


def names_of(story: list[ReplayItem]) -> list[str]:
    bodies = [msgspec.json.decode(each.body) for each in story]
    return [event_names.PAGE_VIEW if body["type"] == "page" else body["event"] for body in bodies]


def test_a_visit_is_its_pages_and_then_its_purchase(tmp_path: Path) -> None:
    stories = read(write_dmm(tmp_path, SESSIONS, PAGE_EVENTS))
    assert set(stories) == {"dmm-d1", "dmm-d2"}
    assert names_of(stories["dmm-d1"]) == ["page_view", "view_item", "begin_checkout", "purchase"]
    assert names_of(stories["dmm-d2"]) == ["view_item_list", "page_view"]


def test_pages_of_one_second_keep_their_order(tmp_path: Path) -> None:
    moments = [each.occurred_at for each in read(write_dmm(tmp_path, SESSIONS, PAGE_EVENTS))["dmm-d1"]]
    assert moments == sorted(moments, key=lambda moment: moment or START)
    assert len(set(moments)) == len(moments)


def test_the_outcome_and_the_length_are_not_told_before(tmp_path: Path) -> None:
    for story in read(write_dmm(tmp_path, SESSIONS, PAGE_EVENTS)).values():
        for each in story:
            text = each.body.decode()
            assert "n_pages" not in text
            assert "static" not in text
            assert event_names.PURCHASE not in text or names_of([each]) == [event_names.PURCHASE]


def test_some_visitors_can_be_asked_for(tmp_path: Path) -> None:
    write_dmm(tmp_path, SESSIONS, PAGE_EVENTS)
    assert {each.visitor_id for each in items(tmp_path, lambda visitor_id: visitor_id == "dmm-d2")} == {"dmm-d2"}


def test_a_folder_without_the_files_says_which_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match=r"no sessions\.csv\.gz"):
        next(items(tmp_path, lambda visitor_id: True))


def test_rows_out_of_order_are_told_by_their_seconds(tmp_path: Path) -> None:
    header, *rows = PAGE_EVENTS.splitlines()
    turned = "\n".join([header, rows[1], rows[2], rows[0], *rows[3:]]) + "\n"
    assert read(write_dmm(tmp_path, SESSIONS, turned)) == read(write_dmm(tmp_path, SESSIONS, PAGE_EVENTS))


def test_the_files_may_be_of_a_part_and_plain(tmp_path: Path) -> None:
    (tmp_path / "sessions_later.csv").write_text(SESSIONS)
    (tmp_path / "dmm_page_events_later.csv").write_text(PAGE_EVENTS)
    assert set(read(tmp_path)) == {"dmm-d1", "dmm-d2"}


def test_the_files_may_lie_one_folder_below(tmp_path: Path) -> None:
    below = tmp_path / "clickstream"
    below.mkdir()
    assert read(write_dmm(below, SESSIONS, PAGE_EVENTS)) == read(tmp_path)
    with pytest.raises(ReplayError, match="give the folder of the clickstream"):
        read(tmp_path / "nowhere" / "either")


def test_two_clickstreams_in_one_folder_are_not_mixed_up(tmp_path: Path) -> None:
    write_dmm(tmp_path, SESSIONS, PAGE_EVENTS)
    (tmp_path / "sessions_later.csv").write_text(SESSIONS)
    with pytest.raises(ReplayError, match=r"has sessions\.csv\.gz, sessions_later\.csv; .*with one file of sessions"):
        read(tmp_path)


@pytest.mark.parametrize("seconds", ["", "soon", "nan", "1e300"])
def test_seconds_that_are_none_are_named(seconds: str, tmp_path: Path) -> None:
    write_dmm(tmp_path, SESSIONS, f"session,seq,seconds,page\nd1,0,{seconds},0\n")
    with pytest.raises(ReplayError, match=r"column seconds holds .*, which is no number of seconds"):
        next(items(tmp_path, lambda visitor_id: True))


STORIES = st.lists(
    st.tuples(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 6)), min_size=1, max_size=8), st.booleans()),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=50)
@given(stories=STORIES)
def test_any_clickstream_comes_out_whole(
    stories: list[tuple[list[tuple[int, int]], bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("dmm")
    sessions, pages = "session,purchase\n", "session,seq,seconds,page\n"
    for number, (story, bought) in enumerate(stories):
        sessions += f"s{number},{int(bought)}\n"
        seconds = 0
        for seq, (pause, page) in enumerate(story):
            seconds += pause if seq else 0
            pages += f"s{number},{seq},{seconds},{page}\n"
    told = read(write_dmm(folder, sessions, pages))
    for number, (story, bought) in enumerate(stories):
        events = told[f"dmm-s{number}"]
        expected = [PAGES[str(page)][0] for _, page in story] + ["purchase"] * bought
        assert names_of(events) == expected
        first, last = events[0].occurred_at, events[len(story) - 1].occurred_at
        assert first is not None
        assert last is not None
        pauses = sum(pause for pause, _ in story[1:])
        assert timedelta(seconds=pauses) <= last - first < timedelta(seconds=pauses + 1)
        assert len({each.message_id for each in events}) == len(events)
