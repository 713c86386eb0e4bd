"""A visit's newest events and the pauses between them as letters: what a model of n-grams reads.

An event is a letter, by the kind of its page where it is a page view; a pause before it is a digit, from 0 (at once) to 9 (half an hour).
"""

import math
from dataclasses import dataclass, field
from datetime import datetime
from string import ascii_letters
from typing import Final, get_args

from contracts import event_names
from contracts.events import Event
from models.pages import PageKind, kind_of

EVENTS: Final = 24
"""Of a longer visit, the newest so many are kept."""
LETTERS: Final = 2 * EVENTS

_OTHER: Final = "other"
_NAMES: Final = (_OTHER, *get_args(PageKind), *sorted(event_names.RECOMMENDED))
_LETTER: Final = dict(zip(_NAMES, ascii_letters[: len(_NAMES)], strict=True))


@dataclass(slots=True)
class Story:
    """Grows by one event and the pause before it at a time."""

    letters: list[str] = field(default_factory=list)
    newest_at: datetime | None = None

    def add(self, event: Event) -> None:
        if self.newest_at is not None:
            pause_s = max(0.0, (event.occurred_at - self.newest_at).total_seconds())
            self.letters.append(str(min(9, int(math.log2(1.0 + pause_s)))))
        self.newest_at = event.occurred_at
        self.letters.append(_LETTER[_word_of(event)])
        del self.letters[:-LETTERS]

    def told(self) -> bytes:
        return "".join(self.letters).encode()


def _word_of(event: Event) -> str:
    if event.event_name == event_names.PAGE_VIEW and event.context.page_path is not None:
        return kind_of(event.context.page_path) or event.event_name
    return event.event_name if event.event_name in event_names.RECOMMENDED else _OTHER
