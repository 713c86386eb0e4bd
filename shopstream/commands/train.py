"""`shopstream train`: fits the models that score sessions."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Final

import typer

from shopstream.commands.models import registry
from shopstream.failures import CommandWronglyCalled

if TYPE_CHECKING:
    from models.card import Card

SIMULATED: Final = "simulated"
POSTGRES: Final = "postgres"
LARGEST_SEED: Final = 2**32 - 1
"""Of numpy's generators."""


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Models")(train)


def train(
    out: Annotated[
        Path | None, typer.Option(help="Folder to write the model into; left out, the registry.", file_okay=False)
    ] = None,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            help="postgres: what the pipeline has stored; or a shop's event log, a file or a folder; or simulated.",
        ),
    ] = SIMULATED,
    format: Annotated[
        str | None,
        typer.Option(
            help="Of a log: own (JSON lines of Segment calls), recorded (our topics), google-merchandise, rees46 or dmm."
        ),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Learn from sessions before this day (UTC) only.")
    ] = None,
    visits: Annotated[int | None, typer.Option(min=100, help="How many simulated visits to learn from.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=LARGEST_SEED, help="The same seed gives the same model.")
    ] = None,
) -> None:
    """Fit the models and add them to the registry, or write them into a folder; `shopstream models promote` serves them."""
    from shopstream.screen import screen
    from shopstream.train import SEED

    _require_fitting(source, format, until, visits)
    number = SEED if seed is None else seed
    with _folder(out) as folder:
        if source == SIMULATED:
            card = _simulated(folder, visits, number)
        else:
            card = _log(source, format or POSTGRES, folder, None if until is None else until.date(), number)
    lines = screen()
    if out is None:
        version = card.model_version
        lines.print(
            f"{version} is in the registry; `shopstream models show {version}`, `shopstream models promote {version}`"
        )
    else:
        lines.print(f"{card.model_version} is in {out}", markup=False)
    if card.challengers:
        tried = ", ".join(f"{name} {loss:.5f}" for name, loss in card.challengers.items())
        lines.print(f"log loss on later visitors: {tried}")
    lines.print(
        f"personas: silhouette {card.personas.silhouette}, stability over resampled visits {card.personas.stability}"
    )
    for row in card.metrics:
        lines.print(
            f"after {row.events} events: {row.sessions:,} sessions, base rate {row.base_rate:.3f}, AUC {row.auc}, "
            f"PR-AUC {row.pr_auc}, Brier {row.brier:.4f}, calibration error {row.ece:.4f}"
        )


def _require_fitting(source: str, format: str | None, until: datetime | None, visits: int | None) -> None:
    if format == "uci":
        raise CommandWronglyCalled(
            "the uci table has session totals, no events to learn a live score from; `shopstream evaluate --format uci` judges it"
        )
    if source != POSTGRES and format == POSTGRES:
        raise CommandWronglyCalled(
            f"--format postgres would not read {source}; what the pipeline stored is --from postgres"
        )
    if source == SIMULATED and format is not None:
        raise CommandWronglyCalled(f"--format {format} needs --from FILE, the log to learn from")
    if source == POSTGRES and format is not None:
        raise CommandWronglyCalled("--from postgres needs no --format; the format is of a log in a file or folder")
    if source not in (SIMULATED, POSTGRES) and format is None:
        raise CommandWronglyCalled(
            f"--from {source} needs its --format: own, recorded, google-merchandise, rees46 or dmm; what the pipeline stored is --from postgres"
        )
    if source != SIMULATED and visits is not None:
        raise CommandWronglyCalled("--visits is for simulated shoppers; --until cuts a log by its days")
    if source == SIMULATED and until is not None:
        raise CommandWronglyCalled("--until cuts a log by its days; simulated shoppers have none")


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """Where to write; without a folder given, what was written is added to the registry at the end."""
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        yield out
        return
    versions = registry()
    versions.require_writable()
    with TemporaryDirectory(prefix="shopstream-model-") as folder:
        yield Path(folder)
        versions.add(Path(folder))


def _simulated(out: Path, visits: int | None, seed: int) -> "Card":
    from shopstream.screen import progress, screen
    from shopstream.train import VISITS, train_default

    count = visits or VISITS
    with progress(screen(), "learning from simulated shoppers", count, "visits") as bar:
        return train_default(out, seed=seed, visit_count=count, advance=lambda done: bar.advance(bar.task_ids[0], done))


def _log(source: str, format: str, out: Path, until: date | None, seed: int) -> "Card":
    from shopstream.screen import progress, screen, stages
    from shopstream.train import train_on

    with progress(screen(), f"learning from {Path(source).name}", None, "events") as bar:
        return train_on(
            Path(source),
            format,
            out,
            until=until,
            seed=seed,
            progress=lambda done, total: bar.update(bar.task_ids[0], completed=done, total=total),
            tell=stages(bar),
        )
