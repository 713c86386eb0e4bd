"""`shopstream evaluate`: how good a likelihood is on a shop's log, after each of the first events."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from shopstream.failures import CommandWronglyCalled

if TYPE_CHECKING:
    from shopstream.evaluate import Evaluation

POSTGRES: Final = "postgres"
LARGEST_SEED: Final = 2**32 - 1


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Models")(evaluate)


def evaluate(
    context: typer.Context,
    data: Annotated[Path, typer.Option(help="A shop's event log, a file or a folder; or postgres.")],
    format: Annotated[
        str,
        typer.Option(
            help="Of a log: own (JSON lines of Segment calls), recorded (our topics), google-merchandise, rees46, dmm or uci."
        ),
    ] = "",
    model: Annotated[
        Path | None,
        typer.Option(
            envvar="SHOPSTREAM_PROCESS_MODEL_DIR",
            help="Judge this model; left out, one is trained on the earlier part of the data.",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Train on the visits that began before this day (UTC) and judge the others; left out, two thirds train.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    report: Annotated[Path | None, typer.Option(help="Also write a page with charts.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=LARGEST_SEED, help="The same seed gives the same figures.")
    ] = None,
) -> None:
    """Print how well purchases are foreseen after k events, with intervals; nothing at or after a purchase is used."""
    import msgspec

    from shopstream.evaluate import evaluate as judged
    from shopstream.report import page_of
    from shopstream.screen import InertConsole, progress, screen, stages
    from shopstream.train import SEED
    from shopstream.written import require_writable

    if str(data) == POSTGRES:
        format = format or POSTGRES
    if not format:
        raise CommandWronglyCalled("a log needs its --format: own, recorded, google-merchandise, rees46, dmm or uci")
    if format == POSTGRES and str(data) != POSTGRES:
        raise CommandWronglyCalled(
            f"--format postgres would not read {data}; what the pipeline stored is --data postgres"
        )
    if format == "uci":
        _require_none_given(context, "model", "until", "report", "seed")
        _show_uci(data, json)
        return
    if report is not None:
        require_writable(report)
    lines = InertConsole(stderr=True) if json else screen()
    with progress(lines, f"reading {data.name}", None, "events") as bar:
        result = judged(
            data,
            format,
            model,
            until=None if until is None else until.date(),
            seed=SEED if seed is None else seed,
            progress=lambda done, total: bar.update(bar.task_ids[0], completed=done, total=total),
            tell=stages(bar),
        )
    if report is not None:
        report.write_text(page_of(result), encoding="utf-8")
    if json:
        typer.echo(msgspec.json.format(msgspec.json.encode(result), indent=2).decode())
        return
    _show(result)
    if report is not None:
        screen().print(f"charts are in {report}", markup=False)


def _require_none_given(context: typer.Context, *names: str) -> None:
    # Of the setting behind --model nobody asked here: it pins workers, and other formats are judged by it.
    given = [f"--{name}" for name in names if _is_on_the_command_line(context, name)]
    if given:
        raise CommandWronglyCalled(
            "the uci table has session totals, no events that a model could score: it is judged by cross-validation, always on the same folds; "
            f"leave out {' and '.join(given)}"
        )


def _is_on_the_command_line(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _show(result: "Evaluation") -> None:
    from rich.table import Table

    from shopstream.screen import screen
    from shopstream.summary import sentences_of

    lines = screen()
    lines.print(f"{result.data}, model {result.model_version}", markup=False)
    lines.print(result.protocol)
    for sentence in sentences_of(result.curve):
        lines.print(sentence)
    if result.challengers:
        tried = ", ".join(f"{name} {loss:.5f}" for name, loss in result.challengers.items())
        lines.print(f"log loss of what was tried: {tried}")
    rows = [(str(row.k), row) for row in result.curve]
    rows += [(f"{each.share:.0%}", each.figures) for each in result.shares]
    new = [(str(row.k), row) for row in result.curve_of_new_visitors]
    for title, named in (("every visitor", rows), ("visitors not trained on", new)):
        if not named:
            continue
        table = Table(
            *(
                "k",
                "n",
                "base rate",
                "AUC",
                "PR-AUC",
                "average precision",
                "lift top 5 %",
                "log loss",
                "Brier (base)",
                "ECE",
                "by chance",
            ),
            title=title,
        )
        for name, row in named:
            table.add_row(
                name,
                f"{row.n:,}",
                f"{row.base_rate:.2%}",
                _with_interval(row.auc, row.auc_interval, 3),
                _with_interval(row.pr_auc, row.pr_auc_interval, 3),
                "unknown" if row.average_precision is None else f"{row.average_precision:.3f}",
                _with_interval(row.lift, row.lift_interval, 1),
                f"{row.log_loss:.4f}",
                f"{row.brier:.4f} ({row.brier_of_base_rate:.4f})",
                _with_interval(row.ece, row.ece_interval, 4),
                f"{row.ece_by_chance:.4f}",
            )
        lines.print(table)
    for group in result.groups:
        row = group.figures
        lines.print(
            f"{group.by} {group.group} at k = {row.k}: n {row.n:,}, base rate {row.base_rate:.2%}, "
            f"PR-AUC {_with_interval(row.pr_auc, row.pr_auc_interval, 3)}, ECE {row.ece:.4f}"
        )


def _with_interval(figure: float | None, interval: tuple[float, float] | None, digits: int) -> str:
    if figure is None or interval is None:
        return "unknown"
    return f"{figure:.{digits}f} ({interval[0]:.{digits}f} to {interval[1]:.{digits}f})"


def _show_uci(path: Path, as_json: bool) -> None:
    import msgspec
    from rich.table import Table

    from shopstream import uci, uci_paper
    from shopstream.screen import InertConsole, progress, screen

    data = uci.read(path)
    splits = 2 * uci.REPEATS * uci.FOLDS + len(uci_paper.PROTOCOLS) * uci_paper.REPEATS
    lines = InertConsole(stderr=True) if as_json else screen()
    with progress(lines, f"judging {path.name}", splits, "splits") as bar:

        def advance(count: int) -> None:
            bar.advance(bar.task_ids[0], count)

        figures = [*uci.honest_figures(data, advance), *uci_paper.paper_figures(data, advance)]
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(figures), indent=2).decode())
        return
    lines = screen()
    lines.print("Figures are means over the test sides of all splits ± their standard deviation:")
    for number, each in enumerate(figures, 1):
        lines.print(f"{number}: {each.protocol}", markup=False)
    table = Table(
        *("", "n", "base rate", "AUC", "PR-AUC", "average precision", "lift top 5 %", "F1 of buyers", "accuracy"),
        *("log loss", "Brier", "ECE", "by chance"),
    )
    for number, each in enumerate(figures, 1):
        table.add_row(
            *(str(number), f"{each.n:,}", f"{each.base_rate:.2%}"),
            *(_with_spread(figure, 3) for figure in (each.auc, each.pr_auc, each.average_precision)),
            _with_spread(each.lift, 1),
            *(_with_spread(figure, 3) for figure in (each.f1, each.accuracy, each.log_loss, each.brier, each.ece)),
            f"{each.ece_by_chance[0]:.3f}",
        )
    lines.print(table)


def _with_spread(figure: tuple[float, float], digits: int) -> str:
    return f"{figure[0]:.{digits}f} ± {figure[1]:.{digits}f}"
