"""The lists in the docs name everything that exists."""

from pathlib import Path

from shopstream.commands.reference import DOCUMENT, document

ROOT = Path(__file__).parents[2]


def test_the_reference_page_is_fresh() -> None:
    assert (ROOT / DOCUMENT).read_text() == document(), "run `shopstream reference`"


def test_every_command_is_named_in_the_readme() -> None:
    from shopstream.__main__ import app

    named = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    named |= {group.name for group in app.registered_groups if isinstance(group.name, str)}
    readme = (ROOT / "README.md").read_text()
    assert [name for name in sorted(named) if f"shopstream {name}" not in readme and f"`{name}`" not in readme] == []
