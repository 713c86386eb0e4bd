"""Metrics: a promise kept costs nothing, and each prefix length stands for itself."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from models.metrics import expected_calibration_error, metrics_of, precision_in_any_order, prefix_curve


def test_without_ties_pr_auc_is_scikit_learns() -> None:
    random = np.random.default_rng(4)
    probability, bought = random.uniform(size=500), (random.uniform(size=500) < 0.2).astype(float)
    assert precision_in_any_order(probability, bought) == pytest.approx(average_precision_score(bought, probability))


def test_with_ties_pr_auc_is_the_mean_over_the_orders_of_the_equal() -> None:
    random = np.random.default_rng(5)
    probability = random.integers(0, 4, 200) / 4
    bought = (random.uniform(size=200) < 0.1 + probability / 2).astype(float)
    in_any_order = [
        average_precision_score(bought, probability + 1e-6 * random.uniform(size=200)) for _ in range(2_000)
    ]
    assert precision_in_any_order(probability, bought) == pytest.approx(np.mean(in_any_order), abs=0.002)
    assert precision_in_any_order(np.full(200, 0.5), bought) == pytest.approx(bought.mean(), abs=0.02)


def test_who_promises_what_happens_has_no_calibration_error() -> None:
    bought = np.array([0.0, 1.0] * 500)
    assert expected_calibration_error(np.full(1_000, 0.5), bought) < 0.02


def test_who_always_promises_too_much_is_off_by_as_much() -> None:
    assert expected_calibration_error(np.full(100, 0.9), np.zeros(100)) == pytest.approx(0.9)


def test_a_perfect_ranking_has_an_auc_of_one() -> None:
    figures = metrics_of("3", np.array([0.1, 0.2, 0.8, 0.9]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert (figures.auc, figures.pr_auc, figures.base_rate, figures.sessions) == (1.0, 1.0, 0.5, 4)


def test_without_a_buyer_there_is_no_ranking_to_judge() -> None:
    figures = metrics_of("3", np.array([0.1, 0.2]), np.zeros(2))
    assert figures.auc is None
    assert figures.pr_auc is None


def test_the_curve_has_a_row_for_each_length_that_occurs_and_one_for_all() -> None:
    curve = prefix_curve(np.array([0.1, 0.9, 0.2, 0.8]), np.array([0.0, 1.0, 0.0, 1.0]), [1, 1, 3, 7])
    assert [(row.events, row.sessions) for row in curve] == [("1", 2), ("3", 1), ("all", 4)]
