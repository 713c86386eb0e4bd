"""`shopstream erase`: forget a visitor everywhere, with a receipt."""

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.settings import KafkaSettings, PostgresSettings, ProcessSettings
from shopstream.environ import environ
from shopstream.failures import FAILED, CommandFailed, CommandWronglyCalled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopstream.erasing import Erasure, Known

DAY = "%-d %B %Y"
MAX_ID_CHARACTERS = 128
"""As the contract of an event has it."""


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Privacy")(erase)


def erase(
    visitor: Annotated[str, typer.Argument(help="Visitor id (the SDK's anonymousId).")],
    is_user: Annotated[
        bool, typer.Option("--user", help="It is a user id: erase every visitor who was this user at some time.")
    ] = False,
    is_sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for the stream and the sink.")] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt as one JSON object.")] = False,
) -> None:
    """Forget everything that was received of a visitor until now: rows, sessions in progress, history.

    Prints a receipt: what went, and until when Kafka keeps the records that it has. Exit code 1 when something still waits.
    """
    from shopstream import erasing
    from shopstream.screen import progress, screen
    from sql.connection import connect
    from sql.migrate import require_current

    if not is_user and not 1 <= len(visitor) <= MAX_ID_CHARACTERS:
        raise CommandWronglyCalled(f"a visitor id has 1 to {MAX_ID_CHARACTERS} characters")
    kafka = KafkaSettings.from_environ(environ())
    app_id = ProcessSettings.from_environ(environ()).app_id
    with closing(connect(PostgresSettings.from_environ(environ()).dsn)) as connection:
        require_current(connection)
        visitor_ids = erasing.visitors_of(connection, visitor) if is_user else [visitor]
        if not visitor_ids:
            raise CommandFailed(f"nobody stored in Postgres was user {visitor}; a visitor is erased without --user")
        known = erasing.known_of(connection, visitor_ids)
        if not is_sure:
            _ask(visitor_ids, known)
        erasures = erasing.publish(kafka, visitor_ids, erasing.now_or_later(known))
        with progress(screen(), "forgetting", len(erasures), "visitors") as bar:
            for done in erasing.follow(erasures, connection, kafka, app_id, timeout):
                bar.update(bar.task_ids[0], completed=done)
    if as_json:
        typer.echo(_as_json(erasures))
    else:
        _tell(erasures)
    if not all(each.is_done for each in erasures):
        raise typer.Exit(FAILED)


def _ask(visitor_ids: "Sequence[str]", known: "Known") -> None:
    if not sys.stdin.isatty():
        raise CommandWronglyCalled("erasing cannot be undone; say --yes where nobody can be asked")
    whose = f"visitor {visitor_ids[0]}" if len(visitor_ids) == 1 else f"{len(visitor_ids)} visitors"
    typer.echo(
        f"Postgres has {known.event_count:,} events, {known.session_count:,} sessions and {known.purchase_count:,} "
        f"purchases of {whose}; they cannot be brought back."
    )
    typer.confirm("Erase them?", abort=True)


def _tell(erasures: "Sequence[Erasure]") -> None:
    from rich.markup import escape
    from rich.table import Table

    from shopstream import erasing
    from shopstream.screen import screen

    lines = screen()
    table = Table("visitor", "erasure", "rows erased", "stream")
    for each in erasures:
        rows = ", ".join(f"{count:,} {table}" for table, count in sorted(each.erased_rows.items())) or "none"
        table.add_row(
            escape(each.visitor_id),
            each.erasure_id,
            rows if each.done_at else "waits for `shopstream persist`",
            "forgotten" if each.is_forgotten_by_stream else "waits for `shopstream process`",
        )
    lines.print(table)
    until: dict[str, list[str]] = {}
    for topic, moment in erasing.kept_until(erasures[0].erased_at).items():
        until.setdefault(moment.strftime(DAY), []).append(topic)
    kept = "; ".join(f"{', '.join(topics)} until {day}" for day, topics in until.items())
    lines.print(f"everything received until {erasures[0].erased_at:%Y-%m-%d %H:%M:%S} UTC is covered")
    lines.print(f"Kafka takes no single record out of its log: {kept}")
    if not all(each.is_done for each in erasures):
        lines.print(
            "what waits is done once the service runs, without asking again; `shopstream doctor` says what is wrong"
        )


def _as_json(erasures: "Sequence[Erasure]") -> str:
    import msgspec

    from shopstream import erasing

    told = {
        "is_done": all(each.is_done for each in erasures),
        "erasures": erasures,
        "kafka_keeps_until": erasing.kept_until(erasures[0].erased_at),
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=2).decode()
