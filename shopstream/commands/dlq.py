"""`shopstream dlq`: the dead letters, what is wrong with them, and the way back for those that can be fixed."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.settings import IngestSettings, KafkaSettings, PostgresSettings
from shopstream.environ import environ
from shopstream.failures import CommandFailed, CommandWronglyCalled

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from producers.dead_letters.heal import Reading
    from producers.dead_letters.letters import Kept, Selection
    from producers.dead_letters.replay import Chooser

Code = Annotated[list[str] | None, typer.Option(help="Only this reason code; may be given again.")]
Stage = Annotated[list[str] | None, typer.Option(help="Only of this step: ingest, sessionize, score or persist.")]
Key = Annotated[list[str] | None, typer.Option("--write-key", help="Only of this write key.")]
Message = Annotated[str | None, typer.Option(help="Only those whose reason contains this text.")]
Since = Annotated[str | None, typer.Option(help="Only those received since: 90m, 12h, 7d or a date.")]
Id = Annotated[list[str] | None, typer.Option("--id", help="Only this one; the beginning of its id is enough.")]
Where = Annotated[
    list[str] | None, typer.Option(help='Only where it holds: \'event = "purchase"\', "anonymousId is missing".')
]
File = Annotated[Path | None, typer.Option(help="TOML file with [[rule]] tables: fix, and for which dead letters.")]
Sample = Annotated[int, typer.Option(min=0, help="Show the difference for so many of them.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Dead letters: look at them, fix many at once, replay them.")
    group.command("ls")(ls)
    group.command()(show)
    group.command()(fix)
    group.command()(replay)
    app.add_typer(group, name="dlq", rich_help_panel="Look")


def ls(
    code: Code = None,
    stage: Stage = None,
    write_key: Key = None,
    message: Message = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Show no more than so many.")] = 20,
    is_all: Annotated[bool, typer.Option("--all", help="Also those that were replayed.")] = False,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the dead letters that wait: how many for which reason, then the newest ones."""
    from producers.dead_letters import letters

    with _database() as connection:
        chosen = _selection(connection, code, stage, write_key, message, since)
        groups = letters.groups(connection, chosen, is_all=is_all, limit=limit)
        rows = letters.newest(connection, chosen, is_all=is_all, limit=limit)
    if json:
        import msgspec

        body = msgspec.json.encode({"groups": groups, "dead_letters": rows})
        typer.echo(msgspec.json.format(body, indent=2).decode())
        return
    from rich.markup import escape
    from rich.table import Table

    from shopstream.dead_letters import ID_CHARACTERS, short
    from shopstream.screen import screen

    lines = screen()
    if not rows:
        lines.print("no dead letters" if is_all else "no dead letters wait")
        return
    table = Table("dead letters", "with a fix", "replayed", "stage", "code", "reason", "last received")
    for row in groups:
        numbers = (f"{row[name]:,}" for name in ("dead_letters", "with_fix", "replayed"))
        last = f"{row['last_received_at']:%Y-%m-%d %H:%M:%S}"
        table.add_row(*numbers, row["stage"], row["code"], escape(short(row["message"], 90)), last)
    lines.print(table)
    table = Table("id", "received", "stage", "code", "write key", "message id", "bytes", "state")
    for row in rows:
        state = "replayed" if row["replayed_at"] else "has a fix" if row["fix"] else "waits"
        table.add_row(
            row["dead_letter_id"][:ID_CHARACTERS],
            f"{row['received_at']:%Y-%m-%d %H:%M:%S}",
            row["stage"],
            row["code"],
            escape(short(row["write_key"], 20)),
            escape(short(row["message_id"], 36)),
            f"{row['size_bytes']:,}",
            state,
        )
    lines.print(table)


def show(id: Annotated[str, typer.Argument(help="Id of the dead letter, or the beginning of it.")]) -> None:
    """Show one dead letter: its bytes, the reason, where it was met, and what its fix gives."""
    import msgspec

    from producers.dead_letters.replay import attempt_of, by_kept_fix
    from shopstream.dead_letters import difference, outcome_of, raw_text, short
    from shopstream.inert import inert

    with _database() as connection:
        kept = _named(connection, id)
    letter = kept.letter
    typer.echo(f"dead letter {letter.dead_letter_id}")
    typer.echo(f"reason      {letter.code}: {short(letter.message, 400)}")
    typer.echo(f"where       {letter.stage}, {short(letter.source) or 'unknown'}")
    typer.echo(f"received    {letter.received_at:%Y-%m-%d %H:%M:%S.%f} UTC")
    for name, value in (
        ("write key", letter.write_key),
        ("message id", letter.message_id),
        ("visitor", letter.visitor_id),
    ):
        typer.echo(f"{name:<11} {short(value, 140) or 'unknown'}")
    if letter.envelope is not None:
        typer.echo(f"request     {short(msgspec.json.encode(letter.envelope).decode(), 400)}")
    typer.echo(f"{len(letter.raw):,} bytes:\n{raw_text(letter.raw)}")
    if kept.replayed_at is not None:
        how = f"with fix {inert(kept.fix)}" if kept.fix else "without a fix"
        typer.echo(f"replayed    {kept.replayed_at:%Y-%m-%d %H:%M:%S} UTC as {short(kept.replayed_as, 140)}, {how}")
        return
    typer.echo(f"fix         {inert(kept.fix) if kept.fix else 'none yet'}")
    attempt = attempt_of(kept, by_kept_fix(()), _reading())
    if attempt is not None:
        for line in difference(attempt.call, attempt.healed.after) if attempt.healed.after is not None else ():
            typer.echo(line)
        typer.echo(f"ingest now  {outcome_of(attempt)}")


def fix(
    expression: Annotated[
        str | None, typer.Argument(metavar="FIX", help="Operations, as in 'number properties.value'.")
    ] = None,
    file: File = None,
    code: Code = None,
    stage: Stage = None,
    write_key: Key = None,
    message: Message = None,
    since: Since = None,
    id: Id = None,
    where: Where = None,
    sample: Sample = 3,
    dry_run: DryRun = False,
) -> None:
    """Try a fix on many dead letters, and keep it on those that ingest then accepts; `replay` sends them."""
    from producers.dead_letters.letters import count_waiting
    from producers.dead_letters.replay import Tally, attempts, keep_fixes
    from shopstream.dead_letters import counts, go_through, tell
    from shopstream.screen import screen

    if expression is None and file is None:
        raise CommandWronglyCalled("there is no fix; give one, as in `shopstream dlq fix 'number properties.value'`")
    choose = _chooser(expression, file, where)
    lines, tally = screen(), Tally()
    with _database() as connection:
        chosen = _selection(connection, code, stage, write_key, message, since, id)
        pages = attempts(connection, chosen, choose, _reading(), tally)
        done = keep_fixes(connection, pages, tally, is_dry=dry_run)
        go_through(lines, count_waiting(connection, chosen), "fixing", done, sample)
    tell(lines, tally, counts(tally, f"{tally.new:,} {'would be' if dry_run else 'will be'} accepted"))
    if dry_run:
        lines.print("Nothing was changed; without --dry-run the fix is kept, and `shopstream dlq replay` uses it.")
    elif tally.new:
        lines.print("The fix is kept with them; `shopstream dlq replay` sends them.")


def replay(
    fix: Annotated[str | None, typer.Option(help="Use this fix, and not those that were kept.")] = None,
    file: File = None,
    code: Code = None,
    stage: Stage = None,
    write_key: Key = None,
    message: Message = None,
    since: Since = None,
    id: Id = None,
    where: Where = None,
    sample: Sample = 0,
    dry_run: DryRun = False,
) -> None:
    """Publish dead letters as the events they are with their fix. Doing it again changes nothing."""
    from producers.dead_letters.letters import count_waiting
    from producers.dead_letters.replay import Tally, attempts, publisher
    from producers.dead_letters.replay import replay as replayed
    from runtime.kafka import durable_producer
    from shopstream.dead_letters import counts, go_through, tell
    from shopstream.screen import screen

    choose = _chooser(fix, file, where)
    lines, tally = screen(), Tally()
    with _database() as connection:
        chosen = _selection(connection, code, stage, write_key, message, since, id)
        pages = attempts(connection, chosen, choose, _reading(), tally)
        if dry_run:
            go_through(
                lines, count_waiting(connection, chosen), "trying", replayed(connection, pages, tally, None), sample
            )
        else:
            settings = IngestSettings.from_environ(environ())
            kafka = KafkaSettings.from_environ(environ())
            with closing(durable_producer(kafka, timeout_ms=settings.kafka_timeout_ms)) as producer:
                publish = publisher(producer, settings.kafka_timeout_ms / 1000 + 1)
                go_through(
                    lines,
                    count_waiting(connection, chosen),
                    "replaying",
                    replayed(connection, pages, tally, publish),
                    sample,
                )
    new = f"{tally.new:,} {'would be ' if dry_run else ''}replayed"
    known = f", {tally.known:,} are events that were stored or replayed before" if tally.known else ""
    tell(lines, tally, counts(tally, new + known))
    if dry_run:
        lines.print("Nothing was changed.")


def _chooser(expression: str | None, file: Path | None, where: list[str] | None) -> "Chooser":
    from producers.dead_letters.conditions import condition_of
    from producers.dead_letters.replay import by_kept_fix, by_rules
    from producers.dead_letters.rules import rule_of, rules_of_file

    if expression is not None and file is not None:
        raise CommandWronglyCalled("give a fix or --file, not both")
    conditions = tuple(map(condition_of, where or ()))
    if file is not None:
        return by_rules([rule._replace(where=rule.where + conditions) for rule in rules_of_file(file)])
    if expression is None:
        return by_kept_fix(conditions)
    rule = rule_of(expression)
    if not rule.fix:
        raise CommandWronglyCalled("the fix is empty; `number properties.value` would be one")
    return by_rules([rule._replace(where=conditions)])


def _selection(
    connection: "Connection",
    code: list[str] | None,
    stage: list[str] | None,
    write_key: list[str] | None,
    message: str | None,
    since: str | None,
    id: list[str] | None = None,
) -> "Selection":
    from producers.dead_letters.letters import Selection
    from shopstream.dead_letters import since_of

    return Selection(
        codes=tuple(code or ()),
        stages=tuple(stage or ()),
        write_keys=tuple(write_key or ()),
        ids=tuple(_named(connection, each).letter.dead_letter_id for each in id or ()),
        message=message,
        since=since_of(since, datetime.now(UTC)) if since is not None else None,
    )


def _named(connection: "Connection", id: str) -> "Kept":
    from producers.dead_letters.letters import MIN_ID_CHARACTERS, named

    found = named(connection, id)
    if not found and len(id) < MIN_ID_CHARACTERS:
        raise CommandFailed(
            f"give {MIN_ID_CHARACTERS} or more characters of the id; `shopstream dlq ls --all` lists them"
        )
    if not found:
        raise CommandFailed(f"there is no dead letter {id}; `shopstream dlq ls --all` lists them")
    if len(found) > 1:
        raise CommandFailed(f"more than one dead letter begins with {id}; give more of its id")
    return found[0]


def _reading() -> "Reading":
    """How ingest would read calls now."""
    from producers.dead_letters.heal import Reading
    from producers.ingest.privacy import Privacy
    from producers.ingest.write_keys import write_keys_of

    settings = IngestSettings.from_environ(environ())
    clamp = timedelta(hours=settings.clock_clamp_hours)
    return Reading(write_keys_of(settings.write_keys_file), settings.max_event_bytes, clamp, Privacy(settings))


@contextmanager
def _database() -> Iterator["Connection"]:
    """A connection to a database of this version's schema."""
    from sql.connection import connect
    from sql.migrate import require_current

    with closing(connect(PostgresSettings.from_environ(environ()).dsn)) as connection:
        require_current(connection)
        yield connection
