"""The comparison finds every bit that differs, and allows only what the end of a poll decides."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from contracts.codec import ENCODER
from contracts.decisions import Decision
from contracts.erasures import erasure_of
from contracts.events import Event
from contracts.features import SessionFeatures
from models.comparison import Comparison, Extent, Story, Told
from models.decide import decide
from models.policy import Policy
from models.serving import Scorer
from models.session_features import features_of
from models.visitor import GAP, Visitor
from tests.factories import at, event

ALL = Extent(folded=1_000)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer.load()


class Shop:
    """One visitor's events as a stream of our making would tell them: `poll` folds some and tells what changed."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self.visitor = Visitor("ada")
        self.events: list[Event] = []
        self.features: list[SessionFeatures] = []
        self.decisions: list[Decision] = []

    def poll(self, *events: Event) -> None:
        self.events += events
        changed: dict[int, tuple[Any, str]] = {}
        for each in events:
            for session in self.visitor.observe(each):
                changed[id(session)] = (session, each.message_id)
        for session, caused_by in changed.values():
            if any(session is kept for kept in self.visitor.sessions):
                self.tell(features_of(self.visitor, session, caused_by))

    def tell(self, features: SessionFeatures) -> None:
        self.features.append(features)
        if features.closed_at is None:
            (scores,) = self.scorer.score([features])
            self.decisions.append(decide(features, scores, Policy.load(), now=at("23:00")))

    def compared(self, extent: Extent = ALL) -> Comparison:
        story = Story(
            "ada",
            *([Told(offset, ENCODER.encode(each)) for offset, each in enumerate(records)] for records in self.told()),
        )
        comparison = Comparison({self.scorer.card.model_version: self.scorer}, GAP)
        comparison.add(story, extent)
        comparison.finish()
        return comparison

    def told(self) -> tuple[list[Any], list[Any], list[Any]]:
        return self.events, self.features, self.decisions


@pytest.fixture
def shop(scorer: Scorer) -> Shop:
    shop = Shop(scorer)
    shop.poll(event("page_view", "12:00"), event("view_item", "12:01", items=[{"item_id": "tea", "price": 4.5}]))
    shop.poll(event("add_to_cart", "12:02", value=9.0, message_id="cart"))
    shop.poll(event("page_view", "14:00"))
    shop.poll(event("page_view", "11:50", received_at="14:01"))
    return shop


def changed(record: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(record, **fields)


def test_what_the_fold_told_is_equal_however_it_was_polled(shop: Shop) -> None:
    found = shop.compared()
    assert (found.differing, found.events, found.features, found.decisions) == (0, 5, 5, 5)
    assert found.sessions == 2


def test_polls_told_again_after_a_restart_are_equal(shop: Shop) -> None:
    shop.poll(shop.events[1], shop.events[2])
    assert shop.compared().differing == 0


def test_who_was_erased_is_compared_before_and_after_and_need_not_be_told_of_in_that_poll(shop: Shop) -> None:
    shop.poll(event("view_cart", "14:02"), erasure_of("ada", at("14:03")), event("page_view", "14:04"))
    assert [(each.event_count, each.started_at) for each in shop.features][-2:] == [(1, at("14:00")), (1, at("14:04"))]
    found = shop.compared()
    assert (found.differing, found.events, found.sessions) == (0, 8, 1)


def test_a_closed_session_is_equal_and_a_wrong_end_is_not(shop: Shop) -> None:
    session = shop.visitor.close_until(at("23:00"))[0]
    closed = features_of(shop.visitor, session, session.last[1])
    shop.features.append(closed)
    assert shop.compared().differing == 0
    shop.features[-1] = changed(closed, closed_at=at("22:00"))
    assert shop.compared().differences == {("session-features", "closed_at"): 1}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cart_value", 9.000000000000002),
        ("page_count", 7),
        ("active_ms", 0.0),
        ("caused_by", "nobody"),
        ("received_at", at("12:30")),
        ("previous_event_count", 1),
        ("replaces", ("x",)),
    ],
)
def test_one_wrong_bit_of_features_is_found_and_named(shop: Shop, field: str, value: Any) -> None:
    shop.features[1] = changed(shop.features[1], **{field: value})
    found = shop.compared()
    assert found.differences[("session-features", field)] == 1
    assert found.first[0].fields[field][0] == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("persona_confidence", 0.123),
        ("style", "Bargain hunter"),
        ("model_version", "other-model"),
        ("because", ("+ nothing",) * 4),
        ("received_at", at("12:30")),
        ("event_count", 77),
    ],
)
def test_one_wrong_bit_of_a_decision_is_found_and_named(shop: Shop, field: str, value: Any) -> None:
    shop.decisions[1] = changed(shop.decisions[1], **{field: value})
    assert shop.compared().differences[("decisions", field)] == 1


def test_the_last_bit_of_a_likelihood_counts(shop: Shop) -> None:
    import math

    told = shop.decisions[0].likelihood
    shop.decisions[0] = changed(shop.decisions[0], likelihood=math.nextafter(told, 1.0))
    assert shop.compared().differences == {("decisions", "likelihood"): 1}


def test_a_session_that_was_never_told_in_its_last_state_is_missing(shop: Shop) -> None:
    del shop.features[3], shop.decisions[3]
    assert shop.compared().differences == {("session-features", "record"): 1}


def test_what_the_stream_has_not_reached_yet_is_not_missing(shop: Shop) -> None:
    del shop.features[3:], shop.decisions[3:]
    assert shop.compared(Extent(folded=4, scored=3)).differing == 0


def test_an_open_session_without_a_decision_is_missing(shop: Shop) -> None:
    shop.decisions.pop()
    assert shop.compared().differences == {("decisions", "record"): 1}
    assert shop.compared(Extent(folded=1_000, scored=5)).differences == {("decisions", "record"): 1}
    assert shop.compared(Extent(folded=1_000, scored=4)).differing == 0
    assert shop.compared(Extent(folded=4)).differing == 0


def test_an_event_that_was_lost_on_the_way_to_the_fold_is_found(shop: Shop) -> None:
    shop.events.insert(2, event("page_view", "12:01:30"))
    assert shop.compared().differing > 0


def test_a_visitor_older_than_the_recording_is_left_out(shop: Shop) -> None:
    shop.events = shop.events[2:]
    found = shop.compared(Extent(folded=1_000, scored=1_000, is_whole=False))
    assert (found.older, found.visitors, found.differing) == (1, 0, 0)
    assert shop.compared().differing > 0


def test_features_that_retention_took_are_not_missing(shop: Shop) -> None:
    del shop.features[:2]
    found = shop.compared(Extent(folded=1_000, scored=1_000, told_from=3))
    assert found.differing == 0


def test_events_that_cannot_be_read_or_folded_are_left_out_as_the_stream_does(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.session import Session

    add = Session.add

    def fragile(self: Session, each: Event, visitor_id: str) -> None:
        add(self, each, visitor_id)
        if each.event_name == "poison":
            raise ZeroDivisionError

    monkeypatch.setattr(Session, "add", fragile)
    shop.events.insert(1, event("poison", "12:00:30"))
    assert shop.compared().differing == 0


def test_a_record_that_is_none_of_its_topic_is_left_out_and_what_it_stands_for_is_missing(shop: Shop) -> None:
    """Like the sink, which makes a dead letter of it."""
    junk = {"visitor_id": "ada"}
    shop.features.append(junk)  # type: ignore[arg-type]
    shop.decisions.append(junk)  # type: ignore[arg-type]
    assert shop.compared().differing == 0
    shop.features[-2] = junk  # type: ignore[call-overload]
    assert shop.compared().differences == {("session-features", "record"): 1}


def test_the_gap_is_the_streams(shop: Shop) -> None:
    story = Story("ada", [Told(n, ENCODER.encode(each)) for n, each in enumerate(shop.events)])
    comparison = Comparison({"": shop.scorer}, timedelta(hours=3))
    comparison.add(story, Extent(0, 0))
    assert comparison.sessions == 1
