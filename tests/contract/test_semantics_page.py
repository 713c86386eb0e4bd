"""The tests that docs/semantics.md names exist, under the words that it quotes."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "semantics.md").read_text()
PLACES: Final = {
    "visitor": "tests/unit/models/test_visitor.py",
    "sessionize": "tests/unit/stream_processors/test_sessionize.py",
}


def quoted() -> list[tuple[str, str]]:
    """File and words of each test that the page quotes by its beginning."""
    found = []
    for place, words in re.findall(r"(visitor|sessionize): ([^*;]+?)(?=\*|;)", PAGE):
        found += [(PLACES[place], each.strip()) for each in re.sub(r"\s+", " ", words).split(",")]
    return found


@pytest.mark.parametrize(("file", "words"), quoted())
def test_a_quoted_test_exists(file: str, words: str) -> None:
    first, *rest = (re.sub(r"\W+", "_", part.strip()).strip("_") for part in words.split("…") if part.strip())
    names = re.findall(r"^def (test_\w+)", (ROOT / file).read_text(), re.MULTILINE)
    assert [name for name in names if name.startswith(f"test_{first}") and all(part in name for part in rest)], names


def test_tests_are_quoted() -> None:
    assert len(quoted()) >= 10


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)]+)\)", PAGE))
def test_a_link_leads_somewhere(target: str) -> None:
    assert (ROOT / "docs" / target).exists()
