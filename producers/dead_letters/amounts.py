"""Numbers that people and shops write as text: `12,50`, `1.234,50 €`, `USD 99`. Pure."""

import re
from typing import Final

from producers.dead_letters.fix_errors import Unfixable

_PLAIN: Final = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?")
_UNIT: Final = r"(?:[A-Za-z]{1,3}|[^\w\s.,+'’-])"
_AMOUNT: Final = re.compile(rf"{_UNIT}?\s*([+-]?)\s*([0-9][0-9.,'’\s]*?)\s*{_UNIT}?")
_GROUPED: Final = re.compile(r"\d{1,3}([.,])\d{3}(\1\d{3})*")
_MAX_CHARACTERS: Final = 40


def number_in(text: str) -> int | float:
    """The number that a text says, with or without a currency. Raises `Unfixable`, also where it could be two numbers."""
    stripped = text.strip()
    quoted = f'"{stripped[:_MAX_CHARACTERS]}"'
    if _PLAIN.fullmatch(stripped):
        return _number(stripped)
    amount = _AMOUNT.fullmatch(stripped) if len(stripped) <= _MAX_CHARACTERS else None
    if amount is None:
        raise Unfixable(f"{quoted} is not a number")
    sign, digits = amount[1], re.sub(r"['’\s]", "", amount[2])
    whole, point, fraction = _parts(digits)
    # Alone, a point is a decimal point as in JSON; beside a currency it may be as that writes it.
    if point in (".", ",") and len(fraction) == 3 and whole.isdigit() and len(whole) <= 3 and whole != "0":
        raise Unfixable(f"{quoted} may be {whole}{fraction} or {whole}.{fraction}; set the number itself")
    if not whole.isdigit():
        if not (_GROUPED.fullmatch(whole) and point not in whole):
            raise Unfixable(f"{quoted} is not a number")
        whole = re.sub("[.,]", "", whole)
    return _number(f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}")


def _parts(digits: str) -> tuple[str, str, str]:
    """Whole part, decimal sign and fraction; a sign that comes more than once groups thousands."""
    last = max(digits.rfind(","), digits.rfind("."))
    if last < 0:
        return digits, "", ""
    point = digits[last]
    if digits.count(point) > 1:
        return digits, " ", ""
    return digits[:last], point, digits[last + 1 :]


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("+-").isdigit() and len(text) < 16 else float(text)
