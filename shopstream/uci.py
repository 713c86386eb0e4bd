"""The UCI Online Shoppers table: session totals, so no live score; judged by itself, with and without what the shop's sales tell.

`PageValues` is computed by Google Analytics from the shop's transactions: a live pipeline has no such number at the first page.
Every figure here is of rows that the model has not seen, nor their exact copies, at the share of buyers that the table has.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import pandas as pd
from joblib import Parallel, delayed  # type: ignore[import-untyped]
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import f1_score, precision_recall_curve
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models.evaluation import row_of
from models.metrics import Numbers
from shopstream.failures import CommandFailed

REPEATS: Final = 2
FOLDS: Final = 10
INNER_FOLDS: Final = 5
ENOUGH: Final = 2 * FOLDS
"""Sessions of each outcome, so that every fold can be judged."""
LABEL: Final = "Revenue"
FROM_SALES: Final = "PageValues"
KINDS: Final = ("Administrative", "Informational", "ProductRelated")
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "June", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
CATEGORIES: Final = ("OperatingSystems", "Browser", "Region", "TrafficType", "month")

AS_OF_LOGS: Final = ("auc", "pr_auc", "average_precision", "lift", "brier", "log_loss", "ece", "ece_by_chance")
"""Figures that are made by the code that judges every log."""
FIGURES: Final = (*AS_OF_LOGS, "f1", "accuracy")

Labels = NDArray[np.intp]
Advance = Callable[[int], None]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Means over the test sides of `splits` splits, with standard deviations; what each is, `models.evaluation.PrefixRow` says.

    F1 and accuracy are those of calling buyers whoever is above a threshold.
    """

    protocol: str
    splits: int
    n: int
    """Sessions tested on the test side of a split, or on those of all folds together; the mean where it differs."""
    base_rate: float
    """Share of buyers among them."""
    auc: tuple[float, float]
    pr_auc: tuple[float, float]
    average_precision: tuple[float, float]
    lift: tuple[float, float]
    f1: tuple[float, float]
    accuracy: tuple[float, float]
    brier: tuple[float, float]
    log_loss: tuple[float, float]
    ece: tuple[float, float]
    """Of each test side by itself: of few sessions, chance alone makes it large."""
    ece_by_chance: tuple[float, float]


Tested = Mapping[str, float]
"""`n`, `base_rate` and every figure of one test side, by their names in `Figures`."""


class Uci(msgspec.Struct, frozen=True):
    """The table as published, and who bought."""

    table: pd.DataFrame
    bought: Labels


def read(path: Path) -> Uci:
    """The file, or the one in a folder, gzipped or plain. Raises `CommandFailed`."""
    file = path / "online_shoppers_intention.csv" if path.is_dir() else path
    if path.is_dir() and not file.exists() and len(found := list(path.glob("*.csv*"))) == 1:
        (file,) = found
    try:
        table = pd.read_csv(file)
    except (OSError, ValueError) as error:
        raise CommandFailed(
            f"{file} cannot be read: {error}; give online_shoppers_intention.csv or its folder"
        ) from error
    durations = [f"{kind}_Duration" for kind in KINDS]
    needed = (LABEL, FROM_SALES, *KINDS, *durations, "BounceRates", "ExitRates", "SpecialDay", "Month", *CATEGORIES[:4])
    if missing := [name for name in (*needed, "VisitorType", "Weekend") if name not in table]:
        raise CommandFailed(f"{file} has no column {', '.join(missing)}; is --format uci right?")
    numbers = (FROM_SALES, *KINDS, *durations, "BounceRates", "ExitRates", "SpecialDay", *CATEGORIES[:4])
    for name in numbers:
        if pd.to_numeric(table[name], errors="coerce").isna().any():
            raise CommandFailed(f"{file}: column {name} has a cell without a number; is it the table as published?")
    bought = _is_true(table[LABEL]).astype(np.intp)
    if min(bought.sum(), len(bought) - bought.sum()) < ENOUGH:
        raise CommandFailed(
            f"{file} has {bought.sum()} sessions that bought and {len(bought) - bought.sum()} that did not; "
            f"cross-validation needs {ENOUGH} of both"
        )
    return Uci(table.drop(columns=LABEL), bought)


def honest_figures(data: Uci, advance: Advance = lambda _: None, *, repeats: int = REPEATS) -> Iterator[Figures]:
    """Repeated stratified cross-validation: with `PageValues`, then without. `advance` is told of each split."""
    rows = rows_of(data.table)
    yield _judged("with PageValues", rows, data, repeats, advance)
    blind = rows.drop(columns=[name for name in rows.columns.astype(str) if name.startswith("value")])
    yield _judged("without PageValues", blind, data, repeats, advance)


def rows_of(table: pd.DataFrame) -> pd.DataFrame:
    """The table's own columns as numbers, and what they say together. Whatever needs the shop's sales begins with `value`."""
    rows = pd.DataFrame()
    for kind in KINDS:
        rows[kind] = table[kind]
        rows[f"{kind}_s"] = table[f"{kind}_Duration"]
        rows[f"{kind}_s_per_page"] = table[f"{kind}_Duration"] / table[kind].clip(lower=1)
    pages, seconds = rows[list(KINDS)].sum(axis=1), rows[[f"{kind}_s" for kind in KINDS]].sum(axis=1)
    rows["pages"], rows["seconds"], rows["seconds_per_page"] = pages, seconds, seconds / pages.clip(lower=1)
    rows["product_share"] = table["ProductRelated"] / pages.clip(lower=1)
    rows["administrative_share"] = table["Administrative"] / pages.clip(lower=1)
    rows["bounce"], rows["exit"] = table["BounceRates"], table["ExitRates"]
    rows["exit_without_bounce"] = table["ExitRates"] - table["BounceRates"]
    rows["exits"] = table["ExitRates"] * pages
    rows["value"], rows["value_of_visit"] = table[FROM_SALES], table[FROM_SALES] * pages
    rows["value_kept"] = table[FROM_SALES] * (1 - table["ExitRates"])
    rows["special_day"] = table["SpecialDay"]
    rows["month"] = table["Month"].map({name: place for place, name in enumerate(MONTHS)})
    for name in CATEGORIES[:4]:
        rows[name] = table[name]
    rows["is_new"] = table["VisitorType"] == "New_Visitor"
    rows["is_returning"] = table["VisitorType"] == "Returning_Visitor"
    rows["is_weekend"] = _is_true(table["Weekend"])
    return rows.astype(float)


def mean_of(protocol: str, repeats: int, tested: Sequence[Tested]) -> Figures:
    """From `figures_of_split` of each split; `repeats` is how often the table was split, into however many test sides."""
    count = sum(each["n"] for each in tested)
    means = {
        name: (
            round(float(np.mean([each[name] for each in tested])), 4),
            round(float(np.std([each[name] for each in tested])), 4),
        )
        for name in FIGURES
    }
    return Figures(
        protocol=protocol,
        splits=len(tested),
        n=round(count / repeats),
        base_rate=round(sum(each["n"] * each["base_rate"] for each in tested) / count, 4),
        **means,
    )


def figures_of_split(bought: Labels, likelihood: Numbers, threshold: float) -> Tested:
    """The figures of one test side."""
    called, row = likelihood >= threshold, row_of(0, likelihood, bought.astype(np.float64), resamples=0)
    return {
        **{name: getattr(row, name) for name in ("n", "base_rate", *AS_OF_LOGS)},
        "f1": float(f1_score(bought, called)),
        "accuracy": float(np.mean(called == bought)),
    }


def best_threshold(bought: Labels, likelihood: Numbers) -> float:
    """The one with the best F1."""
    precision, recall, thresholds = precision_recall_curve(bought, likelihood)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    return float(thresholds[np.argmax(f1[:-1])])


def _judged(name: str, rows: pd.DataFrame, data: Uci, repeats: int, advance: Advance) -> Figures:
    columns, values = list(rows), rows.to_numpy()
    categories = [columns.index(each) for each in CATEGORIES]
    tasks = (
        delayed(_split)(values, data.bought, categories, train, test, seed)
        for seed in range(repeats)
        for train, test in _folds(values, data.bought, seed)
    )
    splits = []
    for figures in Parallel(n_jobs=-1, return_as="generator")(tasks):
        splits.append(figures)
        advance(1)
    protocol = f"{repeats} x {FOLDS}-fold cross-validation, copies of a row on one side; threshold from within the training side"
    return mean_of(f"{name}: {protocol}", repeats, splits)


def _folds(values: Numbers, bought: Labels, seed: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Stratified folds of the different rows; a row's exact copies go where it goes."""
    owner = pd.DataFrame(values).groupby(list(range(values.shape[1])), sort=False, dropna=False).ngroup().to_numpy()
    _, first = np.unique(owner, return_index=True)
    for _, chosen in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(first, bought[first]):
        is_test = np.isin(owner, chosen)
        yield np.flatnonzero(~is_test), np.flatnonzero(is_test)


def _split(values: Numbers, bought: Labels, categories: list[int], train: Labels, test: Labels, seed: int) -> Tested:
    model = HistGradientBoostingClassifier(
        learning_rate=0.03,
        max_iter=220,
        max_leaf_nodes=10,
        min_samples_leaf=25,
        l2_regularization=10,
        max_features=0.3,
        categorical_features=categories,
        early_stopping=False,
        random_state=seed,
    )
    with threadpool_limits(1):  # the splits share out the cores
        inner = StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=seed)
        seen = cross_val_predict(model, values[train], bought[train], cv=inner, method="predict_proba")[:, 1]
        likelihood = model.fit(values[train], bought[train]).predict_proba(values[test])[:, 1]
    return figures_of_split(bought[test], likelihood, best_threshold(bought[train], seen))


def _is_true(column: "pd.Series[str]") -> NDArray[np.bool_]:
    return np.asarray(column.astype(str).str.lower().isin(("true", "1")), dtype=np.bool_)
