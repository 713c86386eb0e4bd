"""`shopstream replay`: a public or own event log through the ingest endpoint, event time kept."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.settings import IngestSettings
from shopstream.environ import environ
from shopstream.failures import CommandWronglyCalled

if TYPE_CHECKING:
    from producers.replay.post import ReplayReport


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Traffic")(replay)


def replay(
    file: Annotated[Path, typer.Argument(help="File or folder of the log.")],
    format: Annotated[str, typer.Option(help="rees46 or google-merchandise.")],
    speed: Annotated[
        str, typer.Option(help="Event time over wall time, such as 60; max is as fast as it goes.")
    ] = "max",
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only this day of the log.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Send no more than so many events.")] = None,
    url: Annotated[str, typer.Option(help="Ingest to send to; the one of this machine when left out.")] = "",
    write_key: Annotated[str, typer.Option(help="Server key that keeps event time.")] = "history",
) -> None:
    """Send an event log through ingest. Sending it again changes nothing: the same rows have the same ids."""
    from producers.replay.run import run
    from shopstream.pipeline import url_of
    from shopstream.screen import progress, screen

    lines = screen()
    with progress(lines, f"replaying {file.name}", None, "rows") as bar:
        report = run(
            file,
            format=format,
            url=url or url_of(IngestSettings.from_environ(environ())),
            write_key=write_key,
            speed=speed_of(speed),
            day=None if day is None else date(day.year, day.month, day.day),
            limit=limit,
            on_progress=lambda done, total: bar.update(bar.task_ids[0], completed=done, total=total),
        )
    lines.print(summary(report))


def speed_of(text: str) -> float | None:
    """None for `max`."""
    if text == "max":
        return None
    try:
        return float(text)
    except ValueError:
        raise CommandWronglyCalled(f"--speed {text} is neither a number nor max") from None


def summary(report: "ReplayReport") -> str:
    """What became of every row, in two sentences."""
    twice = report.read - report.distinct
    rows = f"{report.read:,} rows held {report.distinct:,} events" + (
        f" ({twice:,} rows told one again)" if twice else ""
    )
    if report.skipped:
        rows += f", and {report.skipped:,} more told of none"
    refused = ", ".join(f"{count:,} {code}" for code, count in sorted(report.rejections.items()))
    sent = f"{report.sent:,} were sent in {report.seconds:.1f} s: {report.acknowledged:,} accepted, {report.rejected:,} refused"
    return f"{rows}. {sent}{f' ({refused})' if refused else ''}."
