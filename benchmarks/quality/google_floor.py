"""The floor of the Google Merchandise Store: untuned gradient boosting on hand-made features of the first k hits, a model for each k.

Features, as the shared reference names them: counts per action and event, path groups, impressions, elapsed time, channel, device, visit
number, new visitor, US. A visit counts at k when it has a hit numbered k and had not bought by then.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.quality.floor import Side, Split, at
from producers.replay import tables
from producers.replay.google_files import HITS, SESSIONS, periods

PATHS: Final = {
    "home": r"/?(home|index)?(\.html)?/?",
    "product": r".*(quickview|product).*",
    "list": r".*/google\+redesign/.*",
    "cart": r".*basket.*",
    "account": r".*(signin|register|myaccount).*",
    "checkout": r".*(yourinfo|payment|revieworder).*",
    "information": r".*(store-policies|contact|help).*",
    "search": r".*search.*",
}
ACTIONS: Final = ("1", "2", "3", "4", "5")
EVENTS: Final = (
    *("Quickview Click", "Add to Cart", "Product Click"),
    *("Promotion Click", "Remove from Cart", "Onsite Click"),
)
STATIC: Final = ("channel", "device")


def splits(folder: Path, cut_s: float, lengths: Sequence[int]) -> Iterator[tuple[int, Split]]:
    """For each k, the visits that began before the cut to learn from, and the later ones to judge."""
    parts = [_period(each.hits, each.sessions) for each in periods(folder)]
    hits = pd.concat([part[0] for part in parts], ignore_index=True)
    visits = pd.concat([part[1] for part in parts])
    static = _static(visits)
    started_s = visits["start_ts"].astype(float)
    bought_at = hits["number"].where(hits["action"] == "6").groupby(hits["visit"]).min().reindex(visits.index)
    moving = _counts(hits)
    for k in lengths:
        reached = hits["number"].to_numpy() == k
        visit = hits["visit"].to_numpy()[reached]
        at_k = bought_at.loc[visit].to_numpy()
        is_open = ~(at_k <= k)
        visit = visit[is_open]
        rows = np.hstack([moving[reached][is_open], static.loc[visit].to_numpy(dtype=np.float32)])
        is_later = started_s.loc[visit].to_numpy() >= cut_s
        everyone = Side(rows, ~np.isnan(at_k[is_open]))
        yield k, Split(at(everyone, ~is_later), at(everyone, is_later))


def _period(hits_file: Path, sessions_file: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    hits, visits = tables.read(hits_file, HITS), tables.read(sessions_file, SESSIONS)
    hits = hits.assign(visit=sessions_file.name + hits["session"], number=hits["hit"].astype(int))
    visits = visits.set_index(sessions_file.name + visits["session"])
    return hits[hits["visit"].isin(visits.index)].sort_values(["visit", "number"], kind="stable"), visits


def _counts(hits: pd.DataFrame) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    """What each hit's visit has done so far."""
    path = hits["page_path"].str.lower().str.partition("?")[0]
    told = {"page": hits["type"] == "P", "event": hits["type"] == "E"}
    told |= {f"action {action}": hits["action"] == action for action in ACTIONS}
    told |= {name: hits["event_action"] == name for name in EVENTS}
    told |= {kind: path.str.fullmatch(pattern) for kind, pattern in PATHS.items()}
    each = pd.DataFrame({name: column.astype(np.float32) for name, column in told.items()})
    each["impressions"] = pd.to_numeric(hits["n_impressions"]).fillna(0).astype(np.float32)
    counts = each.groupby(hits["visit"]).cumsum()
    counts["elapsed_s"] = hits["t_ms"].astype(float) / 1000
    return counts.to_numpy(dtype=np.float32)


def _static(visits: pd.DataFrame) -> pd.DataFrame:
    known = pd.DataFrame(
        {
            "visit_number": pd.to_numeric(visits["visit_number"]),
            "is_new": visits["new_visit"] == "1",
            "is_us": visits["country"] == "United States",
        }
    )
    return known.join(pd.get_dummies(visits[list(STATIC)])).astype(np.float32)
