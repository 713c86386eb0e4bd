"""What the sink stored teaches the same as the events did: `--from postgres`, and `--format own` for a log of the shop's own."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from contracts.codec import ENCODER
from contracts.events import Event
from contracts.features import SessionFeatures
from contracts.topics import EVENTS
from models.examples import examples_of
from models.serving import Scorer
from models.session_features import features_of
from models.tables import Table, table_of
from models.visitor import GAP, Visitor
from producers.shoppers.behaviour import visits
from runtime.recordings import Part, Record, write_recording
from shopstream.__main__ import main
from shopstream.event_logs import POSTGRES, TAUGHT, table_from, visit_of
from shopstream.train import START, simulated_events
from sql.migrate import migrate
from tests.factories import event
from tests.stored import store

VISITS = 600


def taught_by(events: Iterable[Event]) -> Table:
    """What the fold makes of the events, without a store between."""
    return table_of(examples_of(events, visit_of=visit_of, lengths=TAUGHT, with_bots=True)).in_order()


def closed_sessions(events: Iterable[Event]) -> dict[str, SessionFeatures]:
    """The last state of every session."""
    visitors: dict[str, Visitor] = {}
    found: dict[str, SessionFeatures] = {}
    for each in events:
        visitor = visitors.setdefault(each.visitor_id, Visitor(each.visitor_id))
        for session in visitor.observe(each):
            features = features_of(visitor, session, each.message_id)
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
    taught = taught_by(history)
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


def test_a_page_that_uses_our_names_for_other_things_stops_no_training(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(database)
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_DSN", database)
    added = event("add_to_cart", value=20.0, custom={"items": "a dozen"})
    store(database, added, *closed_sessions([added]).values())
    assert table_from(Path(POSTGRES), POSTGRES, workers=1).digest() == taught_by([added]).digest()


def test_a_recording_of_the_topics_is_the_same_log(tmp_path: Path) -> None:
    events = list(simulated_events(100, seed=3))
    records = [
        Record(offset, 0, each.visitor_id.encode(), ENCODER.encode(each), []) for offset, each in enumerate(events)
    ]
    latin = ENCODER.encode(events[0]).replace(b'"visitor_id":"', b'"visitor_id":"\xff')  # Kafka keeps any bytes
    records.append(Record(len(events), 0, None, b"no event", []))
    records.append(Record(len(events) + 1, 0, None, latin, []))
    file = tmp_path / "events.recording"
    write_recording(file, [{EVENTS.name: Part(EVENTS.name, 0, 0, 0, records)}])
    in_order = sorted(events, key=lambda each: (each.visitor_id, each.occurred_at, each.message_id))
    assert table_from(file, "recorded", workers=1).digest() == taught_by(in_order).digest()


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
        (["train", "--out", "{folder}", "--from", "postgres", "--format", "rees46"], "needs no --format"),
        (["train", "--out", "{folder}", "--from", "log.csv"], "needs its --format"),
        (["train", "--out", "{folder}", "--format", "rees46"], "needs --from FILE"),
        (["train", "--out", "{folder}", "--from", "log.csv", "--format", "uci"], "session totals"),
        (["train", "--out", "{folder}", "--from", "postgres", "--visits", "500"], "simulated shoppers"),
        (["train", "--out", "{folder}", "--until", "2026-01-01"], "simulated shoppers have none"),
        (["train", "--out", "{folder}", "--from", "log.csv", "--format", "postgres"], "would not read log.csv"),
        (["train", "--out", "{folder}", "--seed", "4294967296"], "less than or equal to 4294967295"),
        (["evaluate", "--data", "log.jsonl"], "a log needs its --format"),
        (["evaluate", "--data", "log.jsonl", "--format", "postgres"], "would not read log.jsonl"),
        (["evaluate", "--data", "log.csv", "--format", "uci", "--report", "r.html"], "leave out --report"),
        (["evaluate", "--data", "log.csv", "--format", "uci", "--model", "models/default"], "leave out --model"),
        (["evaluate", "--data", "log.csv", "--format", "rees46", "--report", "{folder}/r.html"], "there is no folder"),
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
