"""What strangers sent is printed, and gives the terminal no orders."""

import io

import pytest
from rich.markup import escape
from rich.table import Table

from shopstream.inert import inert
from shopstream.screen import InertConsole

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
