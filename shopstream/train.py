"""Models learnt from simulated shoppers or a shop's log, through the same mapping and fold as live traffic.

`shopstream train --out models/default` makes the model that ships again.
"""

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from contracts.events import Event
from models.card import Card, DataSource
from models.examples import digest_of, examples_of
from models.tables import Table
from models.training import train, train_on_log
from producers.ingest.accept import event_of
from producers.ingest.rejections import Rejection
from producers.ingest.write_keys import HISTORY
from producers.shoppers.behaviour import visits
from shopstream.event_logs import LOGS, Progress, table_from

SEED: Final = 20_260_105
VISITS: Final = 20_000
SAMPLE_VISITS: Final = 200
START: Final = datetime(2026, 1, 5, tzinfo=UTC)
DAYS: Final = 28.0
SIMULATED: Final = DataSource(name="simulated shoppers (producers/shoppers)", licence="MIT, as Shopstream itself")

Advance = Callable[[int], None]
"""Told how many more visits are done."""


def simulated_events(
    visit_count: int, seed: int, advance: Advance = lambda _: None, *, first: int | None = None
) -> Iterator[Event]:
    """Events of simulated visits (or of the `first` of them) as ingest would publish them, event time kept."""
    for visit in islice(visits(visit_count, seed=seed, start=START, days=DAYS), first):
        received_at = visit.started_at + timedelta(seconds=visit.duration_s)
        for item in visit.items():
            event = event_of(item, write_key=HISTORY, received_at=received_at)
            if isinstance(event, Rejection):
                raise ValueError(
                    f"ingest refuses an event of the simulated shoppers: {event.message}; correct producers/shoppers"
                )
            yield event
        advance(1)


def train_default(
    folder: Path,
    *,
    seed: int = SEED,
    visit_count: int = VISITS,
    advance: Advance = lambda _: None,
) -> Card:
    """Train on simulated shoppers and write the model's two files into `folder`; returns its card."""
    data = replace(SIMULATED, sample_digest=sample_digest(visit_count, seed))
    artifact = train(examples_of(simulated_events(visit_count, seed, advance)), seed=seed, data=data)
    artifact.save(folder)
    return artifact.card


def sample_digest(visit_count: int = VISITS, seed: int = SEED) -> str:
    """Digest of the examples of the first visits: changes when the shoppers, ingest's mapping or the fold change."""
    return digest_of(list(examples_of(simulated_events(visit_count, seed, first=SAMPLE_VISITS))))


def train_on(
    path: Path,
    format: str,
    folder: Path,
    *,
    until: date | None = None,
    seed: int = SEED,
    progress: Progress = lambda done, total: None,
    tell: Callable[[str], None] = lambda _: None,
) -> Card:
    """Train on a shop's log, or on the sessions that began before the day `until` (UTC), and write the model into `folder`."""
    return _train(table_from(path, format, progress), source_of(format), folder, until, seed, tell)


def _train(
    table: Table, data: DataSource, folder: Path, until: date | None, seed: int, tell: Callable[[str], None]
) -> Card:
    if until is not None:
        table = before(table, midnight(until))
    artifact = train_on_log(table, seed=seed, data=data, tell=tell)
    artifact.save(folder)
    return artifact.card


def midnight(day: date) -> datetime:
    """When a day begins, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def source_of(format: str) -> DataSource:
    """What the card says of a log's origin."""
    return DataSource(name=LOGS[format].name, licence=LOGS[format].licence)


def before(table: Table, moment: datetime) -> Table:
    """The sessions that began before a moment; they are whole, and nothing of what came after is in them."""
    visits = tuple(visit for visit in table.visits if visit.started_at < moment)
    return dataclasses.replace(table.at(table.started_s < moment.timestamp()), visits=visits)
