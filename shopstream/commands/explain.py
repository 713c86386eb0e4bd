"""`shopstream explain` and `shopstream trace`: why a decision was made, and where an event is now."""

from typing import Annotated, Any

import typer

from runtime.settings import PostgresSettings
from shopstream.environ import environ
from shopstream.failures import CommandFailed

Row = dict[str, Any]


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Look")(explain)
    app.command(rich_help_panel="Look")(trace)


def explain(
    session: Annotated[str, typer.Argument(help="Session id, also one that it had before.")],
    at: Annotated[
        int | None,
        typer.Option(min=1, help="Only the moment after the session's Nth event, with all that led to the decision."),
    ] = None,
) -> None:
    """Tell a session's story: each event, each decision, and the reasons for it."""
    from rich.markup import escape
    from rich.table import Table

    from shopstream.screen import screen

    found = _rows("session_now", {"session_id": session})
    if not found:
        raise CommandFailed(f"there is no session {session} in Postgres; the console lists those that are live")
    now = found[0]
    if at is not None:
        _explain_moment(now, at)
        return
    story = _rows("story_of_session", {"session_id": now["session_id"]})
    lines = screen()
    lines.print(f"session {now['session_id']} of visitor {escape(now['visitor_id'])}: {state_of(now)}")
    table = Table("at", "event", "page", "decision", "because")
    for row in story:
        clock = f"{row['occurred_at']:%H:%M:%S}"
        if row["kind"] == "event":
            table.add_row(clock, escape(row["name"]), escape(row["page_path"] or ""), "", "")
        else:
            table.add_row(clock, "", "", decision_of(row), escape("; ".join(row["because"] or ())))
    lines.print(table)
    versions = sorted(
        {f"{row['model_version']} with policy {row['policy_version']}" for row in story if row["kind"] == "decision"}
    )
    if versions:
        lines.print(f"decided by {', '.join(versions)}")


def _explain_moment(now: Row, at: int) -> None:
    from shopstream.screen import screen
    from shopstream.standing import tell_standing

    session_id = now["session_id"]
    rows = _rows("story_of_visitor", {"visitor_id": now["visitor_id"]})
    recorded = _rows("decision_at", {"session_id": session_id, "event_count": at})
    tell_standing(screen(), session_id, rows, at, recorded[0] if recorded else None)


def trace(event: Annotated[str, typer.Argument(help="Message id of the event.")]) -> None:
    """Say which steps an event has passed."""
    from rich.markup import escape
    from rich.table import Table

    from shopstream.screen import screen

    places = _rows("trace_event", {"message_id": event})
    if not places:
        raise CommandFailed(
            f"event {event} is neither stored nor dead-lettered; it never came, or it waits in Kafka (`shopstream doctor` shows the lag)"
        )
    table = Table("place", "at", "what")
    for row in places:
        table.add_row(row["place"], f"{row['at']:%Y-%m-%d %H:%M:%S.%f}"[:-3], escape(row["what"]))
    screen().print(table)


def state_of(now: Row) -> str:
    """A session as it stands, in one sentence."""
    ending = "closed" if now["closed_at"] else "open"
    scored = (
        "not scored yet"
        if now["likelihood"] is None
        else f"{now['likelihood']:.0%} likely to buy, {now['persona']}, {now['style']}"
    )
    return f"{ending}, {now['event_count']} events from {now['started_at']:%Y-%m-%d %H:%M:%S} to {now['last_seen_at']:%H:%M:%S} UTC, cart {now['cart_value']:.2f}, {scored}"


def decision_of(row: Row) -> str:
    """A decision in a few words."""
    incentive = "no incentive" if row["incentive_type"] is None else row["incentive_type"].replace("_", " ")
    if row["incentive_type"] is not None and not row["is_offered"]:
        incentive += f" (not shown: {row['arm']})"
    return f"{row['likelihood']:.0%}, {row['persona']}, {incentive}"


def _rows(statement: str, parameters: dict[str, str | int]) -> list[Row]:
    from psycopg2.extras import RealDictCursor

    from sql import files
    from sql.connection import connect

    connection = connect(PostgresSettings.from_environ(environ()).dsn)
    try:
        with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute(files.statement(statement), parameters)
            return [dict(row) for row in cursor.fetchall()]
    finally:
        connection.close()
