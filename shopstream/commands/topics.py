"""`shopstream topics`: the declared topics, for people and for programs; `topics create` makes them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.topics import TOPICS, Topic
from runtime.settings import KafkaSettings
from shopstream.environ import environ


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(invoke_without_command=True, help="The declared topics.")
    group.callback()(listing)
    group.command()(create)
    group.command()(record)
    group.command()(check)
    group.command()(release)
    app.add_typer(group, name="topics", rich_help_panel="Set-up")


def listing(
    context: typer.Context, json: Annotated[bool, typer.Option("--json", help="For programs.")] = False
) -> None:
    """The declared topics: key, contract, partitions, retention and dead-letter topic."""
    if context.invoked_subcommand is not None:
        return
    if json:
        import msgspec

        body = msgspec.json.encode([described(topic) for topic in _declared()])
        typer.echo(msgspec.json.format(body, indent=2).decode())
        return
    from rich.table import Table

    from shopstream.screen import screen

    table = Table("topic", "key", "contract", "CloudEvents type", "partitions", "kept", "dead letters")
    for topic in _declared():
        kept = f"{topic.retention.days} days"
        table.add_row(
            topic.name,
            topic.key,
            topic.value.__name__,
            topic.type,
            str(topic.partitions),
            kept,
            topic.dead_letters or "–",
        )
    screen().print(table)


def create() -> None:
    """Create the declared topics that Kafka does not have yet."""
    from runtime.kafka import create_topics

    created = create_topics(KafkaSettings.from_environ(environ()))
    typer.echo(f"created {', '.join(created)}" if created else f"all {len(TOPICS)} topics are there already")


def record(file: Annotated[Path, typer.Argument(help="File to write, as in recording.jsonl.gz.")]) -> None:
    """Record events, features and decisions to a file, byte for byte, for `shopstream replay`."""
    from runtime.recordings import recorded_by_kafka, write_recording
    from runtime.settings import ProcessSettings
    from shopstream.screen import progress, screen
    from shopstream.written import require_writable

    require_writable(file)
    settings, process = KafkaSettings.from_environ(environ()), ProcessSettings.from_environ(environ())
    lines = screen()
    with progress(lines, "recording", None, "records") as bar:

        def show(done: int, total: int) -> None:
            bar.update(bar.task_ids[0], completed=done, total=total)

        count = write_recording(file, recorded_by_kafka(settings, process.app_id, show))
    lines.print(f"{count:,} records are in {file}")


def check() -> None:
    """Whether today's topics and schemas break anybody who reads the released ones; ends with 1 when they do."""
    from contracts import compatibility

    broken = compatibility.breaks(compatibility.released(), compatibility.current())
    for line in broken:
        typer.echo(line)
    if broken:
        raise typer.Exit(1)
    typer.echo(f"today's {len(TOPICS)} topics break nobody who reads the released ones")


def release() -> None:
    """Make today's topics and schemas the released ones, that later changes are checked against."""
    from contracts import compatibility

    for path in compatibility.release():
        typer.echo(f"{'wrote' if path.exists() else 'deleted'} {path}")


def _declared() -> tuple[Topic, ...]:
    from runtime.kafka import declared_topics

    return declared_topics(KafkaSettings.from_environ(environ()))


def described(topic: Topic) -> dict[str, Any]:
    """A topic as JSON."""
    return {
        "name": topic.name,
        "key": topic.key,
        "contract": topic.value.__name__,
        "type": topic.type,
        "partitions": topic.partitions,
        "retention_s": int(topic.retention.total_seconds()),
        "dead_letters": topic.dead_letters,
    }
