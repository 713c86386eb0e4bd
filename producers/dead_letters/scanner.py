"""Reads the text of fixes and conditions from left to right. Pure."""

import json
import math
import re
from typing import Any, Final, NoReturn

from contracts.codec import ENCODER
from producers.dead_letters.fix_errors import FixError
from producers.dead_letters.places import Every, Path

_SPACE: Final = re.compile(r"\s*")
_WORD: Final = re.compile(r"[a-z]+\b")
_KEY: Final = re.compile(r"[\w$-]+")
_ELEMENT: Final = re.compile(r"\[\s*(\*|\d{1,9})\s*\]")
_BREAK: Final = re.compile(r"[ \t]*(?:;|\r?\n|$)\s*")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):  # written out, it would be no JSON
        raise ValueError(f"{text} is too large")
    return number


_JSON: Final = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


class Scanner:
    """A position in a text. What is not as wanted raises `FixError`, which quotes the text from there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.skip_space()

    @property
    def is_done(self) -> bool:
        return self.at >= len(self.text)

    def skip_space(self) -> None:
        self.at = self._end(_SPACE)

    def word(self) -> str:
        """The next word, "" when there is none."""
        end = self._end(_WORD)
        word = self.text[self.at : end]
        self.at = end
        self.skip_space()
        return word

    def sign(self, sign: str) -> bool:
        """Step over `sign`, if it comes next."""
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        self.skip_space()
        return True

    def path(self) -> Path:
        steps: list[str | int | Every] = [self._key()]
        while not self.is_done:
            if element := _ELEMENT.match(self.text, self.at):
                self.at = element.end()
                steps.append(Every.ELEMENT if element[1] == "*" else int(element[1]))
            elif self.text[self.at] == ".":
                self.at += 1
                steps.append(self._key())
            else:
                break
        return tuple(steps)

    def value(self) -> Any:
        try:
            value, self.at = _JSON.raw_decode(self.text, self.at)
            ENCODER.encode(value)
        except (ValueError, OverflowError, RecursionError):
            raise self.wrong('a JSON value such as 12.5, "EUR" or null (texts in double quotes)') from None
        return value

    def line_end(self) -> bool:
        """Step over the `;` or line break that ends an operation; the end of the text is one too."""
        end = _BREAK.match(self.text, self.at)
        if end is None:
            return False
        self.at = end.end()
        return True

    def wrong(self, wanted: str) -> FixError:
        rest = self.text[self.at :].strip().splitlines()
        where = f"at `{rest[0][:40]}`" if rest else "at the end"
        return FixError(f"`{self.text.strip()}` cannot be read: {wanted} is wanted {where}")

    def _key(self) -> str:
        if self.text.startswith('"', self.at):
            key = self.value()
            return str(key)
        end = self._end(_KEY)
        if end == self.at:
            raise self.wrong("a path such as properties.items[*].price")
        key = self.text[self.at : end]
        self.at = end
        return key

    def _end(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        return match.end() if match else self.at
