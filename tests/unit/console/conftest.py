"""A console app without servers behind it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette

from console.app import create_app
from console.board import DecisionBoard
from console.database import Database
from contracts.http import PredictAnswer, PredictedIncentive, PredictedPersona, PredictedPurchase, PredictRequest
from runtime.tokens import DecisionTokens
from tests.factories import at

NOON = at("12:00")
NOBODY = "postgresql://ada:secret@127.0.0.1:9/shop"
MakeApp = Callable[..., Starlette]


@pytest.fixture
def board() -> DecisionBoard:
    return DecisionBoard(opened_at=NOON - timedelta(hours=1))


@pytest.fixture
def tokens() -> DecisionTokens:
    return DecisionTokens("a secret of at least thirty-two characters", ttl_s=600)


@pytest.fixture
def make_app(board: DecisionBoard, tokens: DecisionTokens) -> MakeApp:
    """Makes the app at noon over the fixtures `board` and `tokens`; Postgres is away unless a test says otherwise."""

    def make(**others: Any) -> Starlette:
        parts: dict[str, Any] = {
            "allowed_origins": ("*",),
            "tokens": tokens,
            "board": board,
            "database": Database(NOBODY),
            "predict": None,
            "checks": {"kafka": lambda: None, "postgres": lambda: None},
            "now": lambda: NOON,
        }
        return create_app(**{**parts, **others})

    return make


def predicted(request: PredictRequest, now: Any) -> PredictAnswer:
    """A model that always thinks the same."""
    return PredictAnswer(
        session_id=request.session_id,
        timestamp=now,
        prediction=PredictedPurchase(will_buy=False, confidence=75.0, probability=0.25),
        persona=PredictedPersona(type="Quick Buyer", color="#047857", confidence=0.8, style="Hurried"),
        incentive=PredictedIncentive(type="discount", message="10 % off", discount=10.0, priority="high"),
        because=("cart worth 80.00",),
        model_version="purchase-1",
    )


@pytest.fixture
def predict() -> Callable[[PredictRequest, Any], PredictAnswer]:
    return predicted
