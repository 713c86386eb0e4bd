"""What a replayed file must leave behind, computed by pandas from the file alone and by none of our code."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

GAP = pd.Timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Expected:
    events: int
    sessions: int
    purchases: int
    revenue: float
    visitors: int


def expected_of_rees46(path: Path) -> Expected:
    """Rows without exact repetitions; every purchase row is a purchase of its price."""
    rows = pd.read_csv(path, dtype={"user_id": str, "user_session": str}).drop_duplicates()
    bought = rows[rows["event_type"] == "purchase"]
    return Expected(
        events=len(rows),
        sessions=_sessions(rows["user_id"], pd.to_datetime(rows["event_time"].str.removesuffix(" UTC"))),
        purchases=len(bought),
        revenue=round(float(bought["price"].sum()), 2),
        visitors=rows["user_id"].nunique(),
    )


def expected_of_google(hits_file: Path, sessions_file: Path, day: date | None = None) -> Expected:
    """Hits of known visits without exact repetitions; a visitor's `transaction_id` is one purchase of its largest amount."""
    hits = pd.read_csv(
        hits_file, dtype={"transaction_id": str, "search_keyword": str, "event_label": str}, low_memory=False
    )
    visits = pd.read_csv(sessions_file, usecols=["session", "visitor", "start_ts", "date"])
    if day is not None:
        visits = visits[visits["date"] == int(f"{day:%Y%m%d}")]
    rows = hits.drop_duplicates().merge(visits, on="session")
    rows["at"] = pd.to_datetime(rows["start_ts"] * 1000 + rows["t_ms"], unit="ms")
    bought = rows[rows["action"] == 6]
    unnamed = bought.index.to_series().map("row {}".format)
    orders = bought.assign(order=bought["transaction_id"].fillna(unnamed)).groupby(["visitor", "order"])
    return Expected(
        events=len(rows),
        sessions=_sessions(rows["visitor"], rows["at"]),
        purchases=orders.ngroups,
        revenue=round(float(orders["transaction_revenue_usd"].max().sum()), 2),
        visitors=rows["visitor"].nunique(),
    )


def _sessions(visitor: "pd.Series[str]", at: "pd.Series[pd.Timestamp]") -> int:
    """Runs of a visitor's events with no pause longer than the gap."""
    rows = pd.DataFrame({"visitor": visitor, "at": at}).sort_values(["visitor", "at"])
    pause = rows.groupby("visitor")["at"].diff()
    return int((pause.isna() | (pause > GAP)).sum())
