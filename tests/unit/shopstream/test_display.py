"""What `up` shows where it is a terminal, where it is not, and where nobody reads any more."""

import io
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

import shopstream.display
from shopstream.display import Display
from shopstream.status import LatestDecision, Status
from shopstream.supervise import Service, State, Watched


def service(name: str, state: State = "ready", restarts: int = 0) -> Watched:
    made = Service(name=name, command=("true",), log=Path("log"), ready=lambda: None)
    return Watched(made, state=state, restarts=restarts)


def shown(*, at_a_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(shopstream.display, "PLAIN_EVERY_S", 0.05)
    output = io.StringIO()
    console = Console(file=output, force_terminal=at_a_terminal, width=160)
    with Display(console, threading.Event()) as display:
        display.begin()
        display.addresses({"shop": "http://127.0.0.1:8082"}, 6.5)
        status = Status(events=12, latest=LatestDecision("Browser", 0.2, None, False))
        time.sleep(0.06)
        for seconds in range(3):
            display.show(status, (service("ingest"), service("process", "restarting", 2)), f"{seconds} s")
        display.say("stopping")
    return output.getvalue()


def test_a_terminal_shows_each_service_the_figures_and_the_latest_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(at_a_terminal=True, monkeypatch=monkeypatch)
    assert "http://127.0.0.1:8082" in text
    assert "2 restarts" in text
    assert "12 events" in text
    assert "Browser, 20% likely to buy" in text


def test_a_file_gets_plain_lines_and_not_one_for_every_look(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(at_a_terminal=False, monkeypatch=monkeypatch)
    assert "\x1b" not in text
    assert text.count("12 events") == 1
    assert "0 s · process restarting · 2 restarts · 12 events" in text
    assert text.endswith("stopping\n")


class Gone(io.StringIO):
    """A pipe whose reader has left."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


def test_when_nobody_reads_any_more_the_run_is_asked_to_stop_and_nothing_breaks() -> None:
    stop = threading.Event()
    with Display(Console(file=Gone()), stop) as display:
        display.say("hello")
        display.say("again")
        display.show(Status(), (), "0 s")
    assert stop.is_set()
