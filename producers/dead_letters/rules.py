"""Rules: which fix is for which dead letters, from the command line or a mapping file. Pure but for reading the file."""

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from contracts.dead_letters import DeadLetter
from producers.dead_letters.conditions import Condition, condition_of
from producers.dead_letters.fix import Fix, fix_of
from producers.dead_letters.fix_errors import FixError


class Rule(NamedTuple):
    """A fix for the dead letters for which all of the rest holds."""

    fix: Fix
    where: tuple[Condition, ...] = ()
    code: str | None = None
    stage: str | None = None
    write_key: str | None = None
    message: str | None = None
    """A part of the dead letter's reason."""

    def is_for(self, letter: DeadLetter, call: Any) -> bool:
        return (
            self.code in (None, letter.code)
            and self.stage in (None, letter.stage)
            and self.write_key in (None, letter.write_key)
            and (self.message is None or self.message in letter.message)
            and all(condition.holds(call) for condition in self.where)
        )


def fix_for(rules: Sequence[Rule], letter: DeadLetter, call: Any) -> Fix | None:
    """The fixes of all rules that are for this dead letter, one after the other; None when no rule is."""
    fitting = [rule.fix for rule in rules if rule.is_for(letter, call)]
    return tuple(operation for fix in fitting for operation in fix) if fitting else None


def rule_of(expression: str, where: Iterable[str] = ()) -> Rule:
    """Raises `FixError`."""
    return Rule(fix_of(expression), tuple(map(condition_of, where)))


class _Rule(msgspec.Struct, forbid_unknown_fields=True):
    fix: str | list[str]
    where: str | list[str] = []
    code: str | None = None
    stage: str | None = None
    write_key: str | None = None
    message: str | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    rule: list[_Rule]


def rules_of_file(path: Path) -> tuple[Rule, ...]:
    """The `[[rule]]` tables of a TOML file. Raises `FixError` and `OSError`."""
    try:
        read = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File)
        return tuple(_rule(each) for each in read.rule)
    except ValueError as error:
        raise FixError(f"{path} cannot be used: {error}") from error


def _rule(read: _Rule) -> Rule:
    fix = fix_of("\n".join(_lines(read.fix)))
    if not fix:
        raise FixError("a [[rule]] has an empty fix; write one operation or remove the rule")
    where = tuple(map(condition_of, _lines(read.where)))
    return Rule(fix, where, read.code, read.stage, read.write_key, read.message)


def _lines(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given
