"""The prior: a calibrated answer that is the same for everyone, says that it is one, and offers nothing."""

from datetime import UTC, datetime

from models.decide import NO_MODEL, decide
from models.policy import Policy
from models.prior import Prior
from tests.factories import features

NOW = datetime(2026, 3, 2, 13, tzinfo=UTC)


def test_everyone_gets_the_same_likelihood_with_the_reason_why() -> None:
    sessions = [features(), features(event_count=30, cart_value=90.0, cart_item_count=3)]
    scores = Prior(0.04).score(sessions)
    assert {each.likelihood for each in scores} == {0.04}
    assert {each.model_version for each in scores} == {"prior-0.0400"}
    assert "no model can be served" in scores[0].because[0]
    assert Prior(0.04).score([]) == []


def test_nothing_is_offered_on_the_strength_of_a_prior(policy: Policy) -> None:
    session = features(
        event_count=20, cart_value=90.0, cart_item_count=3, add_to_cart_count=3, checkout_step_count=2, coupon_count=2
    )
    decision = decide(session, Prior(0.3).score([session])[0], policy, now=NOW)
    assert (decision.incentive, decision.is_offered, decision.because[-1]) == (None, False, NO_MODEL)


def test_no_rate_makes_a_purchase_certain_or_impossible() -> None:
    assert 0 < Prior(0.0).score([features()])[0].likelihood < Prior(1.0).score([features()])[0].likelihood < 1
