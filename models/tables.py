"""Examples as columns: what training and judging read when there are hundreds of thousands of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import islice
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from contracts.features import SessionFeatures
from models.examples import Example, hashed
from models.features import NAMES, Row, matrix
from models.personas import FULL_EVENTS
from models.stories import LETTERS

BATCH: Final = 4096
MAX_VISITS: Final = 20_000
"""Whole sessions kept for the personas."""


@dataclass(frozen=True, slots=True)
class Table:
    """One row an example. `rows` has NaN for what is unknown, columns in the order of `models.features.FEATURES`.

    `has_bought` is of our session, whose score is then another one; `visit_has_bought` is of the log's own visit.
    """

    rows: Row
    buys_later: NDArray[np.bool_]
    has_bought: NDArray[np.bool_]
    visit_has_bought: NDArray[np.bool_]
    length: NDArray[np.int32]
    open_length: NDArray[np.int32]
    visitor: NDArray[np.uint64]
    session: NDArray[np.uint64]
    started_s: NDArray[np.float64]
    is_bot: NDArray[np.bool_]
    story: NDArray[np.bytes_]
    visits: tuple[SessionFeatures, ...]
    """The last known state of sessions, for the personas."""

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, places: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        """Some of the examples."""
        columns = {name: getattr(self, name)[places] for name in COLUMNS}
        return type(self)(**columns, visits=self.visits)

    def known(self, mask: NDArray[np.bool_]) -> Self:
        """The same examples with less known: NaN where the mask is false."""
        return replace(self, rows=np.where(mask, self.rows, np.float32(np.nan)))

    def in_order(self) -> Self:
        """By visitor, session and length, so that the same examples are the same table however they were gathered."""
        return self.at(np.lexsort((self.length, self.started_s, self.session, self.visitor)))

    def digest(self) -> str:
        """One digest for all columns."""
        digest = blake2b(digest_size=16)
        for name in COLUMNS:
            digest.update(np.ascontiguousarray(getattr(self, name)).tobytes())
        return digest.hexdigest()


COLUMNS: Final = (
    *("rows", "buys_later", "has_bought", "visit_has_bought"),
    *("length", "open_length", "visitor", "session", "started_s", "is_bot", "story"),
)


def table_of(examples: Iterable[Example]) -> Table:
    """The examples as a table, in their order."""
    return joined([_part(batch) for batch in _batches(examples)] or [_part([])])


def joined(parts: Sequence[Table]) -> Table:
    """One table of several."""
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
    newest: dict[str, SessionFeatures] = {}
    for visit in (visit for part in parts for visit in part.visits):
        # A session may begin in one part and go on in the next.
        if visit.session_id not in newest or visit.event_count >= newest[visit.session_id].event_count:
            newest[visit.session_id] = visit
    visits = sorted(newest.values(), key=lambda visit: visit.session_id)
    # Ids are digests: the first of them in order are a fair choice, and always the same.
    return Table(**columns, visits=tuple(visits[:MAX_VISITS]))


def _batches(examples: Iterable[Example]) -> Iterator[list[Example]]:
    source = iter(examples)
    while batch := list(islice(source, BATCH)):
        yield batch


def _part(examples: list[Example]) -> Table:
    last: dict[str, SessionFeatures] = {}
    for example in examples:
        state = example.features
        if example.is_bot:
            continue
        kept = last.get(state.session_id)
        if kept is None or state.event_count >= kept.event_count:
            last[state.session_id] = state
    rows = matrix([example.features for example in examples])
    return Table(
        rows=rows.reshape(len(examples), len(NAMES)),
        buys_later=np.array([example.buys_later for example in examples], dtype=np.bool_),
        has_bought=np.array([example.features.purchase_count > 0 for example in examples], dtype=np.bool_),
        visit_has_bought=np.array([example.has_bought for example in examples], dtype=np.bool_),
        length=np.array([example.length or example.features.event_count for example in examples], dtype=np.int32),
        open_length=np.array([example.open_length for example in examples], dtype=np.int32),
        visitor=np.array([hashed(example.visitor_id) for example in examples], dtype=np.uint64),
        session=np.array([hashed(example.features.session_id) for example in examples], dtype=np.uint64),
        started_s=np.array([example.started_at.timestamp() for example in examples], dtype=np.float64),
        is_bot=np.array([example.is_bot for example in examples], dtype=np.bool_),
        story=np.array([example.story for example in examples], dtype=f"S{LETTERS}"),
        visits=tuple(state for state in last.values() if state.event_count >= FULL_EVENTS),
    )
