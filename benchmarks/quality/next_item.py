"""The Google Merchandise Store's visits as touches of items, and how often the next new item of a visit is foreseen.

A touch is a product page, an addition to the cart or a purchase. A case is a moment of a visit just before an item that is new to it: known
are its items so far, wanted is the next. Items that the visit has had are left out of every answer, ours and the floors'.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice, permutations
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.likeness import Touch, likeness_of
from models.recommend import Shopper, recommendation
from producers.replay import tables
from producers.replay.google_files import HIT_PRODUCTS, HITS, SESSIONS, periods

AT: Final = 10
TOUCHING: Final = ("2", "3", "6")
"""Actions of the export: product detail, addition to the cart, purchase."""
KEPT: Final = ("3", "6")
MIN_VISITORS: Final = 3
"""As the setting is unless told."""

Answer = Callable[[Sequence[str]], Sequence[str]]
"""Of a visit's items so far, the latest first: others, the likeliest first."""
Figures = NDArray[np.float64]
"""A row a case: whether the wanted item is among the first `AT`, and one divided by its rank there."""


class Case(NamedTuple):
    visitor_id: str
    latest: tuple[str, ...]
    """The visit's items so far, the latest first."""
    wanted: str


def visits_of(folder: Path, actions: Collection[str] = TOUCHING) -> list[list[Touch]]:
    """The touches of each visit by these actions, in order of time."""
    found = []
    for number, period in enumerate(periods(folder)):
        assert period.hit_products is not None, f"{period.hits} has no hit_products file beside it"
        hits = tables.read(period.hits, HITS)
        rows = hits[hits["action"].isin(actions)].merge(
            tables.read(period.hit_products, HIT_PRODUCTS), on=["session", "hit"]
        )
        rows = rows.merge(tables.read(period.sessions, SESSIONS), on="session")
        at_ms = rows["start_ts"].astype("int64") * 1000 + rows["t_ms"].astype("int64")
        rows = rows.assign(at_ms=at_ms, number=rows["hit"].astype("int64"))
        rows = rows.sort_values(["session", "at_ms", "number"], kind="stable")
        columns = (rows[name].tolist() for name in ("visitor", "session", "sku", "at_ms"))
        touches = (
            Touch(visitor, f"{number}-{session}", sku, datetime.fromtimestamp(at / 1000, UTC))
            for visitor, session, sku, at in zip(*columns, strict=True)
        )
        found += [list(visit) for _, visit in groupby(touches, key=lambda touch: touch.session_id)]
    return found


def begun(visits: Iterable[list[Touch]], since: datetime, until: datetime) -> list[list[Touch]]:
    """Those whose first touch is in this time."""
    return [visit for visit in visits if since <= visit[0].occurred_at < until]


def cases_of(visits: Iterable[list[Touch]]) -> Iterator[Case]:
    for visit in visits:
        latest: dict[str, None] = {}
        for touch in visit:
            if latest and touch.item_id not in latest:
                yield Case(touch.visitor_id, tuple(reversed(latest)), touch.item_id)
            latest.pop(touch.item_id, None)
            latest[touch.item_id] = None


def figures_of(answer: Answer, cases: Iterable[Case]) -> Figures:
    rows = []
    for case in cases:
        first = list(islice((item_id for item_id in answer(case.latest) if item_id not in case.latest), AT))
        rank = first.index(case.wanted) + 1 if case.wanted in first else None
        rows.append((rank is not None, 1 / rank if rank else 0.0))
    return np.array(rows, dtype=np.float64)


def error_of(values: NDArray[np.float64], cases: Sequence[Case]) -> float:
    """Standard error of the mean, with the cases of one visitor taken as one."""
    off: defaultdict[str, float] = defaultdict(float)
    for case, value in zip(cases, (values - values.mean()).tolist(), strict=True):
        off[case.visitor_id] += value
    return float(np.sqrt(sum(each * each for each in off.values())) / len(values))


def ours(visits: Iterable[list[Touch]], as_of: datetime, *, min_visitors: int = MIN_VISITORS) -> Answer:
    """What the console would answer a shopper with these items and nothing in the cart of an earlier visit."""
    likeness = likeness_of((touch for visit in visits for touch in visit), as_of, min_visitors=min_visitors)

    def answer(latest: Sequence[str]) -> Sequence[str]:
        told = recommendation(likeness, Shopper(tuple(latest), frozenset(latest)), AT)
        return [each.item_id for each in told.items]

    return answer


def by_doubles(visits: Iterable[list[Touch]]) -> list[list[Touch]]:
    """The same visits by visitors of their own: added to the visits, they make these touches count twice."""
    return [
        [touch._replace(visitor_id=f"{touch.visitor_id}+", session_id=f"{touch.session_id}+") for touch in visit]
        for visit in visits
    ]


def popular(visits: Iterable[list[Touch]], since: datetime | None = None) -> Answer:
    """A floor: the items that most visitors touched, the same for everybody."""
    touched = {
        (touch.visitor_id, touch.item_id)
        for visit in visits
        for touch in visit
        if since is None or touch.occurred_at >= since
    }
    ranked = _ranked(Counter(item_id for _, item_id in touched))
    return lambda latest: ranked


def beside_the_last(visits: Sequence[list[Touch]]) -> Answer:
    """A floor: the items that most visits had together with the last one; when those are too few, the most popular after them."""
    together: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for visit in visits:
        for one, other in permutations({touch.item_id for touch in visit}, 2):
            together[one][other] += 1
    ranked = {item_id: _ranked(counts) for item_id, counts in together.items()}
    everybodys = popular(visits)

    def answer(latest: Sequence[str]) -> Sequence[str]:
        return list(dict.fromkeys([*ranked.get(latest[0], ()), *everybodys(latest)]))

    return answer


def days(count: float) -> timedelta:
    return timedelta(days=count)


def _ranked(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda item_id: (-counts[item_id], item_id))
