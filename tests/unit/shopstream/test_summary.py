"""An evaluation in sentences: early and later, found and promised, and how few buyers they rest on."""

import numpy as np

from models.evaluation import PrefixRow, row_of
from shopstream.summary import sentences_of


def row(k: int, visits: int = 2_000) -> PrefixRow:
    random = np.random.default_rng(k)
    probability = random.uniform(size=visits) ** 3
    return row_of(k, probability, (random.uniform(size=visits) < probability).astype(float), resamples=2)


def test_it_says_how_early_buyers_are_found_and_what_a_promise_is_worth() -> None:
    rows = [row(k) for k in (1, 3, 5, 10, 20)]
    early, later, promised = sentences_of(rows)
    assert early.startswith("After 3 events, ")
    assert f"{rows[1].lift:.1f} times as often" in early
    assert later.startswith("After 10 events, ")
    assert "percentage points" in promised


def test_few_buyers_are_said_to_be_few() -> None:
    assert list(sentences_of([row(1, 60)]))[-1].startswith("Only ")


def test_one_length_is_told_once() -> None:
    assert [each[:22] for each in sentences_of([row(1)])] == ["After the first event,", "On average a promised "]


def test_where_nobody_buys_it_says_so() -> None:
    nobody = row_of(1, np.full(30, 0.1), np.zeros(30), resamples=2)
    (only,) = sentences_of([nobody])
    assert "nobody bought" in only
