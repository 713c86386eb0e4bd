"""How good a likelihood is on a shop's log: trained on its earlier part and judged on its later one, or only judged."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from models.evaluation import GroupRow, PrefixRow, ShareRow, curve_of, groups_of, likelihoods_of, shares_of
from models.registry import fit
from models.serving import Scorer
from models.tables import Table
from models.training import TrainingFailed, train_on_log
from shopstream.event_logs import LOGS, Progress, table_from
from shopstream.failures import CommandFailed
from shopstream.train import SEED, before, midnight, source_of

TRAIN_SHARE: Final = 2 / 3
"""Of the log's visits."""
DAY_S: Final = 86_400
GROUPED_AT: Final = 3


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `shopstream evaluate` tells."""

    format: str
    data: str
    protocol: str
    model_version: str
    trained_until: datetime | None
    """Null where a model was given: it says itself what it has seen."""
    challengers: dict[str, float]
    curve: tuple[PrefixRow, ...]
    curve_of_new_visitors: tuple[PrefixRow, ...]
    """Only visitors without a session in the training time. Empty where a model was given."""
    shares: tuple[ShareRow, ...] = ()
    """After half of each visit, and all of it up to a purchase."""
    groups: tuple[GroupRow, ...] = ()
    """By device and source, after `GROUPED_AT` events."""


def evaluate(
    path: Path,
    format: str,
    model: Path | None = None,
    *,
    until: date | None = None,
    seed: int = SEED,
    progress: Progress = lambda done, total: None,
    tell: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Judge a model, or one trained on the first two thirds of the log's visits, or on those before `until`.

    Raises `ReplayError`, `ModelMismatch`.
    """
    scorer = None if model is None else fit(model)
    table = table_from(path, format, progress)
    if not len(table):
        raise CommandFailed(f"{path} has no event that ingest would take; is --format {format} right?")
    if scorer is not None:
        tell("judging")
        if until is not None:
            table = table.at(table.started_s >= midnight(until).timestamp())
            _require_visits(table, path, until)
            protocol = f"the given model on the visits that began on {until} or later (UTC)"
            return _told(path, format, protocol, scorer, table, None, None)
        return _told(path, format, "the given model on every visit of the data", scorer, table, None, None)
    cut = cut_of(table) if until is None else midnight(until)
    if until is not None:
        _require_visits(table.at(table.started_s >= cut.timestamp()), path, until)
    try:
        artifact = train_on_log(before(table, cut), seed=seed, data=source_of(format), tell=tell)
    except TrainingFailed as few:
        if until is not None:
            raise
        protocol = f"too little to train on ({few}), so the model that ships is judged on every visit of the data"
        return _told(path, format, protocol, Scorer.load(), table, None, None)
    tell("judging")
    learnt, later = table.started_s < cut.timestamp(), table.started_s >= cut.timestamp()
    is_new = ~np.isin(table.visitor, np.unique(table.visitor[learnt]))
    protocol = (
        f"trained on the sessions that began before {cut:%Y-%m-%d %H:%M} UTC, judged on those that began later; "
        "what a returning visitor did earlier is known, as it is live"
    )
    return _told(path, format, protocol, artifact.scorer(), table.at(later), cut, table.at(later & is_new))


def _require_visits(table: Table, path: Path, until: date) -> None:
    if not len(table):
        raise CommandFailed(f"{path} has no visit that began on {until} or later; give an earlier day with --until")


def cut_of(table: Table) -> datetime:
    """When the first two thirds of the visits had begun: the nearest midnight (UTC), where the log has days enough."""
    first = table.started_s[table.length == 1]
    # A log that begins in the middle of its visits may have the first event of none.
    moment = float(np.quantile(first if len(first) else table.started_s, TRAIN_SHARE))
    is_long = float(np.ptp(table.started_s)) > 6 * DAY_S
    return datetime.fromtimestamp(round(moment / DAY_S) * DAY_S if is_long else round(moment), UTC)


def _told(
    path: Path,
    format: str,
    protocol: str,
    scorer: Scorer,
    table: Table,
    cut: datetime | None,
    new: Table | None,
) -> Evaluation:
    lengths = LOGS[format].curve
    likelihood = likelihoods_of(scorer, table)
    return Evaluation(
        format=format,
        data=f"{LOGS[format].name}: {path.name}",
        protocol=f"{protocol}; a visit counts at k when it reached k events and had not bought by then; label: it buys later",
        model_version=scorer.card.model_version,
        trained_until=cut,
        challengers=scorer.card.challengers,
        curve=curve_of(table, likelihood, lengths),
        curve_of_new_visitors=() if new is None else curve_of(new, likelihoods_of(scorer, new), lengths, resamples=50),
        shares=shares_of(table, likelihood),
        groups=groups_of(table, likelihood, GROUPED_AT),
    )
