"""The page of an evaluation: whole in itself, every figure on it, nothing of the log's text unescaped."""

import numpy as np

from models.evaluation import row_of
from shopstream.evaluate import Evaluation
from shopstream.report import page_of


def evaluation(**fields: str) -> Evaluation:
    random = np.random.default_rng(1)
    probability = random.uniform(size=300)
    bought = (random.uniform(size=300) < probability).astype(float)
    values = {"format": "rees46", "data": "a log", "protocol": "judged", "model_version": "boosting-1", **fields}
    curve = tuple(row_of(k, probability, bought, resamples=5) for k in (1, 3, 10))
    return Evaluation(
        **values,  # type: ignore[arg-type]  # texts, and no other field of it is one
        trained_until=None,
        challengers={"boosting": 0.2},
        curve=curve,
        curve_of_new_visitors=(),
    )


def test_it_has_the_three_charts_and_a_row_for_each_length() -> None:
    page = page_of(evaluation())
    assert page.count("<svg") == 3
    assert page.count("<tr>") == 4
    assert "boosting 0.20000" in page


def test_it_fetches_nothing_and_escapes_what_it_is_told() -> None:
    page = page_of(evaluation(data="<script>x</script>"))
    assert "<script" not in page
    assert "http" not in page


def test_a_curve_without_buyers_is_drawn_too() -> None:
    empty = row_of(1, np.full(30, 0.1), np.zeros(30), resamples=2)
    page = page_of(
        Evaluation(**{**{f: getattr(evaluation(), f) for f in Evaluation.__struct_fields__}, "curve": (empty,)})
    )
    assert "unknown" in page
