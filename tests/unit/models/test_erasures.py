"""Forgetting a visitor in the fold: who comes again is new, and what is late from before stays forgotten."""

from contracts.erasures import erasure_of
from contracts.events import Event
from models.examples import examples_of
from models.session_features import features_of
from models.visitor import Visitor
from tests.factories import at, event

ERASED = erasure_of("ada", at("12:30"))


def folded(*events: Event) -> Visitor:
    visitor = Visitor("ada")
    for each in events:
        visitor.observe(each)
    return visitor


def test_nothing_is_left_of_who_is_erased_but_that_it_was() -> None:
    visitor = folded(event("purchase", "12:00", value=20.0, user_id="u1", transaction_id="T1"), ERASED)
    left = {"visitor_id": "ada", "folded": 2, "erased_at": at("12:30"), "received_at": at("12:30")}
    plain = Visitor(**left)  # type: ignore[arg-type]
    assert visitor == plain


def test_who_comes_again_has_no_history() -> None:
    visitor = folded(event("purchase", "12:00", value=20.0, user_id="u1"), ERASED)
    again = event("page_view", "12:31")
    (session,) = visitor.observe(again)
    told = features_of(visitor, session, again.message_id)
    assert (told.event_count, told.previous_session_count, told.previous_purchase_count, told.user_id) == (
        1,
        0,
        0,
        None,
    )


def test_an_event_that_had_waited_since_before_changes_nothing() -> None:
    visitor = folded(event("page_view", "12:00"), ERASED, event("page_view", "12:31"))
    assert [each.event_count for each in visitor.sessions] == [1]
    visitor.observe(event("purchase", "12:29", value=5.0))
    assert [(each.event_count, each.first[0]) for each in visitor.sessions] == [(1, at("12:31"))]


def test_an_erasure_that_is_told_again_does_not_take_what_came_since() -> None:
    visitor = folded(event("page_view", "12:00"), ERASED, event("page_view", "12:31"), ERASED)
    assert [each.event_count for each in visitor.sessions] == [1]
    assert not visitor.is_erased_by(ERASED)
    assert visitor.is_erased_by(erasure_of("ada", at("12:40")))


def test_nobody_learns_from_who_is_erased() -> None:
    ada, bob = [[event(name, "12:00", visitor_id=who) for name in ("page_view", "purchase")] for who in ("ada", "bob")]
    later = event("page_view", "12:31")
    examples = list(examples_of([*ada, *bob, ERASED, later]))
    assert [(each.visitor_id, each.features.started_at) for each in examples] == [
        ("bob", at("12:00")),
        ("bob", at("12:00")),
        ("ada", at("12:31")),
    ]
