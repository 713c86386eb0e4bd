"""Conditions on a call, `event = "add_to_cart"`, that say which dead letters a fix is for. Pure."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from producers.dead_letters.places import Path, found, is_missing, kind_of
from producers.dead_letters.scanner import Scanner

KINDS: Final[dict[str, Callable[[Any], bool]]] = {
    "missing": is_missing,
    "text": lambda value: isinstance(value, str) and value != "",
    "number": lambda value: kind_of(value) == "a number",
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


class Condition(NamedTuple):
    """`PATH = VALUE` or `PATH is KIND`, or the contrary. With `[*]` one element that fits is enough."""

    path: Path
    fits: Callable[[Any], bool]
    is_wanted: bool

    def holds(self, call: Any) -> bool:
        values = [each.value for each in found(call, self.path)]
        return any(map(self.fits, values)) == self.is_wanted


def condition_of(text: str) -> Condition:
    """Raises `FixError`."""
    scanner = Scanner(text)
    path = scanner.path()
    scanner.skip_space()
    if scanner.sign("!="):
        condition = Condition(path, _equals(scanner.value()), False)
    elif scanner.sign("="):
        condition = Condition(path, _equals(scanner.value()), True)
    elif scanner.word() == "is":
        condition = _of_kind(scanner, path)
    else:
        raise scanner.wrong("`=`, `!=` or `is`")
    scanner.skip_space()
    if not scanner.is_done:
        raise scanner.wrong("nothing more (give --where again for a second condition)")
    return condition


def _of_kind(scanner: Scanner, path: Path) -> Condition:
    word = scanner.word()
    is_wanted = word != "not"
    kind = word if is_wanted else scanner.word()
    if kind not in KINDS:
        raise scanner.wrong(f"one of {', '.join(KINDS)}")
    return Condition(path, KINDS[kind], is_wanted)


def _equals(wanted: Any) -> Callable[[Any], bool]:
    # 1 and true are equal in Python and not in JSON.
    return lambda value: kind_of(value) == kind_of(wanted) and value == wanted
