"""The SQL files keep the house's rules."""

import re

import pytest

from sql import files


def test_migrations_are_numbered_without_a_gap() -> None:
    numbers = [int(name.split("_")[0]) for name in files.migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_view_comes_after_the_views_it_reads() -> None:
    texts = {"a": "select * from b join c", "b": "select * from c", "c": "select 1"}
    assert list(files.in_dependency_order(texts)) == ["c", "b", "a"]


@pytest.mark.parametrize(("name", "text"), files.views().items(), ids=files.views())
def test_a_view_opens_with_what_a_row_is_and_has_its_files_name(name: str, text: str) -> None:
    assert text.startswith("-- One row")
    assert re.findall(r"^create view (\w+) as$", text, re.MULTILINE) == [name]


@pytest.mark.parametrize("name", sorted(files.statements()))
def test_a_statement_opens_with_what_its_rows_are(name: str) -> None:
    assert re.match(r"-- \w+", files.statement(name))


def test_every_table_says_what_a_row_is() -> None:
    for name, text in files.migrations().items():
        created = re.findall(r"^create table", text, re.MULTILINE)
        described = re.findall(r"^-- One row per [^\n]*\n(?:-- [^\n]*\n)*create table", text, re.MULTILINE)
        assert len(described) == len(created), name
