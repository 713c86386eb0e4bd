"""`shopstream replay`: a public or own event log through the ingest endpoint, event time kept."""

import math
from datetime import date, datetime, timedelta
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
    file: Annotated[Path | None, typer.Argument(help="File or folder of the log.")] = None,
    format: Annotated[
        str, typer.Option(help="own (JSON lines of Segment calls), rees46, google-merchandise or recorded.")
    ] = "",
    speed: Annotated[
        str, typer.Option(help="Event time over wall time, such as 60; max is as fast as it goes.")
    ] = "max",
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only this day of the log.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Send no more than so many events.")] = None,
    url: Annotated[str, typer.Option(help="Ingest to send to; the one of this machine when left out.")] = "",
    write_key: Annotated[str, typer.Option(help="Server key that keeps event time.")] = "history",
    compare: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="Send nothing: fold and score what is on the topics (or in the recording FILE) again, and require the same bits.",
        ),
    ] = False,
    model: Annotated[
        list[Path] | None,
        typer.Option(help="Compare scores with this model; may be given again. Left out, with those of the registry."),
    ] = None,
) -> None:
    """Send an event log through ingest. Sending it again changes nothing: the same rows have the same ids.

    With --compare, check that the code and the model of now give what the stream told.
    """
    if compare:
        _compare(file, model or [])
        return
    if file is None or not format:
        raise CommandWronglyCalled(
            "give a log and its --format, as in `shopstream replay events.csv.gz --format rees46`"
        )
    if format == "recorded":
        _publish(file)
        return
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


def _compare(file: Path | None, models: list[Path]) -> None:
    from models.serving import Scorer
    from runtime.recordings import recorded_by_kafka, recorded_in_file
    from runtime.settings import KafkaSettings, ProcessSettings
    from shopstream.compare import compare, verdict
    from shopstream.models import scorers_of
    from shopstream.screen import progress, screen

    settings = ProcessSettings.from_environ(environ())
    scorers = [Scorer.load(each) for each in models] or scorers_of(settings)
    lines = screen()
    with progress(lines, "comparing", None, "records" if file is None else "bytes") as bar:

        def show(done: int, total: int) -> None:
            bar.update(bar.task_ids[0], completed=done, total=total)

        if file is None:
            recorded = recorded_by_kafka(KafkaSettings.from_environ(environ()), settings.app_id, show)
        else:
            recorded = recorded_in_file(file, show)
        result = compare(recorded, scorers, timedelta(minutes=settings.session_gap_minutes))
    for line in verdict(result):
        lines.print(line, markup=False)
    if result.differing:
        raise typer.Exit(1)


def _publish(file: Path) -> None:
    from contextlib import closing

    from producers.replay.recorded import after, publish
    from runtime.kafka import durable_producer
    from runtime.recordings import events_in_file, newest_arrival_ms
    from runtime.settings import KafkaSettings
    from shopstream.screen import progress, screen

    lines = screen()
    kafka = KafkaSettings.from_environ(environ())
    missing = after(events_in_file(file), newest_arrival_ms(kafka))
    with (
        closing(durable_producer(kafka, linger_ms=20)) as producer,
        progress(lines, f"publishing {file.name}", None, "events") as bar,
    ):
        count = publish(missing, producer, lambda done: bar.update(bar.task_ids[0], completed=done))
    lines.print(f"{count:,} recorded events were published on topic events, as they were")


def speed_of(text: str) -> float | None:
    """None for `max`."""
    if text == "max":
        return None
    try:
        speed = float(text)
        if speed == math.inf:
            raise ValueError  # that is what max says
        return speed
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
