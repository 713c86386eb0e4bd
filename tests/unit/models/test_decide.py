"""Deciding: pure, repeatable, explained, and never an offer to who is held out."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codec import DECISION_DECODER, ENCODER
from contracts.decisions import Decision
from models.decide import BOT, ENDED, HELD_OUT, NO_RULE, REFUSED, decide
from models.personas import PROTOTYPES
from models.policy import Policy
from models.serving import Scores
from models.styles import STYLES
from tests.factories import at, features

NOW = at("13:00")
POLICY = Policy.load()
HELD = next(f"v{number}" for number in range(1_000) if POLICY.arm_of(f"v{number}") == "holdout")
TREATED = next(f"v{number}" for number in range(1_000) if POLICY.arm_of(f"v{number}") == "treatment")


def scores(**others: Any) -> Scores:
    values: dict[str, Any] = {
        "likelihood": 0.3,
        "persona": "Casual Visitor",
        "persona_confidence": 0.6,
        "style": "Hurried",
        "style_confidence": 0.7,
        "because": ("+ cart worth 50.00", "- has never bought here"),
        "model_version": "forest-1",
    }
    return Scores(**{**values, **others})


def decided(visitor_id: str = TREATED, *, likelihood: float = 0.3, policy: Policy = POLICY, **others: Any) -> Decision:
    fields = {"event_count": 8, "cart_value": 50.0, "cart_item_count": 2, "caused_by": "m8", **others}
    session = features("12:00", "12:05", session_id="s1", visitor_id=visitor_id, **fields)
    return decide(session, scores(likelihood=likelihood), policy, now=NOW)


def test_a_decision_carries_what_it_was_made_of() -> None:
    decision = decided()
    assert decision.is_offered
    assert decision.incentive is not None
    assert decision.incentive.type == "simplified_checkout"
    assert decision.caused_by == "m8"
    assert decision.occurred_at == at("12:05")
    assert decision.decided_at == NOW
    assert (decision.model_version, decision.policy_version) == ("forest-1", POLICY.version)
    assert decision.because == (
        "+ cart worth 50.00",
        "- has never bought here",
        "simplified_checkout: decides fast and has a cart: a shorter checkout helps",
    )
    assert DECISION_DECODER.decode(ENCODER.encode(decision)) == decision


def test_who_is_held_out_gets_the_same_decision_and_no_offer() -> None:
    treated, held = decided(TREATED), decided(HELD)
    assert (treated.arm, held.arm) == ("treatment", "holdout")
    assert held.incentive == treated.incentive
    assert not held.is_offered
    assert held.because == (*treated.because, HELD_OUT)


def test_deciding_again_is_the_same_decision_whenever() -> None:
    session = features(event_count=8, cart_item_count=1)
    first = decide(session, scores(), POLICY, now=NOW)
    again = decide(session, scores(), POLICY, now=NOW + timedelta(days=1))
    assert again.decision_id == first.decision_id
    assert again.incentive == first.incentive


def test_another_event_is_another_decision_with_the_same_incentive() -> None:
    first, later = decided(caused_by="m8"), decided(caused_by="m9", event_count=9)
    assert first.decision_id != later.decision_id
    assert first.incentive == later.incentive


def test_another_model_or_policy_is_another_decision() -> None:
    session = features(event_count=8)
    other_policy = Policy.of_text('name = "none"\nrule = []\n[holdout]\nshare = 0\nsalt = "s"\n')
    ids = {
        decide(session, scores(), POLICY, now=NOW).decision_id,
        decide(session, scores(model_version="forest-2"), POLICY, now=NOW).decision_id,
        decide(session, scores(), other_policy, now=NOW).decision_id,
    }
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("fields", "likelihood", "reason"),
    [
        ({"purchase_count": 1}, 0.3, "no incentive: has already bought in this session"),
        ({}, 0.95, "no incentive: buys anyway: an incentive would only cost"),
        ({"event_count": 1}, 0.3, "no incentive: too little is known yet"),
        ({"closed_at": "12:40"}, 0.3, ENDED),
        ({"bot_score": 0.5}, 0.3, BOT),
        ({"consent": "refused"}, 0.3, REFUSED),
        ({"cart_item_count": 0, "cart_value": 0.0}, 0.3, NO_RULE),
    ],
)
def test_leaving_a_shopper_alone_has_its_reason_too(fields: dict[str, Any], likelihood: float, reason: str) -> None:
    decision = decided(likelihood=likelihood, **fields)
    assert decision.incentive is None
    assert not decision.is_offered
    assert decision.because[-1] == reason


def test_a_little_suspicion_or_a_granted_consent_changes_nothing() -> None:
    assert decided(bot_score=0.49, consent="granted").incentive == decided().incentive


@given(
    visitor_id=st.text(min_size=1, max_size=30),
    likelihood=st.floats(0, 1),
    persona=st.sampled_from(sorted(PROTOTYPES)),
    style=st.sampled_from(STYLES),
    event_count=st.integers(1, 200),
    cart_value=st.floats(0, 1e6),
    cart_item_count=st.integers(0, 50),
    checkout_step_count=st.integers(0, 5),
    purchase_count=st.integers(0, 2),
    distinct_product_count=st.integers(0, 30),
)
def test_no_offer_in_the_holdout_nor_after_a_purchase_nor_to_who_buys_anyway(
    visitor_id: str, likelihood: float, persona: Any, style: Any, purchase_count: int, **fields: Any
) -> None:
    session = features(visitor_id=visitor_id, purchase_count=purchase_count, **fields)
    decision = decide(session, scores(likelihood=likelihood, persona=persona, style=style), POLICY, now=NOW)
    assert decision.arm == POLICY.arm_of(visitor_id)
    assert 0 <= decision.likelihood <= 1
    assert decision.because
    if decision.arm == "holdout" or purchase_count or likelihood >= 0.75:
        assert not decision.is_offered
    if decision.is_offered:
        assert decision.incentive is not None
        assert decision.incentive.message
        assert 0 <= decision.incentive.discount <= 100
    if decision.incentive is None:
        assert not decision.is_offered
