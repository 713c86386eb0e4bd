"""One suite that every model passes, whichever way its trees grew, and the one that ships: what serving relies on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest

from contracts.features import SessionFeatures
from models.algorithms import MISSING, Algorithm, Shape, raw_of
from models.artifact import Artifact
from models.card import CARD_FILE, MODEL_FILE
from models.examples import Example
from models.features import NAMES, Row, matrix
from models.serving import DEFAULT_FOLDER, ModelMismatch, Scorer
from models.tables import table_of
from models.training import CHALLENGERS, train, train_on_log
from tests.factories import features

MAX_BYTES = 5_000_000
LARGEST_DIFFERENCE = 1e-5
SHAPES: Mapping[str, Shape] = {"boosting": Shape(40, 8, 30, 0.5), "forest": Shape(12, 32, 20, 0.3)}
KINDS = ("boosting", "forest", "small forest", "shipped")
TRAINED = KINDS[:3]


@dataclass(frozen=True, slots=True)
class Model:
    """A model as files; `artifact` is None where scikit-learn's own is not at hand."""

    folder: Path
    scorer: Scorer
    artifact: Artifact | None


def learnt(kind: str, examples: list[Example]) -> Artifact:
    if kind == "small forest":
        return train(examples, seed=3)
    algorithm: Algorithm = "boosting" if kind == "boosting" else "forest"
    return train_on_log(table_of(examples), seed=3, algorithms={algorithm: SHAPES[kind]})


@pytest.fixture(scope="module")
def models(examples: list[Example], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    made = {"shipped": Model(DEFAULT_FOLDER, Scorer.load(), None)}
    for kind in TRAINED:
        artifact = learnt(kind, examples)
        folder = tmp_path_factory.mktemp("model")
        artifact.save(folder)
        made[kind] = Model(folder, Scorer.load(folder), artifact)
    return made


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest, models: dict[str, Model]) -> Model:
    return models[request.param]


def rows_of(sessions: list[SessionFeatures]) -> Row:
    return matrix(sessions)


def test_every_algorithm_that_can_be_chosen_is_in_this_suite() -> None:
    assert set(CHALLENGERS) == set(SHAPES)


def test_it_wants_the_features_in_the_order_they_are_made(model: Model, tmp_path: Path) -> None:
    assert model.scorer.card.features == NAMES
    turned = msgspec.structs.replace(model.scorer.card, features=NAMES[::-1], features_digest="other")
    (tmp_path / MODEL_FILE).write_bytes((model.folder / MODEL_FILE).read_bytes())
    (tmp_path / CARD_FILE).write_bytes(msgspec.json.encode(turned))
    with pytest.raises(ModelMismatch, match="in another order"):
        Scorer.load(tmp_path)


@pytest.mark.parametrize("kind", TRAINED)
def test_the_same_examples_and_seed_give_the_same_bytes(
    kind: str, models: dict[str, Model], examples: list[Example], tmp_path: Path
) -> None:
    learnt(kind, examples).save(tmp_path)
    for name in (MODEL_FILE, CARD_FILE):
        assert (tmp_path / name).read_bytes() == (models[kind].folder / name).read_bytes()


def test_a_likelihood_is_a_probability_never_0_and_never_1(model: Model, sessions: list[SessionFeatures]) -> None:
    likelihoods = model.scorer.likelihoods(rows_of(sessions))
    assert likelihoods.min() > 0
    assert likelihoods.max() < 1
    assert len(set(likelihoods.tolist())) > 10


@pytest.mark.parametrize("value", [np.nan, 0.0, 1e30, -1e30])
def test_whatever_the_numbers_are_a_probability_comes_out(model: Model, value: float) -> None:
    rows = np.full((1, len(NAMES)), value, dtype=np.float32)
    assert 0 < model.scorer.likelihoods(rows)[0] < 1


def test_an_unknown_value_is_not_a_zero(model: Model, sessions: list[SessionFeatures]) -> None:
    rows = rows_of(sessions)
    unknown, zero = rows.copy(), rows.copy()
    column = NAMES.index("active_s")
    unknown[:, column], zero[:, column] = np.nan, 0.0
    filled = np.where(np.isnan(rows), np.float32(MISSING), rows)
    assert np.array_equal(model.scorer.raw(rows), model.scorer.raw(filled)), "unknown is the value it was trained with"
    assert model.scorer.raw(unknown).shape == model.scorer.raw(zero).shape


def test_a_session_scores_the_same_alone_and_among_others(model: Model, sessions: list[SessionFeatures]) -> None:
    together = model.scorer.score(sessions[:200])
    assert [model.scorer.score([each])[0] for each in sessions[:200]] == together


@pytest.mark.parametrize("kind", TRAINED)
def test_the_files_say_what_scikit_learn_says(
    kind: str, models: dict[str, Model], sessions: list[SessionFeatures]
) -> None:
    model = models[kind]
    assert model.artifact is not None
    rows = rows_of(sessions)
    expected = raw_of(model.artifact.forest, np.where(np.isnan(rows), np.float32(MISSING), rows))
    assert np.abs(model.scorer.raw(rows) - expected).max() < LARGEST_DIFFERENCE


def test_it_is_small(model: Model) -> None:
    assert sum(file.stat().st_size for file in model.folder.iterdir()) < MAX_BYTES


def test_the_largest_trees_that_training_may_grow_stay_small() -> None:
    # A leaf has its output and the credits of at most the reasons on its path: some 200 bytes with its node.
    for shape in CHALLENGERS.values():
        assert shape.trees * shape.max_leaves * 200 < MAX_BYTES


def test_adding_to_the_cart_does_not_lower_the_score_of_an_otherwise_equal_session(
    model: Model, sessions: list[SessionFeatures]
) -> None:
    rows = rows_of(sessions)
    fuller = rows.copy()
    for name, more in (("add_to_cart_count", 1), ("cart_item_count", 1), ("cart_value", 25.0)):
        fuller[:, NAMES.index(name)] += more
    change = model.scorer.likelihoods(fuller) - model.scorer.likelihoods(rows)
    assert change.min() >= -1e-6, "trees are told that these may only raise it"
    assert change.mean() > 0


def test_a_step_into_the_checkout_does_not_lower_it_either(model: Model, sessions: list[SessionFeatures]) -> None:
    rows = rows_of(sessions)
    further = rows.copy()
    further[:, NAMES.index("checkout_step_count")] += 1
    assert (model.scorer.likelihoods(further) - model.scorer.likelihoods(rows)).min() >= -1e-6


def test_a_visit_of_one_event_gets_a_score_with_reasons(model: Model) -> None:
    score = model.scorer.score([features("12:00")])[0]
    assert 0 < score.likelihood < 1
    assert score.because
    assert score.model_version == model.scorer.card.model_version
