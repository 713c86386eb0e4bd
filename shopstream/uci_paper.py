"""The protocol of Sakar et al. (2018) on the UCI table, and what makes its figures look better than a shop would see.

A multilayer perceptron of ten units on 1-of-C coded, standardised columns; 70/30 splits by chance. Their best figures (accuracy 0.87, F1 0.86)
need at least 37 % of buyers among the tested rows, so buyers were copied until both classes were as many, on the test side too.
"""

from collections.abc import Iterator
from typing import Final, Literal

import numpy as np
import pandas as pd
from joblib import Parallel, delayed  # type: ignore[import-untyped]
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models.metrics import Numbers
from shopstream.uci import Advance, Figures, Labels, Tested, Uci, figures_of_split, mean_of

REPEATS: Final = 10
TEST_SHARE: Final = 0.3
UNITS: Final = 10
THRESHOLD: Final = 0.5

Copies = Literal["none", "training", "both", "before"]
PROTOCOLS: Final[dict[Copies, str]] = {
    "none": "the paper's perceptron, the table as it is",
    "training": "the same, buyers copied on the training side only",
    "both": "the same, buyers copied on each side after the split: half of the tested rows buy",
    "before": "the same, buyers copied before the split: half of the tested rows buy, and most of those were trained on",
}


def paper_figures(data: Uci, advance: Advance = lambda _: None, *, repeats: int = REPEATS) -> Iterator[Figures]:
    """From the harmless to the flattering. `advance` is told of each split."""
    rows = pd.get_dummies(
        data.table.astype(dict.fromkeys(("OperatingSystems", "Browser", "Region", "TrafficType"), str))
    )
    values = rows.to_numpy(dtype=np.float64)
    for copies, protocol in PROTOCOLS.items():
        tasks = (delayed(_split)(values, data.bought, copies, seed) for seed in range(repeats))
        splits = []
        for figures in Parallel(n_jobs=-1, return_as="generator")(tasks):
            splits.append(figures)
            advance(1)
        yield mean_of(f"{protocol}; {repeats} splits 70/30", repeats, splits)


def _split(values: Numbers, bought: Labels, copies: Copies, seed: int) -> Tested:
    places = np.arange(len(bought))
    if copies == "before":
        places = _balanced(places, bought, seed)
    train, test = train_test_split(places, test_size=TEST_SHARE, random_state=seed)
    if copies in ("training", "both"):
        train = _balanced(train, bought, seed)
    if copies == "both":
        test = _balanced(test, bought, seed)
    scaler = StandardScaler().fit(values[train])
    with threadpool_limits(1):
        model = MLPClassifier((UNITS,), early_stopping=True, max_iter=500, random_state=seed)
        model.fit(scaler.transform(values[train]), bought[train])
        likelihood = model.predict_proba(scaler.transform(values[test]))[:, 1]
    return figures_of_split(bought[test], likelihood, THRESHOLD)


def _balanced(places: Labels, bought: Labels, seed: int) -> Labels:
    """The same places, those of buyers repeated by chance until they are at least as many as the others."""
    buyers = places[bought[places] > 0]
    extra = np.random.default_rng(seed).choice(buyers, max(0, len(places) - 2 * len(buyers)))
    return np.concatenate([places, extra])
