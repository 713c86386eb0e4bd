"""Lines of COPY text: what goes in comes out of Postgres (that is proved in integration), one row a line."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_processors.persist_copy import copy_line


def unescaped(field: str) -> str | None:
    """What Postgres makes of a field, by its documentation."""
    if field == "\\N":
        return None
    escapes = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}
    out, rest = "", field
    while rest:
        step = 2 if rest[:2] in escapes else 1
        out += escapes.get(rest[:2], rest[0])
        rest = rest[step:]
    return out


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1))
def test_texts_keep_every_character_and_their_number(values: list[str | None]) -> None:
    line = copy_line(*values).decode()
    assert "\n" not in line
    assert [unescaped(field) for field in line.split("\t")] == values


def test_a_text_that_looks_like_null_is_not() -> None:
    assert copy_line("\\N", None) == b"\\\\N\t\\N"


def test_each_type_is_written_as_postgres_reads_it() -> None:
    at = datetime(2026, 3, 2, 12, 0, 0, 5, tzinfo=UTC)
    assert copy_line(1, 0.1, 1e300, True, False, at) == b"1\t0.1\t1e+300\tt\tf\t2026-03-02T12:00:00.000005+00:00"


def test_json_keeps_its_escapes() -> None:
    assert copy_line(b'{"a":"x\\ny"}', msgspec.Raw(b'{"b":"\\\\"}')) == b'{"a":"x\\\\ny"}\t{"b":"\\\\\\\\"}'


def test_json_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(UnicodeError):
        copy_line(b'{"a":"\xff"}')
