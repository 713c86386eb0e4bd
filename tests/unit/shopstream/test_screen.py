"""What strangers sent is printed, and gives the terminal no orders."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.markup import escape
from rich.table import Table

from shopstream.commands import explain
from shopstream.inert import inert
from shopstream.screen import InertConsole

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
STEERING = "\x1b]52;c;bHM=\x07[red]"
CLEARS_THE_SCREEN = "view_item\x1b[2J"


def printed(*contents: str | Table) -> str:
    file = io.StringIO()
    InertConsole(file=file, width=80).print(*contents)
    return file.getvalue()


def test_an_event_that_would_clear_the_screen_is_printed_with_its_escape_spelt_out() -> None:
    assert printed(escape(CLEARS_THE_SCREEN)) == "view_item\\u001b[2J\n"


def test_a_cell_of_a_table_gives_no_orders_either() -> None:
    table = Table("event")
    table.add_row(escape(CLEARS_THE_SCREEN))
    shown = printed(table)
    assert "view_item\\u001b[2J" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("order", ["\x07", "\r", "\x9b2J", "\u202e", "\u2066"])
def test_bells_returns_and_turns_of_direction_are_spelt_out(order: str) -> None:
    assert inert(f"a{order}b") == f"a\\u{ord(order[0]):04x}{order[1:]}b"


def test_an_id_between_colons_becomes_no_emoji() -> None:
    assert printed("order:100:x:7") == "order:100:x:7\n"


def test_a_story_does_not_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: dict[str, list[dict[str, Any]]] = {
        "session_now": [{"session_id": "s1", "visitor_id": STEERING, "closed_at": None, "likelihood": None, "event_count": 1,
            "started_at": NOON, "last_seen_at": NOON, "cart_value": 0}],
        "story_of_session": [{"kind": "event", "occurred_at": NOON, "name": STEERING, "page_path": STEERING}],
        "trace_event": [{"place": "dead_letter", "at": NOON, "what": STEERING}],
    }  # fmt: skip
    monkeypatch.setattr(explain, "_rows", lambda name, _: rows[name])
    explain.explain("s1")
    explain.trace("m1")
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert told.count(r"\u001b]52;c;bHM=\u0007[red]") == 4


def test_what_cannot_be_seen_or_written_is_spelt_out_and_the_rest_stays() -> None:
    assert inert("Gr\u00fcn\u00a0\t\n\U000e0001\ud800") == "Gr\u00fcn\u00a0\t\n\\U000e0001\\ud800"
