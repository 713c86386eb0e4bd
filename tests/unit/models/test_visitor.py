"""The fold, act by act: what an event changes in its session, and in the sessions around it."""

from datetime import timedelta

import msgspec

from contracts.events import Event
from models.history import MAX_BOUGHT, MAX_SPANS
from models.session_features import features_of, outcome_of
from models.visitor import GAP, LATENESS, MAX_SEEN, Visitor
from tests.folding import NOON, at, told


def test_a_pause_longer_than_the_gap_opens_a_new_session() -> None:
    assert [s.event_count for s in told(at(0), at(10), at(40.1)).sessions] == [2, 1]


def test_a_pause_of_exactly_the_gap_does_not() -> None:
    assert [s.event_count for s in told(at(0), at(30)).sessions] == [2]


def test_an_event_told_twice_counts_once_and_is_answered_with_the_sessions_as_they_stand() -> None:
    visitor = told(at(0), at(1))
    assert [s.event_count for s in visitor.observe(at(0))] == [2]


def test_a_late_event_that_fills_the_pause_makes_one_session_of_two() -> None:
    visitor = told(at(0), at(50), at(25))
    assert [s.event_count for s in visitor.sessions] == [3]
    merged = features_of(visitor, visitor.sessions[0], "page_view@25")
    alone = told(at(50))
    assert alone.sessions[0].session_id("ada") in merged.replaces


def test_engagement_counts_whatever_event_tells_it() -> None:
    visitor = told(
        at(0, engagement_time_msec=1.0),
        at(1, "scroll", percent_scrolled=90.0, engagement_time_msec=4_000.0),
        at(2, "user_engagement", engagement_time_msec=2_500.0),
    )
    features = features_of(visitor, visitor.sessions[0], "")
    assert (features.active_ms, features.scroll_percent_max) == (6_501, 90)


def test_events_that_mean_nothing_here_leave_their_session_as_it_is() -> None:
    page = at(0.02)
    noted = told(at(0, "session_start"), at(0.01, "first_visit"), page, at(1, "form_start"))
    with_them, without = (features_of(each, each.sessions[0], "") for each in (noted, told(page)))
    assert len(noted.sessions) == 1
    assert (with_them.page_count, with_them.entry_path, with_them.channel) == (1, without.entry_path, without.channel)


def test_an_earlier_first_event_renames_the_session_and_says_which_name_is_void() -> None:
    visitor = told(at(5))
    before = visitor.sessions[0].session_id("ada")
    visitor.observe(at(0))
    features = features_of(visitor, visitor.sessions[0], "page_view@0")
    assert features.session_id != before
    assert features.replaces == (before,)


def test_a_late_event_sends_the_sessions_after_it_again_because_it_is_their_history() -> None:
    visitor = told(at(100), at(200))
    touched = visitor.observe(at(0, "purchase", value=30.0, transaction_id="T1"))
    counts = [features_of(visitor, s, "").previous_purchase_count for s in touched]
    assert counts == [0, 1, 1]


def test_the_order_page_shown_twice_is_one_purchase() -> None:
    visitor = told(
        at(0, "purchase", value=30.0, transaction_id="T1"), at(1, "purchase", value=30.0, transaction_id="T1")
    )
    features = features_of(visitor, visitor.sessions[0], "")
    assert (features.purchase_count, features.revenue) == (1, 30.0)


def test_the_cart_is_what_was_added_and_not_removed_since_the_purchase() -> None:
    visitor = told(
        at(0, "add_to_cart", items=[{"item_id": "tea", "price": 4.5, "quantity": 2}]),
        at(1, "add_to_cart", items=[{"item_id": "cup", "price": 12.0}]),
        at(2, "remove_from_cart", items=[{"item_id": "tea", "price": 4.5}]),
    )
    features = features_of(visitor, visitor.sessions[0], "")
    assert (features.cart_value, features.cart_item_count) == (16.5, 2)
    visitor.observe(at(3, "purchase", value=16.5, transaction_id="T1"))
    assert features_of(visitor, visitor.sessions[0], "").cart_value == 0


def test_a_session_closes_when_the_watermark_has_passed_the_gap_and_a_late_event_opens_it_again() -> None:
    visitor = told(at(0, "add_to_cart", value=20.0))
    assert visitor.close_until(NOON + GAP) == []
    (session,) = visitor.close_until(NOON + GAP + timedelta(seconds=1))
    outcome = outcome_of(features_of(visitor, session, ""))
    assert outcome is not None
    assert (outcome.has_purchased, outcome.abandoned_cart_value) == (False, 20.0)
    visitor.observe(at(10))
    assert outcome_of(features_of(visitor, visitor.sessions[0], "")) is None


def test_what_is_too_old_to_change_becomes_history() -> None:
    late = (LATENESS + 2 * GAP) / timedelta(minutes=1)
    visitor = told(at(0, "purchase", value=10.0), at(late))
    assert len(visitor.sessions) == 1
    features = features_of(visitor, visitor.sessions[0], "")
    assert (features.previous_session_count, features.previous_purchase_count, features.previous_revenue) == (
        1,
        1,
        10.0,
    )
    assert features.seconds_since_previous_session == late * 60


def test_what_is_told_again_once_it_is_history_changes_nothing() -> None:
    """As when a log is replayed once more, days later: its message ids are forgotten by then."""
    story = [at(0), at(5, "purchase", value=10.0), at(10)]
    visitor = told(*story)
    assert visitor.forget_until(NOON + LATENESS + 2 * GAP)
    for each in story:
        assert visitor.observe(each) == []
    visitor.observe(at(10_000))
    features = features_of(visitor, visitor.sessions[0], "")
    assert (features.previous_session_count, features.previous_event_count, features.previous_revenue) == (1, 3, 10.0)


def test_what_comes_too_late_for_its_session_does_not_change_it_unless_it_is_a_purchase() -> None:
    """A purchase that was a dead letter for days counts, in a session of its own."""
    visitor = told(at(0), at(10))
    assert visitor.forget_until(NOON + LATENESS + 2 * GAP)
    assert visitor.observe(at(5)) == []
    (session,) = visitor.observe(at(6, "purchase", value=10.0))
    assert features_of(visitor, session, "").purchase_count == 1


DAY = 24 * 60


def test_what_is_imported_after_newer_sessions_has_only_the_older_ones_as_history() -> None:
    newer = [at(100 * DAY, "purchase", value=50.0), at(102 * DAY)]
    older = [at(0, "purchase", value=10.0), at(2 * DAY, "add_to_cart", value=5.0), at(4 * DAY)]
    visitor = told(*newer)
    assert visitor.forget_until(NOON + timedelta(days=104))
    known = [features_of(visitor, visitor.observe(each)[0], "") for each in older]
    assert [each.previous_revenue for each in known] == [0, 10, 10]
    in_order = Visitor("ada")
    expected = [features_of(in_order, in_order.observe(each)[-1], "") for each in older]
    assert [msgspec.structs.replace(each, received_at=NOON) for each in known] == [
        msgspec.structs.replace(each, received_at=NOON) for each in expected
    ]
    visitor.observe(at(200 * DAY))
    newest = features_of(visitor, visitor.sessions[-1], "")
    assert (newest.previous_session_count, newest.previous_purchase_count, newest.previous_revenue) == (5, 2, 60.0)


def test_an_older_log_is_told_also_after_a_long_history() -> None:
    newer = [at((100 + n) * DAY) for n in range(MAX_SPANS + 5)]
    visitor = told(*newer)
    assert visitor.forget_until(NOON + timedelta(days=300))
    counts = [features_of(visitor, visitor.observe(at(2 * DAY * n))[0], "").previous_session_count for n in range(3)]
    assert counts == [0, 1, 2]


def test_a_long_history_that_is_told_again_changes_nothing() -> None:
    story = [at(2 * DAY * n, "purchase", value=10.0) for n in range(max(MAX_SPANS, MAX_BOUGHT) + 10)]
    visitor = told(*story)
    assert visitor.forget_until(NOON + timedelta(days=500))
    for each in story:
        assert visitor.observe(each) == []
    assert len(visitor.history.spans) == MAX_SPANS
    assert visitor.history.purchase_count == len(story)


def test_memory_of_message_ids_is_bounded() -> None:
    visitor = told(*(at(n / 100) for n in range(MAX_SEEN + 50)))
    assert len(visitor.seen) == MAX_SEEN


def test_a_user_named_late_is_the_user_of_every_session() -> None:
    visitor = told(at(0), at(60))
    named = msgspec.structs.replace(at(61, "identify"), user_id="u1")
    assert len(visitor.observe(named)) == 2
    assert {features_of(visitor, s, "").user_id for s in visitor.sessions} == {"u1"}


def test_two_people_on_one_device_each_have_the_sessions_that_name_them() -> None:
    def by(user_id: str, minutes: float, **bought: object) -> Event:
        return msgspec.structs.replace(at(minutes, "purchase", **bought), user_id=user_id)

    visitor = told(by("ann", 0, value=30.0), at(60), by("bob", 120, value=5.0), at(180))
    found = [features_of(visitor, each, "") for each in visitor.sessions]
    assert [each.user_id for each in found] == ["ann", "bob", "bob", "bob"]
    assert [each.revenue for each in found] == [30.0, 0, 5.0, 0]


def test_a_purchase_told_again_in_a_later_session_is_the_earlier_ones() -> None:
    visitor = Visitor("ada")
    visitor.observe(at(0, "purchase", value=30.0, transaction_id="T1"))
    reopened = visitor.observe(at(120, "purchase", value=30.0, transaction_id="T1"))[-1]
    told = features_of(visitor, reopened, "m120")
    assert (told.purchase_count, told.revenue) == (0, 0.0)
    assert (told.previous_purchase_count, told.previous_revenue) == (1, 30.0)
    another = visitor.observe(at(240, "purchase", value=8.0, transaction_id="T2"))[-1]
    told = features_of(visitor, another, "m240")
    assert (told.purchase_count, told.revenue, told.previous_purchase_count) == (1, 8.0, 1)
    days_later = visitor.observe(at(3 * 24 * 60, "purchase", value=8.0, transaction_id="T2"))[-1]
    told = features_of(visitor, days_later, "m4320")
    assert (told.purchase_count, told.previous_purchase_count, told.previous_revenue) == (0, 2, 38.0)


def test_a_purchase_that_arrives_late_in_an_earlier_session_is_taken_from_the_later_one() -> None:
    visitor = Visitor("ada")
    visitor.observe(at(0, "page_view"))
    later = visitor.observe(at(120, "purchase", value=30.0, transaction_id="T1"))[-1]
    assert features_of(visitor, later, "m120").purchase_count == 1
    touched = visitor.observe(at(5, "purchase", value=30.0, transaction_id="T1"))
    assert [features_of(visitor, each, "m5").purchase_count for each in touched] == [1, 0]
