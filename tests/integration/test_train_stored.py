"""A model learnt from the pipeline's own events: those in Postgres, and those of a recording."""

from itertools import groupby
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from contracts.codec import ENCODER
from contracts.events import Event
from contracts.topics import EVENTS
from models.examples import examples_of
from models.serving import Scorer
from models.tables import Table, table_of
from runtime.recordings import Part, Record, write_recording
from shopstream.__main__ import main
from shopstream.event_logs import TAUGHT, table_from
from shopstream.stored_events import table_of_stored
from shopstream.train import simulated_events
from tests.factories import event
from tests.tables import Tables

VISITS = 1_500


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return list(simulated_events(VISITS, seed=3))


@pytest.fixture(scope="module")
def expected(events: list[Event]) -> Table:
    """What the fold makes of the same events, without a store between."""
    in_order = sorted(events, key=lambda each: (each.visitor_id, each.occurred_at, each.message_id))
    stories = groupby(in_order, key=lambda each: each.visitor_id)
    return table_of(
        example for _, story in stories for example in examples_of(story, lengths=TAUGHT, with_bots=True)
    ).in_order()


def test_stored_events_are_the_examples_that_the_stream_folded(
    database: str, events: list[Event], expected: Table
) -> None:
    told: list[tuple[int, int]] = []
    with Tables(database) as shop:
        shop.write(*events)
        shop.write(*events[:100])
    table = table_of_stored(database, lambda done, total: told.append((done, total)))
    assert table.digest() == expected.digest()
    assert told[-1] == (len(events), len(events))


def test_a_page_that_uses_our_names_for_other_things_stops_no_training(database: str) -> None:
    with Tables(database) as shop:
        shop.write(event("add_to_cart", value=20.0, custom={"items": "a dozen"}))
    table = table_of_stored(database)
    assert table.length.tolist() == [1]


def test_a_recording_is_the_same_log(tmp_path: Path, events: list[Event], expected: Table) -> None:
    records = [
        Record(offset, 0, each.visitor_id.encode(), ENCODER.encode(each), []) for offset, each in enumerate(events)
    ]
    records.append(Record(len(events), 0, None, b"no event", []))
    file = tmp_path / "events.recording"
    write_recording(file, [{EVENTS.name: Part(EVENTS.name, 0, 0, 0, records)}])
    assert table_from(file, "own", workers=1).digest() == expected.digest()


@pytest.mark.timeout(600)
def test_train_from_postgres_writes_a_model_that_is_served(
    database: str,
    events: list[Event],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_DSN", database)
    with Tables(database):
        pass
    assert main(["train", "--from", "postgres", "--out", str(tmp_path)]) == 1
    assert "no events yet" in capsys.readouterr().err
    with Tables(database) as shop:
        shop.write(*events)
    with threadpool_limits(1):
        assert main(["train", "--from", "postgres", "--out", str(tmp_path)]) == 0
    card = Scorer.load(tmp_path).card
    assert card.data.name == "this shop's events in Postgres"
    assert {"boosting", "forest", "logistic"} == set(card.challengers)
    assert card.model_version in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "postgres", "--format", "rees46"], "needs no --format"),
        (["--from", "log.csv"], "needs its --format"),
        (["--format", "rees46"], "needs --from FILE"),
        (["--from", "log.csv", "--format", "uci"], "session totals"),
        (["--from", "postgres", "--visits", "500"], "simulated shoppers"),
        (["--until", "2026-01-01"], "simulated shoppers have none"),
    ],
)
def test_what_does_not_fit_together_is_said(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--out", str(tmp_path), *arguments]) == 2
    assert said in capsys.readouterr().err
