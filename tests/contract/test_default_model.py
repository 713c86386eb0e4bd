"""The model and the policy that ship: served by this version, small, and sensible in what they say."""

from typing import Any

import pytest

from models.card import MODEL_FILE
from models.features import NAMES, definition_digest
from models.knowledge import EARLIER_SYSTEM
from models.policy import Policy
from models.serving import DEFAULT_FOLDER, Scorer, Scores
from shopstream.train import sample_digest
from tests.factories import features

MAX_BYTES = 1_000_000


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer.load()


def visit(**fields: Any) -> Any:
    """Five minutes in: twelve events, six pages, four products, an empty cart."""
    values = {
        "event_count": 12,
        "page_count": 6,
        "product_view_count": 4,
        "distinct_product_count": 4,
        "distinct_category_count": 2,
        "list_view_count": 2,
        "viewed_price_mean": 34.0,
        "viewed_price_max": 48.0,
        "active_ms": 200_000.0,
        "scroll_percent_max": 70.0,
        "pointer_distance_px": 9_000.0,
        "click_count": 8,
        "rage_click_count": 0,
        "hour": 19,
    }
    return features("19:00", "19:05", **{**values, **fields})


CART = {"add_to_cart_count": 1, "cart_item_count": 1, "cart_value": 48.0, "event_count": 13}
CHECKOUT = {**CART, "cart_view_count": 1, "checkout_step_count": 2, "event_count": 16}


def test_it_was_trained_on_the_features_of_this_version(scorer: Scorer) -> None:
    assert scorer.card.features_digest == definition_digest(), "run `shopstream train --out models/default`"
    assert scorer.card.features == NAMES


def test_the_shoppers_it_learnt_from_still_behave_as_they_did(scorer: Scorer) -> None:
    assert scorer.card.data.sample_digest == sample_digest(), "stale: run `shopstream train --out models/default`"


def test_its_card_says_what_it_learnt_from_and_how_good_it_is(scorer: Scorer) -> None:
    card = scorer.card
    assert "simulated" in card.data.name
    assert card.data.licence
    assert card.data.buying_sessions > 500
    by_length = {row.events: row for row in card.metrics}
    assert {"1", "3", "5", "10", "20", "all"} <= set(by_length)
    for row in card.metrics:
        assert row.auc is not None
        assert row.auc > 0.6, row
        assert row.brier < row.brier_of_base_rate, row
        assert row.ece < 0.03, row


def test_it_is_small() -> None:
    assert (DEFAULT_FOLDER / MODEL_FILE).stat().st_size < MAX_BYTES


def likelihood(scorer: Scorer, **fields: Any) -> float:
    return scorer.score([visit(**fields)])[0].likelihood


def test_each_step_towards_a_purchase_raises_the_likelihood(scorer: Scorer) -> None:
    looks, fills, checks_out = likelihood(scorer), likelihood(scorer, **CART), likelihood(scorer, **CHECKOUT)
    assert looks < fills < checks_out
    assert looks < 0.2
    assert checks_out > 0.3


@pytest.mark.parametrize("device_type", ["desktop", "mobile", "tablet", "unknown"])
@pytest.mark.parametrize("event_count", [2, 6, 20, 60])
def test_adding_to_the_cart_never_lowers_it(scorer: Scorer, device_type: str, event_count: int) -> None:
    values = [
        likelihood(
            scorer,
            device_type=device_type,
            event_count=event_count,
            add_to_cart_count=count,
            cart_item_count=count,
            cart_value=30.0 * count,
        )
        for count in range(6)
    ]
    assert values == sorted(values)


def test_who_has_bought_before_is_likelier_to_buy(scorer: Scorer) -> None:
    loyal = {"previous_session_count": 4, "previous_purchase_count": 3, "previous_revenue": 190.0}
    assert likelihood(scorer, **loyal, seconds_since_previous_session=86_400.0) > likelihood(scorer)
    assert scorer.score([visit(**loyal)])[0].persona == "VIP Loyalist"


def test_a_cart_is_the_first_reason_for_a_high_likelihood(scorer: Scorer) -> None:
    because = scorer.score([visit(**CHECKOUT)])[0].because
    assert {"+ cart worth 48.00", "+ checkout begun"} & set(because[:2])


def test_a_shop_that_sends_only_the_basics_still_gets_a_sensible_score(scorer: Scorer) -> None:
    unknown = {
        "active_ms": None,
        "scroll_percent_max": None,
        "pointer_distance_px": None,
        "click_count": None,
        "rage_click_count": None,
        "viewed_price_mean": None,
        "viewed_price_max": None,
        "device_type": "unknown",
    }
    assert likelihood(scorer, **unknown) < likelihood(scorer, **unknown, **CART) < 0.9


def test_the_earlier_systems_five_numbers_are_enough(scorer: Scorer) -> None:
    def of_five(**fields: Any) -> Scores:
        return scorer.score([visit(**fields)], known=EARLIER_SYSTEM)[0]

    assert of_five().likelihood < of_five(cart_value=48.0).likelihood
    assert of_five(page_count=6, product_view_count=30) == of_five(page_count=6, product_view_count=0)


def test_the_first_event_of_a_stranger_is_a_casual_visitor_who_seldom_buys(scorer: Scorer) -> None:
    score = scorer.score([features("19:00")])[0]
    assert score.likelihood < 0.15
    assert (score.persona, score.persona_confidence) == ("Casual Visitor", 0.2)
    assert score.style_confidence < 0.34


def test_after_a_purchase_hardly_anyone_buys_again(scorer: Scorer) -> None:
    assert likelihood(scorer, **CHECKOUT, purchase_count=1) < 0.1


def test_the_policy_that_ships_holds_some_visitors_out() -> None:
    policy = Policy.load()
    assert policy.holdout.share > 0
    assert {rule.action for rule in policy.rules} == {
        "nothing",
        "discount",
        "loyalty_points",
        "urgency",
        "free_shipping",
        "tutorial",
        "simplified_checkout",
    }
