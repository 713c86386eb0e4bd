"""The decision: what we chose to do because of scores, and why."""

from datetime import date
from typing import Literal

import msgspec

from contracts.instants import Instant

Persona = Literal["VIP Loyalist", "Research Shopper", "Quick Buyer", "Browser", "Casual Visitor"]
Style = Literal["Explorer", "Hurried", "Bargain hunter"]
IncentiveType = Literal["discount", "loyalty_points", "urgency", "free_shipping", "tutorial", "simplified_checkout"]
Priority = Literal["high", "medium", "low"]
Arm = Literal["treatment", "holdout"]


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """What an offer took from a budget of the policy: the most that it can cost the shop, once for a session and rule."""

    budget: str
    day: date
    """The day (UTC) whose budget it was taken from."""
    cost: float
    """In the unit of the budget: the shop's currency, or offers."""


class Incentive(msgspec.Struct, frozen=True, kw_only=True):
    """What the shopper is offered. `discount` is percent of the cart, 0 when the incentive is not a discount."""

    incentive_id: str
    """One id per session and rule, so that an incentive decided again is the same incentive."""
    type: IncentiveType
    message: str
    discount: float
    priority: Priority
    charge: Charge | None = None
    """None where nothing is offered, and for rules without a budget."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One record of topic `decisions`. `likelihood` is the probability, 0 to 1, that this session still buys.

    In the `holdout` arm `incentive` is what would have been offered and `is_offered` is false: it is recorded and never shown.
    """

    decision_id: str
    session_id: str
    visitor_id: str
    user_id: str | None
    caused_by: str
    """`message_id` of the event that led to this decision."""
    occurred_at: Instant
    """Event time of the session's newest event."""
    received_at: Instant
    """When ingest received the event `caused_by`."""
    decided_at: Instant
    event_count: int
    likelihood: float
    persona: Persona
    persona_confidence: float
    style: Style
    style_confidence: float
    arm: Arm
    incentive: Incentive | None
    is_offered: bool
    because: tuple[str, ...]
    model_version: str
    policy_version: str
    challenger_version: str | None = None
    challenger_likelihood: float | None = None
    """What another model said of the same features, running in the shadow of `model_version`; nothing was decided by it."""
