"""What every floor is: untuned gradient boosting, and how it is told."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from models.evaluation import PrefixRow, row_of
from models.metrics import Numbers

SEED: Final = 0


class Side(NamedTuple):
    """Rows, and who of them bought later."""

    rows: NDArray[np.float32]
    bought: NDArray[np.bool_]


class Split(NamedTuple):
    """To learn from, and to be judged."""

    learnt: Side
    judged: Side


def at(side: Side, places: NDArray[np.bool_]) -> Side:
    return Side(side.rows[places], side.bought[places])


def likelihoods(split: Split) -> Numbers:
    """What scikit-learn's boosting, as it comes, says of the judged."""
    model = HistGradientBoostingClassifier(random_state=SEED).fit(split.learnt.rows, split.learnt.bought)
    told: Numbers = model.predict_proba(split.judged.rows)[:, 1]
    return told


def floor_of(k: int, split: Split) -> PrefixRow:
    """The figures of the floor after k events."""
    return row_of(k, likelihoods(split), split.judged.bought.astype(np.float64), resamples=1)
