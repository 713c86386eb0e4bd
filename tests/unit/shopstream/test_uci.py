"""The UCI table: read with care, judged on rows not seen, and the paper's protocol beside it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shopstream import uci, uci_paper
from shopstream.__main__ import main
from shopstream.failures import CommandFailed
from shopstream.uci import KINDS, Uci, _folds, best_threshold, figures_of_split, honest_figures, mean_of, read, rows_of
from shopstream.uci_paper import _balanced, paper_figures

FILE = "online_shoppers_intention.csv"


def made_up(count: int = 600, seed: int = 1) -> pd.DataFrame:
    """Rows of the table's columns; who has a page value buys more often."""
    random = np.random.default_rng(seed)
    value = np.where(random.random(count) < 0.3, random.exponential(20, count), 0.0)
    table = pd.DataFrame({kind: random.poisson(3, count) for kind in KINDS})
    for kind in KINDS:
        table[f"{kind}_Duration"] = table[kind] * random.exponential(30, count)
    table["BounceRates"], table["ExitRates"] = random.random((2, count)) * 0.1
    table["PageValues"], table["SpecialDay"] = value, 0.0
    table["Month"] = random.choice(["Nov", "May", "June"], count)
    for name in ("OperatingSystems", "Browser", "Region", "TrafficType"):
        table[name] = random.integers(1, 5, count)
    table["VisitorType"] = random.choice(["New_Visitor", "Returning_Visitor"], count)
    table["Weekend"] = random.choice([True, False], count)
    table["Revenue"] = random.random(count) < np.where(value > 0, 0.7, 0.05)
    return table


@pytest.fixture
def data(tmp_path: Path) -> Uci:
    made_up().to_csv(tmp_path / FILE, index=False)
    return read(tmp_path)


def test_the_label_is_not_among_the_rows_and_nothing_is_unknown(data: Uci) -> None:
    rows = rows_of(data.table)
    assert "Revenue" not in data.table
    assert not rows.isna().to_numpy().any()
    assert 0.1 < data.bought.mean() < 0.5


def test_the_only_table_of_a_folder_may_have_another_name(tmp_path: Path, data: Uci) -> None:
    (tmp_path / "other").mkdir()
    made_up().to_csv(tmp_path / "other" / "held_back.csv.gz", index=False)
    assert read(tmp_path / "other").table.equals(data.table)


def test_without_page_values_nothing_made_of_them_is_left(data: Uci) -> None:
    rows = rows_of(data.table)
    other = rows_of(data.table.assign(PageValues=1000.0))
    changed = [name for name in rows if not rows[name].equals(other[name])]
    assert changed
    assert all(str(name).startswith("value") for name in changed)


def test_copies_of_a_row_are_never_on_two_sides() -> None:
    values = np.repeat(np.arange(80.0).reshape(40, 2), 3, axis=0)
    bought = np.repeat(np.arange(40) % 4 == 0, 3).astype(np.intp)
    tested = []
    for train, test in _folds(values, bought, seed=1):
        assert not set(values[train, 0]) & set(values[test, 0])
        tested += test.tolist()
    assert sorted(tested) == list(range(120)), "every row is tested once"


def test_the_threshold_with_the_best_f1_is_found() -> None:
    bought, likelihood = np.array([0, 0, 1, 1, 1]), np.array([0.1, 0.4, 0.3, 0.8, 0.9])
    assert best_threshold(bought, likelihood) == 0.3


def test_buyers_are_copied_until_both_are_as_many_and_nobody_else_is() -> None:
    bought = np.array([1, 0, 0, 0, 1, 0], dtype=np.intp)
    places = _balanced(np.arange(6), bought, seed=1)
    assert bought[places].mean() == 0.5
    assert sorted(set(places.tolist())) == [0, 1, 2, 3, 4, 5]


def test_every_protocol_is_told_with_who_was_tested(data: Uci) -> None:
    done: list[int] = []
    honest = list(honest_figures(data, done.append, repeats=1))
    paper = list(paper_figures(data, done.append, repeats=1))
    assert len(done) == 2 * 10 + 4
    assert honest[0].auc[0] > honest[1].auc[0], "without what the sales tell, less is known"
    assert [round(each.base_rate, 1) for each in paper[2:]] == [0.5, 0.5]
    assert all(each.base_rate < 0.4 for each in [*honest, *paper[:2]])
    assert [each.n for each in [*honest, *paper[:2]]] == [600, 600, 180, 180], "a cross-validation tests every row"


def test_a_test_side_is_judged_as_the_visits_of_a_log_are() -> None:
    bought = np.array([1, 0, 0, 0] * 10, dtype=np.intp)
    told = figures_of_split(bought, np.full(40, 0.3), 0.5)
    assert (told["n"], told["base_rate"]) == (40, 0.25)
    assert told["lift"] == pytest.approx(1.0), "equal likelihoods find nobody sooner"
    assert told["pr_auc"] > told["average_precision"] == pytest.approx(0.25), "equal ones stand in any order"
    assert told["ece"] == pytest.approx(0.05)


def test_folds_are_added_up_and_sides_of_unlike_rates_weighed() -> None:
    few = figures_of_split(np.array([0, 1]), np.array([0.1, 0.9]), 0.5)
    many = {**few, "n": 6, "base_rate": 0.1}
    assert mean_of("", 1, [few, many]).n == 8
    assert mean_of("", 2, [few, many]).n == 4
    assert mean_of("", 1, [few, many]).base_rate == pytest.approx(0.2)


@pytest.fixture
def quick(data: Uci, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same commands, with figures made of one made-up test side."""
    side = figures_of_split(data.bought, np.linspace(0, 1, len(data.bought)), 0.5)
    for module, name in ((uci, "honest_figures"), (uci_paper, "paper_figures")):
        monkeypatch.setattr(module, name, lambda data, advance, name=name: iter([mean_of(name, 1, [side])]))


@pytest.mark.usefixtures("quick")
def test_every_figure_of_a_log_is_told_of_the_table_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judge = ["evaluate", "--data", str(tmp_path), "--format", "uci"]
    assert main([*judge, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    figures = {"n", "base_rate", "auc", "pr_auc", "average_precision", "lift", "brier", "log_loss", "ece"}
    assert [set(each) >= figures for each in told] == [True, True]
    assert told[0]["n"] == 600
    assert main(judge) == 0
    printed = capsys.readouterr().out
    assert all(head in printed for head in ("base rate", "lift top 5 %", "ECE", "Brier", "F1 of buyers"))
    assert "2: paper_figures" in printed


@pytest.mark.usefixtures("quick")
def test_the_model_that_workers_are_pinned_to_is_nothing_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = ["evaluate", "--data", str(tmp_path), "--format", "uci", "--json"]
    monkeypatch.setenv("SHOPSTREAM_PROCESS_MODEL_DIR", "models/default")
    assert main(judge) == 0
    capsys.readouterr()
    assert main([*judge, "--model", "models/default", "--seed", "1"]) == 2
    assert "leave out --model and --seed" in capsys.readouterr().err


def test_another_table_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("Revenue,PageValues\n1,2\n")
    with pytest.raises(CommandFailed, match="has no column Administrative"):
        read(tmp_path)
    made_up().assign(BounceRates=None).to_csv(tmp_path / FILE, index=False)
    with pytest.raises(CommandFailed, match="column BounceRates has a cell without a number"):
        read(tmp_path)
    with pytest.raises(CommandFailed, match="cannot be read"):
        read(tmp_path / "none.csv")


@pytest.mark.parametrize("count", [0, 5, 600])
def test_a_table_with_hardly_a_buyer_is_refused(count: int, tmp_path: Path) -> None:
    made_up().assign(Revenue=False).head(count).to_csv(tmp_path / FILE, index=False)
    with pytest.raises(CommandFailed, match=f"0 sessions that bought and {count} that did not"):
        read(tmp_path)


def test_where_most_buy_none_is_copied() -> None:
    bought = np.array([1, 0, 1, 1], dtype=np.intp)
    assert _balanced(np.arange(4), bought, seed=1).tolist() == [0, 1, 2, 3]
