"""How often the next item of a real shop's visits is among the first ten recommended, beside floors: the table of docs/recommendations.md.

The data is not ours to pass on: where the folder is missing, that is said. Figures are of visits, not of speed. `--choose` shows what the
figures in `models/likeness.py` and `models/recommend.py` were chosen by; it looks at nothing of what the table is judged on.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.measure import last_line, machine, table
from benchmarks.quality.next_item import (
    KEPT,
    MIN_VISITORS,
    Figures,
    begun,
    beside_the_last,
    by_doubles,
    cases_of,
    days,
    error_of,
    figures_of,
    ours,
    popular,
    visits_of,
)
from models import likeness, recommend

DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "google-merchandise-store"
BEGIN: Final = datetime(2016, 8, 1, tzinfo=UTC)
CHOSEN_FROM: Final = datetime(2016, 9, 1, tzinfo=UTC)
UNTIL: Final = datetime(2016, 9, 11, tzinfo=UTC)
END: Final = datetime(2016, 10, 2, tzinfo=UTC)
TRIED: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "DAMPING": (likeness, (0.0, 0.2, 0.3, 0.4, 0.5)),
    "REACH": (likeness, (2, 5, 10, 20)),
    "HALF_LIFE": (likeness, (days(7), days(14), days(30), days(365))),
    "LATEST": (recommend, (1, 3, 5, 10)),
    "OLDER": (recommend, (0.2, 0.3, 0.4, 0.5, 0.7)),
}


def judge(folder: Path) -> dict[str, Any]:
    """Learnt from the visits before the cut, judged on the later ones."""
    visits = visits_of(folder)
    learnt, cases = begun(visits, BEGIN, UNTIL), list(cases_of(begun(visits, UNTIL, END)))
    told: dict[str, Figures] = {
        "recommended": figures_of(ours(learnt, UNTIL), cases),
        "the most popular": figures_of(popular(learnt), cases),
        "the most popular of 7 days": figures_of(popular(learnt, UNTIL - days(7)), cases),
        "most often with the last item": figures_of(beside_the_last(learnt), cases),
    }
    ahead = told["recommended"] - told["most often with the last item"]
    rows = [(name, *(_share(each[:, column], cases) for column in (0, 1))) for name, each in told.items()]
    rows.append(("ahead of the last of these", *(_share(ahead[:, column], cases, "+") for column in (0, 1))))
    print(f"{len(learnt):,} visits learnt from, {len(cases):,} next items of later visits to foresee")
    print(table(("", "hit rate@10", "MRR@10"), rows))
    return {
        "visits": len(learnt),
        "cases": len(cases),
        **{
            name: {"hit_rate": round(hit, 4), "mrr": round(mrr, 4)}
            for name, (hit, mrr) in ((name, each.mean(axis=0).tolist()) for name, each in told.items())
        },
        "ratio_to_most_often_with_the_last_item": _ratio(told["recommended"], told["most often with the last item"]),
    }


def choose(folder: Path) -> dict[str, Any]:
    """Each figure in turn, the others as they are: learnt from August, judged on the first ten days of September."""
    visits = visits_of(folder)
    learnt, cases = begun(visits, BEGIN, CHOSEN_FROM), list(cases_of(begun(visits, CHOSEN_FROM, UNTIL)))
    rows: list[tuple[object, ...]] = []
    for name, (module, values) in TRIED.items():
        for value in values:
            with patch.object(module, name, value):
                rows.append(_tried(f"{name} {value}", figures_of(ours(learnt, CHOSEN_FROM), cases)))
    for least in (1, 2, MIN_VISITORS, 5, 10):
        answer = ours(learnt, CHOSEN_FROM, min_visitors=least)
        rows.append(_tried(f"min_visitors {least}", figures_of(answer, cases)))
    kept = by_doubles(begun(visits_of(folder, KEPT), BEGIN, CHOSEN_FROM))
    rows.append(_tried("carts and purchases twice", figures_of(ours([*learnt, *kept], CHOSEN_FROM), cases)))
    rows.append(_tried("most often with the last item", figures_of(beside_the_last(learnt), cases)))
    print(table(("one changed", "hit rate@10", "MRR@10"), rows))
    return {"cases": len(cases), "tried": [[name, hit, mrr] for name, hit, mrr in rows]}


def _tried(name: str, figures: Figures) -> tuple[object, ...]:
    hit, mrr = figures.mean(axis=0).tolist()
    return name, f"{hit:.4f}", f"{mrr:.4f}"


def _share(values: np.ndarray[tuple[int], np.dtype[np.float64]], cases: list[Any], sign: str = "") -> str:
    return f"{values.mean():{sign}.3f} ± {error_of(values, cases):.3f}"


def _ratio(ours: Figures, floor: Figures) -> list[float]:
    ratios: list[float] = (ours.mean(axis=0) / floor.mean(axis=0)).round(3).tolist()
    return ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the Google Merchandise Store's files")
    parser.add_argument("--choose", action="store_true", help="the figures that parameters were chosen by, instead")
    told = parser.parse_args()
    print(machine())
    figures: dict[str, Any] = {}
    if told.data.is_dir():
        figures = (choose if told.choose else judge)(told.data)
    else:
        print(f"skipped: there is no {told.data}; --data names the folder")
    print(last_line("recommend", figures))


if __name__ == "__main__":
    main()
