"""Hop 5. Features, scores and a policy in, one decision out."""

from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from contracts.decisions import Arm, Decision, Incentive
from contracts.features import SessionFeatures
from contracts.ids import derived_id
from models.bots import is_bot
from models.policy import Policy, Rule
from models.purse import BOTTOMLESS, Purse
from models.serving import Scores

ENDED: Final = "no incentive: the session has ended"
BOT: Final = "no incentive: a program is at work here, not a person"
REFUSED: Final = "no incentive: the visitor refuses to be known"
NO_RULE: Final = "no incentive: no rule of the policy fits"
NO_MODEL: Final = "no incentive: without a model nobody knows whom it would move"
HELD_OUT: Final = "held out to measure by: recorded, not shown"
LONG_PAST: Final = "the visit was over before we heard of it, and no budget is spent on it"
MOMENT: Final = timedelta(minutes=30)
"""How long after its last event somebody may still be there to be offered something that costs."""


def decide(
    features: SessionFeatures, scores: Scores, policy: Policy, *, now: datetime, purse: Purse = BOTTOMLESS
) -> Decision:
    """What to do for a session. The same features, scores, policy and purse give the same decision at `now`."""
    arm = policy.arm_of(features.visitor_id)
    because = [*scores.because]
    incentive = None
    if why_not := barred(features, scores):
        because.append(why_not)
    else:
        incentive, reasons = _chosen(features, scores, policy, arm, now, purse)
        because += reasons
    if incentive is not None and arm == "holdout":
        because.append(HELD_OUT)
    return Decision(
        decision_id=derived_id(
            "decision", features.session_id, features.caused_by, scores.model_version, policy.version
        ),
        session_id=features.session_id,
        visitor_id=features.visitor_id,
        user_id=features.user_id,
        caused_by=features.caused_by,
        occurred_at=features.last_seen_at,
        received_at=features.received_at,
        decided_at=now,
        event_count=features.event_count,
        likelihood=scores.likelihood,
        persona=scores.persona,
        persona_confidence=scores.persona_confidence,
        style=scores.style,
        style_confidence=scores.style_confidence,
        arm=arm,
        incentive=incentive,
        is_offered=incentive is not None and arm == "treatment",
        because=tuple(because),
        model_version=scores.model_version,
        policy_version=policy.version,
        challenger_version=scores.challenger_version,
        challenger_likelihood=scores.challenger_likelihood,
    )


def _chosen(
    features: SessionFeatures, scores: Scores, policy: Policy, arm: Arm, now: datetime, purse: Purse
) -> tuple[Incentive | None, list[str]]:
    """What the first rule that fits and can be paid for offers, with the reasons. Who is held out is asked for, and pays nothing."""
    reasons: list[str] = []
    for rule in policy.fitting(features, scores):
        incentive = incentive_of(rule, features.session_id)
        if incentive is None or rule.budget is None:
            return incentive, [*reasons, _reason(rule)]
        asked = incentive.incentive_id, policy.budgets[rule.budget], rule.cost
        refusal = LONG_PAST if now - features.last_seen_at > MOMENT else purse.why_not(*asked)
        if refusal is None:
            charge = purse.pay(*asked) if arm == "treatment" else None
            return replace(incentive, charge=charge), [*reasons, _reason(rule)]
        reasons.append(f"no {rule.action}: {refusal}")
    return None, reasons or [NO_RULE]


def incentive_of(rule: Rule | None, session_id: str) -> Incentive | None:
    """What a rule offers in a session: the same incentive, with the same id, each time the rule fits."""
    if rule is None or rule.action == "nothing":
        return None
    return Incentive(
        incentive_id=derived_id("incentive", session_id, rule.name),
        type=rule.action,
        message=rule.message,
        discount=rule.discount,
        priority=rule.priority,
    )


def barred(features: SessionFeatures, scores: Scores) -> str | None:
    """Why nothing may be offered at all, whatever the policy says."""
    if features.closed_at is not None:
        return ENDED
    if is_bot(features):
        return BOT
    if features.consent == "refused":
        return REFUSED
    return NO_MODEL if scores.is_prior else None


def _reason(rule: Rule) -> str:
    return f"no incentive: {rule.because}" if rule.action == "nothing" else f"{rule.action}: {rule.because}"
