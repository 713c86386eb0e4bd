"""ClickstreamDMM: our trees and the floor on the same folds; a session is in one fold, at all its lengths.

The floor is untuned gradient boosting on counts of each class of page, seconds and the fixed features, a model for each k.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.quality.floor import Side, Split, at, likelihoods
from models.algorithms import BOOSTING, MISSING, fitted, raw_of
from models.evaluation import lift_of
from models.examples import hashed
from models.metrics import Numbers, precision_in_any_order
from producers.replay import dmm, tables
from shopstream.event_logs import LOGS, table_from
from shopstream.train import SEED

FOLDS: Final = 5
CLASSES: Final = 7
FIXED: Final = ("static1", "static2", "static3", "static4", "static5_z")

RANKED: Final[Mapping[str, Callable[[Numbers, Numbers], float]]] = {
    "auc": lambda likelihood, bought: float(roc_auc_score(bought, likelihood)),
    "pr_auc": precision_in_any_order,
    "average_precision": lambda likelihood, bought: float(average_precision_score(bought, likelihood)),
    "lift": lift_of,
}
"""Of likelihoods and who bought. `average_precision` is scikit-learn's."""

Figures = Mapping[str, NDArray[np.float64]]
"""By name: a row a fold, a column a length."""


def figures(folder: Path, advance: Callable[[], None]) -> Figures:
    """The figures of `RANKED`, of ours and of the floor (`floor_…`)."""
    table, lengths = table_from(folder, "dmm"), LOGS["dmm"].curve
    rows = np.where(np.isnan(table.rows), np.float32(MISSING), table.rows)
    bought, fold = table.buys_later.astype(np.float64), table.visitor % np.uint64(FOLDS)
    floor = _floor_rows(folder, lengths)
    told = {name: np.empty((FOLDS, len(lengths))) for each in RANKED for name in (each, f"floor_{each}")}
    for number in range(FOLDS):
        is_judged = fold == number
        learnt = ~is_judged & ~table.has_bought
        model = fitted("boosting", BOOSTING, rows[learnt], bought[learnt], SEED)
        for place, k in enumerate(lengths):
            at_k = (table.length == k) & ~table.visit_has_bought
            judged = at_k & is_judged
            ours = raw_of(model, rows[judged])
            hand_made = floor[k].loc[table.visitor[at_k]].to_numpy(dtype=np.float32)
            everyone = Side(hand_made, table.buys_later[at_k])
            theirs = likelihoods(Split(at(everyone, ~is_judged[at_k]), at(everyone, is_judged[at_k])))
            for name, of in RANKED.items():
                told[name][number, place] = of(ours, bought[judged])
                told[f"floor_{name}"][number, place] = of(theirs, bought[judged])
        advance()
    return told


def _floor_rows(folder: Path, lengths: tuple[int, ...]) -> dict[int, pd.DataFrame]:
    """The floor's features after k pages, by the hash of the session that our table has."""
    sessions = tables.read(dmm.file_of(folder, "sessions"), ("session", *FIXED)).set_index("session")
    pages = tables.read(dmm.file_of(folder, "page_events"), ("session", "page", "seconds"))
    seconds = pages["seconds"].astype(float)
    pages = pages.assign(seconds=seconds, number=pages.groupby("session").cumcount() + 1)
    classes = pd.DataFrame({str(each): pages["page"] == str(each) for each in range(CLASSES)}).astype(np.float32)
    counts = classes.groupby(pages["session"]).cumsum().assign(seconds=seconds)
    rows = {}
    for k in lengths:
        reached = (pages["number"] == k).to_numpy()
        names = pages["session"][reached].tolist()
        known = counts[reached].set_index(pd.Index(names)).join(sessions[list(FIXED)].astype(np.float32))
        rows[k] = known.set_index(np.array([hashed(f"dmm-{name}") for name in names], dtype=np.uint64))
    return rows
