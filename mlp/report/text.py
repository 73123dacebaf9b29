"""A run in words and numbers for a terminal, and its answers as CSV. Measures nothing."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from mlp.arrays import Array
from mlp.data.complaints import counted
from mlp.diagnosis import Finding, Findings
from mlp.diagnosis.evidence import latest_resting_point
from mlp.diagnosis.health import describe_health
from mlp.diagnosis.reading import Reading
from mlp.errors import visible
from mlp.experiment import Run, Setup
from mlp.experiment.cost import estimate_cost
from mlp.experiment.recorded import Recorded
from mlp.layers import Dense
from mlp.model import APART, group_minima
from mlp.network import Layout
from mlp.preprocessing.preprocessing import BLOCK, Preprocessing
from mlp.preprocessing.target import is_one_of_k

if TYPE_CHECKING:
    from mlp.repairs import Repair

PARTS = ("train", "validation", "test")
MOST_LIKELY = " Most likely: "
"""How a message begins to name its first cause, for those who see no causes; below it they stand in full."""


def preamble(setup: Setup) -> str:
    """What is about to be trained, on what, and how."""
    return "\n".join((_data(setup), _split(setup), _network(setup), _training(setup)))


def _data(setup: Setup) -> str:
    dataset, inputs = setup.prepared.dataset, setup.prepared.preprocessing
    rows = len(dataset.X) + (0 if dataset.test is None else len(dataset.test[0]))
    target = {
        "classification": f"{inputs.n_targets} classes",
        "multilabel": counted(inputs.n_targets, "label"),
        "regression": f"{counted(inputs.n_targets, 'number')} to predict",
    }[inputs.task]
    features = counted(len(inputs.feature_names), "feature")
    origin = f" ({dataset.source}; {dataset.licence})" if dataset.source and dataset.licence else ""
    ignored = f"; ignored: {', '.join(setup.config.data.ignore)}" if setup.config.data.ignore else ""
    left_out = f"; left out: {', '.join(dataset.left_out)}" if dataset.left_out else ""
    notes = left_out + _missing(inputs) + _one_of_k(setup)
    return f"{'data':10}{visible(f'{dataset.name}: {rows} rows, {features}, {target}{origin}{ignored}{notes}')}"


def _missing(inputs: Preprocessing) -> str:
    """What is done with missing cells."""
    if inputs.missing == "drop":
        return "; rows with missing cells are left out"
    if inputs.imputation is None:
        return ""
    marked = [inputs.feature_names[j] for j in inputs.imputation.indicators]
    filled = f"missing cells are filled and marked: {', '.join(marked[:4])}{', ...' if len(marked) > 4 else ''}"
    return f"; {filled}" if marked else "; no cell is missing in the rows to train on"


def _one_of_k(setup: Setup) -> str:
    """What to know where labels are taken one by one, and each row has exactly one of them."""
    if setup.config.data.task != "multilabel" or not is_one_of_k(setup.prepared.train.y):
        return ""
    return "; each row has exactly one label: to choose one of them, give task = classification"


def _split(setup: Setup) -> str:
    prepared = setup.prepared
    sizes = [
        f"{len(part)} {use}"
        for part, use in (
            (prepared.train, "to train on"),
            (prepared.validation, "to validate"),
            (prepared.test, "to test"),
        )
        if part is not None
    ]
    scale = {"standard": "mean 0, deviation 1", "minmax": "range 0 to 1", "none": "not scaled"}
    why = " (these are all patterns there are)" if prepared.dataset.complete else ""
    targets = "" if setup.config.data.scale_target == "none" else f"; targets: {scale[setup.config.data.scale_target]}"
    return f"{'split':10}{', '.join(sizes)}{why}; inputs: {scale[setup.config.data.scale]}{_augmented(setup)}{targets}"


def _augmented(setup: Setup) -> str:
    """How the batches to train on are changed."""
    data = setup.config.data
    shifted = f", shifted by up to {counted(data.shift, 'pixel')}" if data.shift else ""
    return shifted + (f", mixed (α = {data.mixup:g})" if data.mixup else "")


def _network(setup: Setup) -> str:
    layout, population = setup.layout, setup.population
    of = f"{population[0]} × " if population else ""
    chain = " → ".join([str(layout.layers[0].n_in), *(_layer(layer) for layer in layout.layers)])
    return f"{'network':10}{of}{chain}, {layout.size} parameters; start: {_start(layout)}"


def _start(layout: Layout) -> str:
    """Which dense layers begin with which initializer: "dense1-8 GlorotUniform, dense9 LeCunNormal"."""
    layers = zip(layout.names, layout.layers, strict=True)
    dense = [(name, repr(layer.weights).removesuffix("()")) for name, layer in layers if isinstance(layer, Dense)]
    groups = [(rule, [name for name, _ in group]) for rule, group in groupby(dense, key=itemgetter(1))]
    return ", ".join(
        f"{names[0]}{'-' + names[-1].removeprefix('dense') if len(names) > 1 else ''} {rule}" for rule, names in groups
    )


def _layer(layer: Any) -> str:
    return str(layer.n_out) if isinstance(layer, Dense) else str(layer.kind)


def _training(setup: Setup) -> str:
    given = setup.config
    own = given.optimizer.own
    rate = f"learning rate {own['learning_rate']:g}" if "learning_rate" in own else "step lengths of its own"
    schedule = given.optimizer.schedule
    named = schedule if isinstance(schedule, str) else schedule["name"]
    extra = "" if named == "constant" else f" ({named})"
    extra += f", max-norm {given.network.max_norm:g}" if given.network.max_norm else ""
    return (
        f"{'training':10}{given.loss.name}, {given.optimizer.name}, {rate}{extra}, "
        f"{counted(given.training.epochs, 'epoch')} of {counted(setup.steps_per_epoch, 'step')}{_stopping(setup)}"
    )


def _stopping(setup: Setup) -> str:
    """What early stopping watches, where it is on."""
    patience = setup.config.training.patience
    if patience is None:
        return ""
    watched = "training" if setup.prepared.validation is None else "validation"
    return f", fewer if the {watched} loss does not improve for {counted(patience, 'epoch')}"


def metrics_table(run: Run) -> str:
    """Metrics as a table: a row for each metric, a column for each part."""
    parts = [part for part in PARTS if f"{part}_loss" in run.metrics]
    kinds = [name.removeprefix("train_") for name in run.metrics if name.startswith("train_")]
    rows = [f"\n{'':10}" + "".join(f"{part:>12}" for part in parts)]
    for kind in kinds:
        rows.append(f"{kind:10}" + "".join(f"{figure(run.metrics[f'{part}_{kind}']):>12}" for part in parts))
    rows += _how_measured(run)
    if "restart_losses" in run.metrics:
        rows.append(_restarts(run))
    if "restart_train_losses" in run.metrics and "reference_loss" in run.history:
        rows.append(_minima(run))
    return "\n".join(rows)


def _how_measured(run: Run) -> Iterator[str]:
    """What the numbers of the table are of, where that is not all rows, counted alike, and the last weights."""
    if "kept_epoch" in run.metrics:
        watched = "validation" if "validation_loss" in run.metrics else "training"
        epoch = run.metrics["kept_epoch"]
        best = f"after epoch {epoch}, where the {watched} loss was lowest" if epoch else "that training began with"
        yield f"{'weights':10}those {best}"
    losses = ["of smoothed labels"] if run.config.loss.own.get("label_smoothing") else []
    losses += ["every row counts alike, whatever its class"] if run.config.data.class_weight != "none" else []
    if losses:
        yield f"{'losses':10}{'; '.join(losses)}"


def figure(value: float) -> str:
    """Four decimals, or four digits of what is large: at most 11 characters.

    >>> figure(0.98765), figure(859527.25), figure(-1e300)
    ('0.9877', '8.595e+05', '-1e+300')
    """
    return f"{value:.4f}" if abs(value) < 10_000 else f"{value:.4g}"


def _restarts(run: Run) -> str:
    """The losses by which the network that answers was chosen."""
    losses, chosen = np.array(run.metrics["restart_losses"]), run.metrics["restart_chosen"]
    of = "validation" if "validation_loss" in run.metrics else "training"
    fine = losses[np.isfinite(losses)]
    lost = f", {len(losses) - len(fine)} diverged" if len(fine) < len(losses) else ""
    spread = f", {of} losses {fine.min():.4g} to {fine.max():.4g} (median {np.median(fine):.4g})" if len(fine) else ""
    does = "has the best" if run.network.population else "is kept"
    kept = f"; number {chosen} {does}, counting from 0" if len(fine) else ""
    return f"{'restarts':10}{len(losses)}{lost}{spread}{kept}"


def _minima(run: Run) -> str:
    """Into which minima the restarts fell, and who answers."""
    best, *worse = group_minima(run.metrics["restart_train_losses"], float(run.history["reference_loss"][0])) or [[]]
    fallen = ", ".join(f"{len(group)} near a training loss of {np.median(group):.3g}" for group in worse[:4])
    more = f" and {sum(map(len, worse[4:]))} above" if len(worse) > 4 else ""
    elsewhere = f"; {sum(map(len, worse))} fell into worse minima: {fallen}{more}" if worse else ""
    together = f"; {counted(run.network.population[0], 'network')} answer together" if run.network.population else ""
    within = f"within {APART:.0%} of a guess from the best training loss"
    return f"{'':10}{len(best)} {within}{elsewhere}{together}"


def verdict(run: Run | Recorded) -> str:
    """Healthy and why, or the findings, the worst first; information in a line each. A cause is told once."""
    lines, told = [_healthy(run)] if run.healthy else [], set[str]()
    for severity in ("critical", "warning", "info"):
        for finding in run.findings:
            if finding.severity == severity:
                lines += _finding(finding, told)
    resting = None if run.healthy else latest_resting_point(Reading(run.history))
    if resting is not None and resting.kind == "undecided":
        lines.append("what kind of point this is stays undecided within the allowance: run mlp landscape RUN")
    if isinstance(run.findings, Findings):
        lines += [f"not seen: {visible(what)}" for what in run.findings.unseen]
    return "\n" + "\n".join(lines)


def _healthy(run: Run | Recorded) -> str:
    """The verdict with its numbers."""
    alone = ", of the best network alone" if isinstance(run, Run) and run.network.population else ""
    return describe_health(run.history, run.metrics, alone)


def _finding(finding: Finding, told: set[str]) -> Iterator[str]:
    """A finding in a line, and its causes below it; those that were `told` above by their names alone."""
    if finding.severity == "info":
        yield f"note: {finding.kind}: {visible(finding.message)}"
        return
    message = finding.message.partition(MOST_LIKELY)[0] if finding.causes else finding.message
    yield f"{finding.severity}: {finding.kind}: {visible(message)}"
    known = [cause.name for cause in finding.causes if cause.name in told]
    for cause in finding.causes:
        if cause.name not in told:
            told.add(cause.name)
            yield visible(f"    {cause.name}: {cause.why}; remedy: {cause.remedy}")
    if known:
        yield visible(f"    as above: {', '.join(known)}")


def repair_text(repair: Repair) -> str:
    """What was tried, what was changed and why, and the metrics before → after."""
    if repair.before.healthy:
        return "\nrepair: nothing to do, the run is healthy"
    lines = ["", *_trials(repair), *_changes(repair), *_before_and_after(repair)]
    lines += [f"for you: {name}: {remedy}" for name, remedy in repair.advice.items()]
    return "\n".join(lines)


def _trials(repair: Repair) -> Iterator[str]:
    """Every trial with its score."""
    if not repair.trials:
        return
    yield f"{'steps':>7}{'score':>9}  trial"
    for trial in repair.trials:
        yield f"{trial.steps:7}{trial.score:9.3f}  {', '.join(trial.words) or 'as it is'}{_suspected(trial.causes)}"
    yield f"{'':7}{repair.baseline:9.3f}  a plain network"
    yield f"{'score':10}{repair.score_of_trials}"


def _suspected(causes: Sequence[str]) -> str:
    """What a trial was made for."""
    return f" ({', '.join(causes)})" if causes else ""


def _changes(repair: Repair) -> Iterator[str]:
    """The verdict, and each change with its cause."""
    yield f"repair: {repair.outcome}"
    for change in repair.changes:
        yield f"    {', '.join(change.words)} because of {change.cause.name}: {change.cause.why}"


def _before_and_after(repair: Repair) -> Iterator[str]:
    """Scores of the run and of the repaired one, and the verdict on it."""
    if repair.changes:
        before, after = repair.before.metrics, repair.after.metrics
        for name in (f"{part}_{kind}" for part in PARTS for kind in ("loss", "accuracy", "r2")):
            if name in before and name in after:
                yield f"{name:22}{figure(before[name]):>12} → {figure(after[name])}"
        yield verdict(repair.after).lstrip()


def estimate_text(setup: Setup, n_runs: int = 1) -> str:
    """About how long a training will take, by the work that is counted."""
    cost = estimate_cost(setup)
    steps = f"{counted(setup.n_steps, 'step')}, {cost.products:.2g} products of a parameter and a row"
    runs = f"{n_runs} runs of " if n_runs > 1 else ""
    return f"{'estimate':10}{runs}{steps}: about {cost.seconds * n_runs:.2g} s on one core; nothing was trained"


def cost_text(run: Run, folder: Path) -> str:
    """How long it took and where it is."""
    return f"{counted(run.steps, 'step')} in {run.seconds:.2f} s; run directory: {folder}"


def write_answers(run: Run, X: Array, out: IO[str], *, safe: bool = False) -> None:
    """Write CSV into `out`: the prediction for each row of X, and where there are any the probabilities.

    `safe`: text that a spreadsheet would take for a formula has a ' before it.

    Some thousand rows at a time, as many as the network takes at once: the text of a million rows is never in memory.
    """
    table = csv.writer(out, lineterminator="\n")
    rows, quote = run.model.preprocessing.raw(X), _quote_formula if safe else _as_it_is
    for start in range(0, len(rows), BLOCK):
        columns, probabilities = _answers(run, rows[start : start + BLOCK])
        if start == 0:
            table.writerow(map(quote, _header(run, columns.shape[1], probabilities.shape[1])))
        for row, p in zip(columns, probabilities, strict=True):
            table.writerow([*map(quote, _cells(row)), *(f"{value:.6g}" for value in p)])


def _answers(run: Run, rows: Array) -> tuple[Array, Array]:
    """Predictions (n, k) and probabilities (n, n_classes), of no columns where there are none.

    Classes are called as the file with the training rows called them.
    """
    predictions = run.predict(rows)
    if run.model.preprocessing.class_labels is not None:
        predictions = np.array(run.model.preprocessing.names_of(predictions), dtype=object)
    columns = predictions[:, None] if predictions.ndim == 1 else predictions
    certain = run.model.head.certain and run.model.preprocessing.task != "regression"
    return columns, run.predict_proba(rows) if certain else np.empty((len(rows), 0))


def _header(run: Run, n_columns: int, n_probabilities: int) -> list[str]:
    names = list(run.classes or (str(i) for i in range(max(n_columns, n_probabilities))))
    one = [run.model.preprocessing.target_name]
    return [
        *(one if n_columns == 1 else names[:n_columns]),
        *(f"p({name})" for name in names[:n_probabilities]),
    ]


def _as_it_is(cell: Any) -> Any:
    return cell


def _quote_formula(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: text that begins like one gets a ' in front; numbers stay.

    OWASP, "CSV Injection": = + - @, tab and carriage return.
    """
    is_formula = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) and not _is_number(cell)
    return f"'{cell}" if is_formula else cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _cells(row: Sequence[Any]) -> list[Any]:
    return [f"{value:.9g}" if isinstance(value, np.floating) else value for value in row]
