"""`shopstream doctor`: what is wrong, and the command that repairs it."""

import typer

from shopstream.environ import environ
from shopstream.failures import FAILED

MARKS = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "problem": "[red]problem[/]"}


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Look")(doctor)


def doctor() -> None:
    """Say what is wrong with Kafka, Postgres or a service, and how to repair it. Exit code 1 when something is."""
    from rich.markup import escape
    from rich.table import Table

    from shopstream.doctor import examine
    from shopstream.screen import screen

    lines = screen()
    with lines.status("looking at Kafka, Postgres and every service"):
        findings = list(examine(environ()))
    table = Table("", "state", "what", "repair")
    for each in findings:
        table.add_row(each.subject, MARKS[each.verdict], escape(each.text), escape(each.repair))
    lines.print(table)
    problems = sum(each.verdict == "problem" for each in findings)
    if problems:
        typer.echo(f"{problems} problem{'s' if problems > 1 else ''} found", err=True)
        raise typer.Exit(FAILED)
