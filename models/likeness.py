"""How alike items are: touches of all visitors in, each item's neighbours and the popular items out. Pure.

Two items are alike when the same visitors touched both: item-to-item collaborative filtering with a damped cosine (Sarwar, Karypis, Konstan and
Riedl 2001; Linden, Smith and York 2003), where touches close together in a session say more (as in the sequential rules of
Ludewig and Jannach 2018) and older ones less. Whoever invents events gains little: an item or a pair counts by visitors, each
once at most, and what fewer than `min_visitors` touched is never told. The figures below were chosen on a real log (docs/recommendations.md).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from models.examples import hashed

DAMPING: Final = 0.3
"""Power of a neighbour's own visitors that its likeness is divided by: 0.5 is the cosine, 0 lets popular items win everywhere."""
REACH: Final = 10
"""How far apart, in items of one session, two items still belong together; they do less at each step."""
HALF_LIFE: Final = timedelta(days=30)
NEIGHBOURS: Final = 100
"""Kept of an item, the most alike."""
MOST_POPULAR: Final = 200
"""Kept of the popular items: more than an answer has and a shopper knows."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Touch(NamedTuple):
    """A visitor looked at an item, put it into the cart or bought it, `occurred_at` for the first time in that session."""

    visitor_id: str
    session_id: str
    item_id: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """Items that enough visitors touched, and how alike they are, as of one moment."""

    as_of: datetime
    places: dict[str, int]
    """Of each item, in the order of their ids."""
    item_ids: tuple[str, ...]
    begins: Ints
    """Where an item's neighbours begin; one more than there are items."""
    neighbours: Ints
    likes: Floats
    popular: tuple[tuple[str, float], ...]
    """The most touched items, with the share of the visitors that touched them."""

    def __len__(self) -> int:
        return len(self.item_ids)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self.places

    def neighbours_of(self, item_id: str) -> Iterator[tuple[str, float]]:
        """Item ids with their likeness, 0 to 1, the most alike first."""
        place = self.places[item_id]
        kept = slice(self.begins[place], self.begins[place + 1])
        for neighbour, like in zip(self.neighbours[kept].tolist(), self.likes[kept].tolist(), strict=True):
            yield self.item_ids[neighbour], like


def likeness_of(touches: Iterable[Touch], as_of: datetime, *, min_visitors: int) -> Likeness:
    """What the touches tell, whatever order they come in."""
    first = _first_touches(list(touches), as_of)
    votes = _by_visitor(first.item, first.visitor, first.weight)
    everybody = _by_visitor(np.zeros_like(first.item), first.visitor, first.weight).weight.sum()
    known = sorted(votes.key[votes.visitors >= min_visitors].tolist(), key=first.names.__getitem__)
    item_ids = tuple(first.names[number] for number in known)
    item_weight = votes.weight[known]  # keys are 0, 1, 2, …
    place_of = np.full(len(votes.key), -1, dtype=np.int64)
    place_of[known] = np.arange(len(known))
    # What too few know goes now: put between two items, it must not push them apart.
    pairs = _pairs(first.at(place_of[first.item] >= 0), place_of, min_visitors)
    begins, neighbours, likes = _neighbours(pairs, item_weight)
    popular = np.argsort(-item_weight, kind="stable")[:MOST_POPULAR]
    return Likeness(
        as_of=as_of,
        places={item_id: place for place, item_id in enumerate(item_ids)},
        item_ids=item_ids,
        begins=begins,
        neighbours=neighbours,
        likes=likes,
        popular=tuple((item_ids[place], float(item_weight[place] / everybody)) for place in popular.tolist()),
    )


class _Columns(NamedTuple):
    """Touches, those of a session together and in order of time. What stands for ids are numbers, 0, 1, 2, …"""

    item: Ints
    session: Ints
    visitor: Ints
    weight: Floats
    """By age, at most 1."""
    names: Sequence[str]
    """The item ids by number."""

    def at(self, places: NDArray[np.bool_]) -> Self:
        return self._replace(**{name: getattr(self, name)[places] for name in ("item", "session", "visitor", "weight")})


def _first_touches(touches: Sequence[Touch], as_of: datetime) -> _Columns:
    """Of each item in a session the first touch only. Numbers are by hash and sorting is numpy's: other threads run meanwhile."""
    names = [touch.item_id for touch in touches]
    item, session, visitor = (
        _numbered(texts)
        for texts in (names, [touch.session_id for touch in touches], [touch.visitor_id for touch in touches])
    )
    age_s = np.array([(as_of - touch.occurred_at).total_seconds() for touch in touches], dtype=np.float64)
    order = np.lexsort((item, -age_s, session))
    _, firsts = np.unique(session[order] * (len(touches) + 1) + item[order], return_index=True)
    order = order[np.sort(firsts)]
    weight = 0.5 ** (np.maximum(age_s[order], 0.0) / HALF_LIFE.total_seconds())
    name_of = dict(zip(item.tolist(), names, strict=True))
    return _Columns(
        item[order], session[order], visitor[order], weight, [name_of[number] for number in range(len(name_of))]
    )


def _numbered(texts: Sequence[str]) -> Ints:
    hashes = {text: hashed(text) for text in texts}
    column = np.fromiter((hashes[text] for text in texts), dtype=np.uint64, count=len(texts))
    return np.unique(column, return_inverse=True)[1].astype(np.int64)


class _Votes(NamedTuple):
    """By key, in order: how many visitors, and the sum of what each weighs."""

    key: Ints
    visitors: Ints
    weight: Floats


def _by_visitor(key: Ints, visitor: Ints, weight: Floats) -> _Votes:
    """A visitor has one vote for a key, the weightiest."""
    order = np.lexsort((-weight, visitor, key))
    key, visitor, weight = key[order], visitor[order], weight[order]
    is_first = np.ones(len(key), dtype=np.bool_)
    is_first[1:] = (key[1:] != key[:-1]) | (visitor[1:] != visitor[:-1])
    key, weight = key[is_first], weight[is_first]
    keys, begins, visitors = np.unique(key, return_index=True, return_counts=True)
    return _Votes(keys, visitors, np.add.reduceat(weight, begins) if len(begins) else weight)


def _pairs(touches: _Columns, place_of: Ints, min_visitors: int) -> _Votes:
    """The pairs of known items that enough visitors touched in one session; the key is `lower * len(known) + higher`."""
    place, session = place_of[touches.item], touches.session
    keys, visitors, weights = [], [], []
    for step in range(1, REACH + 1):
        is_one = (session[:-step] == session[step:]) & (place[:-step] != place[step:])
        earlier, later = place[:-step][is_one], place[step:][is_one]
        keys.append(np.minimum(earlier, later) * (place_of.max(initial=-1) + 1) + np.maximum(earlier, later))
        visitors.append(touches.visitor[step:][is_one])
        weights.append(np.minimum(touches.weight[:-step], touches.weight[step:])[is_one] / step)
    votes = _by_visitor(np.concatenate(keys), np.concatenate(visitors), np.concatenate(weights))
    is_told = votes.visitors >= min_visitors
    return _Votes(votes.key[is_told], votes.visitors[is_told], votes.weight[is_told])


def _neighbours(pairs: _Votes, item_weight: Floats) -> tuple[Ints, Ints, Floats]:
    """Where each item's neighbours begin, the neighbours, and how alike they are."""
    low, high = np.divmod(pairs.key, max(1, len(item_weight)))
    of, neighbour = np.concatenate([low, high]), np.concatenate([high, low])
    together = np.concatenate([pairs.weight, pairs.weight])
    like = together / (item_weight[of] ** (1 - DAMPING) * item_weight[neighbour] ** DAMPING)
    order = np.lexsort((neighbour, -like, of))
    of, neighbour, like = of[order], neighbour[order], like[order]
    begins = np.searchsorted(of, np.arange(len(item_weight) + 1))
    is_kept = np.arange(len(of)) - begins[of] < NEIGHBOURS
    of, neighbour, like = of[is_kept], neighbour[is_kept], like[is_kept]
    return np.searchsorted(of, np.arange(len(item_weight) + 1)), neighbour, like
