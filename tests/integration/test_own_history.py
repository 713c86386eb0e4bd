"""What the sink stored teaches the same as the events did: `--from postgres`, and `--format own` for a log of the shop's own."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from contracts.events import Event
from contracts.features import SessionFeatures
from models.examples import examples_of
from models.serving import Scorer
from models.session_features import features_of
from models.tables import table_of
from models.visitor import GAP, Visitor
from producers.shoppers.behaviour import visits
from shopstream.__main__ import main
from shopstream.event_logs import POSTGRES, TAUGHT, table_from, visit_of
from shopstream.train import START, simulated_events
from sql.migrate import migrate
from tests.stored import store

VISITS = 600


def closed_sessions(events: Iterable[Event]) -> dict[str, SessionFeatures]:
    """The last state of every session."""
    visitors: dict[str, Visitor] = {}
    found: dict[str, SessionFeatures] = {}
    for event in events:
        visitor = visitors.setdefault(event.visitor_id, Visitor(event.visitor_id))
        for session in visitor.observe(event):
            features = features_of(visitor, session, event.message_id)
            found[features.session_id] = replace(features, closed_at=features.last_seen_at + GAP)
    return found


@pytest.fixture
def history(database: str, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """A shop's events, stored by the sink."""
    migrate(database)
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_DSN", database)
    events = sorted(
        simulated_events(VISITS, seed=1), key=lambda each: (each.visitor_id, each.occurred_at, each.message_id)
    )
    store(database, *events, *closed_sessions(events).values())
    return events


def test_the_history_in_postgres_teaches_what_the_events_taught(history: list[Event]) -> None:
    taught = table_of(examples_of(history, visit_of=visit_of, lengths=TAUGHT)).in_order()
    told: list[tuple[int, int]] = []
    for workers in (1, 2):
        stored = table_from(Path(POSTGRES), POSTGRES, lambda done, total: told.append((done, total)), workers=workers)
        assert stored.digest() == taught.digest()
    assert told[-1] == (len(history), len(history))


def test_a_session_that_may_yet_buy_teaches_nothing(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(database)
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_DSN", database)
    events = list(simulated_events(20, seed=1))
    sessions = closed_sessions(events)
    open_id = min(sessions)
    sessions[open_id] = replace(sessions[open_id], closed_at=None)
    store(database, *events, *sessions.values())
    table = table_from(Path(POSTGRES), POSTGRES, workers=1)
    assert len(set(table.session.tolist())) == len(sessions) - 1


def test_a_model_is_trained_and_judged_on_the_own_history(
    history: list[Event], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    with threadpool_limits(1):
        assert main(["train", "--from", "postgres", "--out", str(model)]) == 0
    card = Scorer.load(model).card
    assert card.data.name == "the shop's own history in Postgres"
    capsys.readouterr()
    assert main(["evaluate", "--data", "postgres", "--model", str(model), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["model_version"] == card.model_version
    assert told["curve"][0]["n"] > VISITS / 2


def test_the_same_shop_as_a_log_of_segment_calls_can_be_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "calls.jsonl").open("w") as log:
        for visit in visits(60, seed=1, start=START, days=1.0):
            log.writelines(json.dumps(item) + "\n" for item in visit.items())
    judge = ["evaluate", "--data", str(tmp_path), "--format", "own", "--model", "models/default", "--json"]
    assert main(judge) == 0
    curve = json.loads(capsys.readouterr().out)["curve"]
    assert curve[0]["k"] == 1
    assert 40 < curve[0]["n"] <= 60


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["train", "--from", "postgres", "--out", "{folder}"], "no Shopstream tables; run `shopstream migrate`"),
        (["train", "--from", "log.jsonl", "--out", "{folder}"], "a log needs both --from FILE and --format"),
        (["evaluate", "--data", "log.jsonl"], "a log needs its --format"),
    ],
)
def test_what_is_missing_is_said(
    command: list[str],
    words: str,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_DSN", database)
    assert main([each.format(folder=tmp_path / "model") for each in command]) in (1, 2)
    assert words in capsys.readouterr().err
