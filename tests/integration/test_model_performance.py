"""Progressive validation: each score is judged by what the visitor did afterwards, as scikit-learn and our own evaluation judge."""

from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from models.evaluation import calibration_error
from tests.factories import decision, event, features, outcome
from tests.tables import Tables

SESSIONS = 300


@pytest.fixture
def shop(database: str) -> Iterator[Tables]:
    with Tables(database) as shop:
        yield shop


def told(session_id: str, event_count: int, clock: str, likelihood: float, challenger: float | None = None) -> Any:
    return decision(
        clock,
        session_id=session_id,
        event_count=event_count,
        likelihood=likelihood,
        model_version="old",
        challenger_version=None if challenger is None else "new",
        challenger_likelihood=challenger,
    )


def closed(session_id: str, *, bought: bool = False, clock: str = "12:00", event_count: int = 20) -> msgspec.Struct:
    return outcome(
        clock,
        "12:20",
        session_id=session_id,
        purchase_count=int(bought),
        event_count=event_count,
        visitor_id=session_id,
    )


def purchase(session_id: str, clock: str) -> list[Any]:
    """A purchase that the sink links to its session."""
    return [
        features("12:00", "12:20", session_id=session_id, visitor_id=session_id, event_count=20, purchase_count=1),
        event("purchase", clock, visitor_id=session_id, value=9.0, transaction_id=session_id),
    ]


def test_every_figure_is_that_of_the_offline_evaluation(shop: Tables) -> None:
    chance = Random(5)
    rows = []
    for number in range(SESSIONS):
        # Rounded, so that some are equal.
        likelihood, challenger = round(chance.uniform(0.02, 0.9), 1) + 0.01, round(chance.uniform(0.02, 0.9), 2)
        rows.append((f"s{number}", likelihood, challenger, chance.random() < 0.7 * likelihood + 0.3 * challenger))
    for session_id, likelihood, challenger, bought in rows:
        shop.write(
            told(session_id, 1, "12:00", likelihood, challenger),
            *(purchase(session_id, "12:19") if bought else ()),
            closed(session_id, bought=bought),
        )
    outcomes = np.array([row[3] for row in rows], dtype=np.float64)
    scores = {"champion": np.array([row[1] for row in rows]), "challenger": np.array([row[2] for row in rows])}
    for view in ("model_performance", "model_performance_by_hour"):
        for role, told_then in scores.items():
            (row,) = shop.view(view, where=f"role = '{role}' and prefix = '1'")
            assert row["sessions"] == SESSIONS
            assert row["buyers"] == outcomes.sum()
            assert row["log_loss"] == pytest.approx(log_loss(outcomes, told_then))
            assert row["brier"] == pytest.approx(np.mean((outcomes - told_then) ** 2))
            assert row["auc"] == pytest.approx(roc_auc_score(outcomes, told_then))
            assert row["ece"] == pytest.approx(calibration_error(told_then, outcomes))
    losses = {role: -np.log(np.where(outcomes == 1, each, 1 - each)) for role, each in scores.items()}
    (row,) = shop.view("model_performance", where="role = 'challenger' and prefix = '1'")
    difference = losses["challenger"] - losses["champion"]
    assert row["log_loss_of_champion"] == pytest.approx(losses["champion"].mean())
    assert row["log_loss_difference"] == pytest.approx(difference.mean())
    assert row["log_loss_difference_error"] == pytest.approx(difference.std() / SESSIONS**0.5)


def test_a_prefix_has_the_newest_score_by_then(shop: Tables) -> None:
    shop.write(
        told("s", 1, "12:00", 0.1), told("s", 2, "12:01", 0.2), told("s", 4, "12:02", 0.4), told("s", 7, "12:03", 0.7)
    )
    assert shop.view("score_at_prefix") == []
    shop.write(closed("s"))
    found = {row["prefix"]: row["likelihood"] for row in shop.view("score_at_prefix")}
    assert found == {"1": 0.1, "3": 0.2, "5": 0.4, "last": 0.7}


def test_nothing_said_at_or_after_the_purchase_is_judged(shop: Tables) -> None:
    shop.write(
        told("s", 1, "12:00", 0.1),
        told("s", 3, "12:05", 0.3),
        told("s", 5, "12:10", 0.9),
        *purchase("s", "12:10"),
        closed("s", bought=True),
    )
    found = {row["prefix"]: (row["likelihood"], row["has_bought"]) for row in shop.view("score_at_prefix")}
    assert found == {"1": (0.1, True), "3": (0.3, True), "last": (0.3, True)}


def test_a_model_is_judged_only_by_the_sessions_that_it_scored(shop: Tables) -> None:
    shop.write(
        told("a", 1, "12:00", 0.1), closed("a"), told("b", 1, "12:00", 0.2, challenger=0.3), closed("b"), closed("c")
    )
    found = {row["role"]: row["sessions"] for row in shop.view("model_performance", where="prefix = '1'")}
    assert found == {"champion": 2, "challenger": 1}
    (row,) = shop.view("model_performance", where="prefix = '1' and role = 'challenger'")
    assert row["log_loss_of_champion"] == pytest.approx(-np.log(0.8))
    assert row["auc"] is None


def test_bots_are_not_judged(shop: Tables) -> None:
    """No model learnt from them; they never buy, and would make every likelihood of a person look too high."""
    for session_id, score in (("a", 0.4), ("b", 0.5), ("c", None)):
        shop.write(
            features("12:00", "12:20", session_id=session_id, visitor_id=session_id, bot_score=score),
            told(session_id, 1, "12:00", 0.1),
            closed(session_id),
        )
    assert {row["session_id"] for row in shop.view("score_at_prefix")} == {"a", "c"}
    assert {row["sessions"] for row in shop.view("model_performance")} == {2}
