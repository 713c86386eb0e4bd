"""`shopstream holdout`: whether the holdout was kept, and what incentives changed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.settings import ProcessSettings
from shopstream.environ import environ
from shopstream.failures import FAILED

if TYPE_CHECKING:
    from models.holdout import Arms, Audit
    from models.policy import Policy


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Look")(holdout)


def holdout(
    days: Annotated[int, typer.Option(min=1, max=3650, help="Decisions of so many days.")] = 28,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Draw everybody's arm again, look for incentives that reached the holdout, and tell what incentives changed.

    Bots and visitors who refuse to be known are left out; they are offered nothing in either arm. Exit code 1 when the holdout was not kept.
    """
    from pathlib import Path

    from models.choices import drawn_alike
    from models.holdout import arms_of, audit
    from models.policy import Policy
    from shopstream.arms import first_choices, seen
    from shopstream.screen import screen

    file = ProcessSettings.from_environ(environ()).policy_file
    policy = Policy.load(Path(file) if file else None)
    lines = screen()
    with lines.status("drawing everybody's arm again"):
        found = audit(seen(days), policy)
        chosen = arms_of((each.arm, each.has_bought) for each in drawn_alike(first_choices(days), policy))
    if as_json:
        typer.echo(_as_json(found, chosen, policy, days))
    else:
        from rich.markup import escape

        lines.print(
            f"policy {escape(policy.version)} holds {policy.holdout.share:.1%} of visitors out; the last {days} days:"
        )
        for is_well, text in findings(found, policy):
            lines.print(f"{'[green]✓[/]' if is_well else '[red]✗[/]'} {escape(text)}")
        lines.print(_table(found, chosen))
    if not found.holds:
        typer.echo("the holdout was not kept; what it says of incentives is not to be believed", err=True)
        raise typer.Exit(FAILED)


def findings(found: "Audit", policy: "Policy") -> Iterator[tuple[bool, str]]:
    """What was looked at, in sentences, and whether it is as it should be."""
    share = found.held_out / found.visitors if found.visitors else 0.0
    yield (
        found.is_share_believable,
        f"{found.held_out:,} of {found.visitors:,} visitors are held out, {share:.1%}: chance alone strays so far from "
        f"{policy.holdout.share:.1%} in {found.probability:.1%} of draws",
    )
    yield (
        not found.misdrawn,
        _in_words(found.misdrawn, "in another arm than the salt draws", "in the arm that the salt draws"),
    )
    yield (
        not found.leaked,
        _in_words(found.leaked, "held out and yet offered something", "held out or may be offered, not both"),
    )
    yield not found.two_armed, _in_words(found.two_armed, "in both arms of one policy", "in one arm only")
    if found.moved:
        yield True, f"{found.moved:,} visitors changed arms with the policy and are in no comparison"
    if found.other_policies:
        yield (
            True,
            f"{found.other_policies:,} visitors were decided about by other policies as well; their arms were not drawn again",
        )


def _in_words(visitors: list[str], wrong: str, right: str) -> str:
    from models.holdout import TOLD

    if not visitors:
        return f"every visitor is {right}"
    named = ", ".join(visitors[:TOLD])
    count = "1 visitor" if len(visitors) == 1 else f"{len(visitors):,} visitors"
    return f"{count} {wrong}: {named}{' …' if len(visitors) > TOLD else ''}"


def _table(found: "Audit", chosen: "Arms") -> object:
    from rich.table import Table

    table = Table("visitors", "incentives: buyers", "held out: buyers", "lift", "95 % interval")
    for name, arms in (("all", found.everybody), ("from the first incentive chosen on", chosen)):
        table.add_row(
            name,
            _share(arms.treated_buyers, arms.treated),
            _share(arms.held_out_buyers, arms.held_out),
            "not known yet" if (lift := arms.lift()) is None else f"{lift:+.1%}",
            "not known yet" if (interval := arms.interval()) is None else f"{interval[0]:+.1%} to {interval[1]:+.1%}",
        )
    return table


def _share(buyers: int, visitors: int) -> str:
    return f"{buyers:,} of {visitors:,}" + (f", {buyers / visitors:.2%}" if visitors else "")


def _as_json(found: "Audit", chosen: "Arms", policy: "Policy", days: int) -> str:
    import msgspec

    def lift(arms: "Arms") -> dict[str, object]:
        return {**arms._asdict(), "lift": arms.lift(), "interval": arms.interval()}

    told = {
        **found._asdict(),
        "policy_version": policy.version,
        "share": policy.holdout.share,
        "days": days,
        "holds": found.holds,
        "everybody": lift(found.everybody),
        "chosen": lift(chosen),
    }
    return msgspec.json.encode(told).decode()
