"""Public event logs through ingest, the stream processor and the sink: exactly their events, sessions and purchases."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from producers.replay.post import ReplayReport
from producers.replay.run import run
from runtime.settings import KafkaSettings
from tests.replay_files import GOOGLE_HITS, GOOGLE_SESSIONS, real_data, write_google, write_rees46
from tests.replay_oracles import Expected, expected_of_google, expected_of_rees46
from tests.running import Running, running

PATIENCE_S: Final = 150.0
COUNTED: Final = """
select
    (select count(*) from events),
    (select count(*) from sessions),
    (select coalesce(sum(event_count), 0) from sessions),
    (select count(*) from conversions),
    (select coalesce(sum(revenue), 0) from conversions),
    (select coalesce(sum(revenue), 0) from sessions),
    (select count(distinct visitor_id) from events),
    (select count(*) from dead_letter)
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """What is in Postgres."""

    events: float
    sessions: float
    events_of_sessions: float
    purchases: float
    revenue: float
    revenue_of_sessions: float
    visitors: float
    dead_letters: float


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Ingest, process and persist, each as its own process."""

    services: Running

    @property
    def url(self) -> str:
        return self.services.urls["ingest"]

    def stored(self) -> Stored:
        (row,) = self.services.query(COUNTED)
        return Stored(*(round(float(value), 2) for value in row))

    def settled(self, events: int) -> Stored:
        """What is stored once all of `events` are, each in a session; or what is there when patience ends."""
        deadline = time.monotonic() + PATIENCE_S
        while (found := self.stored()) and time.monotonic() < deadline:
            if found.events >= events and found.events_of_sessions == found.events:
                break
            time.sleep(0.25)
        return found


@pytest.fixture
def pipeline(broker: KafkaSettings, database: str, tmp_path: Path) -> Iterator[Pipeline]:
    with running(broker, database, tmp_path, ("persist", "process", "ingest")) as services:
        yield Pipeline(services)


def acknowledged(report: ReplayReport, expected: Expected) -> None:
    """Every distinct event was taken, none refused."""
    assert (report.distinct, report.sent, report.acknowledged, report.rejected) == (expected.events,) * 3 + (0,)


def agrees(found: Stored, *parts: Expected) -> None:
    """Postgres holds what pandas computed from the files, and nothing else."""
    assert found == Stored(
        events=sum(part.events for part in parts),
        sessions=sum(part.sessions for part in parts),
        events_of_sessions=sum(part.events for part in parts),
        purchases=sum(part.purchases for part in parts),
        revenue=round(sum(part.revenue for part in parts), 2),
        revenue_of_sessions=round(sum(part.revenue for part in parts), 2),
        visitors=sum(part.visitors for part in parts),
        dead_letters=0,
    )


def test_made_up_logs_leave_exactly_their_events_however_often_they_are_replayed(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    rees46, google = write_rees46(tmp_path), write_google(tmp_path)
    of_rees46 = expected_of_rees46(rees46)
    of_google = expected_of_google(google / GOOGLE_HITS, google / GOOGLE_SESSIONS)
    for _ in range(2):
        acknowledged(run(rees46, format="rees46", url=pipeline.url), of_rees46)
        acknowledged(run(google, format="google-merchandise", url=pipeline.url), of_google)
        agrees(pipeline.settled(of_rees46.events + of_google.events), of_rees46, of_google)


def test_the_real_rees46_sample_and_a_day_of_the_google_store_leave_what_pandas_computes(pipeline: Pipeline) -> None:
    rees46 = real_data() / "rees46-multi-category" / "events_2019-10-01_0000-0250.csv.gz"
    google, day = real_data() / "google-merchandise-store", date(2016, 8, 2)
    hits = google / "ga360_hits_20160801_20160930.csv.gz"
    sessions = google / "ga360_sessions_20160801_20160930.csv.gz"
    for needed in (rees46, hits, sessions):
        if not needed.exists():
            pytest.skip(f"{needed} is not on this machine; SHOPSTREAM_TEST_DATA names the folder it is looked for in")
    of_rees46, of_google = expected_of_rees46(rees46), expected_of_google(hits, sessions, day)
    acknowledged(run(rees46, format="rees46", url=pipeline.url), of_rees46)
    acknowledged(run(google, format="google-merchandise", url=pipeline.url, day=day), of_google)
    agrees(pipeline.settled(of_rees46.events + of_google.events), of_rees46, of_google)
