"""What became of a run: its scores on rows it never saw, and whether it counts as faulty or as healthy.

A label is a fact about a run and not about its configuration: some networks learn with a fault, and some sensible ones
do not learn. Scores are accuracies, or R² held within ± 1; the reference is the best that any healthy candidate reached
on the same problem and seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from case import Case

from mlp.experiment import Run

FAULTY = 0.10  # this far below the reference, or between training and held-out rows
HEALTHY = 0.03  # at most this far below
SOUND = 0.05  # a twin further below than this has a fault of its own


def scores(run: Run, case: Case) -> dict[str, float]:
    """The run's score on the rows held out, on its training rows, and the held-out recall of class 0, the rare one."""
    name = "accuracy" if case.problem.classes else "r2"
    found = {
        "score": run.evaluate(case.X_held, case.y_held)[name],
        "train_score": run.metrics[f"train_{name}"],
        "rare_recall": 1.0,
    }
    if case.problem.classes:
        rare = case.y_held == 0
        found["rare_recall"] = float(np.mean(run.predict(case.X_held[rare]) == 0))
    return {name: float(np.clip(np.nan_to_num(value, nan=-1.0), -1, 1)) for name, value in found.items()}


def failed(row: dict[str, Any], reference: float, measure: str = "score") -> bool:
    """Whether a run came out as badly as a fault of this `measure` has it."""
    if row["diverged"]:
        return True
    if measure == "gap":
        return bool(row["train_score"] - row["score"] > FAULTY)
    if measure == "minority":
        return bool(row["rare_recall"] < 0.5)
    return bool(row["score"] <= reference - FAULTY)


def faulty_state(row: dict[str, Any], reference: float, twin: dict[str, Any], measure: str) -> str:
    """Say "faulty", or why a run with a fault does not count.

    "twin failed": the same run without the fault is no good either, so that nobody knows what the fault did.
    "learned": within 3 points of the reference in spite of it. "between": neither.
    """
    if "error" in row or "error" in twin:
        return "refused"
    if twin["diverged"] or twin["score"] < reference - SOUND:
        return "twin failed"
    if failed(row, reference, measure):
        return "faulty"
    return "learned" if row["score"] >= reference - HEALTHY else "between"


def healthy_state(row: dict[str, Any], reference: float) -> str:
    """Say "healthy": within 3 points of the reference, and not more than 10 points better on its training rows."""
    if "error" in row:
        return "refused"
    if failed(row, reference):
        return "failed"
    fine = row["score"] >= reference - HEALTHY and not failed(row, reference, "gap")
    return "healthy" if fine else "between"
