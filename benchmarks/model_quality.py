"""How good the likelihood is on the public logs, beside floors that are made here: the tables of docs/models.md.

The data is not ours to pass on: what the folder has not is said and skipped. Figures are of visits, not of speed, so a busy machine only makes it longer.
"""

import argparse
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.measure import last_line, machine, table
from benchmarks.quality import dmm, google_floor
from benchmarks.quality.floor import floor_of
from models.evaluation import curve_of, likelihoods_of
from models.training import train_on_log
from shopstream import uci, uci_paper
from shopstream.evaluate import evaluate
from shopstream.event_logs import LOGS, table_from
from shopstream.train import SEED, before, midnight

DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
UNTIL: Final = "2016-09-11"
FOLDS: Final = 5

Part = Callable[[Path, argparse.Namespace], dict[str, Any]]


def google(folder: Path, told: argparse.Namespace) -> dict[str, Any]:
    """Trained on what came before a day, judged on the rest; the floor likewise."""
    figures = {}
    for until in told.until or [date.fromisoformat(UNTIL)]:
        _say(f"Google Merchandise Store, trained on visits before {until} (some ten minutes)")
        ours = {row.k: row for row in evaluate(folder, "google-merchandise", until=until, tell=_say).curve}
        lengths = LOGS["google-merchandise"].curve
        splits = google_floor.splits(folder, midnight(until).timestamp(), lengths)
        floor = {k: floor_of(k, split) for k, split in splits}
        rows = [
            (
                *(str(k), f"{ours[k].n:,}", f"{floor[k].n:,}", f"{ours[k].base_rate:.1%}", f"{ours[k].auc:.3f}"),
                *(f"{ours[k].pr_auc:.3f} {ours[k].pr_auc_interval}", f"{floor[k].pr_auc:.3f}"),
                *(f"{ours[k].lift:.1f} {ours[k].lift_interval}", f"{floor[k].lift:.1f}"),
                *(
                    f"{ours[k].brier:.4f}",
                    f"{floor[k].brier:.4f}",
                    f"{ours[k].ece:.3f}",
                    f"{ours[k].ece_by_chance:.3f}",
                ),
            )
            for k in lengths
        ]
        heads = (
            "k",
            "n",
            "n floor",
            "base",
            "AUC",
            "PR-AUC (95 %)",
            "floor",
            "lift (95 %)",
            "floor",
            "Brier",
            "floor",
            "ECE",
            "chance",
        )
        print(table(heads, rows), flush=True)
        figures[str(until)] = [
            {
                "k": k,
                "n": ours[k].n,
                "pr_auc": ours[k].pr_auc,
                "floor": floor[k].pr_auc,
                "lift": ours[k].lift,
                "floor_lift": floor[k].lift,
            }
            for k in lengths
        ]
    ahead = [(row["pr_auc"] or 0.0) - (row["floor"] or 0.0) for each in figures.values() for row in each]
    return {"by_split": figures, "least_lead_in_pr_auc": round(min(ahead), 4)}


def calibration(folder: Path, told: argparse.Namespace) -> dict[str, Any]:
    """How honest the promises are to visitors whom the training has not seen: every visitor is held out once, a fifth at a time.

    Of fewer, the error of a perfect model would be above what is to be measured: a tenth of 750 visits of 30 hits shows 0.028 by chance.
    """
    log = table_from(folder, "google-merchandise")
    if told.until:
        log = before(log, midnight(told.until[0]))
    likelihood = np.empty(len(log))
    for fold in range(FOLDS):
        _say(f"Google Merchandise Store, visitors of part {fold + 1} of {FOLDS} held out (some minutes)")
        is_held_out = log.visitor % np.uint64(FOLDS) == fold
        scorer = train_on_log(log.at(~is_held_out), seed=SEED, tell=_say).scorer()
        likelihood[is_held_out] = likelihoods_of(scorer, log.at(is_held_out))
    curve = curve_of(log, likelihood, LOGS["google-merchandise"].curve)
    rows = [
        (str(row.k), f"{row.n:,}", f"{row.ece:.4f} {row.ece_interval}", f"{row.ece_by_chance:.4f}") for row in curve
    ]
    print(table(("k", "visits", "ECE (95 %)", "by chance"), rows), flush=True)
    return {"most_from_3_events": max(row.ece for row in curve if row.k >= 3), "ece": {row.k: row.ece for row in curve}}


def clickstream(folder: Path, _: argparse.Namespace) -> dict[str, Any]:
    """Five folds, our trees and the floor on the same."""
    _say(f"ClickstreamDMM, {dmm.FOLDS} folds")
    told = dmm.figures(folder, lambda: _say("a fold is done"))
    lead = told["pr_auc"] - told["floor_pr_auc"]
    rows = [[name, *(f"{mean:.3f}" for mean in each.mean(axis=0))] for name, each in told.items()]
    errors = lead.std(axis=0, ddof=1) / np.sqrt(len(lead))
    rows.append(
        ["ahead in PR-AUC", *(f"{mean:+.3f} ± {e:.3f}" for mean, e in zip(lead.mean(axis=0), errors, strict=True))]
    )
    print(table(("first k pages", *map(str, LOGS["dmm"].curve)), rows), flush=True)
    return {name: each.mean(axis=0).round(4).tolist() for name, each in told.items()}


def online_shoppers(folder: Path, _: argparse.Namespace) -> dict[str, Any]:
    """By cross-validation, and by the protocol of the paper."""
    _say("UCI Online Shoppers, forty splits and forty of the paper's")
    data = uci.read(folder)
    figures = [*uci.honest_figures(data), *uci_paper.paper_figures(data)]
    rows = [
        (
            each.protocol,
            f"{each.n:,}",
            f"{each.base_rate:.1%}",
            *(
                f"{mean:.3f} ± {spread:.3f}"
                for mean, spread in (each.auc, each.pr_auc, each.lift, each.f1, each.accuracy, each.brier, each.ece)
            ),
            f"{each.ece_by_chance[0]:.3f}",
        )
        for each in figures
    ]
    heads = (
        *("protocol", "n", "buyers tested", "AUC", "PR-AUC", "lift in the top 5 %", "F1", "accuracy", "Brier"),
        *("ECE", "by chance"),
    )
    print(table(heads, rows), flush=True)
    return {
        each.protocol: {"auc": each.auc[0], "pr_auc": each.pr_auc[0], "lift": each.lift[0], "f1": each.f1[0]}
        for each in figures
    }


PARTS: Final[dict[str, tuple[str, Part]]] = {
    "google": ("google-merchandise-store", google),
    "calibration": ("google-merchandise-store", calibration),
    "dmm": ("clickstream-dmm", clickstream),
    "uci": ("uci-online-shoppers", online_shoppers),
}


def _say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all when left out")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the data sets")
    parser.add_argument(
        "--until",
        type=date.fromisoformat,
        action="append",
        help=f"where to cut the Google log, {UNTIL} when left out; may be given again",
    )
    told = parser.parse_args()
    if unknown := set(told.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; parts are {', '.join(PARTS)}")
    print(machine())
    figures: dict[str, Any] = {}
    for part in told.parts or PARTS:
        name, judge = PARTS[part]
        folder = told.data / name
        if folder.is_dir():
            figures[part] = judge(folder, told)
        else:
            print(f"{part} is skipped: there is no {folder}; --data names the folder of the data sets")
    print(last_line("model_quality", figures))


if __name__ == "__main__":
    main()
