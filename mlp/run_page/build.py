"""The page of a run, from what the run holds and the rows it was trained and tested on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

import mlp
from mlp.arrays import Array
from mlp.config import Config, to_toml, use_options
from mlp.diagnosis import Finding
from mlp.diagnosis.health import describe_health
from mlp.errors import MLPError
from mlp.history import History
from mlp.layers import Dense
from mlp.model import Model
from mlp.network import Network
from mlp.page import BLOCK_SCRIPTS, BLOCK_STYLES, build_page
from mlp.preprocessing import Prepared
from mlp.preprocessing.prepare import prepare
from mlp.preprocessing.source import short_name
from mlp.run_page.answers import ask, describe_answers
from mlp.run_page.chart import merge
from mlp.run_page.curves import backward_gains, chart_history, has_records
from mlp.run_page.surroundings import POINT_COLUMNS, Looked, describe_landscape, describe_point, list_points
from mlp.run_page.weights import describe_weights

STYLES = (*BLOCK_STYLES, "mlp.page/heat.css", "mlp.run_page/report.css")
SCRIPTS = (
    *(*BLOCK_SCRIPTS, "mlp.page/heat.js", "mlp.run_page/timeline.js"),
    *("mlp.run_page/surroundings.js", "mlp.run_page/report.js"),
)
OPENED = "mlp.run_page/opened.js"
SEVERITIES = ("critical", "warning", "info")
RECORDED = {
    "loss": "loss of the last batch",
    "train_loss": "train loss",
    "train_accuracy": "train accuracy",
    "train_r2": "train r²",
    "validation_loss": "validation loss",
    "validation_accuracy": "validation accuracy",
    "validation_r2": "validation r²",
}
"""Columns whose latest number stands at the head of the page of a recording, by what they are called there."""
AGREE = 1e-3  # by how much of itself a loss may differ that is measured again


class ReportedRun(Protocol):
    """What a page needs to know of a run."""

    config: Config
    model: Model
    history: History
    metrics: dict[str, Any]
    findings: tuple[Finding, ...]
    steps: int
    seconds: float
    waypoints: Any


class Described(NamedTuple):
    """What a page says: `head` as JSON has it, and `arrays`."""

    head: dict[str, Any]
    arrays: dict[str, Array]


def build_report(
    run: ReportedRun, rows: Prepared | None, repair: Mapping[str, Any] | None = None, looked: Looked | None = None
) -> str:
    """The text of the page.

    `rows` are those that the run was trained and tested on; None leaves out what can only be said with them. `repair`
    is what `Repair.to_json` says of what was tried. `looked`: what was seen where the run ended.
    """
    page, seen = describe_run(run, rows, repair), looked or Looked()
    head, arrays = (None, {}) if seen.landscape is None else describe_landscape(seen.landscape)
    point = None if seen.point is None else describe_point(seen.point)
    return write_text(Described(page.head | {"point": point, "landscape": head}, page.arrays | arrays))


def write_text(page: Described) -> str:
    """A page that stays as it is."""
    return build_page(str(page.head["title"]), page.head, page.arrays, STYLES, (*SCRIPTS, OPENED))


def describe_run(run: ReportedRun, rows: Prepared | None, repair: Mapping[str, Any] | None = None) -> Described:
    """What the page of a run says."""
    charts = describe_history(run.history)
    weights, weight_arrays = describe_weights(run.model.network, run.waypoints)
    answers, answer_arrays = (
        (None, {}) if rows is None else describe_answers(run.model, run.config, ask(run.model, rows))
    )
    head = {
        "state": "done",
        "title": _title(run),
        "network": describe_network(run.model.network),
        "verdict": describe_verdict(run),
        "healthy": is_healthy(run.findings),
        "tiles": [*_tiles(run)],
        "findings": describe_findings(run.findings),
        "weights": weights,
        "answers": answers,
        "repair": None if repair is None else _repair(run, repair),
        **say_how_to_repeat(run.config),
    }
    return Described(head | charts.head, charts.arrays | weight_arrays | answer_arrays)


def build_recording_report(
    title: str, network: str, history: History, findings: Sequence[Finding], unknown: Sequence[str]
) -> str:
    """The text of the page of a loop of somebody else's, of which a history is all there is.

    `unknown`: what could not be seen, in sentences.
    """
    charts = describe_history(history)
    latest = {name: history[name][-1] for name in RECORDED if has_records(history, name) and history.shape(name) == ()}
    head = {
        "state": "recorded",
        **{"title": title, "network": network},
        "verdict": _say_worst(findings) or _say_healthy(describe_health(history, {})),
        "healthy": is_healthy(findings),
        "tiles": [[shown, number(latest[name])] for name, shown in RECORDED.items() if name in latest],
        "findings": describe_findings(findings),
        "unknown": [*unknown],
        **{"weights": [], "answers": None, "repair": None, "experiment": ""},
    }
    return write_text(Described(head | charts.head, charts.arrays))


def describe_history(history: History) -> Described:
    """Charts of what was recorded."""
    curves, heat_maps = chart_history(history)
    lines, line_arrays = merge(curves)
    maps, map_arrays = merge(heat_maps)
    head = {
        **{"lines": lines, "heats": maps, "gains": backward_gains(history)},
        **{"points": list_points(history), "point_columns": [*POINT_COLUMNS]},
    }
    return Described(head, line_arrays | map_arrays)


def describe_findings(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Findings as text, the worst first."""
    return [_finding(f) for severity in SEVERITIES for f in findings if f.severity == severity]


def say_how_to_repeat(config: Config) -> dict[str, Any]:
    """How to do it again."""
    return {
        "experiment": to_toml(config.to_dict()),
        "command": f"mlp train -c experiment.toml{use_options(config)}",
        "made": f"mlp {mlp.__version__}, NumPy {np.__version__}",
    }


def read_rows(run: ReportedRun, data: Any = None) -> Prepared | None:
    """The rows that a run was trained and tested on, from `data` or its source; None where they are not at hand.

    Rows on which its loss is another than it was are not those.
    """
    try:
        rows = prepare(run.config, data)
        for name, part in (("test", rows.test), ("validation", rows.validation), ("train", rows.train)):
            if part is not None and f"{name}_loss" in run.metrics:
                was, found = run.metrics[f"{name}_loss"], float(run.model.evaluate(part)["loss"])
                return rows if math.isclose(was, found, rel_tol=AGREE, abs_tol=1e-6) or was != was else None
    except (MLPError, OSError):
        pass
    return None


def _title(run: ReportedRun) -> str:
    return f"{short_name(run.config.data.source)}: {run.config.optimizer.name}, {run.steps} steps"


def describe_network(network: Network) -> str:
    """The chain of its layers, and how many parameters it has."""
    layers = network.layout.layers
    chain = " → ".join([str(layers[0].n_in), *map(_layer, layers)])
    members = f"{network.population[0]} × " if network.population else ""
    return f"{members}{chain}, {network.layout.size} parameters"


def _layer(layer: Any) -> str:
    return str(layer.n_out) if isinstance(layer, Dense) else str(layer.kind)


def is_healthy(findings: Sequence[Finding]) -> bool:
    """Whether none is more than information."""
    return all(finding.severity == "info" for finding in findings)


def describe_verdict(run: ReportedRun) -> str:
    """One sentence: that it is healthy and why, or the worst finding."""
    alone = ", of the best network alone" if run.model.network.population else ""
    return _say_worst(run.findings) or _say_healthy(describe_health(run.history, run.metrics, alone))


def _say_worst(findings: Sequence[Finding]) -> str:
    """The worst finding; "" where all is well."""
    poor = {severity: [f.message for f in findings if f.severity == severity] for severity in SEVERITIES[:2]}
    return next((messages[0] for messages in poor.values() if messages), "")


def _say_healthy(said: str) -> str:
    return f"{said[0].upper()}{said[1:]}."


def _tiles(run: ReportedRun) -> Iterator[list[str]]:
    """The few numbers that people look for first."""
    name = "r2" if run.model.task == "regression" else "accuracy"
    for part in ("train", "validation", "test"):
        for kind in ("loss", name):
            if f"{part}_{kind}" in run.metrics:
                yield [f"{part} {'r²' if kind == 'r2' else kind}", number(run.metrics[f"{part}_{kind}"])]
    yield ["steps", str(run.steps)]
    yield ["seconds", f"{run.seconds:.2f}"]


def number(value: Any) -> str:
    """A number as the page prints it: four digits.

    >>> number(0.98765), number(1e-9), number(float("nan"))
    ('0.9877', '1e-09', 'nan')
    """
    return f"{value:.4g}"


def _finding(finding: Finding) -> dict[str, Any]:
    """A finding as text."""
    evidence = [f"{name} = {number(v) if isinstance(v, float) else v}" for name, v in finding.evidence.items()]
    return {
        **{"kind": finding.kind, "severity": finding.severity, "message": finding.message},
        **{"layers": list(finding.layers), "step": None if finding.step is None else int(finding.step)},
        **{"evidence": evidence, "causes": [[c.name, c.why, c.remedy] for c in finding.causes]},
    }


def _repair(run: ReportedRun, repair: Mapping[str, Any]) -> dict[str, Any]:
    """What was tried, as text."""
    trials = [
        [str(t["steps"]), number(t["score"]), ", ".join(t["words"]) or "as it is", ", ".join(t["causes"])]
        for t in repair["trials"]
    ]
    if trials:
        trials.append(["", number(repair["baseline"]), "a plain network", ""])
    changes = [[", ".join(change["words"]), change["cause"], change["why"]] for change in repair["changes"]]
    return {
        **{"trials": trials, "changes": changes, "outcome": repair["outcome"]},
        **{"score": repair["score_of_trials"], "advice": [[*pair] for pair in repair["advice"].items()]},
    }
