"""`/api/predict`: five numbers are enough, the rest is unknown, and an impossible number is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.http import PredictAnswer, PredictRequest
from models.personas import PROTOTYPES
from models.policy import Policy
from models.predict import COLOURS, PredictRefused, predict
from models.serving import Scorer
from tests.factories import at

NOW = at("12:00")


def answer(scorer: Scorer, policy: Policy, **fields: Any) -> PredictAnswer:
    values: dict[str, Any] = {
        "session_id": "s1",
        "time_on_site": 240.0,
        "pages_visited": 6,
        "cart_value": 0.0,
        "previous_purchases": 0,
        "device_type": "desktop",
    }
    return predict(PredictRequest(**{**values, **fields}), scorer, policy, now=NOW)


def test_the_answer_has_all_that_the_earlier_system_gave(scorer: Scorer, policy: Policy) -> None:
    given_back = answer(scorer, policy, cart_value=60.0)
    assert given_back.session_id == "s1"
    assert given_back.timestamp == NOW
    assert given_back.prediction.will_buy == (given_back.prediction.probability >= 0.5)
    assert given_back.prediction.confidence >= 50
    assert given_back.persona.color == COLOURS[given_back.persona.type]  # type: ignore[index]
    assert given_back.because
    assert given_back.model_version == scorer.card.model_version


def test_every_persona_has_a_colour() -> None:
    assert set(COLOURS) == set(PROTOTYPES)
    assert len(set(COLOURS.values())) == 5


def test_a_cart_raises_the_probability(scorer: Scorer, policy: Policy) -> None:
    empty, full = answer(scorer, policy), answer(scorer, policy, cart_value=120.0)
    assert full.prediction.probability > empty.prediction.probability


def test_a_full_cart_gets_an_incentive_with_message_discount_and_priority(scorer: Scorer, policy: Policy) -> None:
    text = (
        'name="p"\n[holdout]\nshare=1\nsalt="s"\n[[rule]]\nname="d"\naction="discount"\ndiscount=10\nmessage="10 %"\n'
    )
    ours = Policy.of_text(text + 'because="b"\nwhen = { cart_value = { at_least = 50 } }\n')
    incentive = answer(scorer, ours, cart_value=60.0).incentive
    assert incentive is not None, "an answer is no experiment: the holdout is for visitors"
    assert (incentive.type, incentive.message, incentive.discount, incentive.priority) == (
        "discount",
        "10 %",
        10.0,
        "medium",
    )
    assert answer(scorer, ours).incentive is None


def test_no_rule_fits_because_of_what_was_not_asked(scorer: Scorer) -> None:
    text = 'name="p"\n[holdout]\nshare=0\nsalt="s"\n[[rule]]\nname="d"\naction="tutorial"\nmessage="m"\nbecause="b"\n'
    ours = Policy.of_text(text + "when = { product_view_count = { below = 1 } }\n")
    assert answer(scorer, ours).incentive is None


def test_the_first_page_is_answered(scorer: Scorer, policy: Policy) -> None:
    given_back = answer(scorer, policy, time_on_site=0.0, pages_visited=0, device_type="unknown")
    assert given_back.persona.type == "Casual Visitor"
    assert given_back.incentive is None


@pytest.mark.parametrize(
    "fields", [{"time_on_site": -1.0}, {"pages_visited": -1}, {"cart_value": 1e300}, {"previous_purchases": 10**5000}]
)
def test_an_impossible_number_is_refused_by_name(scorer: Scorer, policy: Policy, fields: dict[str, Any]) -> None:
    with pytest.raises(PredictRefused, match=next(iter(fields))):
        answer(scorer, policy, **fields)


@given(
    time_on_site=st.floats(0, 1e9),
    pages_visited=st.integers(0, 10**9),
    cart_value=st.floats(0, 1e9),
    previous_purchases=st.integers(0, 10**9),
    device_type=st.sampled_from(["desktop", "mobile", "tablet", "unknown"]),
)
def test_whatever_is_asked_the_answer_is_a_probability(scorer: Scorer, policy: Policy, **fields: Any) -> None:
    prediction = answer(scorer, policy, **fields).prediction
    assert 0 <= prediction.probability <= 1
    assert 50 <= prediction.confidence <= 100
