"""`POST /api/predict`: the earlier system's five numbers in, its answer out."""

from datetime import datetime, timedelta
from typing import Final

from contracts.decisions import Persona
from contracts.features import SessionFeatures
from contracts.http import PredictAnswer, PredictedIncentive, PredictedPersona, PredictedPurchase, PredictRequest
from models.decide import incentive_of
from models.knowledge import EARLIER_SYSTEM
from models.policy import Policy
from models.serving import Scorer

COLOURS: Final[dict[Persona, str]] = {
    "VIP Loyalist": "#b45309",
    "Research Shopper": "#1d4ed8",
    "Quick Buyer": "#047857",
    "Browser": "#64748b",
    "Casual Visitor": "#7c3aed",
}
AT_LEAST: Final = frozenset({"event_count", "cart_item_count"})
"""Fields that the request bounds from below: a page is an event, and a cart that is worth something holds something."""
LARGEST: Final = 1e9


class PredictRefused(ValueError):
    """A number in the request cannot be; the text says which and what it takes."""


def predict(request: PredictRequest, scorer: Scorer, policy: Policy, *, now: datetime) -> PredictAnswer:
    """Score a session of which only five numbers are known, and say what the policy would offer it.

    What is not in the request is unknown to the model, not zero. No visitor is known, so no arm is drawn: the answer is what would
    be offered, and it is not recorded as a decision. Raises `PredictRefused`.
    """
    features = _features_of(request, now)
    scores = scorer.score([features], known=EARLIER_SYSTEM)[0]
    incentive = incentive_of(policy.rule_for(features, scores, EARLIER_SYSTEM | AT_LEAST), features.session_id)
    sure = max(scores.likelihood, 1.0 - scores.likelihood)
    return PredictAnswer(
        session_id=request.session_id,
        timestamp=now,
        prediction=PredictedPurchase(
            will_buy=scores.likelihood >= 0.5, confidence=round(100.0 * sure, 2), probability=scores.likelihood
        ),
        persona=PredictedPersona(
            type=scores.persona,
            color=COLOURS[scores.persona],
            confidence=scores.persona_confidence,
            style=scores.style,
        ),
        incentive=(
            None
            if incentive is None
            else PredictedIncentive(
                type=incentive.type,
                message=incentive.message,
                discount=incentive.discount,
                priority=incentive.priority,
            )
        ),
        because=scores.because,
        model_version=scores.model_version,
    )


def _features_of(request: PredictRequest, now: datetime) -> SessionFeatures:
    """The request as a session. Counts that the contract wants but the request lacks are 0 here, and unknown to the model."""
    for name in ("time_on_site", "pages_visited", "cart_value", "previous_purchases"):
        if not 0 <= getattr(request, name) <= LARGEST:
            raise PredictRefused(f"`{name}` is out of range; it takes a number from 0 to {LARGEST:,.0f}")
    started_at = now - timedelta(seconds=request.time_on_site)
    return SessionFeatures(
        session_id=request.session_id,
        visitor_id=request.session_id,
        user_id=None,
        write_key="",
        caused_by="",
        received_at=now,
        started_at=started_at,
        last_seen_at=now,
        closed_at=None,
        # At least as many events as pages.
        event_count=max(1, request.pages_visited),
        page_count=request.pages_visited,
        product_view_count=0,
        distinct_product_count=0,
        distinct_category_count=0,
        list_view_count=0,
        search_count=0,
        add_to_cart_count=0,
        remove_from_cart_count=0,
        cart_view_count=0,
        wishlist_count=0,
        promotion_count=0,
        coupon_count=0,
        checkout_step_count=0,
        purchase_count=0,
        revenue=0.0,
        cart_value=request.cart_value,
        cart_item_count=1 if request.cart_value else 0,
        time_on_site_s=request.time_on_site,
        viewed_price_mean=None,
        viewed_price_max=None,
        active_ms=None,
        scroll_percent_max=None,
        pointer_distance_px=None,
        click_count=None,
        rage_click_count=None,
        device_type=request.device_type,
        channel="direct",
        entry_path=None,
        last_path=None,
        hour=started_at.hour,
        weekday=started_at.weekday(),
        previous_session_count=0,
        previous_purchase_count=request.previous_purchases,
        previous_revenue=0.0,
        seconds_since_previous_session=None,
    )
