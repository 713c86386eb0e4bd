"""ClickstreamDMM: our trees and the floor on the same folds; a session is in one fold, at all its lengths.

The floor is untuned gradient boosting on counts of each class of page, seconds and the fixed features, a model for each k.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.quality.floor import Side, Split, at, likelihoods
from models.algorithms import BOOSTING, MISSING, fitted, raw_of
from models.examples import hashed
from models.metrics import Numbers, average_precision
from producers.replay import tables
from shopstream.event_logs import LOGS, table_from
from shopstream.train import SEED

FOLDS: Final = 5
CLASSES: Final = 7
FIXED: Final = ("static1", "static2", "static3", "static4", "static5_z")

Figures = Mapping[str, NDArray[np.float64]]
"""By name: a row a fold, a column a length."""


def figures(folder: Path, advance: Callable[[], None]) -> Figures:
    """AUC and PR-AUC of ours and of the floor."""
    table, lengths = table_from(folder, "dmm"), LOGS["dmm"].curve
    rows = np.where(np.isnan(table.rows), np.float32(MISSING), table.rows)
    bought, fold = table.buys_later.astype(np.float64), table.visitor % np.uint64(FOLDS)
    floor = _floor_rows(folder, lengths)
    told = {name: np.empty((FOLDS, len(lengths))) for name in ("auc", "floor_auc", "pr_auc", "floor_pr_auc")}
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
            told["auc"][number, place], told["pr_auc"][number, place] = _ranked(bought[judged], ours)
            told["floor_auc"][number, place], told["floor_pr_auc"][number, place] = _ranked(bought[judged], theirs)
        advance()
    return told


def _ranked(bought: Numbers, likelihood: Numbers) -> tuple[float, float]:
    return float(roc_auc_score(bought, likelihood)), average_precision(likelihood, bought)


def _floor_rows(folder: Path, lengths: tuple[int, ...]) -> dict[int, pd.DataFrame]:
    """The floor's features after k pages, by the hash of the session that our table has."""
    sessions = tables.read(folder / "sessions.csv.gz", ("session", *FIXED)).set_index("session")
    pages = tables.read(folder / "page_events.csv.gz", ("session", "page", "seconds"))
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
