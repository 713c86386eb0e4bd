"""What a model learns from: a session as it stood at some moment, and whether it bought after that."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.codec import ENCODER
from contracts.erasures import is_erasure
from contracts.event_names import PURCHASE
from contracts.events import Event
from contracts.features import SessionFeatures
from models.bots import BOT_FROM
from models.session import Session
from models.session_features import features_of, score_as_bot
from models.stories import Story
from models.visitor import Visitor

LENGTHS: Final = frozenset({*range(1, 13), *range(14, 25, 2), *range(28, 65, 4), *range(72, 513, 8)})
"""A session gives an example after this many events: after each of the first, where an early score is made, then fewer."""


_SEEN: Final = tuple(name for name in SessionFeatures.__struct_fields__ if name not in ("consent", "bot_score"))


@dataclass(frozen=True, slots=True)
class Example:
    """A session after some of its events. `buys_later` is whether a purchase followed in the same session.

    `started_at` is the session's beginning: training and test are cut by it. Where a log has visits of its own, `length` counts the
    events of that visit so far, and `buys_later` and `has_bought` speak of it: it may end before our session does, or begin later.
    """

    features: SessionFeatures
    buys_later: bool
    visitor_id: str
    started_at: datetime
    has_bought: bool = False
    length: int = 0
    open_length: int = 0
    """How long the visit became before it bought, or in all; known only afterwards, to say how much of it a state has seen."""
    is_bot: bool = False
    """What a program does is judged, where a log has it, and teaches nothing."""
    story: bytes = b""
    """The visit's newest events and the pauses between them, see `models/stories.py`."""


class Place(NamedTuple):
    """Where an event stands by its log's own words: in which visit, and as its how-manieth event; None: count them.

    A log that cuts visits at midnight numbers on: the rest of such a visit has no first events, and is not judged by what it lacks.
    """

    visit: str
    number: int | None = None


@dataclass(slots=True)
class _Visit:
    """One visit as it is read: how many events and purchases it has so far, and its states at the wanted lengths."""

    visitor_id: str = ""
    length: int = 0
    open_length: int = 0
    purchase_count: int = 0
    began_at: datetime | None = None
    session: Session | None = None
    story: Story = field(default_factory=Story)
    states: list[tuple[SessionFeatures, int, int, bytes]] = field(default_factory=list)


def examples_of(
    events: Iterable[Event],
    *,
    visit_of: Callable[[Event], Place | None] | None = None,
    lengths: frozenset[int] = LENGTHS,
    with_bots: bool = False,
) -> Iterator[Example]:
    """Examples of all sessions in the events, made by the fold of the stream; a visitor's events must come in order of time.

    `visit_of` tells the visit that an event belongs to in its log's own words, where that is what should be counted and judged.
    Sessions of bots give none unless asked for: only people can be won over. The last state of a session is no example for its own
    sake: it never buys later, and live nobody knows that it is the last.
    """
    visitors: dict[str, Visitor] = {}
    visits: dict[str, _Visit] = defaultdict(_Visit)
    for event in events:
        visitor = visitors.get(event.visitor_id)
        if visitor is None:
            visitor = visitors[event.visitor_id] = Visitor(event.visitor_id)
        touched = visitor.observe(event)
        if is_erasure(event):  # nobody learns from who is to be forgotten
            for known in [visit for visit, each in visits.items() if each.visitor_id == event.visitor_id]:
                del visits[known]
        if not touched:
            continue
        session = touched[-1]
        own = visit_of(event) if visit_of else None
        visit = visits[own.visit if own else session.session_id(event.visitor_id)]
        visit.visitor_id, visit.session = event.visitor_id, session
        visit.story.add(event)
        if own is None:
            visit.length = session.event_count
            if session.purchases:
                visit.purchase_count = len(visitors[event.visitor_id].history_before(session).new_purchases(session))
        else:
            visit.length = own.number or visit.length + 1
            visit.began_at = visit.began_at or event.occurred_at
            visit.purchase_count += event.event_name == PURCHASE
        if not visit.purchase_count:
            visit.open_length = visit.length
        if visit.length in lengths:
            state = features_of(visitor, session, event.message_id)
            visit.states.append((state, visit.length, visit.purchase_count, visit.story.told()))
    for visit in visits.values():
        is_bot = visit.session is not None and score_as_bot(visit.session) >= BOT_FROM
        if is_bot and not with_bots:
            continue
        for features, length, purchase_count, story in visit.states:
            yield Example(
                features=features,
                buys_later=visit.purchase_count > purchase_count,
                visitor_id=features.visitor_id,
                started_at=visit.began_at or features.started_at,
                has_bought=purchase_count > 0,
                length=length,
                open_length=visit.open_length,
                is_bot=is_bot,
                story=story,
            )


def digest_of(examples: Sequence[Example]) -> str:
    """One digest for the examples, in order. What no model sees does not change it."""
    digest = blake2b(digest_size=16)
    for example in examples:
        seen = {name: getattr(example.features, name) for name in _SEEN}
        digest.update(ENCODER.encode((seen, example.buys_later)))
    return digest.hexdigest()


def sides(examples: Sequence[Example], *, fit: float, calibrate: float) -> tuple[NDArray[np.intp], ...]:
    """Places of the examples for fitting, calibrating and testing: later visitors are further right, each on one side only.

    A visitor belongs where their first session falls; a later session that reaches into the next side's time is left out, so that
    nothing is learnt from a time that is tested. `fit` and `calibrate` are the shares of visitors; the rest is for testing.
    """
    visitors = np.array([hashed(example.visitor_id) for example in examples], dtype=np.uint64)
    started_s = np.array([example.started_at.timestamp() for example in examples], dtype=np.float64)
    return sides_of(visitors, started_s, fit=fit, calibrate=calibrate)


def sides_of(
    visitors: NDArray[np.uint64], started_s: NDArray[np.float64], *, fit: float, calibrate: float
) -> tuple[NDArray[np.intp], ...]:
    """The same for examples as columns."""
    unique, owner = np.unique(visitors, return_inverse=True)
    first = np.full(len(unique), np.inf)
    np.minimum.at(first, owner, started_s)
    arrivals = np.sort(first)
    cuts = [arrivals[min(len(arrivals) - 1, int(len(arrivals) * share))] for share in (fit, fit + calibrate)]
    side = sum((first[owner] >= cut).astype(np.intp) for cut in cuts)
    ends = np.array([*cuts, np.inf])
    return tuple(np.flatnonzero((side == each) & (started_s < ends[each])) for each in range(3))


def hashed(text: str) -> int:
    """64 bits that stand for an id."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
