"""Hop 5. Features, scores and a policy in, one decision out."""

from datetime import datetime
from typing import Final

from contracts.decisions import Decision, Incentive
from contracts.features import SessionFeatures
from contracts.ids import derived_id
from models.bots import is_bot
from models.policy import Policy, Rule
from models.serving import Scores

ENDED: Final = "no incentive: the session has ended"
BOT: Final = "no incentive: a program is at work here, not a person"
REFUSED: Final = "no incentive: the visitor refuses to be known"
NO_RULE: Final = "no incentive: no rule of the policy fits"
NO_MODEL: Final = "no incentive: without a model nobody knows whom it would move"
HELD_OUT: Final = "held out to measure by: recorded, not shown"


def decide(features: SessionFeatures, scores: Scores, policy: Policy, *, now: datetime) -> Decision:
    """What to do for a session. The same features, scores and policy give the same decision; only `decided_at` is `now`."""
    why_not = barred(features, scores)
    rule = None if why_not else policy.rule_for(features, scores)
    incentive = incentive_of(rule, features.session_id)
    arm = policy.arm_of(features.visitor_id)
    because = [*scores.because, why_not or _reason(rule)]
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


def _reason(rule: Rule | None) -> str:
    if rule is None:
        return NO_RULE
    return f"no incentive: {rule.because}" if rule.action == "nothing" else f"{rule.action}: {rule.because}"
