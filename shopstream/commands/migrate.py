"""`shopstream migrate`: brings Postgres to the current schema."""

import typer

from runtime.settings import PostgresSettings
from shopstream.environ import environ


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Set-up")(migrate)


def migrate() -> None:
    """Bring Postgres to the current schema; safe to run again."""
    from sql import migrate as schema

    applied = schema.migrate(PostgresSettings.from_environ(environ()).dsn)
    typer.echo(f"applied {', '.join(applied)}" if applied else "the schema is current already")
