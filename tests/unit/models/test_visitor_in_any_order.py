"""The fold, whatever order the events arrive in and however often: the visitor's sessions are the same."""

import itertools
from datetime import timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import Event
from models.session_features import features_of
from models.visitor import GAP, Visitor
from tests.folding import at, told

ACTS = st.sampled_from(
    [
        ("page_view", {}),
        ("view_item", {"items": [{"item_id": "tea", "price": 4.5, "item_category": "green"}]}),
        ("view_item", {"items": [{"item_id": "cup", "price": 12.0, "item_category": "ware"}]}),
        ("add_to_cart", {"items": [{"item_id": "tea", "price": 4.5, "quantity": 3}]}),
        ("add_to_cart", {"value": 7.25}),
        ("remove_from_cart", {"items": [{"item_id": "tea", "price": 4.5, "quantity": 2}]}),
        ("remove_from_cart", {"value": 3.0}),
        ("purchase", {"value": 19.9, "transaction_id": "T1"}),
        ("purchase", {"value": 5.0}),
        ("user_engagement", {"engagement_time_msec": 1234.5678, "percent_scrolled": 40.0, "click_count": 2}),
        ("begin_checkout", {}),
        ("scroll", {"percent_scrolled": 90.0, "engagement_time_msec": 5012.0}),
        ("custom_thing", {}),
    ]
)
STORIES = st.lists(
    st.tuples(ACTS, st.floats(0, 600, allow_nan=False).map(lambda m: round(m, 3))), min_size=1, max_size=25
)


def told_by(story: list[tuple[tuple[str, dict[str, object]], float]]) -> list[Event]:
    """The events of a story; some are a refusing visitor's, some a program's."""
    return [
        msgspec.structs.replace(
            at(minutes, name, **properties),
            message_id=f"m{n}",
            consent=(None, "granted", None, "refused", None)[n % 5],
            bot_score=(None, None, 0.3, 0.4)[n % 4],
        )
        for n, ((name, properties), minutes) in enumerate(story)
    ]


@settings(max_examples=200, deadline=None)
@given(STORIES, st.randoms(use_true_random=False))
def test_any_order_with_any_repeats_gives_the_same_sessions_and_features(
    story: list[tuple[tuple[str, dict[str, object]], float]], chance: object
) -> None:
    events = told_by(story)
    shuffled = events + events[: len(events) // 2]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    def final(visitor: Visitor) -> list[object]:
        features = [features_of(visitor, session, "") for session in visitor.sessions]
        return [msgspec.structs.replace(each, replaces=()) for each in features]

    in_order = told(*sorted(events, key=lambda e: (e.occurred_at, e.message_id)))
    assert final(told(*shuffled)) == final(in_order)


@settings(max_examples=100, deadline=None)
@given(STORIES)
def test_sessions_are_what_cutting_the_sorted_times_gives(
    story: list[tuple[tuple[str, dict[str, object]], float]],
) -> None:
    times = [minutes for _, minutes in story]
    visitor = told(*(msgspec.structs.replace(at(t), message_id=f"m{n}") for n, t in enumerate(times)))
    ordered = sorted(timedelta(minutes=t) for t in times)
    cuts = sum(1 for a, b in itertools.pairwise(ordered) if b - a > GAP)
    assert len(visitor.sessions) == cuts + 1
    assert sum(s.event_count for s in visitor.sessions) == len(times)


@settings(max_examples=50, deadline=None)
@given(STORIES, st.integers(0, 25))
def test_a_state_written_and_read_again_goes_on_alike(
    story: list[tuple[tuple[str, dict[str, object]], float]], cut: int
) -> None:
    events = told_by(story)
    resumed = msgspec.msgpack.decode(msgspec.msgpack.encode(told(*events[:cut])), type=Visitor)
    for each in events[cut:]:
        resumed.observe(each)
    assert resumed == told(*events)
