"""The fix language: a few operations on one JSON object, each one line. Pure; nothing in it is evaluated as code."""

import copy
import json
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from producers.dead_letters.amounts import number_in
from producers.dead_letters.fix_errors import FixError, Unfixable
from producers.dead_letters.places import Every, Path, found, is_missing, kind_of, moved, put, shown, take
from producers.dead_letters.scanner import Scanner


class Operation(NamedTuple):
    """One line of a fix."""

    verb: str
    path: Path
    value: Any = None
    """What `set` and `default` put there."""
    target: Path = ()
    """Where `rename` and `copy` put it."""


Fix = tuple[Operation, ...]
"""Operations, in order."""
NO_FIX: Final[Fix] = ()

_KEPT: Final = frozenset({"writeKey", "receivedAt", "write_key", "received_at"})
"""What says who sent an event and when we got it is not for a fix to change."""
_IDS: Final = frozenset({"messageId", "message_id", "eid", "id"})
"""Of a call, an event record, a Snowplow event and a Shopify event."""


def fixed(call: Any, fix: Fix) -> Any:
    """The call with every operation done; the given one stays as it is. Raises `Unfixable`."""
    call = copy.deepcopy(call)
    for operation in fix:
        try:
            VERBS[operation.verb].do(call, operation)
        except Unfixable as unfixable:
            raise Unfixable(f"`{line_of(operation)}`: {unfixable}") from None
    return call


def _set(call: Any, operation: Operation) -> None:
    for each in found(call, operation.path):
        put(call, each.place, copy.deepcopy(operation.value))


def _default(call: Any, operation: Operation) -> None:
    for each in found(call, operation.path):
        if is_missing(each.value):
            put(call, each.place, copy.deepcopy(operation.value))


def _rename(call: Any, operation: Operation) -> None:
    moves = []
    for each in found(call, operation.path):
        if is_missing(each.value):
            continue
        place = moved(each.place, operation.path, operation.target)
        there = found(call, place)
        # `rename event.name -> event` puts a value in the place of the object that it was in.
        if place != each.place[: len(place)] and there and not is_missing(there[0].value):
            raise Unfixable(f"{shown(place)} holds a value already; drop it first")
        moves.append((each, place))
    for each, _ in reversed(moves):  # elements of a list go from its end, so that the others keep their index
        take(call, each.place)
    for each, place in moves:
        put(call, place, each.value)


def _copy(call: Any, operation: Operation) -> None:
    for each in found(call, operation.path):
        place = moved(each.place, operation.path, operation.target)
        there = found(call, place)
        if not is_missing(each.value) and not (there and not is_missing(there[0].value)):
            put(call, place, copy.deepcopy(each.value))


def _drop(call: Any, operation: Operation) -> None:
    present = [each for each in found(call, operation.path) if kind_of(each.value) != "missing"]
    for each in reversed(present):  # as in `rename`
        take(call, each.place)


def _number(call: Any, operation: Operation) -> None:
    for place, value in found(call, operation.path):
        if isinstance(value, str) and value:
            put(call, place, number_in(value))
        elif not is_missing(value) and kind_of(value) != "a number":
            raise Unfixable(f"{shown(place)} is {kind_of(value)}")


def _text(call: Any, operation: Operation) -> None:
    for place, value in found(call, operation.path):
        if isinstance(value, (list, dict)):
            raise Unfixable(f"{shown(place)} is {kind_of(value)}")
        if isinstance(value, bool):
            put(call, place, "true" if value else "false")
        elif isinstance(value, (int, float)):
            put(call, place, str(int(value)) if isinstance(value, float) and value.is_integer() else str(value))


def _list(call: Any, operation: Operation) -> None:
    for place, value in found(call, operation.path):
        if not is_missing(value) and not isinstance(value, list):
            put(call, place, [value])


class Verb(NamedTuple):
    """A kind of operation: how it is written and what it does."""

    form: str
    takes: Literal["value", "target", "nothing"]
    do: Callable[[Any, Operation], None]
    means: str


VERBS: Final[dict[str, Verb]] = {
    "set": Verb("set PATH = VALUE", "value", _set, "the value, whatever was there"),
    "default": Verb("default PATH = VALUE", "value", _default, "the value where there is none (or null, or an empty text)"),
    "rename": Verb("rename PATH -> PATH", "target", _rename, "the value moves; where the new place holds one, the item is not fixed"),
    "copy": Verb("copy PATH -> PATH", "target", _copy, "the value also there, where there is none"),
    "number": Verb("number PATH", "nothing", _number, "a text such as 12,50 or 1.234,50 € becomes its number"),
    "text": Verb("text PATH", "nothing", _text, "a number becomes its text"),
    "list": Verb("list PATH", "nothing", _list, "a single value becomes a list of one"),
    "drop": Verb("drop PATH", "nothing", _drop, "what is there goes"),
}  # fmt: skip


def fix_of(text: str) -> Fix:
    """The operations of a text, one a line or separated by `;`. Raises `FixError`."""
    scanner = Scanner(text)
    operations = []
    while not scanner.is_done:
        operations.append(_operation(scanner))
        if not scanner.line_end():
            raise scanner.wrong("`;` or a new line")
    return tuple(operations)


def _operation(scanner: Scanner) -> Operation:
    begin = scanner.at
    name = scanner.word()
    verb = VERBS.get(name)
    if verb is None:
        scanner.at = begin
        raise scanner.wrong(f"one of {', '.join(VERBS)}")
    path = scanner.path()
    operation = Operation(name, path)
    if verb.takes != "nothing":
        scanner.skip_space()
        sign = "=" if verb.takes == "value" else "->"
        if not scanner.sign(sign):
            raise scanner.wrong(f"`{sign}` as in `{verb.form}`")
        if verb.takes == "value":
            operation = operation._replace(value=scanner.value())
        else:
            operation = operation._replace(target=scanner.path())
    _require_allowed(operation)
    return operation


def _require_allowed(operation: Operation) -> None:
    written = {operation.target[0]} if operation.verb == "copy" else {operation.path[0], *operation.target[:1]}
    if kept := sorted(str(key) for key in written & _KEPT):
        raise FixError(f"`{line_of(operation)}`: {kept[0]} stays what it was when the event came; remove this line")
    if operation.verb in ("set", "default") and operation.path[0] in _IDS:
        raise FixError(
            f"`{line_of(operation)}` would make many events one; drop {operation.path[0]} and each gets an id of its own"
        )
    if operation.target and _stars(operation.target) != _stars(operation.path):
        raise FixError(f"`{line_of(operation)}`: both paths need the same number of [*]")


def _stars(path: Path) -> int:
    return sum(isinstance(step, Every) for step in path)


def text_of(fix: Fix) -> str:
    """The fix on one line, as `fix_of` reads it."""
    return "; ".join(map(line_of, fix))


def line_of(operation: Operation) -> str:
    text = f"{operation.verb} {shown(operation.path)}"
    match VERBS[operation.verb].takes:
        case "value":
            return f"{text} = {json.dumps(operation.value, ensure_ascii=False)}"
        case "target":
            return f"{text} -> {shown(operation.target)}"
        case "nothing":
            return text
