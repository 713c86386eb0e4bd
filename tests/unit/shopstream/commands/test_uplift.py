"""What `shopstream uplift` says of a rule: only what is true of it, and a condition that can be copied from any terminal."""

from io import StringIO

import pytest

from models.holdout import Arms
from models.policy import Bounds, Policy
from models.targeting import Targeting
from models.uplift import Effect, Interval
from shopstream.commands.uplift import Offer, print_offers, verdicts
from shopstream.screen import InertConsole

POLICY = Policy.load()
RULE = next(rule for rule in POLICY.rules if rule.action != "nothing")
PAYS, OPEN, LOSES = Interval(2.0, 1.0, 3.0), Interval(0.5, -1.0, 2.0), Interval(-2.0, -3.0, -1.0)
BETTER = Targeting(
    {"event_count": Bounds(at_least=3, below=12), "persona": ["Browser", "VIP Loyalist"]},
    0.4,
    PAYS,
    Interval(1, 0.5, 1.5),
)


def said(
    arms: Arms, worth: Interval | None = None, needed: int | None = None, found: Targeting | None = None
) -> list[str]:
    return verdicts(Offer(RULE, Effect(arms, worth, needed), found))


@pytest.mark.parametrize("arms", [Arms(500, 50, 0, 0), Arms(0, 0, 500, 50)])
def test_of_one_arm_alone_it_does_not_say_that_too_few_have_bought(arms: Arms) -> None:
    assert said(arms) == ["cannot be told: all of its visitors are in one arm"]


@pytest.mark.parametrize("worth", [OPEN, None])
def test_visitors_needed_are_told_while_they_are_to_come(worth: Interval | None) -> None:
    (early,) = said(Arms(900, 90, 100, 10), worth, 79_178)
    (late,) = said(Arms(90_000, 9_000, 10_000, 1_000), worth, 79_178)
    assert early.endswith("; a lift of a tenth shows after about 79,000 visitors")
    assert "visitors" not in late


def test_who_brings_less_loses_whatever_it_costs() -> None:
    (lost,) = said(Arms(900, 90, 100, 10), LOSES)
    assert lost.startswith("loses: its visitors brought less than those held out")
    assert said(Arms(900, 90, 100, 10), PAYS) == ["pays: its visitors brought more than those held out"]


def test_a_condition_is_told_in_one_line_at_a_narrow_terminal() -> None:
    page = StringIO()
    lines = InertConsole(width=60, file=page, force_terminal=True, color_system=None)
    print_offers(lines, POLICY, [Offer(RULE, Effect(Arms(900, 90, 100, 10), PAYS, None), BETTER)], 28, 0, 0)
    condition = 'when = { event_count = { at_least = 3, below = 12 }, persona = ["Browser", "VIP Loyalist"] }'
    assert condition in page.getvalue()
