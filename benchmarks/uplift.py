"""Whom an incentive wins, on a public experiment: Hillstrom's e-mails (2008), where chance drew who got one.

64,000 customers of a shop for clothes got an e-mail about men's or women's articles, or none; the outcome is a visit within two weeks.
`models/targeting.py` looks for the condition under which an e-mail pays that costs so many visits, and judges it on customers that had no say
in it. Figures are of customers, not of speed. The data is not ours to pass on: what is not there is said and skipped.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd

from benchmarks.measure import last_line, machine, table
from models.targeting import targeting_of, toml_of
from models.uplift import PARTS, Interval, Trial, effect_of

FILE: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "hillstrom-email" / "hillstrom.csv.gz"
E_MAILS: Final = ("Mens E-Mail", "Womens E-Mail")
COSTS: Final = (0.0, 0.02, 0.04, 0.06)
NUMBERS: Final = ("recency", "history")
TEXTS: Final = ("mens", "womens", "newbie", "zip_code", "channel")


def trial_of(customers: pd.DataFrame, e_mail: str, cost: float) -> Trial:
    """One e-mail beside none. `cost` is in visits, for each that is sent."""
    both = customers[customers["segment"].isin([e_mail, "No E-Mail"])]
    is_treated = (both["segment"] == e_mail).to_numpy(dtype=np.bool_)
    visits = both["visit"].to_numpy(dtype=np.float64)
    return Trial(
        is_treated=is_treated,
        has_bought=visits > 0,
        worth=visits - cost * is_treated,
        part=np.random.default_rng(1).integers(0, PARTS, len(both)),
        numbers={name: both[name].to_numpy(dtype=np.float64) for name in NUMBERS},
        texts={name: both[name].astype(str).to_numpy(dtype=np.str_) for name in TEXTS},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=FILE, help="Hillstrom's file, gzipped or plain")
    file = parser.parse_args().data
    print(machine(), flush=True)
    if not file.exists():
        print(f"{file} is not here; it was skipped")
        return
    customers = pd.read_csv(file)
    rows, figures = [], []
    for e_mail in E_MAILS:
        for cost in COSTS:
            row, figure = judged(customers, e_mail, cost)
            rows.append(row)
            figures.append(figure)
    heads = (
        "e-mail",
        "cost",
        "to everybody (95 %)",
        "by the condition (95 %)",
        "gained (95 %)",
        "holds for",
        "condition",
    )
    print(table(heads, rows))
    print("visits a thousand customers, less the cost; by the condition: judged on customers that had no say in it")
    print(last_line("uplift", {"customers": len(customers), "trials": figures}))


def judged(customers: pd.DataFrame, e_mail: str, cost: float) -> tuple[tuple[object, ...], dict[str, Any]]:
    """A row of the table, and the same for programs."""
    trial = trial_of(customers, e_mail, cost)
    everybody, found = effect_of(trial).worth, targeting_of(trial)
    assert everybody is not None
    assert found is not None
    condition = "nobody" if found.when is None else toml_of(found.when) if found.when else "everybody"
    row = (
        *(e_mail, f"{1000 * cost:.0f}", _told(everybody), _told(found.worth), _told(found.gained)),
        *(f"{found.kept_share:.0%}", condition + (" (not shown)" if found.when and not found.is_shown else "")),
    )
    figure = {
        "e_mail": e_mail,
        "cost": cost,
        "everybody": round(everybody.mean, 4),
        "by_condition": round(found.worth.mean, 4),
        "gained": [round(each, 4) for each in found.gained],
        "condition": condition,
        "is_shown": found.is_shown,
    }
    return row, figure


def _told(interval: Interval) -> str:
    mean, low, high = (f"{1000 * each:+.0f}" for each in interval)
    return f"{mean} ({low} to {high})"


if __name__ == "__main__":
    main()
