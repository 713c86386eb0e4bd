"""What a visitor sent stands in a command's lines, and does nothing there."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shopstream.commands import explain

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
STEERING = "\x1b]52;c;bHM=\x07[red]"


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
