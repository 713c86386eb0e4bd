"""Sessionize without Kafka: polls of records in, records to send out."""

from datetime import timedelta

from contracts.erasures import erasure_of
from contracts.topics import EVENTS
from models.visitor import MAX_SEEN
from tests.factories import at, event
from tests.sessionizing import NOW, Shop


def test_a_poll_sends_each_changed_session_once_and_each_visitors_state_once() -> None:
    shop = Shop()
    shop.poll(event(visitor_id="ada"), event(visitor_id="bob"), event(visitor_id="ada"))
    assert {f.visitor_id: f.event_count for f in shop.features()} == {"ada": 2, "bob": 1}
    assert len(shop.values("visitors-changelog")) == 2


def test_a_session_that_becomes_history_within_its_poll_is_told_before_and_closed() -> None:
    shop = Shop()
    returns = NOW + timedelta(days=2)
    shop.poll(event("purchase", "12:00", value=20.0), event("page_view", returns), event("page_view", returns))
    told = [(f.event_count, f.purchase_count, f.previous_purchase_count, f.closed_at) for f in shop.features()]
    assert told == [(1, 1, 0, None), (1, 1, 0, at("12:30")), (2, 0, 1, None)]
    assert [(each.has_purchased, each.closed_at) for each in shop.outcomes()] == [(True, at("12:30"))]
    assert shop.tells_before_states


def test_a_session_that_becomes_history_before_anyone_swept_has_an_outcome() -> None:
    """As in a replay, where days go by between two sweeps."""
    shop = Shop()
    shop.poll(event("purchase", "12:00", value=20.0))
    shop.poll(event("page_view", NOW + timedelta(days=2)))
    assert [(each.has_purchased, each.closed_at) for each in shop.outcomes()] == [(True, at("12:30"))]
    assert [f.closed_at for f in shop.features()] == [at("12:30"), None]
    assert shop.tells_before_states


def test_a_session_that_was_closed_is_not_told_again_as_it_becomes_history() -> None:
    shop = Shop()
    shop.poll(event("purchase", "12:00", value=20.0))
    shop.sweep(NOW + timedelta(minutes=31))
    assert len(shop.outcomes()) == 1
    shop.poll(event("page_view", NOW + timedelta(days=2)))
    assert shop.outcomes() == []
    assert [f.previous_purchase_count for f in shop.features()] == [1]


def test_after_a_restart_a_repeated_poll_sends_the_same_sessions_again_and_counts_nothing_twice() -> None:
    shop = Shop()
    first = [event(), event()]
    shop.poll(*first)
    shop.restart()
    shop.poll(*first)
    assert [f.event_count for f in shop.features()] == [2]


def test_a_session_closes_after_the_gap_with_its_outcome() -> None:
    shop = Shop()
    shop.poll(event("purchase", "12:00", value=20.0, transaction_id="T1"), now=NOW)
    shop.sweep(NOW + timedelta(minutes=29))
    assert shop.outcomes() == []
    shop.sweep(NOW + timedelta(minutes=31))
    (outcome,) = shop.outcomes()
    assert (outcome.has_purchased, outcome.revenue) == (True, 20.0)
    assert shop.features()[0].closed_at is not None


def test_what_is_told_of_a_session_at_different_moments_has_different_ids() -> None:
    shop = Shop()
    ids: list[str] = []

    def collect() -> None:
        ids.extend([*shop.ce_ids("session-features"), *shop.ce_ids("outcomes")])

    shop.poll(event("page_view", "12:00"))
    collect()
    shop.sweep(NOW + timedelta(minutes=31))
    collect()
    shop.poll(event("page_view", "12:10"))
    collect()
    shop.restart()
    shop.sweep(NOW + timedelta(minutes=93))
    collect()
    assert len(ids) == len(set(ids)) == 6


def test_an_event_told_again_does_not_stand_for_what_another_event_of_its_poll_changed() -> None:
    """The sink and readers know records and decisions by the session and what caused them: the newest would be passed over."""
    shop = Shop()
    first, second = event("page_view", "12:00"), event("add_to_cart", "12:01", value=20.0)
    shop.poll(first)
    shop.poll(second, first)
    assert [(f.event_count, f.caused_by) for f in shop.features()] == [(2, second.message_id)]
    shop.poll(first)
    assert [(f.event_count, f.caused_by) for f in shop.features()] == [(2, first.message_id)]


def test_an_outcome_that_changes_has_another_id_and_one_told_again_the_same() -> None:
    """Readers pass over an id that they know: what a late event changes in a later session's outcome would not reach them."""
    shop = Shop()
    told: list[tuple[bool, str | None, str]] = []

    def tell() -> None:
        for outcome, ce_id in zip(shop.outcomes(), shop.ce_ids("outcomes"), strict=True):
            if outcome.started_at == at("12:00"):
                told.append((outcome.has_purchased, outcome.user_id, ce_id))

    bought = event("purchase", "12:00", value=20.0, transaction_id="T1")
    shop.poll(bought)
    shop.sweep(NOW + timedelta(minutes=31))
    tell()
    shop.poll(bought)
    tell()
    shop.poll(event("purchase", "10:00", value=20.0, transaction_id="T1"))
    tell()
    shop.poll(event("page_view", "10:01", user_id="ada@shop.example"))
    tell()
    assert [each[:2] for each in told] == [(True, None), (True, None), (False, None), (False, "ada@shop.example")]
    assert [told[0][2] == each[2] for each in told] == [True, True, False, False]
    assert told[2][2] != told[3][2]


def test_timers_survive_a_restart() -> None:
    shop = Shop()
    shop.poll(event("page_view", "12:00"))
    shop.restart()
    shop.sweep(NOW + timedelta(minutes=31))
    assert len(shop.outcomes()) == 1


def test_a_session_that_goes_on_is_not_closed_by_its_first_timer() -> None:
    shop = Shop()
    shop.poll(event("page_view", "12:00"))
    shop.poll(event("page_view", "12:20"), now=NOW + timedelta(minutes=20))
    shop.sweep(NOW + timedelta(minutes=35))
    assert shop.outcomes() == []
    shop.sweep(NOW + timedelta(minutes=51))
    assert [o.event_count for o in shop.outcomes()] == [2]


def test_a_visitor_who_returns_has_the_next_session_closed_after_its_own_gap() -> None:
    shop = Shop()
    shop.poll(event("page_view", "12:00"))
    shop.sweep(NOW + timedelta(minutes=31))
    shop.poll(event("page_view", "13:00"), now=NOW + timedelta(minutes=60))
    shop.sweep(NOW + timedelta(minutes=91))
    assert [each.started_at.hour for each in shop.outcomes()] == [13]


def test_a_day_later_the_session_has_become_history() -> None:
    shop = Shop()
    shop.poll(event("purchase", "12:00", value=20.0))
    shop.sweep(NOW + timedelta(minutes=31))
    shop.sweep(NOW + timedelta(hours=25))
    shop.poll(event("page_view", NOW + timedelta(hours=30)), now=NOW + timedelta(hours=30))
    (features,) = shop.features()
    assert (features.previous_session_count, features.previous_purchase_count) == (1, 1)


def test_a_visitor_who_stays_away_for_thirteen_months_is_removed_with_a_tombstone() -> None:
    shop = Shop()
    shop.poll(event("purchase", "12:00", value=20.0))
    shop.poll(event("page_view", "12:00", visitor_id="bob"))
    for away in (timedelta(minutes=31), timedelta(hours=25), timedelta(days=395)):
        shop.sweep(NOW + away)
        assert None not in [value for *_, value, _ in shop.sent]
    shop.poll(event("page_view", NOW + timedelta(days=100), visitor_id="bob"), now=NOW + timedelta(days=100))
    shop.restart()
    shop.poll(event("page_view", NOW + timedelta(days=397), visitor_id="eve"), now=NOW + timedelta(days=397))
    for _ in range(3):
        shop.sweep(NOW + timedelta(days=397))
        if shop.sent:
            break
    assert [(key, value) for topic, _, key, value, _ in shop.sent if topic == "visitors-changelog" and not value] == [
        (b"ada", None)
    ]
    assert len(shop.store) == 2


def test_so_is_one_of_a_source_that_sends_no_more_however_often_workers_start() -> None:
    """Each start stops the clock of such a source, as of a write key that was changed: its visitors would be kept for ever."""
    shop = Shop()
    shop.poll(event("purchase", "12:00", value=20.0, write_key="of last year"))
    shop.sweep(NOW + timedelta(minutes=31))
    for days, is_kept in ((395, True), (397, False)):
        shop.restart()
        shop.sessionizer.recover(now=NOW + timedelta(days=days))
        shop.sweep(NOW + timedelta(days=days))
        assert len(shop.store) == is_kept


def test_what_is_read_again_after_a_crash_counts_once_however_much_one_visitor_sent() -> None:
    """A shop's server may send everybody's orders as one visitor: more in a poll than the message ids that are remembered."""
    shop = Shop()
    shop.poll(*[event("purchase", "12:00", value=1.0, transaction_id=f"t{n}") for n in range(MAX_SEEN + 500)])
    once = shop.features()
    shop.restart()
    shop.poll_again()
    assert shop.features() == once
    assert [(f.event_count, f.purchase_count) for f in once] == [(MAX_SEEN + 500, MAX_SEEN + 500)]


def test_what_is_read_again_is_not_counted_again_although_the_visitor_is_history_by_then() -> None:
    shop = Shop()
    shop.poll(event("purchase", "12:00", value=20.0))
    shop.poll(event("page_view", NOW + timedelta(days=3), visitor_id="bob"))
    shop.sweep(NOW + timedelta(minutes=1))
    shop.records = shop.all_records
    shop.restart()
    shop.poll_again()
    shop.poll(event("page_view", NOW + timedelta(days=3)))
    assert [(f.previous_session_count, f.previous_purchase_count) for f in shop.features()] == [(1, 1)]


def test_a_topic_that_begins_anew_is_counted_from_its_first_record() -> None:
    shop = Shop()
    shop.poll(event(), event(), event())
    shop.begin_topic_anew()
    shop.poll(event())
    assert [f.event_count for f in shop.features()] == [4]


def test_a_clock_that_is_ahead_does_not_close_the_sessions_of_others() -> None:
    shop = Shop()
    shop.poll(event("page_view", NOW, visitor_id="ada"), event("page_view", NOW, visitor_id="bob"))
    tomorrow = NOW + timedelta(hours=24)
    shop.poll(event("page_view", tomorrow, visitor_id="eve", received_at=NOW))
    shop.sweep(NOW + timedelta(minutes=1))
    assert shop.outcomes() == []
    shop.restart()
    shop.sweep(NOW + timedelta(minutes=2))
    assert shop.outcomes() == []
    shop.sweep(NOW + timedelta(minutes=31))
    assert {each.visitor_id for each in shop.outcomes()} == {"ada", "bob"}


def test_what_no_event_would_tell_again_is_told_before_the_state_says_that_it_was() -> None:
    """A crash between would leave a session closed, or history, of which nobody ever heard."""
    shop = Shop()
    shop.poll(event("purchase", "12:00", value=20.0), event("page_view", "12:01", visitor_id="bob"))
    assert not shop.tells_before_states
    shop.sweep(NOW + timedelta(hours=1))
    assert len(shop.outcomes()) == 2
    assert shop.tells_before_states
    shop.poll(event("page_view", NOW), event("page_view", NOW + timedelta(days=2)))
    assert shop.tells_before_states


def test_the_newest_session_is_told_last_also_when_a_late_event_comes_after_its_own() -> None:
    """Whoever waits for the visitor's decisions takes the last one for the present."""
    shop = Shop()
    shop.poll(event("page_view", "12:00"))
    shop.poll(event("page_view", "13:00"), event("page_view", "12:05"))
    assert [(f.started_at.hour, f.event_count) for f in shop.features()] == [(12, 2), (13, 1)]


def test_of_who_is_erased_nothing_more_is_told_and_a_new_session_begins() -> None:
    shop = Shop()
    shop.poll(event("purchase", "12:00", value=20.0, user_id="u1"))
    shop.poll(event("page_view", "12:10"), erasure_of("ada", at("12:30")), event("page_view", "12:31"))
    assert [(f.event_count, f.started_at, f.user_id) for f in shop.features()] == [(1, at("12:31"), None)]
    shop.poll(event("page_view", "12:32"), erasure_of("ada", at("12:40")))
    assert not shop.features()
    assert not shop.outcomes()
    (state,) = shop.values("visitors-changelog")
    assert b"u1" not in state
    assert len(state) < 80


def test_that_somebody_was_erased_is_forgotten_once_nothing_from_before_can_be_on_the_log() -> None:
    shop = Shop()
    shop.poll(event("page_view", "12:00"), erasure_of("ada", NOW))
    for after, left in ((timedelta(0), 1), (timedelta(seconds=1), 0)):
        for _ in range(5):  # each looks at some, until all had their turn
            shop.sweep(NOW + EVENTS.retention + after)
        assert len(shop.store) == left
