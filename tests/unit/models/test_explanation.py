"""A session after one of its events: what moved its likelihood, and what each rule of the policy said to it."""

import math

import pytest

from contracts.events import Event
from models.explanation import Explanation, explanation
from models.policy import Policy
from models.refold import refold
from models.serving import Scorer
from tests.factories import event

POLICY = Policy.of_text(
    """
name = "ours"
[holdout]
share = 0.0
salt = "s"
[[rule]]
name = "loyal"
action = "loyalty_points"
message = "Points"
because = "comes back"
when = { persona = ["VIP Loyalist"], cart_value = { at_least = 1000 } }
[[rule]]
name = "cart"
action = "free_shipping"
message = "Ships free"
because = "has a cart"
when = { cart_item_count = { at_least = 1 } }
[[rule]]
name = "anybody"
action = "nothing"
because = "no cart yet"
"""
)


def visit() -> list[Event]:
    return [
        event("page_view", "12:00", message_id="first"),
        event("view_item", "12:01", items=[{"item_id": "tea", "price": 12.0}]),
        event("add_to_cart", "12:02", value=12.0, items=[{"item_id": "tea", "price": 12.0}]),
        event("page_view", "12:03", context={"page_path": "/cart", "device_type": "desktop"}),
    ]


def explained(events: list[Event], scorer: Scorer, policy: Policy = POLICY) -> Explanation:
    (session_id, *_) = refold("ada", events).newest
    told = explanation(session_id, events, scorer, policy)
    assert told is not None
    return told


@pytest.mark.parametrize("events", [1, 2, 3, 4])
def test_the_credits_are_the_whole_way_from_knowing_nothing_to_the_raw_score(scorer: Scorer, events: int) -> None:
    told = explained(visit()[:events], scorer)
    nothing_known = told.raw - sum(each.credit for each in told.credits)
    assert nothing_known == pytest.approx(scorer.card.base, abs=1e-5)
    assert [abs(each.credit) for each in told.credits] == sorted(
        (abs(each.credit) for each in told.credits), reverse=True
    )
    assert told.features.event_count == events


def test_the_first_reasons_of_the_decision_are_the_strongest_credits(scorer: Scorer) -> None:
    told = explained(visit(), scorer)
    known = [each for each in told.credits if each.words is not None][:3]
    assert [f"{'+' if each.credit > 0 else '-'} {each.words}" for each in known] == list(told.scores.because)


def test_each_credit_shows_what_the_model_saw_and_what_it_did_not_know(scorer: Scorer) -> None:
    told = {each.name: dict(each.known) for each in explained(visit(), scorer).credits}
    assert told["cart"]["cart_value"] == 12.0
    assert told["cart"]["cart_idle_s"] == 60.0
    assert math.isnan(told["history"]["days_since_previous_session"])


def test_the_rules_say_why_not_until_one_fits(scorer: Scorer) -> None:
    told = explained(visit(), scorer)
    assert [verdict.rule.name for verdict in told.verdicts] == ["loyal", "cart"]
    loyal, cart = told.verdicts
    assert loyal.unmet == (f"persona is {told.scores.persona}, not VIP Loyalist", "cart_value is 12, not at least 1000")
    assert cart.unmet == ()
    assert told.decision.incentive is not None
    assert told.decision.incentive.type == "free_shipping"


def test_a_moment_earlier_it_was_another_rule(scorer: Scorer) -> None:
    told = explained(visit()[:2], scorer)
    assert [verdict.rule.name for verdict in told.verdicts] == ["loyal", "cart", "anybody"]
    assert told.verdicts[1].unmet == ("cart_item_count is 0, not at least 1",)
    assert told.decision.incentive is None


def test_who_may_be_offered_nothing_is_asked_no_rule(scorer: Scorer) -> None:
    told = explained([event("page_view", "12:00", bot_score=1.0)], scorer)
    assert told.verdicts == ()
    assert "a program is at work" in told.decision.because[-1]


def test_after_a_purchase_the_model_is_not_asked(scorer: Scorer) -> None:
    told = explained([*visit(), event("purchase", "12:05", transaction_id="t1", value=12.0)], scorer)
    assert told.credits == ()
    assert told.scores.because == ("- has already bought in this session",)


def test_earlier_sessions_are_the_history_of_the_one_explained(scorer: Scorer) -> None:
    earlier = [event("page_view", "08:00"), event("purchase", "08:05", transaction_id="t0", value=30.0)]
    events = [*earlier, *visit()]
    *_, session_id = refold("ada", events).newest
    told = explanation(session_id, events, scorer, POLICY)
    assert told is not None
    assert told.features.previous_purchase_count == 1
    assert told.features.event_count == 4


def test_a_session_that_the_events_do_not_give_is_none(scorer: Scorer) -> None:
    assert explanation("nobody's", visit(), scorer, POLICY) is None
    assert explanation("nobody's", [], scorer, POLICY) is None
