"""The snippet as ingest serves it: small, whole, and of this release."""

import gzip
import tomllib
from pathlib import Path

from producers.tracker import snippet

ROOT = Path(__file__).parents[4]


def test_the_snippet_is_at_most_5_kib_gzip() -> None:
    assert len(gzip.compress(snippet())) <= 5_120


def test_the_snippet_is_minified_once() -> None:
    assert snippet() is snippet()
    assert b"// Hop 1" not in snippet()


def test_the_snippet_names_the_release_it_belongs_to() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"name:'shopstream.js',version:'{version}'".encode() in snippet()
