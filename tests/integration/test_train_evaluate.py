"""A model learnt from one period's files judges another period's, by the two commands that a person would type."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models.serving import DEFAULT_FOLDER, Scorer
from shopstream.__main__ import main
from tests.models import model_in
from tests.replay_files import write_google

VISITS = 400
FIGURES = {"k", "n", "base_rate", "auc", "pr_auc", "lift", "brier", "ece"}


def google(folder: Path, first: datetime, seed: int) -> Path:
    """Visits a few minutes apart; of those who open the basket, most go on to buy."""
    random = Random(seed)
    sessions = "session,visitor,visit_number,start_ts,date,channel,source,medium,device,os,country\n"
    hits = "session,hit,t_ms,type,page_path,action,step,transaction_id,transaction_revenue_usd\n"
    for number in range(VISITS):
        start = int(first.timestamp()) + 1_000 * number
        device = random.choice(["desktop", "mobile"])
        sessions += (
            f"{number},{seed}{number},1,{start},{first:%Y%m%d},Referral,a.example,referral,{device},Windows,Canada\n"
        )
        opens = random.random() < 0.4
        paths = [
            "/home",
            "/google+redesign/bags",
            *(["/basket.html"] if opens else ["/google+redesign/drinkware"]),
            "/home",
        ]
        for hit, path in enumerate(paths, 1):
            hits += f"{number},{hit},{hit * 9_000},P,{path},0,1,,\n"
        if random.random() < (0.7 if opens else 0.05):
            hits += f"{number},5,60000,P,/ordercompleted.html,6,1,ORD{seed}-{number},20.00\n"
    folder.mkdir()
    return write_google(folder, f"{first:%Y%m}", hits=hits, sessions=sessions, hit_products="session,hit,sku\n")


@pytest.mark.timeout(600)
def test_a_model_of_one_period_judges_the_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    format = "google-merchandise"
    known = google(tmp_path / "known", datetime(2016, 8, 1, tzinfo=UTC), 1)
    withheld = google(tmp_path / "withheld", datetime(2016, 10, 1, tzinfo=UTC), 2)
    model, page = tmp_path / "model", tmp_path / "report.html"
    # On a busy machine, threads that wait for each other at every split of a small tree cost more than all the rest.
    with threadpool_limits(1):
        assert main(["train", "--from", str(known), "--format", format, "--out", str(model)]) == 0
    version = Scorer.load(model).card.model_version
    said = capsys.readouterr()
    assert version in said.out
    judge = ["evaluate", "--data", str(withheld), "--format", format, "--model", str(model)]
    assert main([*judge, "--json", "--report", str(page)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["model_version"] == version
    curve = {row["k"]: row for row in told["curve"]}
    assert all(set(row) >= FIGURES for row in curve.values())
    assert curve[1]["n"] == VISITS
    assert curve[3]["auc"] > 0.75, "by the third page whoever goes on to buy is known"
    assert curve[3]["pr_auc"] > 2 * curve[3]["base_rate"]
    assert curve[3]["ece"] < 0.1
    assert page.read_text().count("<svg") == 4


def test_the_model_that_is_served_is_judged_when_no_other_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = google(tmp_path / "log", datetime(2016, 8, 1, tzinfo=UTC), 1)
    monkeypatch.setenv("SHOPSTREAM_PROCESS_MODEL_DIR", str(DEFAULT_FOLDER))
    assert main(["evaluate", "--data", str(data), "--format", "google-merchandise", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model_version"] == Scorer.load().card.model_version


def test_a_damaged_model_is_refused_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = google(tmp_path / "log", datetime(2016, 8, 1, tzinfo=UTC), 1)
    card = Scorer.load().card
    halved = msgspec.structs.replace(card.calibration, raw=card.calibration.raw[::2])
    model = model_in(tmp_path / "model", "halved-1", calibration=halved)
    assert main(["evaluate", "--data", str(log), "--format", "google-merchandise", "--model", str(model)]) == 2
    assert "fails when it is tried" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("hits", "words"),
    [
        ("", "has no event that ingest would take"),
        ("1,1,0,P,/home,0\n", "nobody bought later"),
        ("1,2,0,P,/home,0\n1,3,900,P,/home,0\n", "nobody bought later"),
        ("1,1,0,P,/ordercompleted.html,6\n", "No visit of this log can be judged"),
    ],
    ids=["no hit", "one hit", "no first hit", "one purchase"],
)
def test_a_log_of_hardly_anything_gets_an_answer(
    hits: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_google(
        tmp_path,
        hits="session,hit,t_ms,type,page_path,action\n" + hits,
        sessions="session,visitor,start_ts\n" + ("1,7,1470034800\n" if hits else ""),
        hit_products="session,hit,sku\n",
    )
    page = tmp_path / "report.html"
    command = ["evaluate", "--data", str(folder), "--format", "google-merchandise", "--report", str(page)]
    assert main(command) == (0 if hits else 1)
    told = capsys.readouterr()
    assert words in told.out + told.err
    assert page.exists() == bool(hits)


def test_a_log_of_the_same_visit_again_and_again_teaches_a_model(tmp_path: Path) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    with (tmp_path / "log.jsonl").open("w") as log:
        for number in range(400):
            for place in range(10 + (number % 4 == 0)):
                call = {"type": "track", "event": "Order Completed"} if place == 10 else {"type": "page"}
                moment = start + timedelta(minutes=number, seconds=10 * place)
                ids = {"messageId": f"{number}-{place}", "anonymousId": f"v{number}"}
                log.write(json.dumps({**call, **ids, "timestamp": moment.isoformat()}) + "\n")
    with threadpool_limits(1):
        assert main(["train", "--from", str(tmp_path), "--format", "own", "--out", str(tmp_path / "model")]) == 0
    assert Scorer.load(tmp_path / "model").card.personas == Scorer.load().card.personas


def test_names_in_brackets_are_told_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, page = tmp_path / "log [old].jsonl", tmp_path / "report [old].html"
    log.write_text('{"type": "page", "anonymousId": "ada", "timestamp": "2026-03-01T12:00:00Z"}\n')
    assert main(["evaluate", "--data", str(log), "--format", "own", "--report", str(page)]) == 0
    told = capsys.readouterr().out
    assert log.name in told
    assert str(page) in told


def test_a_registry_that_cannot_be_is_said_before_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "registry").write_text("no folder")
    monkeypatch.setenv("SHOPSTREAM_PROCESS_REGISTRY_DIR", str(tmp_path / "registry"))
    assert main(["train", "--from", str(tmp_path / "no log"), "--format", "own"]) == 1
    assert "cannot be a registry" in capsys.readouterr().err
