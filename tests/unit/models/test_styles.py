"""Styles: open signals that add up, unsure until the visit shows something."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.features import NAMES, vector
from models.styles import DEFAULT, STYLES, Signal, StyleModel, StyleScorer
from tests.factories import features

SCORER = StyleScorer(DEFAULT)


def style_of(*clock: str, **fields: Any) -> tuple[str, float]:
    return SCORER.score(vector(features(*clock, **fields)).tolist())


def test_who_looks_at_much_and_slowly_is_an_explorer() -> None:
    style, confidence = style_of(
        "12:00",
        "12:20",
        event_count=20,
        page_count=12,
        distinct_product_count=8,
        distinct_category_count=4,
        list_view_count=5,
        scroll_percent_max=92.0,
    )
    assert style == "Explorer"
    assert confidence > 0.8


def test_who_goes_straight_to_the_checkout_is_hurried() -> None:
    style, confidence = style_of(
        "12:00", "12:00:40", event_count=9, page_count=5, distinct_product_count=1, checkout_step_count=2
    )
    assert style == "Hurried"
    assert confidence > 0.8


def test_who_tries_coupons_and_promotions_is_a_bargain_hunter() -> None:
    style, confidence = style_of(
        "12:00", "12:05", event_count=14, page_count=8, coupon_count=1, promotion_count=2, channel="email"
    )
    assert style == "Bargain hunter"
    assert confidence > 0.7


def test_at_the_first_event_nobody_is_sure() -> None:
    assert style_of()[1] == pytest.approx(1 / 3, abs=1e-4)


def test_unknown_features_say_nothing() -> None:
    row = [float("nan")] * len(NAMES)
    assert SCORER.score(row)[1] == pytest.approx(1 / 3, abs=1e-4)


def test_a_signal_counts_in_proportion_and_no_more_than_fully() -> None:
    rule = StyleModel(
        sharpness=1.0,
        signals=(
            Signal(style="Hurried", feature="page_count", none=0, full=10, weight=1.0),
            Signal(style="Explorer", feature="search_count", none=0, full=1, weight=0.5),
        ),
    )

    def style(pages: int) -> tuple[str, float]:
        return StyleScorer(rule).score(vector(features(event_count=20, page_count=pages, search_count=1)).tolist())

    assert style(4)[0] == "Explorer"
    assert style(6)[0] == "Hurried"
    assert style(10) == style(1_000)


def test_a_signal_on_a_feature_that_does_not_exist_is_refused() -> None:
    rule = StyleModel(sharpness=1, signals=(Signal(style="Hurried", feature="mood", none=0, full=1, weight=1),))
    with pytest.raises(KeyError, match="mood"):
        StyleScorer(rule)


@given(st.lists(st.floats(width=32), min_size=len(NAMES), max_size=len(NAMES)))
def test_confidence_is_between_a_guess_and_certainty(row: list[float]) -> None:
    style, confidence = SCORER.score(row)
    assert style in STYLES
    assert 0.3333 <= confidence <= 1.0
