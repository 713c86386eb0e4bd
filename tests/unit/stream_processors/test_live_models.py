"""Live models: the champion's scores with the challenger's beside them, whatever the challenger does, and drift on gauges."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY

from models.drift import COUNTED, bins_of
from models.examples import Example
from models.features import matrix
from models.registry import Registry
from models.serving import Scorer
from runtime.settings import ProcessSettings
from stream_processors.live_models import LiveModels, live_models
from tests.factories import DAY, features
from tests.models import model_in
from tests.unit.models.conftest import made_up_examples

SESSIONS = [
    features(session_id=f"s{number}", event_count=number + 1, purchase_count=int(number == 4)) for number in range(6)
]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    found = Registry(tmp_path / "registry")
    found.add(model_in(tmp_path / "a", "calm-1", likelihood=0.11))
    return found


def following(registry: Registry) -> LiveModels:
    return live_models(ProcessSettings(registry_dir=str(registry.folder)))


def is_counted_length(example: Example) -> bool:
    return example.features.event_count in COUNTED


def gauge(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_alone_the_scores_are_the_champions_own(registry: Registry) -> None:
    assert following(registry).score(SESSIONS) == Scorer.load().score(SESSIONS)


def test_a_challengers_scores_are_those_that_it_would_give_as_champion(registry: Registry) -> None:
    registry.promote("calm-1", by="ada", at=DAY)
    registry.shadow("default", by="ada", at=DAY)
    alone = Scorer.load().score(SESSIONS)
    found = following(registry).score(SESSIONS)
    assert [each.likelihood for each in found] == [0.11] * len(SESSIONS)
    assert [each.challenger_likelihood for each in found] == [each.likelihood for each in alone]
    assert {each.challenger_version for each in found} == {alone[0].model_version}


def test_a_challenger_that_fails_takes_nothing_with_it(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.shadow("calm-1", by="ada", at=DAY)
    models = following(registry)
    before = gauge("process_shadow_failures_total") or 0.0

    def fails(*_: Any) -> list[float]:
        raise RuntimeError("no")

    monkeypatch.setattr(Scorer, "live_likelihoods", fails)
    assert models.score(SESSIONS) == Scorer.load().score(SESSIONS)
    assert gauge("process_shadow_failures_total") == before + 1


def test_the_models_in_force_are_told_with_their_digests(registry: Registry) -> None:
    models = following(registry)
    registry.promote("calm-1", by="ada", at=DAY)
    models.look()
    digest = Scorer.load().card.onnx_digest
    assert gauge("process_model_info", role="champion", version="calm-1", digest=digest) == 1
    shipped = Scorer.load().card.model_version
    assert gauge("process_model_info", role="champion", version=shipped, digest=digest) is None
    assert gauge("process_models_refused") == 0


def test_drift_is_told_of_states_that_training_would_have_counted(registry: Registry, tmp_path: Path) -> None:
    shoppers = [example.features for example in made_up_examples(2_000, seed=11) if is_counted_length(example)]
    rows = matrix(shoppers)
    registry.add(model_in(tmp_path / "b", "b-2", bins=bins_of(rows, Scorer.load().likelihoods(rows))))
    registry.promote("b-2", by="ada", at=DAY)
    models = following(registry)
    now = datetime.now(UTC)
    bought = [msgspec.structs.replace(each, purchase_count=1, cart_value=900.0) for each in shoppers]
    # A log's training has no examples after seven events: live states of that length have nothing to be measured against.
    others = [msgspec.structs.replace(each, event_count=7, cart_value=900.0) for each in shoppers]
    programs = [msgspec.structs.replace(each, bot_score=1.0, cart_value=900.0) for each in shoppers]
    for start in range(0, len(shoppers), 100):
        some = slice(start, start + 50)
        models.score(shoppers[start : start + 100] + bought[some] + others[some] + programs[some])
    models.tell_drift(now)
    assert (gauge("process_feature_psi", feature="cart_value") or 0) < 0.01
    assert (gauge("process_feature_psi", feature="likelihood") or 0) < 0.01

    richer = [msgspec.structs.replace(each, cart_value=each.cart_value + 500.0) for each in shoppers]
    for start in range(0, len(richer), 200):
        models.score(richer[start : start + 200])
    models.tell_drift(now)
    assert (gauge("process_feature_psi", feature="cart_value") or 0) > 0.25
    assert (gauge("process_feature_ks", feature="cart_value") or 0) > 0.3
    models.tell_drift(now + timedelta(hours=2))
    assert gauge("process_feature_psi", feature="cart_value") is None
