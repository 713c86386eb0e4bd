"""`shopstream uplift`: what each incentive is worth, and to whom."""

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from runtime.settings import ProcessSettings
from shopstream.environ import environ
from shopstream.failures import FAILED

if TYPE_CHECKING:
    from models.policy import Policy, Rule
    from models.targeting import Targeting
    from models.uplift import Effect, Interval

PER: int = 1_000
"""Visitors that money is told for."""


class Offer(NamedTuple):
    """One rule of the policy and what was found of it."""

    rule: "Rule"
    effect: "Effect"
    targeting: "Targeting | None"


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Look")(uplift)


def uplift(
    days: Annotated[int, typer.Option(min=1, max=3650, help="Incentives first chosen within so many days.")] = 28,
    margin: Annotated[
        float, typer.Option(min=0.001, max=1, help="Part of the revenue that the shop keeps: 0.3 is 30 percent.")
    ] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell what each rule's incentive brings beside the holdout, and the condition under which it would bring more.

    Worth is margin times revenue since the incentive was chosen, less what the incentive costs where its visitor bought (docs/holdout.md). Exit code 1 when the holdout was not kept.
    """
    from pathlib import Path

    from models.choices import cost_of, drawn_alike, sorted_by_rule, trial_of
    from models.holdout import audit
    from models.policy import Policy
    from models.targeting import targeting_of
    from models.uplift import effect_of
    from shopstream.arms import first_choices, seen
    from shopstream.screen import progress, screen, stages

    file = ProcessSettings.from_environ(environ()).policy_file
    policy = Policy.load(Path(file) if file else None)
    lines = screen()
    offers = []
    with progress(lines, "what incentives are worth", None, "") as bar:
        tell = stages(bar)
        tell("drawing everybody's arm again")
        is_kept = audit(seen(days), policy).holds
        tell("reading what was chosen and bought")
        first = list(first_choices(days))
        alike = drawn_alike(first, policy)
        choices, otherwise_drawn = sorted_by_rule(alike, policy), len(first) - len(alike)
        for rule in policy.rules:
            if rule.action != "nothing":
                tell(f"comparing the arms of {rule.name}")
                trial = trial_of(choices.by_rule[rule.name], margin=margin, cost=cost_of(rule, margin))
                offers.append(Offer(rule, effect_of(trial), targeting_of(trial)))
    if as_json:
        typer.echo(_as_json(policy, offers, days, margin, is_kept, choices.gone, otherwise_drawn))
    else:
        print_offers(lines, policy, offers, days, choices.gone, otherwise_drawn)
    if not is_kept:
        typer.echo("the holdout was not kept (`shopstream holdout` says how); none of this is to be believed", err=True)
        raise typer.Exit(FAILED)


def verdicts(offer: Offer) -> list[str]:
    """What was found of one rule, in sentences."""
    _, effect, targeting = offer
    visitors, needed = effect.arms.treated + effect.arms.held_out, effect.visitors_needed
    if not visitors:
        return ["was the first choice for nobody yet"]
    if not effect.arms.treated or not effect.arms.held_out:
        return ["cannot be told: all of its visitors are in one arm"]
    is_to_come = needed is not None and needed > visitors
    until = f"; a lift of a tenth shows after about {float(f'{needed:.2g}'):,.0f} visitors" if is_to_come else ""
    if effect.worth is None:
        return [f"too few have bought to tell what it is worth{until}"]
    told = []
    if not effect.worth.is_off_zero:
        told.append(f"whether it pays has not been shown yet{until}")
    elif effect.worth.low > 0:
        told.append("pays: its visitors brought more than those held out")
    else:
        told.append(
            "loses: its visitors brought less than those held out; make its action nothing, or narrow its `when`"
        )
    if targeting is not None and targeting.is_shown:
        told.append(_better(targeting))
    return told


def _better(targeting: "Targeting") -> str:
    from models.targeting import toml_of

    assert targeting.when is not None
    return (
        f"brings more where also when = {toml_of(targeting.when)}, which holds for {targeting.kept_share:.0%} of its visitors: "
        f"{_money(targeting.gained)} a {PER:,} visitors, on visitors the condition was not learnt from"
    )


def _money(interval: "Interval") -> str:
    mean, low, high = (f"{PER * each:+,.0f}" for each in interval)
    return f"{mean} ({low} to {high})"


def print_offers(lines: Any, policy: "Policy", offers: list[Offer], days: int, gone: int, otherwise_drawn: int) -> None:
    """The table of all rules, and then what was found of each."""
    from rich.markup import escape
    from rich.table import Table

    lines.print(f"policy {escape(policy.version)}, incentives first chosen for a visitor in the last {days} days:")
    table = Table("rule", "visitors", "buyers", "held out: buyers", "lift (95 %)", f"worth of {PER:,} visitors (95 %)")
    for rule, effect, _ in offers:
        arms = effect.arms
        lift, interval = arms.lift(), arms.interval()
        table.add_row(
            escape(rule.name),
            f"{arms.treated + arms.held_out:,}",
            _share(arms.treated_buyers, arms.treated),
            _share(arms.held_out_buyers, arms.held_out),
            "" if lift is None or interval is None else f"{lift:+.0%} ({interval[0]:+.0%} to {interval[1]:+.0%})",
            "" if effect.worth is None else _money(effect.worth),
        )
    lines.print(table)
    for offer in offers:
        for verdict in verdicts(offer):
            lines.print(f"{escape(offer.rule.name)}: {escape(verdict)}", soft_wrap=True)  # TOML has `when` on one line
    if gone:
        lines.print(f"{gone:,} visitors' first incentive was of a rule that is not in the policy any more")
    if otherwise_drawn:
        lines.print(
            f"{otherwise_drawn:,} visitors were drawn by policies with another salt or share; they are left out"
        )


def _share(buyers: int, visitors: int) -> str:
    return f"{buyers:,} of {visitors:,}" + (f", {buyers / visitors:.1%}" if visitors else "")


def _as_json(
    policy: "Policy", offers: list[Offer], days: int, margin: float, is_kept: bool, gone: int, otherwise_drawn: int
) -> str:
    import msgspec

    told = {
        "policy_version": policy.version,
        "days": days,
        "margin": margin,
        "holdout_holds": is_kept,
        "visitors_of_rules_gone": gone,
        "visitors_otherwise_drawn": otherwise_drawn,
        "rules": [_of_offer(offer) for offer in offers],
    }
    return msgspec.json.encode(told).decode()


def _of_offer(offer: Offer) -> dict[str, Any]:
    """Money of one visitor."""
    rule, effect, targeting = offer
    return {
        "rule": rule.name,
        "action": rule.action,
        "cost": rule.cost,
        **effect.arms._asdict(),
        "lift": effect.arms.lift(),
        "lift_interval": effect.arms.interval(),
        "worth": effect.worth and effect.worth._asdict(),
        "visitors_needed": effect.visitors_needed,
        "targeting": targeting
        and {
            "when": targeting.when,
            "is_shown": targeting.is_shown,
            "kept_share": targeting.kept_share,
            "worth": targeting.worth._asdict(),
            "gained": targeting.gained._asdict(),
        },
        "verdicts": verdicts(offer),
    }
