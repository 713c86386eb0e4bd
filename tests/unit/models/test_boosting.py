"""Boosted trees: exported with their credits, chosen when they are better, calibrated on visitors of the whole time."""

import dataclasses

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from models.algorithms import BOOSTING, FOREST, MISSING, Algorithm, Shape
from models.artifact import Artifact
from models.examples import Example
from models.features import matrix
from models.forest import base_of
from models.serving import Scorer
from models.tables import Table, joined, table_of
from models.training import CALIBRATION_PARTS, train_on_log

QUICK: dict[Algorithm, Shape] = {
    "boosting": Shape(40, 8, 30, 0.5),
    "forest": Shape(10, 32, 20, 0.3),
}


@pytest.fixture(scope="module")
def table(examples: list[Example]) -> Table:
    return table_of(examples)


@pytest.fixture(scope="module")
def learnt(table: Table) -> Artifact:
    return train_on_log(table, seed=3, algorithms={"boosting": QUICK["boosting"]})


def test_the_export_is_scikit_learns_margin(learnt: Artifact, examples: list[Example]) -> None:
    assert isinstance(learnt.forest, HistGradientBoostingClassifier)
    rows = matrix([example.features for example in examples])
    expected = learnt.forest.decision_function(np.nan_to_num(rows, nan=MISSING))
    assert np.abs(learnt.scorer().raw(rows) - expected).max() < 1e-5


def test_base_and_credits_add_up_to_the_margin(learnt: Artifact, examples: list[Example]) -> None:
    rows = matrix([example.features for example in examples[:300]])
    output = learnt.scorer()._outputs(rows)
    assert np.abs(base_of(learnt.forest) + output[:, 1:].sum(axis=1) - output[:, 0]).max() < 1e-4


def test_the_least_log_loss_on_later_visitors_is_chosen_and_all_are_told(table: Table) -> None:
    card = train_on_log(table, seed=3, algorithms=QUICK).card
    assert set(card.challengers) == {*QUICK, "logistic"}
    assert card.challengers[card.forest.algorithm] == min(card.challengers["boosting"], card.challengers["forest"])
    assert card.model_version.startswith(card.forest.algorithm)
    assert card.is_refitted


def test_the_same_log_and_seed_give_the_same_files(table: Table, learnt: Artifact) -> None:
    again = train_on_log(table, seed=3, algorithms={"boosting": QUICK["boosting"]})
    assert (again.onnx, again.card) == (learnt.onnx, learnt.card)


def test_what_it_promises_happens(learnt: Artifact, table: Table) -> None:
    assert learnt.scorer().likelihoods(table.rows).mean() == pytest.approx(table.buys_later.mean(), abs=0.02)


def test_a_shop_whose_visits_all_end_early_gets_the_personas_that_ship(examples: list[Example]) -> None:
    short = table_of(example for example in examples if example.features.event_count < 8)
    assert short.visits == ()
    card = train_on_log(short, seed=3, algorithms={"boosting": QUICK["boosting"]}).card
    assert card.personas == Scorer.load().card.personas


def test_five_visitors_are_calibrated_although_none_is_in_one_of_the_three_parts(examples: list[Example]) -> None:
    few = table_of(
        dataclasses.replace(example, visitor_id=f"2v{number * 5 // len(examples)}")
        for number, example in enumerate(examples)
    )
    assert set((few.visitor % np.uint64(CALIBRATION_PARTS)).tolist()) == {1, 2}
    artifact = train_on_log(few, seed=3, algorithms={"boosting": QUICK["boosting"]})
    assert len(set(artifact.scorer().likelihoods(few.rows).tolist())) > 10


def test_a_table_does_not_depend_on_who_gathered_it(examples: list[Example]) -> None:
    whole = table_of(examples).in_order()
    parts = joined([table_of(examples[1::2]), table_of(examples[0::2])]).in_order()
    assert whole.digest() == parts.digest()
    assert whole.visits == parts.visits


def test_the_shapes_that_are_used_are_small_enough_to_serve() -> None:
    assert BOOSTING.trees * BOOSTING.max_leaves < 5_000
    assert FOREST.trees * FOREST.max_leaves < 25_000
