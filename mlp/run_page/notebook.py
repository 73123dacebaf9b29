"""A run as a piece of HTML for notebooks: the verdict, the metrics of each part, the loss, and what was found."""

from __future__ import annotations

from mlp.page import fragments
from mlp.run_page.build import ReportedRun, describe_verdict, number

PARTS = ("train", "validation", "test")


def show_run(run: ReportedRun) -> str:
    """Without script, in the colours of the notebook."""
    parts = [part for part in PARTS if f"{part}_loss" in run.metrics]
    kinds = [name.removeprefix("train_") for name in run.metrics if name.startswith("train_")]
    rows = [[kind, *(number(run.metrics[f"{part}_{kind}"]) for part in parts)] for kind in kinds]
    curve = ""
    if "loss" in run.history and not run.history.shape("loss"):
        curve = fragments.draw_curve(run.history.steps("loss"), run.history["loss"], "loss of each batch")
    found = [finding._repr_html_() for finding in run.findings]
    verdict = fragments.tag("p", fragments.text("b", describe_verdict(run)))
    return verdict + fragments.table(["", *parts], rows) + curve + "".join(found)
