"""What `shopstream dlq` shows of a dead letter, and says of what it cannot do."""

import json
from pathlib import Path

import pytest

from sql.migrate import migrate
from tests.dlq import Run
from tests.factories import dead_letter
from tests.tables import Tables


def test_each_dead_letter_is_shown_with_what_its_fix_gives(
    database: str, dlq: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_DSN", database)
    call = {"type": "track", "event": "add_to_cart", "anonymousId": "x\u001b[31m", "properties": {"value": "1,5"}}
    with Tables(database) as tables:
        tables.write(
            dead_letter("12:00", dead_letter_id="feed0001", raw=json.dumps(call, ensure_ascii=False).encode()),
            dead_letter("12:01", dead_letter_id="feed0002", raw=b"\xff\x1b", code="unparsable", message="not JSON"),
            dead_letter("12:02", dead_letter_id="beef0003", stage="score", source="session-features/0/1", raw=b"{}"),
        )
    assert "ingest now  schema: properties.value must be a number" in dlq("show", "feed0001")
    assert "1 will be accepted, 2 cannot be fixed so" in dlq("fix", "number properties.value")
    shown = dlq("show", "feed0001")
    assert "fix         number properties.value" in shown
    assert '+    "value": 1.5' in shown
    assert "ingest now  accepted: add_to_cart of visitor x[31m at 2026-03-02 12:00:00" in shown
    assert "\x1b" not in shown
    assert "the bytes cannot be read (unparsable)" in dlq("show", "feed0002")
    assert "the step that sent it makes it again" in dlq("show", "beef")
    assert "more than one dead letter begins with feed" in dlq("show", "feed", code=1)
    assert "there is no dead letter cafe" in dlq("show", "cafe", code=1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fix"], "there is no fix"),
        (["fix", "explode properties"], "one of set, default, rename"),
        (["fix", "set properties.value = twelve"], "texts in double quotes"),
        (["fix", 'set messageId = "x"'], "would make many events one"),
        (["fix", "drop x", "--where", "event ~ 1"], "`=`, `!=` or `is` is wanted"),
        (["fix", "drop x", "--file", "rules.toml"], "not both"),
        (["replay", "--fix", ""], "the fix is empty"),
        (["replay", "--file", "rules.toml"], "rules.toml cannot be used"),
        (["ls", "--since", "yesterday"], "neither an age"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_read_is_said_in_one_sentence(
    arguments: list[str], words: str, database: str, dlq: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_DSN", database)
    migrate(database)
    (tmp_path / "rules.toml").write_text("[[rule]]\nfix = 'drop'\n")
    told = dlq(*arguments, code=2)
    assert words in told
    assert len(told.strip().splitlines()) == 1


def test_the_beginning_of_an_id_has_four_characters(database: str, dlq: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_DSN", database)
    with Tables(database) as tables:
        tables.write(dead_letter("12:00", dead_letter_id="feed0001"))
        assert "dead letter feed0001" in dlq("show", "feed")
        assert "give 4 or more characters of the id" in dlq("show", "fee", code=1)
        assert "there is no dead letter beef" in dlq("show", "beef", code=1)


def test_a_limit_that_no_list_reaches_is_refused(dlq: Run) -> None:
    assert "--limit" in dlq("ls", "--limit", "99999999999999999999", code=2)
