"""Dead letters as people see them: safe to print, with an age to choose by; and docs/dead-letters.md is true."""

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from producers.dead_letters.conditions import KINDS
from producers.dead_letters.fix import VERBS
from producers.dead_letters.replay import Tally
from shopstream.__main__ import app
from shopstream.dead_letters import (
    MAX_SHOWN_CHARACTERS,
    counts,
    difference,
    raw_text,
    reasons,
    short,
    since_of,
)
from shopstream.failures import CommandWronglyCalled

PAGE = (Path(__file__).parents[3] / "docs" / "dead-letters.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_what_senders_wrote_cannot_steer_the_terminal() -> None:
    assert short("a\nb\x1b" + "c" * 99, 12) == "a b\\u001bcc…"


def test_json_is_shown_over_lines_and_anything_else_as_it_is() -> None:
    assert raw_text(b'{"a":"\\u001b"}') == '{\n  "a": "\\u001b"\n}'
    assert raw_text(b"\xff\x00{") == "\\xff\\u0000{"
    assert raw_text(b"[" * 100_000).endswith(f"… and {100_000 - MAX_SHOWN_CHARACTERS:,} characters more")


def test_a_difference_shows_the_lines_that_change() -> None:
    assert difference({"a": 1, "b": 2, "c": 3, "d": 4}, {"a": 1, "b": 2, "c": "x", "d": 4}) == [
        '   "b": 2,',
        '-  "c": 3,',
        '+  "c": "x",',
        '   "d": 4',
    ]
    assert difference({"a": 1}, {"a": 1}) == []


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("90m", datetime(2026, 3, 2, 10, 30, tzinfo=UTC)),
        ("12h", datetime(2026, 3, 2, tzinfo=UTC)),
        ("7d", datetime(2026, 2, 23, 12, tzinfo=UTC)),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T02:00+02:00", datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_since_is_an_age_or_an_instant(text: str, instant: datetime) -> None:
    assert since_of(text, NOON) == instant


@pytest.mark.parametrize("text", ["yesterday", "", "999999d", "-1d"])
def test_since_that_is_neither_is_refused(text: str) -> None:
    with pytest.raises(CommandWronglyCalled, match="--since"):
        since_of(text, NOON)


def test_counts_add_up_and_the_most_frequent_reason_comes_first() -> None:
    tally = Tally(looked_at=9, new=2, known=1, not_meant=1)
    tally.refused.update(["schema: a", "schema: a", "schema: b"])
    tally.unfixable.update(["no object"] * 3)
    assert counts(tally, "3 accepted") == (
        "9 dead letters: 3 accepted, 3 still refused, 3 cannot be fixed so, 1 not meant by any condition."
    )
    assert list(reasons(tally)) == ["3 × no object", "2 × schema: a", "1 × schema: b"]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_page_can_be_read(line: str) -> None:
    program, group, command, *arguments = shlex.split(line)
    assert (program, group) == ("shopstream", "dlq")
    dlq = typer.main.get_command(app).commands[group]  # type: ignore[attr-defined]
    dlq.commands[command].make_context(command, arguments)


def test_the_page_names_every_operation_and_every_kind() -> None:
    assert all(f"| `{verb.form}` | {verb.means} |" in PAGE for verb in VERBS.values())
    assert f"({', '.join(KINDS)})" in PAGE
