"""How commands speak to people: lines on standard output, live where it is a terminal and plain where it is not."""

import contextlib
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

PLAIN_WIDTH = 200


def screen() -> Console:
    """Where a command prints: coloured at a terminal; plain and not wrapped in a file or a pipe."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=PLAIN_WIDTH, soft_wrap=True)


@contextlib.contextmanager
def progress(console: Console, title: str, total: float | None, unit: str) -> Iterator[Progress]:
    """A progress bar for the length of a `with` block, with one task; nothing where nobody watches."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        bar.add_task(title, total=total, note="")
        yield bar


def stages(bar: Progress) -> Callable[[str], None]:
    """What a long command does now: beside its bar, or as a line on standard error where nobody watches."""

    def tell(note: str) -> None:
        if bar.console.is_terminal:
            bar.update(bar.task_ids[0], note=note)
        else:
            print(f"{note} …", file=sys.stderr, flush=True)  # noqa: T201  standard output may be JSON

    return tell
