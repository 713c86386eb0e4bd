"""Whether the holdout was kept, and what incentives changed: visitors of both arms in, an audit out. Pure.

A visitor's arm is a hash of the policy's salt and the visitor's id (`Policy.arm_of`), so anybody with both can draw it again. The lift
compares all visitors of the arms, shown anything or not: whoever is left out because of what happened later would bias it.
"""

import math
from collections.abc import Iterable
from typing import Final, NamedTuple

from contracts.decisions import Arm
from models.policy import Policy

Z: Final = 1.959964
"""Standard errors of a two-sided interval of 95 %."""
UNLIKELY: Final = 0.001
"""A share of visitors that chance gives so seldom was not drawn as told: the usual bound for a sample ratio mismatch
(Fabijan and others, Diagnosing Sample Ratio Mismatch in Online Controlled Experiments, KDD 2019, use 0.0005)."""
ENOUGH: Final = 100.0
"""Variance of the number held out, from which on the normal approximation serves."""
TOLD: Final = 3
"""Visitors named for each thing that is wrong."""


class Seen(NamedTuple):
    """A visitor in one arm, as `visitors_by_arm.sql` tells."""

    visitor_id: str
    arm: Arm
    policies: tuple[str, ...]
    is_offered: bool
    is_shown: bool
    has_bought: bool


class Arms(NamedTuple):
    """Visitors of both arms and how many of them bought."""

    treated: int
    treated_buyers: int
    held_out: int
    held_out_buyers: int

    def lift(self) -> float | None:
        """Relative: 0.1 is a tenth more buyers than without incentives. None until the holdout has one."""
        if not self.treated or not self.held_out_buyers:
            return None
        return (self.treated_buyers / self.treated) / (self.held_out_buyers / self.held_out) - 1

    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the lift, on the logarithm of the ratio (Katz and others, Biometrics 34, 1978). None until both arms bought."""
        lift = self.lift()
        if lift is None or not self.treated_buyers:
            return None
        variance = 1 / self.treated_buyers - 1 / self.treated + 1 / self.held_out_buyers - 1 / self.held_out
        spread = math.exp(Z * math.sqrt(variance))
        return (lift + 1) / spread - 1, (lift + 1) * spread - 1


class Audit(NamedTuple):
    """What was found. The holdout holds when nothing is wrong."""

    visitors: int
    """Of the policy in force, which can be drawn again."""
    held_out: int
    probability: float
    """Of a share at least so far from the policy's, by chance."""
    misdrawn: list[str]
    """Visitors whose recorded arm is not what the salt draws."""
    leaked: list[str]
    """Visitors of the holdout who were offered or shown something."""
    two_armed: list[str]
    """Visitors whom one policy had in both arms."""
    moved: int
    """Visitors who changed arms with the policy. Like the ones before they are in no comparison."""
    other_policies: int
    """Visitors whom other policies decided about, which were not drawn again."""
    everybody: Arms

    @property
    def is_share_believable(self) -> bool:
        return self.probability >= UNLIKELY

    @property
    def holds(self) -> bool:
        return self.is_share_believable and not self.misdrawn and not self.leaked and not self.two_armed


def audit(seen: Iterable[Seen], policy: Policy) -> Audit:
    """Draw every arm again, look for leaks, and compare. `seen` has each visitor's rows one behind the other."""
    by_visitor: dict[str, list[Seen]] = {}
    for each in seen:
        by_visitor.setdefault(each.visitor_id, []).append(each)
    in_both = {visitor_id: rows for visitor_id, rows in by_visitor.items() if len(rows) > 1}
    two_armed = [visitor_id for visitor_id, (one, other) in in_both.items() if {*one.policies} & {*other.policies}]
    rows = [row for rows in by_visitor.values() for row in rows]
    ours = [row for row in rows if row.policies == (policy.version,)]
    held_out = sum(row.arm == "holdout" for row in ours)
    compared = [row for (row, *others) in by_visitor.values() if not others]
    return Audit(
        visitors=len(ours),
        held_out=held_out,
        probability=chance_of(held_out, len(ours), policy.holdout.share),
        misdrawn=[row.visitor_id for row in ours if row.arm != policy.arm_of(row.visitor_id)],
        leaked=[row.visitor_id for row in rows if row.arm == "holdout" and (row.is_offered or row.is_shown)],
        two_armed=two_armed,
        moved=len(in_both) - len(two_armed),
        other_policies=len(rows) - len(ours),
        everybody=arms_of((row.arm, row.has_bought) for row in compared),
    )


def chance_of(held_out: int, visitors: int, share: float) -> float:
    """How often chance holds out a number at least so far from `share` of the visitors (binomial; of many, by its normal approximation)."""
    mean = visitors * share
    variance = mean * (1 - share)
    if not variance:  # nobody came, or everybody belongs in one arm
        return 1.0 if held_out == round(mean) else 0.0
    distance = abs(held_out - mean)
    if variance > ENOUGH:
        return math.erfc(max(0.0, distance - 0.5) / math.sqrt(2 * variance))  # counts are whole
    # Of a few visitors one more is far from the mean, and not as seldom as the curve has it.
    nearest, farthest = max(0, math.ceil(mean - distance)), min(visitors, math.floor(mean + distance))
    nearer = (each for each in range(nearest, farthest + 1) if abs(each - mean) < distance - 1e-9)
    return max(0.0, 1.0 - math.fsum(_probability(each, visitors, share) for each in nearer))


def _probability(held_out: int, visitors: int, share: float) -> float:
    """Of exactly so many."""
    ways = math.lgamma(visitors + 1) - math.lgamma(held_out + 1) - math.lgamma(visitors - held_out + 1)
    return math.exp(ways + held_out * math.log(share) + (visitors - held_out) * math.log1p(-share))


def arms_of(bought: Iterable[tuple[Arm, bool]]) -> Arms:
    """The arm of each visitor, and whether it bought, counted."""
    counts = {"treatment": [0, 0], "holdout": [0, 0]}
    for arm, has_bought in bought:
        counts[arm][0] += 1
        counts[arm][1] += has_bought
    return Arms(*counts["treatment"], *counts["holdout"])
