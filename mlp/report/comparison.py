"""A comparison of runs as tables for a terminal. Measures nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from math import isnan
from typing import Any

from mlp.comparison import Comparison, Duel, short
from mlp.data.complaints import counted
from mlp.report.text import figure

WIDEST = 24  # letters of a setting
LEFT_OUT = ("precision_macro", "recall_macro", "log_loss")  # F1 and the loss say nearly the same; --json has all


def comparison_text(found: Comparison) -> str:
    """Metrics with the best marked, what it took, the settings that differ, findings, and whether it may be chance."""
    rows = [*_metrics(found), *_costs(found)]
    settings = [(key, [_setting(value) for value in values]) for key, values in found.settings.items()]
    first = max(len(name) for name, _ in [*rows, *settings]) + 2
    cells = chain(short(found.names), *(cells for _, cells in [*rows, *settings]))
    width = max(map(len, cells)) + 2
    lines = [_line("", short(found.names), first, width), *(_line(*row, first, width) for row in rows)]
    if not found.are_of_one_split:
        lines += ["metrics are of each run's own rows: the parts of these runs are not the same rows"]
    if settings:
        lines += ["\nsettings that differ", *(_line(*row, first, width) for row in settings)]
    return "\n".join([*lines, *_findings(found), *_tests(found)])


def _line(name: str, cells: Sequence[str], first: int, width: int) -> str:
    return f"{name:{first}}" + "".join(f"{cell:>{width}}" for cell in cells)


def _metrics(found: Comparison) -> Iterator[tuple[str, list[str]]]:
    """A row for each metric; a star marks the best."""
    for name, values in found.metrics.items():
        if name.partition("_")[2] in LEFT_OUT:
            continue
        best = found.best(name)
        yield name, [_number(value) + ("*" if i in best else " ") for i, value in enumerate(values)]


def _number(value: float) -> str:
    return "-" if isnan(value) else figure(value)


def _costs(found: Comparison) -> Iterator[tuple[str, list[str]]]:
    yield "parameters", [f"{run.network.layout.size} " for run in found.runs]
    yield "steps", [f"{run.steps} " for run in found.runs]
    yield "seconds", [f"{run.seconds:.2f} " for run in found.runs]
    yield "healthy", ["yes " if run.healthy else "no " for run in found.runs]


def _setting(value: Any) -> str:
    """A setting, cut where it is long; a dash where there is no such key."""
    text = "-" if value is None else str(value)
    return (text if len(text) <= WIDEST else text[: WIDEST - 1] + "…") + " "


def _findings(found: Comparison) -> Iterator[str]:
    """Findings that are more than information, a line for each run that has any."""
    for name, run in zip(short(found.names), found.runs, strict=True):
        kinds = [f"{finding.severity} {finding.kind}" for finding in run.findings if finding.severity != "info"]
        if kinds:
            yield f"\n{name}: {', '.join(kinds)}"


def _tests(found: Comparison) -> Iterator[str]:
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
    yield from (_test(short(found.names), one) for one in found.duels)


def _trained_on(found: Comparison) -> str:
    """Which runs were trained on some of the rows."""
    runs = zip(short(found.names), found.trained_on, strict=False)
    known = [f"{n} of them trained on by {name}" for name, n in runs if n]
    return "".join(f"; {each}" for each in known)


def _test(names: Sequence[str], one: Duel) -> str:
    verdict = "no row differs" if one.wins == one.losses == 0 else "may be chance"
    verdict = "a difference" if one.p < 0.05 else verdict
    return f"    {names[one.best]} {one.wins} : {one.losses} {names[one.other]}   p = {one.p:.2g}, {verdict}"
