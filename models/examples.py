"""What a model learns from: a session as it stood at some moment, and whether it bought after that."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.codec import ENCODER
from contracts.events import Event
from contracts.features import SessionFeatures
from models.session_features import features_of
from models.visitor import Visitor

LENGTHS: Final = frozenset({*range(1, 13), *range(14, 25, 2), *range(28, 65, 4), *range(72, 513, 8)})
"""A session gives an example after this many events: after each of the first, where an early score is made, then fewer."""


@dataclass(frozen=True, slots=True)
class Example:
    """A session after some of its events. `buys_later` is whether a purchase followed in the same session.

    `started_at` is the session's beginning: training and test are cut by it.
    """

    features: SessionFeatures
    buys_later: bool
    visitor_id: str
    started_at: datetime


def examples_of(events: Iterable[Event]) -> Iterator[Example]:
    """Examples of all sessions in the events, made by the fold of the stream; a visitor's events must come in order of time.

    The last state of a session is no example for its own sake: it never buys later, and live nobody knows that it is the last.
    """
    visitors: dict[str, Visitor] = {}
    moments: dict[str, list[SessionFeatures]] = defaultdict(list)
    bought: dict[str, int] = {}
    for event in events:
        visitor = visitors.get(event.visitor_id)
        if visitor is None:
            visitor = visitors[event.visitor_id] = Visitor(event.visitor_id)
        session = visitor.observe(event)[-1]
        session_id = session.session_id(event.visitor_id)
        bought[session_id] = len(session.purchases)
        if session.event_count in LENGTHS:
            moments[session_id].append(features_of(visitor, session, event.message_id))
    for session_id, states in moments.items():
        for features in states:
            yield Example(
                features=features,
                buys_later=bought[session_id] > features.purchase_count,
                visitor_id=features.visitor_id,
                started_at=features.started_at,
            )


def digest_of(examples: Sequence[Example]) -> str:
    """One digest for the examples, in order."""
    digest = blake2b(digest_size=16)
    for example in examples:
        digest.update(ENCODER.encode((example.features, example.buys_later)))
    return digest.hexdigest()


def sides(examples: Sequence[Example], *, fit: float, calibrate: float) -> tuple[NDArray[np.intp], ...]:
    """Places of the examples for fitting, calibrating and testing: later visitors are further right, each on one side only.

    A visitor belongs where their first session falls; a later session that reaches into the next side's time is left out, so that
    nothing is learnt from a time that is tested. `fit` and `calibrate` are the shares of visitors; the rest is for testing.
    """
    first: dict[str, datetime] = {}
    for example in examples:
        first[example.visitor_id] = min(example.started_at, first.get(example.visitor_id, example.started_at))
    arrivals = sorted(first.values())
    cuts = [arrivals[min(len(arrivals) - 1, int(len(arrivals) * share))] for share in (fit, fit + calibrate)]
    chosen: tuple[list[int], ...] = ([], [], [])
    for place, example in enumerate(examples):
        side = sum(first[example.visitor_id] >= cut for cut in cuts)
        if side == 2 or example.started_at < cuts[side]:
            chosen[side].append(place)
    return tuple(np.array(places, dtype=np.intp) for places in chosen)
