"""What an incentive is worth: visitors for whom it was chosen in, those it was shown to beside those held out, effects out. Pure.

Each visitor counts once, with the first incentive that was chosen: until then nothing had been done to anybody, so that chance alone
tells the arms apart. Later choices depend on what was shown before, and compare nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from models.holdout import Arms, Z
from models.metrics import Numbers

PARTS: Final = 5
"""What is said of a part of the visitors is learnt from the others."""
ENOUGH_BUYERS: Final = 20
"""In each arm, before an interval of money is told: of fewer, one large order is most of it."""
SEEN_LIFT: Final = 0.1
POWER: Final = 0.841621
"""Standard errors beyond the interval with which four of five trials show the lift that there is."""
_SHRINKAGE: Final = 10.0

Texts = NDArray[np.str_]


class Interval(NamedTuple):
    """A mean with its interval of 95 %."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, mean: float, standard_error: float) -> Self:
        return cls(mean, mean - Z * standard_error, mean + Z * standard_error)

    @property
    def is_off_zero(self) -> bool:
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Visitors for whom one offer was chosen, each in an arm that chance drew. Arrays of one length."""

    is_treated: NDArray[np.bool_]
    """In the arm that is shown the offer, whether it was seen or not."""
    has_bought: NDArray[np.bool_]
    worth: Numbers
    """What each has brought since, less what the offer cost."""
    part: NDArray[np.intp]
    """0 to PARTS − 1, by chance."""
    numbers: Mapping[str, Numbers]
    """By name, what was known at that moment; NaN where it was not."""
    texts: Mapping[str, Texts]

    def __len__(self) -> int:
        return len(self.worth)

    @property
    def treated_share(self) -> float:
        return float(self.is_treated.mean()) if len(self) else 0.0


class Effect(NamedTuple):
    """What an offer changed."""

    arms: Arms
    worth: Interval | None
    """Of a visitor who is offered it, beside one who is not. None until both arms have ENOUGH_BUYERS."""
    visitors_needed: int | None
    """Visitors in both arms after which a lift of SEEN_LIFT shows in four of five trials; None until somebody held out has bought."""


def effect_of(trial: Trial) -> Effect:
    """The offer's effect: the difference of the arms' means.

    Its standard error is Welch's (Biometrika 34, 1947), of each arm's own spread, or Student's, of one spread for both, if that is more: a
    small arm that happens to be without the large orders has a low mean and seems sure of it.
    """
    treated, held_out = trial.worth[trial.is_treated], trial.worth[~trial.is_treated]
    buyers = int(trial.has_bought[trial.is_treated].sum()), int(trial.has_bought[~trial.is_treated].sum())
    arms = Arms(len(treated), buyers[0], len(held_out), buyers[1])
    worth = None
    if min(buyers) >= ENOUGH_BUYERS:
        spread, other_spread = float(treated.var(ddof=1)), float(held_out.var(ddof=1))
        own = spread / len(treated) + other_spread / len(held_out)
        both = (spread * (len(treated) - 1) + other_spread * (len(held_out) - 1)) / (len(trial) - 2)
        variance = max(own, both * (1 / len(treated) + 1 / len(held_out)))
        worth = Interval.of(float(treated.mean() - held_out.mean()), math.sqrt(variance))
    return Effect(arms, worth, visitors_needed(arms))


def visitors_needed(arms: Arms, lift: float = SEEN_LIFT) -> int | None:
    """Visitors in both arms for a lift to be told from none: two shares that differ (Fleiss, Statistical Methods for Rates and Proportions)."""
    if not arms.treated or not arms.held_out_buyers:
        return None
    base = arms.held_out_buyers / arms.held_out
    treated_share = arms.treated / (arms.treated + arms.held_out)
    raised = min(1.0, base * (1 + lift))
    variance = raised * (1 - raised) / treated_share + base * (1 - base) / (1 - treated_share)
    return math.ceil((Z + POWER) ** 2 * variance / (base * lift) ** 2) if variance else None


def gains_of(trial: Trial) -> Numbers:
    """One number a visitor, whose mean over any visitors is what offering it to them brings, each of them beside not offering.

    The transformed outcome (Athey and Imbens, PNAS 113, 2016): worth weighed by the arm's chance, which is known. From the worth goes what
    was to be expected of such a visitor, by a line through the visitors of the other parts; it changes no mean and lessens the noise.
    """
    share = trial.treated_share
    weight = (trial.is_treated - share) / (share * (1 - share))
    gains: Numbers = weight * (trial.worth - _expected(trial))
    return gains


def _expected(trial: Trial) -> Numbers:
    rows = _rows(trial)
    expected = np.empty(len(trial))
    for part in range(PARTS):
        others, these = trial.part != part, trial.part == part
        if not these.any():
            continue
        if not others.any():
            expected[these] = 0.0
        elif not rows.shape[1]:
            expected[these] = trial.worth[others].mean()
        else:
            expected[these] = Ridge(alpha=_SHRINKAGE).fit(rows[others], trial.worth[others]).predict(rows[these])
    return expected


def _rows(trial: Trial) -> Numbers:
    """What is known, a column for each number and each word, all of one scale."""
    columns = []
    for values in trial.numbers.values():
        unknown = np.isnan(values)
        mean = values[~unknown].mean() if not unknown.all() else 0.0
        columns += [np.where(unknown, mean, values), unknown.astype(np.float64)]
    for texts in trial.texts.values():
        columns += [(texts == word).astype(np.float64) for word in np.unique(texts)]
    rows = np.column_stack(columns) if columns else np.empty((len(trial), 0))
    rows = rows[:, rows.std(axis=0) > 0]
    scaled: Numbers = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    return scaled
