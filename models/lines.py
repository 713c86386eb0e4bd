"""Logistic regression on the features, on event n-grams and on the gaps between events: never served, there to be beaten.

It sees what trees do not, the order of the events, and so tells whether that order is worth a model that can read it.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from models.algorithms import MISSING
from models.features import Row
from models.metrics import Numbers

MOST_EXAMPLES: Final = 100_000
"""A line of some thousand numbers learns no more from more."""
GRAMS: Final = HashingVectorizer(
    analyzer="char", ngram_range=(1, 4), n_features=2**12, lowercase=False, alternate_sign=False, norm=None
)
"""Of letters (events) and digits (pauses), so an n-gram is up to two events with the pauses between and beside them."""


def loss_of_lines(
    rows: Row, stories: NDArray[np.bytes_], bought: Numbers, fit: NDArray[np.intp], judged: NDArray[np.intp], seed: int
) -> float:
    """Log loss on the examples at `judged` of a line fitted to those at `fit`. Unknown values in `rows` are `MISSING`."""
    fit = fit[:: -(-len(fit) // MOST_EXAMPLES)]
    scaler = StandardScaler().fit(_logarithms(rows[fit]))

    def inputs(places: NDArray[np.intp]) -> Any:
        grams = GRAMS.transform(story.decode() for story in stories[places].tolist())
        return hstack([csr_matrix(scaler.transform(_logarithms(rows[places]))), grams.log1p()], format="csr")

    line = LogisticRegression(C=0.02, max_iter=300, random_state=seed).fit(inputs(fit), bought[fit].astype(np.intp))
    return float(log_loss(bought[judged], line.predict_proba(inputs(judged))[:, 1]))


def _logarithms(rows: Row) -> Row:
    """The logarithms of the features; what is unknown is a feature of its own."""
    is_missing = rows == MISSING
    values = np.where(is_missing, 0.0, rows)
    return np.hstack([np.sign(values) * np.log1p(np.abs(values)), is_missing]).astype(np.float32)
