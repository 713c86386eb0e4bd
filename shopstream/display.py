"""What `shopstream up` shows: a line for each thing that happens, and how the pipeline does, live at a terminal."""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.status import Status as Wheel
from rich.table import Table
from rich.text import Text

from shopstream.inert import inert
from shopstream.status import Status
from shopstream.supervise import State, Watched

PLAIN_EVERY_S: Final = 5.0
COLOURS: Final[Mapping[State, str]] = {"ready": "green", "starting": "yellow", "restarting": "red", "stopped": "dim"}


class Display:
    """Nothing here may end the run: when nobody can read us any more, `stop` is set and we fall silent."""

    def __init__(self, console: Console, stop: threading.Event) -> None:
        self._console = console
        self._stop = stop
        self._live: Live | Wheel | None = None
        self._next_plain_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.settle()

    def begin(self) -> None:
        """Turn a wheel at a terminal until the addresses are known."""
        wheel = self._console.status("starting")
        self._quietly(wheel.start)
        self._live = wheel

    def say(self, text: str) -> None:
        """One line about something that happened."""
        self._print(Text(inert(text)))  # it may end with the last line of a log

    def ready(self, watched: Watched, seconds: float) -> None:
        """A service became ready, so many seconds after its start."""
        again = " again" if watched.restarts else ""
        self._print(Text.assemble(("✓ ", "green"), f"{watched.service.name} is ready{again} after {seconds:.1f} s"))

    def addresses(self, rows: Mapping[str, str], seconds: float) -> None:
        """Where everything is."""
        self.settle()
        self._next_plain_at = time.monotonic() + PLAIN_EVERY_S
        table = Table.grid(padding=(0, 2))
        for name, address in rows.items():
            table.add_row(Text(name, style="bold"), Text(address))
        title = f"Shopstream is up after {seconds:.1f} s; Ctrl-C stops it"
        self._print(Panel(table, title=title, border_style="green", expand=False))

    def show(self, status: Status, watched: Sequence[Watched], clock: str) -> None:
        """How the pipeline does now: redrawn at a terminal, a line from time to time elsewhere."""
        if self._console.is_terminal:
            self._draw(Group(_services_line(watched), Text(f"{clock} · {status.line()}"), _latest_line(status)))
        elif time.monotonic() >= self._next_plain_at:
            self._next_plain_at = time.monotonic() + PLAIN_EVERY_S
            self._print(Text(f"{clock} · {_plain_services(watched)} · {status.line()}"))

    def settle(self) -> None:
        """Leave the last live picture where it is; what follows comes below it."""
        if self._live is not None:
            live, self._live = self._live, None
            self._quietly(live.stop)

    def _draw(self, picture: RenderableType) -> None:
        if not isinstance(self._live, Live):
            self.settle()
            self._live = Live(console=self._console, auto_refresh=False)
            self._quietly(self._live.start)
        live = self._live
        self._quietly(lambda: live.update(picture, refresh=True))

    def _print(self, content: RenderableType) -> None:
        self._quietly(lambda: self._console.print(content))

    def _quietly(self, write: Callable[[], None]) -> None:
        try:
            write()
        except (OSError, SystemExit):  # Rich asks to exit when the reader of a pipe has left
            self._stop.set()
            with contextlib.suppress(OSError):
                self._console.quiet = True


def _services_line(watched: Sequence[Watched]) -> Text:
    line = Text()
    for each in watched:
        line.append("● ", style=COLOURS[each.state])
        line.append(each.service.name)
        if each.restarts:
            line.append(f" ({_times(each.restarts)})", style="red")
        line.append("  ")
    return line


def _latest_line(status: Status) -> Text:
    return Text("no decision yet" if status.latest is None else f"latest decision: {status.latest}", style="dim")


def _times(restarts: int) -> str:
    return "1 restart" if restarts == 1 else f"{restarts} restarts"


def _plain_services(watched: Sequence[Watched]) -> str:
    unready = [f"{each.service.name} {each.state}" for each in watched if each.state != "ready"]
    restarts = sum(each.restarts for each in watched)
    parts = [", ".join(unready) or f"{len(watched)} processes ready"]
    if restarts:
        parts.append(_times(restarts))
    return " · ".join(parts)
