"""`shopstream train`: fits the models that score sessions."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Source(StrEnum):
    """Where the training events come from."""

    simulated = "simulated"


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Models")(train)


def train(
    out: Annotated[Path, typer.Option(help="Folder to write the model into.", file_okay=False)],
    source: Annotated[Source, typer.Option("--from", help="Where the events come from.")] = Source.simulated,
    visits: Annotated[int | None, typer.Option(min=100, help="How many simulated visits to learn from.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The same seed gives the same model.")] = None,
) -> None:
    """Fit the models and write them with their card into a folder; serve them with SHOPSTREAM_PROCESS_MODEL_DIR."""
    from shopstream.screen import progress, screen
    from shopstream.train import SEED, VISITS, train_default

    out.mkdir(parents=True, exist_ok=True)
    lines = screen()
    count = visits or VISITS
    with progress(lines, f"learning from {source.value} shoppers", count, "visits") as bar:
        card = train_default(
            out,
            seed=SEED if seed is None else seed,
            visit_count=count,
            advance=lambda done: bar.advance(bar.task_ids[0], done),
        )
    lines.print(f"{card.model_version} is in {out}")
    for row in card.metrics:
        lines.print(
            f"after {row.events} events: {row.sessions:,} sessions, base rate {row.base_rate:.3f}, AUC {row.auc}, "
            f"PR-AUC {row.pr_auc}, Brier {row.brier:.4f}, calibration error {row.ece:.4f}"
        )
