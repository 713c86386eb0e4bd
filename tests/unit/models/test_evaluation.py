"""The prefix curve: exact where the truth is known, and honest about chance."""

import numpy as np
import pytest

from contracts.events import Event
from models.evaluation import (
    SMALLEST_GROUP,
    calibration_error,
    curve_of,
    gains_of,
    groups_of,
    lift_of,
    reliability_of,
    row_of,
    shares_of,
)
from models.examples import examples_of
from models.tables import table_of
from tests.factories import event


def test_a_perfect_order_finds_every_buyer_first() -> None:
    probability, bought = np.linspace(0, 1, 100), np.array([0.0] * 95 + [1.0] * 5)
    assert lift_of(probability, bought) == pytest.approx(20)
    assert gains_of(probability, bought)[0] == 1.0
    row = row_of(3, probability, bought, resamples=20)
    assert (row.k, row.n, row.auc, row.pr_auc) == (3, 100, 1.0, 1.0)
    assert row.pr_auc_interval == (1.0, 1.0)


def test_equal_scores_are_as_good_in_whichever_order_the_table_has_them() -> None:
    probability = np.array([0.6] * 40 + [0.1] * 60)
    buyers_first, buyers_last = np.zeros(100), np.zeros(100)
    buyers_first[:10], buyers_last[30:40] = 1.0, 1.0
    for bought in (buyers_first, buyers_last):
        assert lift_of(probability, bought) == pytest.approx(2.5)
        assert gains_of(probability, bought)[:4] == (0.25, 0.5, 0.75, 1.0)


def test_the_calibration_error_is_the_mean_gap_of_the_tenths() -> None:
    probability, bought = np.array([0.05] * 50 + [0.95] * 50), np.array([0.0] * 50 + [1.0] * 25 + [0.0] * 25)
    assert calibration_error(probability, bought) == pytest.approx((0.05 * 50 + 0.45 * 50) / 100)
    assert [(part.count, part.promised, part.happened) for part in reliability_of(probability, bought)] == [
        (50, 0.05, 0.0),
        (50, 0.95, 0.5),
    ]


def test_what_chance_alone_would_show_is_told_beside_the_error() -> None:
    random = np.random.default_rng(1)
    probability = random.uniform(0, 0.5, 400)
    row = row_of(5, probability, (random.random(400) < probability).astype(float), resamples=50)
    assert row.ece_equal_count == pytest.approx(row.ece_by_chance, abs=0.03)


def test_without_a_buyer_there_is_no_ranking() -> None:
    row = row_of(1, np.full(10, 0.1), np.zeros(10), resamples=5)
    assert (row.auc, row.pr_auc, row.lift, row.gains) == (None, None, None, ())


def test_the_same_visits_give_the_same_intervals() -> None:
    random = np.random.default_rng(3)
    probability, bought = random.uniform(size=200), (random.uniform(size=200) < 0.3).astype(float)
    assert row_of(1, probability, bought, resamples=30) == row_of(1, probability, bought, resamples=30)


def test_a_visit_counts_where_it_has_the_length_and_has_not_bought() -> None:
    story = [
        event("page_view", "12:00", visitor_id="ada"),
        event("add_to_cart", "12:01", visitor_id="ada", value=5.0),
        event("purchase", "12:02", visitor_id="ada", value=5.0, transaction_id="T1"),
        event("page_view", "12:00", visitor_id="bob"),
    ]
    table = table_of(examples_of(story))
    curve = curve_of(table, np.full(len(table), 0.2), (1, 2, 3), resamples=5)
    assert [(row.k, row.n, row.base_rate) for row in curve] == [(1, 2, 0.5), (2, 1, 1.0)]


def test_half_a_visit_and_the_whole_of_it_end_before_its_purchase() -> None:
    names = ["page_view"] * 6 + ["purchase", "page_view", "page_view"]
    story = [event(name, f"12:0{minute}", visitor_id="ada") for minute, name in enumerate(names)]
    story += [event("page_view", f"12:0{minute}", visitor_id="bob") for minute in range(4)]
    table = table_of(examples_of(story))
    likelihood = table.length / 10
    half, whole = shares_of(table, likelihood, resamples=5)
    assert (half.share, half.figures.n, half.figures.base_rate) == (0.5, 2, 0.5)
    assert [bin.promised for bin in half.figures.reliability] == pytest.approx([0.2, 0.3])
    assert [bin.promised for bin in whole.figures.reliability] == pytest.approx([0.4, 0.6])


def test_visits_are_grouped_by_device_and_source_where_there_are_enough() -> None:
    def story(number: int, device: str) -> list[Event]:
        context = {"page_path": "/", "device_type": device, "campaign_medium": "email"}
        names = ["page_view", "page_view", "page_view", "purchase"] if number % 3 == 0 else ["page_view"] * 3
        return [
            event(name, f"12:0{minute}", visitor_id=f"{device}{number}", context=context)
            for minute, name in enumerate(names)
        ]

    events = [each for number in range(SMALLEST_GROUP) for each in story(number, "mobile")]
    events += [each for number in range(5) for each in story(number, "tablet")]
    table = table_of(examples_of(events))
    groups = groups_of(table, np.full(len(table), 0.3), 3, resamples=5)
    assert [(group.by, group.group, group.figures.n) for group in groups] == [
        ("device", "mobile", SMALLEST_GROUP),
        ("source", "email", SMALLEST_GROUP + 5),
    ]
    assert groups[0].figures.base_rate == pytest.approx(1 / 3, abs=0.01)
