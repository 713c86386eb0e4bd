"""`shopstream models`: the registry's versions, which of them decides, and which scores in its shadow."""

import getpass
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.settings import ProcessSettings
from shopstream.environ import environ
from shopstream.failures import CommandWronglyCalled

if TYPE_CHECKING:
    from models.card import Card
    from models.registry import Change, Registry

Version = Annotated[str, typer.Argument(help="A version as `models ls` names it; `default` is the model that ships.")]
By = Annotated[str, typer.Option(help="Who does it, for the history; left out, you.")]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Models: which there are, which one decides, and since when.")
    group.command("ls")(ls)
    for command in (show, add, promote, shadow, rollback, history):
        group.command()(command)
    app.add_typer(group, name="models", rich_help_panel="Models")


def ls(json: Json = False) -> None:
    """List the versions with their role and their figures on their own test visitors."""
    from models.registry import RegistryError
    from shopstream.models import told

    found = registry()
    state, cards, broken = found.state(), {}, {}
    named = [each for each in (state.champion, state.challenger) if each is not None]
    for version in dict.fromkeys((*found.versions(), *named)):
        try:
            cards[version] = found.card(version)
        except RegistryError as error:
            broken[version] = str(error)
    if json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(told(state, cards, broken)), indent=2).decode())
        return
    from rich.markup import escape
    from rich.table import Table

    from shopstream.models import FIGURES, figure, role_of
    from shopstream.screen import screen

    lines = screen()
    table = Table("role", "version", "learnt from", "sessions", "licence", *(f"{name} @ {k}" for k, name in FIGURES))
    for version, card in cards.items():
        name = version if version == card.model_version else f"{version} ({card.model_version})"
        figures = (figure(card, k, name) for k, name in FIGURES)
        data = card.data
        table.add_row(
            role_of(version, state), name, escape(data.name), f"{data.sessions:,}", escape(data.licence), *figures
        )
    lines.print(table)
    lines.print(
        "Figures are of each model's own test visitors; on the same visitors, live, the view model_performance compares."
    )
    for version, problem in broken.items():
        role = role_of(version, state)
        lines.print(f"{role} {version}: {problem}" if role else problem, style="red", markup=False)


def show(version: Version) -> None:
    """Show a version: data, licence, checks, and its figures beside the champion's."""
    from rich.markup import escape
    from rich.table import Table

    from models.registry import RegistryError
    from models.serving import ModelMismatch
    from shopstream.models import about, beside, role_of
    from shopstream.screen import screen

    found = registry()
    state, card, lines = found.state(), found.card(version), screen()
    for name, text in about(card, found.folder_of(version)):
        lines.print(f"{name:<12} {escape(text)}")
    lines.print(f"{'role':<12} {role_of(version, state) or 'none'}")
    try:
        found.require_fit(version)
        lines.print(
            f"{'checks':<12} [green]passed[/]: it loads, fits this version's features and scores as it was trained"
        )
    except ModelMismatch as error:
        lines.print(f"{'checks':<12} [red]refused[/]: {escape(str(error))}")
    champion: Card | None = None
    if state.champion != version:
        try:
            champion = found.card(state.champion)
        except RegistryError as error:
            lines.print(str(error), style="red", markup=False)
    table = Table("events", "sessions", "base rate", "AUC", "PR-AUC", "Brier", "ECE", title="on its own test visitors")
    for row in beside(card, champion):
        table.add_row(*row)
    lines.print(table)
    if champion is not None:
        lines.print(f"In brackets: the champion {champion.model_version}, on its own test visitors.")


def add(
    folder: Annotated[Path, typer.Argument(help="Folder with likelihood.onnx and card.json.", file_okay=False)],
) -> None:
    """Copy a model into the registry, once it has passed every check. Nothing is served by it yet."""
    version = registry().add(folder)
    typer.echo(f"{version} is in the registry; `shopstream models promote {version}` lets it decide")


def promote(version: Version, by: By = "") -> None:
    """Let a version decide. Running workers take it over within a second, without losing an event."""
    _say(registry().promote(version, by=by or _me(), at=datetime.now(UTC)))


def shadow(
    version: Annotated[str | None, typer.Argument(help="The version that is to score beside the champion.")] = None,
    stop: Annotated[bool, typer.Option("--stop", help="Let nothing score beside the champion any more.")] = False,
    by: By = "",
) -> None:
    """Let a version score in the champion's shadow: recorded with every decision, and nothing is decided by it."""
    if (version is None) is not stop:
        raise CommandWronglyCalled("give a version to shadow with, or --stop")
    _say(registry().shadow(version, by=by or _me(), at=datetime.now(UTC)))


def rollback(by: By = "") -> None:
    """Let the champion before this one decide again; once more, the one before that."""
    _say(registry().rollback(by=by or _me(), at=datetime.now(UTC)))


def history(json: Json = False) -> None:
    """Tell who changed what and when, oldest first."""
    changes = registry().state().changes
    if json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(changes), indent=2).decode())
        return
    from rich.markup import escape
    from rich.table import Table

    from shopstream.models import with_before
    from shopstream.screen import screen

    table = Table("at", "by", "act", "champion before", "champion", "challenger")
    for before, change in with_before(changes):
        table.add_row(
            f"{change.at:%Y-%m-%d %H:%M:%S}",
            escape(change.by),
            change.act,
            before,
            change.champion,
            change.challenger or "",
        )
    screen().print(table if changes else "no change yet: the model that ships decides")


def registry() -> "Registry":
    """The registry that the settings name."""
    from models.registry import Registry

    return Registry(Path(ProcessSettings.from_environ(environ()).registry_dir))


def _say(change: "Change") -> None:
    pinned = ProcessSettings.from_environ(environ()).model_dir
    typer.echo(
        f"champion {change.champion}, challenger {change.challenger or 'none'}; workers take it over within a second"
    )
    if pinned:
        typer.echo(
            f"SHOPSTREAM_PROCESS_MODEL_DIR={pinned} is set: workers with that setting serve that folder instead",
            err=True,
        )


def _me() -> str:
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # a container's user need not have a name
        return socket.gethostname()
