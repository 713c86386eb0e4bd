"""How alike items are: touches of all visitors in, each item's neighbours and the popular items out. Pure.

Two items are alike when the same visitors touched both: item-to-item collaborative filtering with a damped cosine (Sarwar, Karypis, Konstan and
Riedl 2001; Linden, Smith and York 2003), where touches close together in a session say more (as in the sequential rules of
Ludewig and Jannach 2018) and older ones less. Whoever invents events gains little: an item or a pair counts by visitors, each
once at most, and what fewer than `min_visitors` touched is never told. The figures below were chosen on a real log (docs/recommendations.md).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    ordered = _first_touches(touches)
    item_ids, item = _numbered([touch.item_id for touch in ordered])
    visitor = _numbered([touch.visitor_id for touch in ordered])[1]
    session = _numbered([touch.session_id for touch in ordered])[1]
    age = np.array([(as_of - touch.occurred_at) / HALF_LIFE for touch in ordered], dtype=np.float64)
    weight = 0.5 ** np.maximum(age, 0.0)

    everybody = _by_visitor(np.zeros_like(item), visitor, weight).weight.sum()
    votes = _by_visitor(item, visitor, weight)
    is_known = votes.visitors >= min_visitors
    item_ids = [item_ids[number] for number in votes.key[is_known].tolist()]
    item_weight = votes.weight[is_known]
    # What too few know goes now: put between two items, it must not push them apart.
    kept = is_known[item]
    item = (np.cumsum(is_known) - 1)[item[kept]]
    pairs = _pairs(item, session[kept], visitor[kept], weight[kept], len(item_ids), min_visitors)
    popular = np.lexsort((np.arange(len(item_ids)), -item_weight))[:MOST_POPULAR]
    begins, neighbours, likes = _neighbours(pairs, item_weight)
    return Likeness(
        as_of=as_of,
        places={item_id: place for place, item_id in enumerate(item_ids)},
        item_ids=tuple(item_ids),
        begins=begins,
        neighbours=neighbours,
        likes=likes,
        popular=tuple((item_ids[place], float(item_weight[place] / everybody)) for place in popular.tolist()),
    )


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


def _pairs(item: Ints, session: Ints, visitor: Ints, weight: Floats, item_count: int, min_visitors: int) -> _Votes:
    """The pairs of items that enough visitors touched in one session; the key is `lower * item_count + higher`."""
    keys, visitors, weights = [], [], []
    for step in range(1, REACH + 1):
        earlier, later = item[:-step], item[step:]
        together = (session[:-step] == session[step:]) & (earlier != later)
        low, high = np.minimum(earlier, later)[together], np.maximum(earlier, later)[together]
        keys.append(low * item_count + high)
        visitors.append(visitor[step:][together])
        weights.append(np.minimum(weight[:-step], weight[step:])[together] / step)
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


def _first_touches(touches: Iterable[Touch]) -> list[Touch]:
    """Each session's touches together, an item's first only. One order, so that sums have the same bits whatever order they came in."""
    ordered = sorted(touches, key=lambda touch: (touch.session_id, touch.occurred_at, touch.item_id, touch.visitor_id))
    firsts: dict[tuple[str, str], Touch] = {}
    for touch in ordered:
        firsts.setdefault((touch.session_id, touch.item_id), touch)
    return list(firsts.values())


def _numbered(texts: Sequence[str]) -> tuple[list[str], Ints]:
    """The different texts in order, and the place of each text among them."""
    different = sorted(set(texts))
    places = {text: place for place, text in enumerate(different)}
    return different, np.array([places[text] for text in texts], dtype=np.int64)
