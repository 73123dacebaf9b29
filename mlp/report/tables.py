"""What was measured as tables for a terminal: how good a run is, and several runs side by side. Measures nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from math import isnan
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.comparison import Duel, RunComparison, short_names
from mlp.data.complaints import counted
from mlp.errors import visible
from mlp.model import Appraisal
from mlp.report.text import figure

WIDEST = 12  # classes whose confusion matrix fits a terminal
LONGEST = 18  # letters of a class's name
SHOWN = 10  # confusions that are listed where the matrix does not fit
LONGEST_SETTING = 24  # letters
LEFT_OUT = ("precision_macro", "recall_macro", "log_loss")  # F1 and the loss say nearly the same; --json has all


def evaluation_text(found: Appraisal, trained_on: int) -> str:
    """Metrics, then what is known of each class, then which class was taken for which.

    `trained_on`: how many of the rows the run was trained on.
    """
    width = max(map(len, found.metrics)) + 2
    lines = [f"{name:{width}}{_figure_or_undefined(value):>10}" for name, value in found.metrics.items()]
    known = f", {trained_on} of them trained on" if trained_on else ""
    return "\n".join([*lines, counted(found.rows, "row") + known, *_classes(found), *_confusion(found)])


def _figure_or_undefined(value: float) -> str:
    return "undefined" if isnan(value) else figure(value)


def _classes(found: Appraisal) -> Iterator[str]:
    """A row for each class."""
    if found.by_class is None or found.aucs is None:
        return
    labels = _shorten(found.class_names)
    width = max(map(len, ["class", *labels])) + 2
    yield f"\n{'class':{width}}" + "".join(f"{name:>11}" for name in ("precision", "recall", "f1", "auc", "rows"))
    columns = (*found.by_class[:3], found.aucs)
    for i, label in enumerate(labels):
        cells = "".join(f"{_cell(column[i]):>11}" for column in columns)
        yield f"{label:{width}}{cells}{found.by_class.support[i]:>11}"


def _cell(value: Any) -> str:
    """A score; a dash where it is undefined: the precision of a class that is never answered."""
    return "-" if isnan(value) else f"{value:.4f}"


def _confusion(found: Appraisal) -> Iterator[str]:
    """The matrix, or of many classes those that are most often confused."""
    if found.confusion is None:
        return
    if len(found.confusion) > WIDEST:
        yield from _commonest(found.confusion, found.class_names)
        return
    labels = _shorten(found.class_names)
    width = max(map(len, ["truth", *labels])) + 2
    cell = max(len(str(found.confusion.max())), *map(len, labels)) + 2
    yield f"\n{'truth':{width}}{'answers':>{cell}}"
    yield " " * width + "".join(f"{label:>{cell}}" for label in labels)
    for label, row in zip(labels, found.confusion, strict=True):
        yield f"{label:{width}}" + "".join(f"{count:>{cell}}" for count in row)


def _commonest(matrix: Array, names: Sequence[str]) -> Iterator[str]:
    """The most frequent mistakes, a line each."""
    mistakes = matrix * (1 - np.eye(len(matrix), dtype=int))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:SHOWN]
    yield f"\nmost often confused, of {len(matrix)} classes (all of them: --json)"
    for i, j in zip(*np.unravel_index(order, matrix.shape), strict=True):
        if mistakes[i, j]:
            yield f"{mistakes[i, j]:6}  {visible(names[i])} taken for {visible(names[j])}"


def _shorten(names: Sequence[str]) -> list[str]:
    """Names that a table can show: visible, and not too long."""
    shown = map(visible, names)
    return [name if len(name) <= LONGEST else name[: LONGEST - 1] + "…" for name in shown]


# runs side by side


def comparison_text(found: RunComparison) -> str:
    """Metrics with the best marked, what it took, the settings that differ, findings, and whether it may be chance."""
    rows = [*_metric_rows(found), *_cost_rows(found)]
    settings = [(key, [_setting(value) for value in values]) for key, values in found.settings.items()]
    first = max(len(name) for name, _ in [*rows, *settings]) + 2
    cells = chain(short_names(found.names), *(cells for _, cells in [*rows, *settings]))
    width = max(map(len, cells)) + 2
    lines = [_line("", short_names(found.names), first, width), *(_line(*row, first, width) for row in rows)]
    if not found.are_of_one_split:
        lines += ["metrics are of each run's own rows: the parts of these runs are not the same rows"]
    if settings:
        lines += ["\nsettings that differ", *(_line(*row, first, width) for row in settings)]
    return "\n".join([*lines, *_finding_lines(found), *_test_lines(found)])


def _line(name: str, cells: Sequence[str], first: int, width: int) -> str:
    return f"{name:{first}}" + "".join(f"{cell:>{width}}" for cell in cells)


def _metric_rows(found: RunComparison) -> Iterator[tuple[str, list[str]]]:
    """A row for each metric; a star marks the best."""
    for name, values in found.metrics.items():
        if name.partition("_")[2] in LEFT_OUT:
            continue
        best = found.best(name)
        yield name, [_number(value) + ("*" if i in best else " ") for i, value in enumerate(values)]


def _number(value: float) -> str:
    return "-" if isnan(value) else figure(value)


def _cost_rows(found: RunComparison) -> Iterator[tuple[str, list[str]]]:
    yield "parameters", [f"{run.network.layout.size} " for run in found.runs]
    yield "steps", [f"{run.steps} " for run in found.runs]
    yield "seconds", [f"{run.seconds:.2f} " for run in found.runs]
    yield "healthy", ["yes " if run.healthy else "no " for run in found.runs]


def _setting(value: Any) -> str:
    """A setting, cut where it is long; a dash where there is no such key."""
    text = "-" if value is None else str(value)
    return (text if len(text) <= LONGEST_SETTING else text[: LONGEST_SETTING - 1] + "…") + " "


def _finding_lines(found: RunComparison) -> Iterator[str]:
    """Findings that are more than information, a line for each run that has any."""
    for name, run in zip(short_names(found.names), found.runs, strict=True):
        kinds = [f"{finding.severity} {finding.kind}" for finding in run.findings if finding.severity != "info"]
        if kinds:
            yield f"\n{name}: {', '.join(kinds)}"


def _test_lines(found: RunComparison) -> Iterator[str]:
    """Whether the best could be so by chance."""
    if not found.duels:
        yield f"\nnot compared row by row: {found.on}"
        return
    regression = found.runs[0].model.task == "regression"
    what = "closer to the truth" if regression else "right where the other is wrong"
    test = "sign test" if regression else "McNemar's test"
    several = ", corrected by Holm for all pairs" if len(found.duels) > 1 else ""
    rows = f"{counted(found.rows, 'row')}{_trained_on(found)}"
    yield f"\nrow by row on {found.on} ({rows}), {what}; exact {test}{several}:"
    yield from (_test_line(short_names(found.names), one) for one in found.duels)


def _trained_on(found: RunComparison) -> str:
    """Which runs were trained on some of the rows."""
    runs = zip(short_names(found.names), found.trained_on, strict=False)
    known = [f"{n} of them trained on by {name}" for name, n in runs if n]
    return "".join(f"; {each}" for each in known)


def _test_line(names: Sequence[str], one: Duel) -> str:
    verdict = "no row differs" if one.wins == one.losses == 0 else "may be chance"
    verdict = "a difference" if one.p < 0.05 else verdict
    return f"    {names[one.best]} {one.wins} : {one.losses} {names[one.other]}   p = {one.p:.2g}, {verdict}"


def fold_metrics(runs: Sequence[Mapping[str, Any]]) -> tuple[dict[str, float], dict[str, float]]:
    """The mean of each metric that all runs have as a number, and its deviation (with n - 1), by name."""
    names = [name for name in runs[0] if all(isinstance(run.get(name), float) for run in runs)]
    values = {name: np.array([run[name] for run in runs]) for name in names}
    return {k: float(v.mean()) for k, v in values.items()}, {k: float(v.std(ddof=1)) for k, v in values.items()}


def folds_text(means: Mapping[str, float], deviations: Mapping[str, float], n_folds: int) -> str:
    """Means and deviations of the parts, side by side."""
    parts = ("train", "validation", "test")
    kinds = list(dict.fromkeys(name.partition("_")[2] for name in means if name.partition("_")[0] in parts))
    width = max(map(len, kinds), default=0)
    lines = [f"\nmean of {n_folds} folds, ± their deviation", " " * width + "".join(f"{part:>20}" for part in parts)]
    for kind in kinds:
        cells = [(means.get(f"{part}_{kind}"), deviations.get(f"{part}_{kind}")) for part in parts]
        shown = ("" if mean is None else f"{mean:.4f} ± {spread:.4f}" for mean, spread in cells)
        lines.append(f"{kind:{width}}" + "".join(f"{text:>20}" for text in shown))
    return "\n".join(lines)
