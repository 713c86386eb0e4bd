"""How early the likelihood knows on ClickstreamDMM, against the floor of untuned gradient boosting, on the same five folds of sessions.

The floor sees a folder's own columns: how often each class of page was seen, the seconds, the five unnamed fixed features; one model for each k.
Ours sees what the live fold makes of the same pages, in one model for all k.  Usage: early_score.py FOLDER
"""

import json
import platform
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold

from models.algorithms import BOOSTING, MISSING, fitted
from models.examples import hashed
from shopstream.event_logs import LOGS, table_from

FOLDS = 5
RESAMPLES = 100
FIXED = ["static1", "static2", "static3", "static4", "static5_z"]


def floor_rows(folder: Path, k: int, order: pd.Index) -> Any:
    """Columns of the first k pages, one row a session."""
    pages = pd.read_csv(folder / "page_events.csv.gz")
    pages = pages[pages["seq"] < k]
    counts = pages.pivot_table(index="session", columns="page", aggfunc="size", fill_value=0)
    fixed = pd.read_csv(folder / "sessions.csv.gz").set_index("session")[FIXED]
    return counts.join(pages.groupby("session")["seconds"].max()).join(fixed).loc[order].to_numpy(dtype=float)


def main(folder: Path) -> None:
    sessions = pd.read_csv(folder / "sessions.csv.gz").set_index("session")
    bought = sessions["purchase"].to_numpy()
    lengths = LOGS["dmm"].curve
    floor_inputs = {k: floor_rows(folder, k, sessions.index) for k in lengths}
    table = table_from(folder, "dmm")
    table = table.at(~table.visit_has_bought)
    rows = np.where(np.isnan(table.rows), np.float32(MISSING), table.rows)
    place = {hashed(f"dmm-{session}"): number for number, session in enumerate(sessions.index)}
    owner = np.array([place[each] for each in table.visitor.tolist()])
    ours = {k: np.zeros(len(bought)) for k in lengths}
    floor = {k: np.zeros(len(bought)) for k in lengths}
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(bought, bought):
        learnt = np.isin(owner, train)
        model = fitted("boosting", BOOSTING, rows[learnt], table.buys_later[learnt].astype(float), 0)
        for k in lengths:
            chosen = ~learnt & (table.length == k)
            ours[k][owner[chosen]] = model.predict_proba(rows[chosen])[:, 1]
            plain = HistGradientBoostingClassifier(random_state=0).fit(floor_inputs[k][train], bought[train])
            floor[k][test] = plain.predict_proba(floor_inputs[k][test])[:, 1]
    for k in lengths:
        print(json.dumps({"k": k, **compared(bought, ours[k], floor[k])}))
    print(
        json.dumps(
            {"sessions": len(bought), "base_rate": round(float(bought.mean()), 4), "python": platform.python_version()}
        )
    )


def compared(bought: Any, ours: Any, floor: Any) -> dict[str, Any]:
    """Both figures, and by how much ours is ahead, with the standard error from resampling sessions."""
    told: dict[str, Any] = {}
    random = np.random.default_rng(0)
    draws = [random.integers(0, len(bought), len(bought)) for _ in range(RESAMPLES)]
    for name, figure in (("auc", roc_auc_score), ("pr_auc", average_precision_score)):
        ahead = [figure(bought[draw], ours[draw]) - figure(bought[draw], floor[draw]) for draw in draws]
        told[name] = round(float(figure(bought, ours)), 4)
        told[f"{name}_floor"] = round(float(figure(bought, floor)), 4)
        told[f"{name}_ahead_error"] = round(float(np.std(ahead)), 4)
    return told


if __name__ == "__main__":
    main(Path(sys.argv[1]))
