"""What the sink stored of incentives in, a trial for each rule out: pure."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from contracts.decisions import Arm, IncentiveType
from contracts.ids import derived_id
from models.policy import Policy, Rule
from models.uplift import PARTS, Trial


class Choice(NamedTuple):
    """The first incentive that was chosen for a visitor, as `first_choices.sql` tells: shown in treatment, only recorded in the holdout."""

    visitor_id: str
    session_ids: Sequence[str]
    """The session's id, and those that it had before earlier events of it came: one of them was its id then."""
    arm: Arm
    policy_version: str
    incentive_id: str
    type: IncentiveType
    likelihood: float
    event_count: int
    previous_session_count: int
    previous_purchase_count: int
    persona: str
    style: str
    device_type: str
    channel: str
    has_bought: bool
    """Since the choice."""
    revenue: float
    """The same."""


NUMBERS = ("likelihood", "event_count", "previous_session_count", "previous_purchase_count")
TEXTS = ("persona", "style", "device_type", "channel")


class Choices(NamedTuple):
    """Choices by the name of the rule that made them."""

    by_rule: Mapping[str, list[Choice]]
    gone: int
    """Choices of rules that the policy has no more."""


def drawn_alike(choices: Iterable[Choice], policy: Policy) -> list[Choice]:
    """Those of policies that draw the arms as this one does.

    A policy that drew one visitor otherwise is left out with all of its visitors: of those whom two draws put in the same arm fewer are
    held out than of the others, and they came at another time.
    """
    choices = list(choices)
    others = {choice.policy_version for choice in choices if choice.arm != policy.arm_of(choice.visitor_id)}
    return [choice for choice in choices if choice.policy_version not in others]


def sorted_by_rule(choices: Iterable[Choice], policy: Policy) -> Choices:
    """Whose rule it was is told by the incentive's id, which is made of the rule's name."""
    by_rule: dict[str, list[Choice]] = {rule.name: [] for rule in policy.rules if rule.action != "nothing"}
    gone = 0
    for choice in choices:
        for name, chosen in by_rule.items():
            if any(derived_id("incentive", each, name) == choice.incentive_id for each in choice.session_ids):
                chosen.append(choice)
                break
        else:
            gone += 1
    return Choices(by_rule, gone)


def cost_of(rule: Rule, margin: float) -> float:
    """What a rule's incentive costs the shop when its visitor buys, beside the margin of the revenue that the shop reported.

    Its `cost`, at most. A discount is off the revenue already, of which the margin has counted its own part.
    """
    return (1 - margin) * rule.cost if rule.action == "discount" else rule.cost


def trial_of(choices: list[Choice], *, margin: float, cost: float) -> Trial:
    """The trial of one rule. `margin` is the part of revenue that the shop keeps, `cost` what an offer costs it when its visitor buys."""
    is_treated = np.array([each.arm == "treatment" for each in choices], dtype=np.bool_)
    has_bought = np.array([each.has_bought for each in choices], dtype=np.bool_)
    revenue = np.array([each.revenue for each in choices], dtype=np.float64)
    return Trial(
        is_treated=is_treated,
        has_bought=has_bought,
        worth=margin * revenue - cost * (is_treated & has_bought),
        part=np.array([_part_of(each.visitor_id) for each in choices], dtype=np.intp),
        numbers={name: np.array([getattr(each, name) for each in choices], dtype=np.float64) for name in NUMBERS},
        texts={name: np.array([getattr(each, name) for each in choices], dtype=np.str_) for name in TEXTS},
    )


def _part_of(visitor_id: str) -> int:
    draw = blake2b(visitor_id.encode("utf-8", "surrogatepass"), digest_size=8, person=b"uplift").digest()
    return int.from_bytes(draw, "big") % PARTS
