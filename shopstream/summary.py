"""What an evaluation says, in sentences for whoever runs the shop."""

from collections.abc import Iterator, Sequence
from typing import Final

from models.evaluation import PrefixRow

EARLY: Final = 3
LATER: Final = 10
ENOUGH_BUYERS: Final = 10
"""Below so many, a length says nothing."""
FEW_BUYERS: Final = 100
"""Below so many, another month may look quite different."""


def sentences_of(curve: Sequence[PrefixRow]) -> Iterator[str]:
    """The curve in short: how early, how well found, how honest, how sure."""
    told = [row for row in curve if row.lift is not None and row.gains]
    if not told:
        yield "No visit of this log can be judged: at every length either nobody bought later, or everybody did."
        return
    told = [row for row in told if _buyers(row) >= ENOUGH_BUYERS] or told[:1]
    for row in {row.k: row for row in (_nearest(told, EARLY), _nearest(told, LATER))}.values():
        yield _found(row)
    worst = max(told, key=lambda row: row.ece)
    yield (
        f"On average a promised likelihood is {_points(min(row.ece for row in told))} to {_points(worst.ece)} percentage points away from "
        f"what happened, most after {_events(worst.k)}."
    )
    least = min(told, key=_buyers)
    if _buyers(least) < FEW_BUYERS:
        yield f"Only {_buyers(least)} of the visits judged after {_events(least.k)} bought: look at the intervals before the figures."


def _nearest(curve: Sequence[PrefixRow], k: int) -> PrefixRow:
    return min(curve, key=lambda row: abs(row.k - k))


def _buyers(row: PrefixRow) -> int:
    return round(row.n * row.base_rate)


def _found(row: PrefixRow) -> str:
    return (
        f"After {_events(row.k)}, {100 * row.base_rate:.1f} % of {row.n:,} visits go on to buy. The 5 % of them with the highest likelihood do so "
        f"{row.lift:.1f} times as often, and the best 10 % hold {100 * row.gains[0]:.0f} % of all who buy."
    )


def _events(k: int) -> str:
    return "the first event" if k == 1 else f"{k} events"


def _points(share: float) -> str:
    return f"{100 * share:.1f}"
