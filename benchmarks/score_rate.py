"""Scoring one session: ours (features, likelihood, persona, style, reasons) against `predict_proba` of the same forest."""

import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from models.algorithms import MISSING
from models.examples import examples_of
from models.features import matrix
from models.training import train
from shopstream.train import simulated_events

VISITS = 3_000
BATCH = 256
ROUNDS = 150
ROUND_S = 0.002
AIM = 100


def microseconds(act: Callable[[], Any]) -> float:
    """Cost of one call: the best of many short rounds, which a busy machine disturbs least."""
    act()
    start = perf_counter()
    act()
    count = max(1, int(ROUND_S / max(perf_counter() - start, 1e-7)))
    best = float("inf")
    for _ in range(ROUNDS):
        start = perf_counter()
        for _ in range(count):
            act()
        best = min(best, (perf_counter() - start) / count)
    return best * 1e6


def main() -> None:
    artifact = train(examples_of(simulated_events(VISITS, seed=1)), seed=1)
    scorer, forest = artifact.scorer(), artifact.forest
    sessions = [example.features for example in examples_of(simulated_events(400, seed=2))][:BATCH]
    one, row = sessions[-1:], np.nan_to_num(matrix(sessions[-1:]), nan=MISSING)
    rows = np.nan_to_num(matrix(sessions), nan=MISSING)
    difference = float(np.abs(scorer.raw(rows) - forest.predict_proba(rows)[:, 1]).max())

    sklearn_one = microseconds(lambda: forest.predict_proba(row))
    sklearn_batch = microseconds(lambda: forest.predict_proba(rows)) / len(rows)
    likelihood_one = microseconds(lambda: scorer.likelihoods(matrix(one)))
    ours_one = microseconds(lambda: scorer.score(one))
    ours_batch = microseconds(lambda: scorer.score(sessions)) / len(sessions)

    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; forest of {forest.n_estimators} trees"
    )
    print(f"{'':44}{'µs a session':>14}")
    for name, figure in (
        ("predict_proba, one row", sklearn_one),
        (f"predict_proba, {len(rows)} rows", sklearn_batch),
        ("features and likelihood, one session", likelihood_one),
        ("everything (Scorer.score), one session", ours_one),
        (f"everything (Scorer.score), {len(sessions)} sessions", ours_batch),
    ):
        print(f"{name:44}{figure:14.1f}")
    print(f"{'largest difference from scikit-learn':44}{difference:14.1e}")
    print(
        f"one session is {sklearn_one / likelihood_one:.0f} times faster (everything: {sklearn_one / ours_one:.0f}); aim {AIM}"
    )
    print(
        json.dumps(
            {
                "benchmark": "score_rate",
                "predict_proba_one_us": round(sklearn_one, 1),
                "likelihood_one_us": round(likelihood_one, 1),
                "everything_one_us": round(ours_one, 1),
                "everything_batch_us": round(ours_batch, 1),
                "batch": len(sessions),
                "artifact_bytes": len(artifact.onnx),
                "largest_difference": difference,
                "ratio": round(sklearn_one / likelihood_one, 1),
                "ratio_everything": round(sklearn_one / ours_one, 1),
                "aim": AIM,
            }
        )
    )


if __name__ == "__main__":
    main()
