"""Training: deterministic, honest about what it saw, small, and refusing what cannot be learnt from."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from models.algorithms import MISSING
from models.artifact import Artifact
from models.card import DataSource
from models.drift import CALENDAR, COUNTED, SCORE
from models.examples import Example
from models.features import NAMES, definition_digest, matrix
from models.golden import golden_sessions
from models.serving import Scorer
from models.tables import table_of
from models.training import TrainingFailed, train, train_on_log


def test_the_same_examples_and_seed_give_the_same_files(examples: list[Example], artifact: Artifact) -> None:
    again = train(examples, seed=artifact.card.forest.seed)
    assert again.onnx == artifact.onnx
    assert again.card == artifact.card


def test_another_seed_gives_another_version(examples: list[Example], artifact: Artifact) -> None:
    assert train(examples, seed=99).card.model_version != artifact.card.model_version


def test_the_card_tells_what_the_model_is(artifact: Artifact, examples: list[Example]) -> None:
    card = artifact.card
    assert card.model_version.startswith("forest-")
    assert card.features == NAMES
    assert card.features_digest == definition_digest()
    assert card.data.examples == len(examples)
    assert card.data.visitors == len({example.visitor_id for example in examples})
    assert card.data.buying_sessions > 0
    assert card.metrics[-1].events == "all"
    assert set(card.personas.centres) == {
        "VIP Loyalist",
        "Research Shopper",
        "Quick Buyer",
        "Browser",
        "Casual Visitor",
    }


def test_it_has_learnt_what_there_was_to_learn(artifact: Artifact) -> None:
    figures = artifact.card.metrics[-1]
    assert figures.auc is not None
    assert figures.auc > 0.65
    assert figures.brier < figures.brier_of_base_rate


def test_the_exported_forest_is_scikit_learns(artifact: Artifact, scorer: Scorer, examples: list[Example]) -> None:
    rows = matrix([example.features for example in examples])
    expected = artifact.forest.predict_proba(np.nan_to_num(rows, nan=MISSING))[:, 1]
    assert np.abs(scorer.raw(rows) - expected).max() < 1e-5


def test_an_artifact_is_small(artifact: Artifact) -> None:
    assert len(artifact.onnx) < 1_000_000


def test_states_after_a_purchase_do_not_teach_the_forest(examples: list[Example], artifact: Artifact) -> None:
    after = [
        Example(
            msgspec.structs.replace(each.features, purchase_count=1, event_count=99),
            number % 4 == 0,
            each.visitor_id,
            each.started_at,
        )
        for number, each in enumerate(examples[:80])
    ]
    with_them = train([*examples, *after], seed=artifact.card.forest.seed)
    assert with_them.onnx == artifact.onnx
    assert with_them.card.likelihood_after_purchase == pytest.approx(21 / 100)


def test_the_data_source_and_its_licence_are_on_the_card(examples: list[Example]) -> None:
    card = train(examples, seed=1, data=DataSource(name="our shop", licence="ours")).card
    assert (card.data.name, card.data.licence) == ("our shop", "ours")
    assert len(card.data.digest) == 32


@pytest.mark.parametrize("count", [0, 30])
def test_too_few_buyers_are_refused_with_what_is_missing(examples: list[Example], count: int) -> None:
    with pytest.raises(TrainingFailed, match=r"nothing can be learnt|needs 20 of both"):
        train(examples[:count], seed=1)


def test_a_log_of_bots_alone_says_that_they_teach_nothing(examples: list[Example]) -> None:
    with pytest.raises(TrainingFailed, match=r"no person's session .* bots teach nothing"):
        train_on_log(table_of([replace(each, is_bot=True) for each in examples[:30]]), seed=1)


def test_a_card_has_what_the_model_is_told_apart_by_later(artifact: Artifact, examples: list[Example]) -> None:
    card = artifact.card
    assert list(card.golden) == [each.likelihood for each in artifact.scorer().score(golden_sessions())]
    bins = {each.name: each for each in card.bins}
    assert bins.keys() == {*NAMES, SCORE} - CALENDAR
    for each in card.bins:
        assert len(each.shares) == len(each.edges) + 2
        assert sum(each.shares) == pytest.approx(1.0, abs=1e-4)
    counted = [
        each.features for each in examples if each.features.event_count in COUNTED and not each.features.purchase_count
    ]
    unknown = sum(each.active_ms is None for each in counted) / len(counted)
    assert bins["active_s"].shares[0] == pytest.approx(unknown, abs=1e-5)
