"""The page of a comparison of runs, from what it found and what the runs recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan
from typing import Any

import numpy as np

from mlp.comparison import RunComparison, short_names
from mlp.experiment import Run
from mlp.page import bucket_extremes
from mlp.page.side_by_side import Axes, Block, Curve, build_side_by_side, chart, figure, section, table

CURVES = {
    "validation_loss": "Loss on validation rows",
    "train_loss": "Training loss, mean of each epoch",
    "loss": "Loss of each batch",
    "validation_accuracy": "Accuracy on validation rows",
    "validation_r2": "r² on validation rows",
    "grad_norm": "Norm of the gradient",
    "learning_rate": "Learning rate",
}
"""Columns of a history, by what their charts are called."""
PART = 4  # of the buckets of a report: as many runs as there are share the page
LEVEL = 0.05


def build_comparison_page(found: RunComparison) -> str:
    """The text of the page."""
    names = short_names(found.names)
    blocks = [_metrics(found, names), *_differences(found, names), *_duels(found, names), *_findings(found, names)]
    charts = [*_charts(found.runs)]
    if charts:
        note = "Seconds are steps times the mean seconds of a step of the run."
        blocks.append(section("On the way", note, charts))
    lead = f"{len(names)} runs: {', '.join(found.names)}"
    return build_side_by_side("Runs side by side", lead, _say_best(found, names), names, blocks, "runs")


def _say_best(found: RunComparison, names: Sequence[str]) -> str:
    """Which run answers best, and whether chance explains that."""
    if not found.duels:
        return f"Not compared row by row: {found.on}"
    best = names[found.duels[0].best]
    clear = [names[duel.other] for duel in found.duels if duel.p <= LEVEL]
    if len(clear) == len(found.duels):
        return f"{best} answers best on {found.rows} rows, beyond chance."
    unclear = [names[duel.other] for duel in found.duels if duel.p > LEVEL]
    return f"{best} answers best on {found.rows} rows; chance may explain the difference to {', '.join(unclear)}."


def _metrics(found: RunComparison, names: Sequence[str]) -> Block:
    rows: list[list[Any]] = [
        [name.replace("_", " "), *(_metric(value, i in found.best(name)) for i, value in enumerate(values))]
        for name, values in found.metrics.items()
    ]
    rows += [
        ["parameters", *(str(run.network.layout.size) for run in found.runs)],
        ["steps", *(str(run.steps) for run in found.runs)],
        ["seconds", *(f"{run.seconds:.2f}" for run in found.runs)],
        ["healthy", *("yes" if run.healthy else "no" for run in found.runs)],
    ]
    split = "Metrics are of each run's own rows: the parts of these runs are not the same rows."
    return table("Metrics", ["", *names], rows, [] if found.are_of_one_split else [split])


def _metric(value: float, best: bool) -> Any:
    return "" if isnan(value) else {"text": figure(value), "best": best}


def _differences(found: RunComparison, names: Sequence[str]) -> Iterator[Block]:
    if found.settings:
        rows = [
            [key, *("" if value is None else str(value) for value in values)] for key, values in found.settings.items()
        ]
        yield table("Settings that differ", ["", *names], rows)


def _duels(found: RunComparison, names: Sequence[str]) -> Iterator[Block]:
    if found.duels:
        what = "closer to the truth" if found.runs[0].model.task == "regression" else "right where the other is wrong"
        rows = [
            [names[duel.best], names[duel.other], str(duel.wins), str(duel.losses), figure(duel.p)]
            for duel in found.duels
        ]
        columns = ["best", "against", "rows on which it is better", "rows on which it is worse", "p"]
        note = f"On {found.rows} rows of {found.on}: {what}. p: an exact sign test, corrected by Holm for all pairs."
        yield table("Row by row", columns, rows, [note])


def _findings(found: RunComparison, names: Sequence[str]) -> Iterator[Block]:
    rows = [
        [
            name,
            finding.severity,
            finding.kind.replace("_", " "),
            finding.message,
            finding.causes[0].remedy if finding.causes else "",
        ]
        for name, run in zip(names, found.runs, strict=True)
        for finding in run.findings
        if finding.severity != "info"
    ]
    if rows:
        yield table("What was found", ["run", "severity", "kind", "", "first remedy"], rows)


def _charts(runs: Sequence[Run]) -> Iterator[Block]:
    for column, title in CURVES.items():
        drawn = [(i, run) for i, run in enumerate(runs) if column in run.history and run.history.shape(column) == ()]
        curves = [curve for i, run in drawn if (curve := _curve(i, run, column)) is not None]
        if curves and not (column == "learning_rate" and all(np.ptp(curve.y) == 0 for curve in curves)):
            log = not column.endswith(("accuracy", "r2")) and all((curve.y > 0).any() for curve in curves)
            ends = ", ".join(f"{curve.y[-1]:.4g}" for curve in curves)
            yield chart(f"way/{column}", Axes(title, title, f"{title}, at the end: {ends}.", log=log), curves)


def _curve(i: int, run: Run, column: str) -> Curve | None:
    """One column of a run, of each bucket the points that the picture needs."""
    steps, values = run.history.steps(column), np.asarray(run.history[column], np.float64)
    if not len(values):
        return None
    kept = bucket_extremes(values, 1024 // PART, 4096 // PART)
    steps, values = steps[kept].astype(float), np.where(np.isfinite(values[kept]), values[kept], np.nan)
    return Curve(i, {"steps": steps, "seconds": steps * (run.seconds / max(run.steps, 1))}, values)
