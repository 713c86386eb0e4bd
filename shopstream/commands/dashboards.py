"""`shopstream dashboards`: dashboards as code."""

import typer

from runtime.settings import GrafanaSettings
from shopstream.environ import environ
from shopstream.failures import CommandFailed


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Dashboards as code: build, check and push them.")
    for command in (build, check, push):
        group.command()(command)
    app.add_typer(group, name="dashboards", rich_help_panel="Set-up")


def build() -> None:
    """Write the committed JSON of every dashboard from the code."""
    from dashboards import build as boards

    for path in boards.build():
        typer.echo(f"wrote {path}")


def check() -> None:
    """Fail when the committed dashboards are not what the code builds."""
    from dashboards import build as boards

    if problems := boards.check():
        raise CommandFailed("; ".join(problems))
    typer.echo("every dashboard is what the code builds")


def push() -> None:
    """Write the dashboards to the Grafana of SHOPSTREAM_GRAFANA_URL."""
    from dashboards.push import push as pushed

    for address in pushed(GrafanaSettings.from_environ(environ())):
        typer.echo(address)
