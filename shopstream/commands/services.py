"""`shopstream ingest`, `process`, `persist`, `console`, `storefront`: one service each, until SIGTERM."""

import typer

from runtime.settings import (
    ConsoleSettings,
    IngestSettings,
    KafkaSettings,
    PersistSettings,
    PostgresSettings,
    ProcessSettings,
    StorefrontSettings,
)
from shopstream.environ import environ


def add_to(app: typer.Typer) -> None:
    for command in (ingest, process, persist, console, storefront):
        app.command(rich_help_panel="Services")(command)


def ingest() -> None:
    """Take events over HTTP and publish them to Kafka."""
    from producers.ingest.serve import serve

    settings = environ()
    raise typer.Exit(serve(IngestSettings.from_environ(settings), KafkaSettings.from_environ(settings)))


def process() -> None:
    """Fold events into sessions, score them, decide."""
    from stream_processors.process import serve

    settings = environ()
    raise typer.Exit(
        serve(
            ProcessSettings.from_environ(settings),
            KafkaSettings.from_environ(settings),
            PostgresSettings.from_environ(settings),
        )
    )


def persist() -> None:
    """Write what Kafka holds to Postgres, exactly once."""
    from stream_processors.persist import serve

    settings = environ()
    raise typer.Exit(
        serve(
            PersistSettings.from_environ(settings),
            KafkaSettings.from_environ(settings),
            PostgresSettings.from_environ(settings),
        )
    )


def console() -> None:
    """Send decisions back to browsers; the API and the pages for people."""
    from console.serve import serve

    settings = environ()
    raise typer.Exit(
        serve(
            ConsoleSettings.from_environ(settings),
            KafkaSettings.from_environ(settings),
            PostgresSettings.from_environ(settings),
            ProcessSettings.from_environ(settings),
        )
    )


def storefront() -> None:
    """Serve the demo shop."""
    from storefront.serve import serve

    raise typer.Exit(serve(StorefrontSettings.from_environ(environ())))
