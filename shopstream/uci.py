"""The UCI Online Shoppers table: session totals, so no live score; judged by itself, with and without what the shop's sales tell.

`PageValues` is computed by Google Analytics from the shop's transactions: a live pipeline has no such number at the first page.
"""

from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models.metrics import Numbers
from shopstream.failures import CommandFailed

REPEATS: Final = 10
TEST_SHARE: Final = 0.3
LABEL: Final = "Revenue"
FROM_SALES: Final = "PageValues"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Means over ten stratified 70/30 splits, with standard deviations; F1 of buyers at 0.5."""

    protocol: str
    base_rate: float
    auc: tuple[float, float]
    pr_auc: tuple[float, float]
    f1: tuple[float, float]
    accuracy: tuple[float, float]
    brier: tuple[float, float]


def figures_of(path: Path) -> tuple[Figures, ...]:
    """The honest protocols, then the flattering one: as many buyers as others, copied before the split. Raises `CommandFailed`."""
    file = path / "online_shoppers_intention.csv" if path.is_dir() else path
    table = pd.read_csv(file)
    if LABEL not in table or FROM_SALES not in table:
        raise CommandFailed(f"{file} has no columns {LABEL} and {FROM_SALES}; is --format uci right?")
    bought = np.asarray(table.pop(LABEL).astype(str).str.lower().isin(("true", "1")), dtype=np.intp)
    rows = pd.get_dummies(table).astype(float)
    fair = rows.to_numpy()
    blind = rows.drop(columns=FROM_SALES).to_numpy()
    buyers = np.flatnonzero(bought)
    copies = np.random.default_rng(0).choice(buyers, len(bought) - 2 * len(buyers))
    doubled = np.concatenate([np.arange(len(bought)), copies])
    return (
        _repeated("with PageValues", fair, bought),
        _repeated("without PageValues", blind, bought),
        _repeated(
            "buyers copied before the split (flatters: the same rows are on both sides)", fair[doubled], bought[doubled]
        ),
    )


def _repeated(protocol: str, rows: Numbers, bought: NDArray[np.intp]) -> Figures:
    figures = []
    for seed in range(REPEATS):
        train, test, told, truth = train_test_split(
            rows, bought, test_size=TEST_SHARE, stratify=bought, random_state=seed
        )
        # Small trees: on a busy machine, threads that wait for each other cost more than they save.
        with threadpool_limits(1):
            models = [each.fit(train, told) for each in _models(seed)]
        likelihood = np.mean([model.predict_proba(test)[:, 1] for model in models], axis=0)
        figures.append(
            (
                roc_auc_score(truth, likelihood),
                average_precision_score(truth, likelihood),
                f1_score(truth, likelihood >= 0.5),
                np.mean((likelihood >= 0.5) == truth),
                np.mean((likelihood - truth) ** 2),
            )
        )
    told_figures = [
        (round(float(mean), 4), round(float(spread), 4))
        for mean, spread in zip(np.mean(figures, axis=0), np.std(figures, axis=0), strict=True)
    ]
    auc, pr_auc, f1, accuracy, brier = told_figures
    return Figures(
        protocol=protocol,
        base_rate=round(float(bought.mean()), 4),
        auc=auc,
        pr_auc=pr_auc,
        f1=f1,
        accuracy=accuracy,
        brier=brier,
    )


def _models(seed: int) -> tuple[RandomForestClassifier, HistGradientBoostingClassifier]:
    return (
        RandomForestClassifier(200, min_samples_leaf=5, random_state=seed, n_jobs=2),
        HistGradientBoostingClassifier(
            learning_rate=0.05,
            max_iter=120,
            max_leaf_nodes=15,
            l2_regularization=5,
            max_features=0.4,
            random_state=seed,
        ),
    )
