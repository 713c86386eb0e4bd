"""The page of an evaluation: whole in itself, every figure on it, nothing of the log's text unescaped."""

import msgspec
import numpy as np

from models.evaluation import GroupRow, row_of
from shopstream.evaluate import Evaluation
from shopstream.report import page_of


def evaluation(data: str = "a log", groups: tuple[GroupRow, ...] = ()) -> Evaluation:
    random = np.random.default_rng(1)
    probability = random.uniform(size=300)
    bought = (random.uniform(size=300) < probability).astype(float)
    curve = tuple(row_of(k, probability, bought, resamples=5) for k in (1, 3, 10))
    return Evaluation(
        format="rees46",
        data=data,
        protocol="judged",
        model_version="boosting-1",
        trained_until=None,
        challengers={"boosting": 0.2},
        curve=curve,
        curve_of_new_visitors=(),
        groups=groups,
    )


def test_it_has_the_four_charts_and_a_row_for_each_length() -> None:
    page = page_of(evaluation())
    assert page.count("<svg") == 4
    assert page.count("<tr>") == 4
    assert "boosting 0.20000" in page
    assert ">PR-AUC</span>" in page, "the curve is not scikit-learn's average precision; the tables have both"


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


def test_a_log_that_nobody_can_be_judged_in_has_its_page_too() -> None:
    page = page_of(msgspec.structs.replace(evaluation(), curve=()))
    assert page.count("<svg") == 4
    assert "No visit of this log can be judged" in page


def test_a_buyer_who_was_thought_the_least_likely_is_drawn_too() -> None:
    last = row_of(1, np.linspace(0.1, 0.2, 40), np.eye(40)[0], resamples=20)
    assert last.lift_interval == (0.0, 0.0)
    assert page_of(msgspec.structs.replace(evaluation(), curve=(last,))).count("<svg") == 4


def test_each_device_and_source_has_a_row_under_its_heading() -> None:
    figures = evaluation().curve[1]
    groups = [GroupRow(by=by, group=group, figures=figures) for by, group in (("device", "mobile"), ("source", "paid"))]
    page = page_of(evaluation(groups=tuple(groups)))
    assert "By device, after 3 events" in page
    assert "<td>mobile</td>" in page
    assert "By source, after 3 events" in page
    assert "<td>paid</td>" in page
