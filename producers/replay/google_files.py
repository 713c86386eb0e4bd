"""The files of a Google Merchandise Store export: which belong together, and their rows joined."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import pandas as pd

from producers.replay import tables
from producers.replay.items import ReplayError

Row = Mapping[str, str]

HITS: Final = ("session", "hit", "t_ms", "type", "page_path", "action")
SESSIONS: Final = ("session", "visitor", "start_ts")
HIT_PRODUCTS: Final = ("session", "hit", "sku")
CATALOGUE: Final = ("sku",)
KNOWN_AT_START: Final = {
    *SESSIONS,
    *("date", "visit_number", "channel", "source", "medium", "campaign", "referral_path"),
    *("device", "browser", "os", "country"),
}
"""Columns of a session that are no outcome of it."""
LATEST_MS: Final = 60_000_000_000_000
"""Nearly two thousand years on either side of 1970."""
NAME: Final = re.compile(
    r"(?:(.*?)[_.-])??(hits|sessions|hit[_-]products|visit[_-]products|products)(?:[_.-](.*))?\.csv(?:\.gz)?",
    re.IGNORECASE,
)
"""What a file holds, and the words before and after that, which are those of its period."""


@dataclass(frozen=True, slots=True)
class Period:
    """The files of one export."""

    hits: Path
    sessions: Path
    hit_products: Path | None
    catalogue: Path | None


@dataclass(frozen=True, slots=True)
class Visit:
    """One hit with what other files say about it. `at_ms` is milliseconds since 1970, UTC."""

    hit: Row
    at_ms: int
    session: Row
    products: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Export:
    """A period's hits in event-time order, and how many were left out because the sessions file has not their visit."""

    hits: pd.DataFrame
    skipped_count: int
    sessions: Mapping[str, Row]
    products: Mapping[tuple[str, str], Sequence[Row]]
    catalogue: Mapping[str, Row]

    def visits(self) -> Iterator[Visit]:
        columns = list(self.hits.columns[:-1])
        for *values, at_ms in self.hits.itertuples(index=False, name=None):
            hit = dict(zip(columns, values, strict=True))
            session = self.sessions[hit["session"]]
            yield Visit(hit, at_ms, session, self.products.get((hit["session"], hit["hit"]), ()))


def periods(path: Path) -> list[Period]:
    """The exports in a folder, or in those below it where it has none itself, or the one a hits file belongs to.

    Raises `ReplayError` when a part is missing.
    """
    if path.is_dir():
        below = sorted(each for each in path.rglob("*") if each.is_dir())
        found = _periods_in(path) or [period for folder in below for period in _periods_in(folder)]
    else:
        found = _periods_in(path.parent, path)
    if not found:
        raise ReplayError(f"{path} is no ga360_hits_….csv.gz and no folder with one; give the path of either")
    return found


def _periods_in(folder: Path, hits: Path | None = None) -> list[Period]:
    """Those of all hits files in the folder, or of one of them."""
    found = _files_in(folder)
    if found["hits"] and not found["products"]:
        found["products"] = _catalogues_above(folder)
    return [_period(name, each, found) for name, each in found["hits"].items() if hits in (None, each)]


def _files_in(folder: Path) -> dict[str, dict[str, Path]]:
    """By what a file holds, then by the words of its period."""
    found: dict[str, dict[str, Path]] = defaultdict(dict)
    for each in sorted(folder.glob("*")):
        match = NAME.fullmatch(each.name)
        if match:
            words = (match[1] or "").lower().removeprefix("ga360"), (match[3] or "").lower()
            found[match[2].lower().replace("-", "_")]["_".join(filter(None, words))] = each
    return found


def _catalogues_above(folder: Path) -> dict[str, Path]:
    """Those one folder up: periods in folders of their own share a shop's catalogue. What is only named like one is passed over."""
    catalogues = {}
    for name, each in _files_in(folder.resolve().parent)["products"].items():
        with suppress(ReplayError):
            next(tables.chunks(each, CATALOGUE), None)
            catalogues[name] = each
    return catalogues


def _period(name: str, hits: Path, found: Mapping[str, Mapping[str, Path]]) -> Period:
    def beside(kind: str, *, is_shared: bool = False) -> Path | None:
        """The period's own file. One that is alone may be named otherwise, where there is no other period that it may belong to."""
        files = found.get(kind, {})
        is_clear = len(files) == 1 and (is_shared or len(found["hits"]) == 1)
        return files.get(name) or (next(iter(files.values())) if is_clear else None)

    sessions = beside("sessions")
    if sessions is None:
        raise ReplayError(f"{hits} needs ga360_sessions_{name}.csv.gz beside it: it says who came and when")
    return Period(hits, sessions, beside("hit_products"), beside("products", is_shared=True))


def load(period: Period, day: date | None = None, choice: Callable[[str], bool] | None = None) -> Export:
    """Read a period, or one day of it by the shop's own calendar (`date` of the session), or some of its visitors."""
    required = SESSIONS if day is None else (*SESSIONS, "date")
    sessions = tables.read(period.sessions, required)
    everyone = frozenset(sessions["session"])
    if day is not None:
        sessions = sessions[sessions["date"].str.replace("-", "") == f"{day:%Y%m%d}"]
    if choice is not None:
        # Said to be of booleans, as pandas takes what comes of no rows for a choice of columns.
        sessions = sessions[sessions["visitor"].map(choice).astype("bool")]
    sessions = sessions[[column for column in sessions.columns if column in KNOWN_AT_START]]
    starts = dict(zip(sessions["session"], _whole(sessions["start_ts"], period.sessions), strict=True))
    skipped_count = 0

    def chosen(part: pd.DataFrame) -> pd.DataFrame:
        nonlocal skipped_count
        skipped_count += int((~part["session"].isin(everyone)).sum())
        return part[part["session"].isin(starts)]

    hits = tables.read(period.hits, HITS, chosen)
    order = hits[["session"]].assign(
        at_ms=hits["session"].map(starts).astype("int64") * 1000 + _whole(hits["t_ms"], period.hits),
        hit=_whole(hits["hit"], period.hits),
    )
    if (order["at_ms"].abs() > LATEST_MS).any():
        raise ReplayError(
            f"{period.sessions}: column start_ts, or t_ms of {period.hits.name}, holds a time that is in no calendar; "
            "start_ts is seconds since 1970, t_ms milliseconds since that"
        )
    hits = hits.assign(at_ms=order["at_ms"]).loc[order.sort_values(["at_ms", "session", "hit"], kind="stable").index]
    return Export(
        hits=hits,
        skipped_count=skipped_count,
        sessions={row["session"]: row for row in _rows(sessions)},
        products=_products(period.hit_products, starts),
        catalogue={row["sku"]: row for row in _rows(tables.read(period.catalogue, CATALOGUE))}
        if period.catalogue
        else {},
    )


def _products(path: Path | None, starts: Mapping[str, int]) -> dict[tuple[str, str], list[Row]]:
    products: dict[tuple[str, str], list[Row]] = defaultdict(list)
    if path is not None:
        for row in _rows(tables.read(path, HIT_PRODUCTS, lambda part: part[part["session"].isin(starts)])):
            products[row["session"], row["hit"]].append(row)
    return dict(products)


def _rows(table: pd.DataFrame) -> Iterator[Row]:
    columns = list(table.columns)
    for values in table.itertuples(index=False, name=None):
        yield dict(zip(columns, values, strict=True))


def _whole(column: "pd.Series[str]", path: Path) -> "pd.Series[int]":
    try:
        return pd.to_numeric(column).astype("int64")
    except ValueError as error:
        raise ReplayError(f"{path}: column {column.name} holds something that is no whole number ({error})") from error
