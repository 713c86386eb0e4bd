"""Hop 1. A visitor's act in, a batch of events out: the browser snippet, as ingest serves it."""

from functools import cache
from pathlib import Path

import rjsmin


@cache
def snippet() -> bytes:
    """`shopstream.js` without comments and needless space, UTF-8."""
    source = Path(__file__).with_name("shopstream.js").read_text(encoding="utf-8")
    return str(rjsmin.jsmin(source)).encode()
