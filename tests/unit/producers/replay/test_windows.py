from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from producers.replay.items import ReplayItem
from producers.replay.windows import MAX_BODY_BYTES, MAX_EVENTS, Counts, body_of, distinct, requests, windows

START = datetime(2019, 10, 1, tzinfo=UTC)


def item(number: int, *, second: float = 0, visitor: str = "ada", size: int = 10) -> ReplayItem:
    return ReplayItem(f"m{number}", visitor, START + timedelta(seconds=second), b"%0*d" % (size, number))


def test_equal_items_are_one_event() -> None:
    counts = Counts()
    items = [item(1), item(2), item(1), item(3, second=1), item(3, second=1)]
    assert [each.message_id for each in distinct(items, counts)] == ["m1", "m2", "m3"]
    assert counts == Counts(read=5, distinct=3)


def test_a_window_ends_with_its_span_or_its_size() -> None:
    items = [item(number, second=number * 10) for number in range(7)]
    by_span = windows(items, span=timedelta(seconds=30), max_events=100)
    by_size = windows(items, span=timedelta(hours=1), max_events=3)
    assert [len(window) for window in by_span] == [3, 3, 1]
    assert [len(window) for window in by_size] == [3, 3, 1]


def test_items_without_a_time_stay_where_they_are() -> None:
    lost = ReplayItem("m0", "ada", None, b"{}")
    assert list(windows([lost, item(1), lost], span=timedelta(minutes=1), max_events=9)) == [[lost, item(1), lost]]


def test_no_request_is_larger_than_ingest_takes() -> None:
    window = [item(number, size=3_000) for number in range(1_200)]
    for lane in requests(window, 1):
        assert all(len(request) <= MAX_EVENTS and len(body_of(request)) <= MAX_BODY_BYTES for request in lane)


@given(st.lists(st.sampled_from("abcdefgh"), max_size=1_500), st.integers(1, 6))
def test_every_item_is_in_one_request_and_a_visitors_items_are_in_order(visitors: list[str], lanes: int) -> None:
    window = [item(number, visitor=visitor) for number, visitor in enumerate(visitors)]
    visitor_of = {each.body: each.visitor_id for each in window}
    split = [[body for request in lane for body in request] for lane in requests(window, lanes)]
    assert sorted(body for lane in split for body in lane) == [each.body for each in window]
    for visitor in set(visitors):
        homes = [lane for lane in split if any(visitor_of[body] == visitor for body in lane)]
        assert len(homes) == 1
        mine = [body for body in homes[0] if visitor_of[body] == visitor]
        assert mine == sorted(mine)
