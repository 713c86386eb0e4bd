"""`shopstream up`: the whole pipeline on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from shopstream.failures import CommandWronglyCalled


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Everything")(up)


def up(
    shoppers: Annotated[int, typer.Option(min=0, help="Simulated shoppers in the shop at the same time.")] = 0,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="End by itself after so long, and check that no event was lost.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write what became of every event to this JSON file.")] = None,
    pace: Annotated[float, typer.Option(min=0.01, help="Shoppers' haste; 2 halves every pause.")] = 1.0,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Shoppers' seed; the same seed gives the same visits.")
    ] = None,
) -> None:
    """Run the whole pipeline here: broker, Postgres and every service, until Ctrl-C.

    Kafka and Postgres are embedded unless SHOPSTREAM_KAFKA_BROKERS and SHOPSTREAM_POSTGRES_DSN name others.
    With --seconds and --shoppers it succeeds only when every event sent is in Postgres once.
    """
    import os
    import signal

    from runtime.stopping import stop_on_signals
    from shopstream.display import Display
    from shopstream.run import PipelineRun, RunOptions
    from shopstream.run_folder import FOLDER, run_folder
    from shopstream.screen import screen
    from shopstream.written import require_writable

    if report is not None:
        if not shoppers:
            raise CommandWronglyCalled("--report tells what became of the shoppers' events; add --shoppers N")
        require_writable(report)
    stop = stop_on_signals()
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))
    options = RunOptions(
        shoppers=shoppers,
        seconds=seconds,
        report=None if report is None else report.resolve(),
        pace=pace,
        seed=seed,
    )
    with run_folder(FOLDER) as folder, Display(screen(), stop) as display:
        PipelineRun(options, os.environ, folder, display, stop).run()
