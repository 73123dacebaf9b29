"""A comparison of optimizers as text: a table for the terminal, files of commas for everything else.

Tables have one line for each rule, files one for each number. What depends on the clock stands in a file of its own, so
that the others are the same, to the last byte, wherever and how often a comparison runs.
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite, isnan
from pathlib import Path
from typing import Any

from mlp.bench import Comparison, Progress, Row, profiles, rows, sensitivity
from mlp.bench.statistics import Interval, least_p
from mlp.bench.summary import COSTS, FACTORS
from mlp.report.bench_plots import draw

HEAD = ("rule", "rate", "final", "95 % interval", "best", "solved", "updates", "gradients", "seconds", "decades", "p")


def text(comparison: Comparison) -> str:
    """All tables: one for each problem, then the profiles."""
    found = rows(comparison)
    names = dict.fromkeys(row.problem for row in found)
    tables = [_problem([row for row in found if row.problem == name]) for name in names]
    return "\n\n".join([*tables, _profiles(comparison), _legend(found)])


def _problem(found: Sequence[Row]) -> str:
    lines = _aligned([HEAD, *(_line(row) for row in found if not row.error)])
    lines += [f"  {row.rule}: cannot be run here: {row.error}" for row in found if row.error]
    return "\n".join([f"{found[0].problem}: {found[0].score}; solved: {found[0].target}", *lines])


def _line(row: Row) -> tuple[str, ...]:
    final, solved = row.final, row.quantities["success"]
    return (
        row.rule,
        ("" if row.rate is None else f"{row.rate:g}") + ("!" if row.at_edge else ""),
        number(final.value),
        f"{number(final.low)} … {number(final.high)}",
        number(row.quantities[f"best {row.score}"].value),
        f"{solved.value:.0%}",
        *(number(row.quantities[f"{cost} to target"].value) for cost in COSTS),
        number(row.width),
        "best" if row.best else number(row.p),
    )


def number(value: float) -> str:
    """Four digits; nothing for what is not known, – for what never came."""
    return "" if isnan(value) else f"{value:.4g}" if isfinite(value) else "–"


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Columns: the first to the left, the others to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return [
        "  " + "  ".join(c.ljust(w) if not i else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    ]


def _profiles(comparison: Comparison) -> str:
    """Dolan and Moré's profiles in gradients, the rule that solves most first."""
    found = sorted(profiles(comparison).items(), key=lambda item: item[1][::-1], reverse=True)
    head = ("rule", *(f"{factor:g} ×" if isfinite(factor) else "ever" for factor in FACTORS))
    lines = [(rule, *(f"{value:.0%}" for value in shares)) for rule, shares in found]
    title = "solved within so many times the gradients of the best rule (share of problems and seeds)"
    return "\n".join([title, *_aligned([head, *lines])])


def _legend(found: Sequence[Row]) -> str:
    n = max((row.n for row in found), default=0)
    n_rules = len({row.rule for row in found})
    covered = next((row.final.coverage for row in found if row.n == n and not row.error), 0.0)
    lines = [
        f"medians of {n} seeds; the interval holds the true median in {covered:.1%} of cases",
        "updates, gradients, seconds: to the target, one network alone; – : more than half never got there",
        "decades: of learning rates that do nearly as well; ! : the rate is at the edge of those tried, widen them",
        "p: Wilcoxon's signed-rank test against the best, Holm's correction",
    ]
    if n_rules > 1 and least_p(n) * (n_rules - 1) > 0.05:
        lines.append(
            f"   {n} seeds cannot show a difference among {n_rules} rules: p is at least {least_p(n):.2g} each"
        )
    return "\n".join(lines)


def write(comparison: Comparison, folder: Path) -> None:
    """Write summary.csv, results.csv, sensitivity.csv and profile.csv, and times.csv for what the clock says."""
    found = rows(comparison)
    head = ("problem", "rule", "learning_rate", "n", "quantity", "value", "low", "high", "coverage")
    _csv(folder / "summary.csv", head, (line for row in found for line in _numbers(row) if not _timed(line[4])))
    _csv(folder / "times.csv", head, (line for row in found for line in _numbers(row) if _timed(line[4])))
    _csv(
        folder / "results.csv", ("problem", "rule", "learning_rate", "seed", "when", "what", "value"), _runs(comparison)
    )
    _csv(folder / "sensitivity.csv", ("problem", "rule", "learning_rate", "value", "low", "high"), _rates(comparison))
    _csv(folder / "profile.csv", ("rule", *map(str, FACTORS)), ([r, *v] for r, v in profiles(comparison).items()))


def _timed(quantity: str) -> bool:
    return quantity.startswith("seconds")


def _numbers(row: Row) -> Iterator[list[Any]]:
    """Every number of a row."""
    begin = [row.problem, row.rule, row.rate, row.n]
    for name, interval in row.quantities.items():
        yield [*begin, name, *interval]
    for name in ("mean", "deviation", "width", "p", "seconds_per_update"):
        yield [*begin, name, *Interval(getattr(row, name), *[float("nan")] * 3)]


def _runs(comparison: Comparison) -> Iterator[list[Any]]:
    """Every fresh run."""
    for (problem, rule), cell in comparison.items():
        for member in cell.members:
            for when in ("final", "best", "reached"):
                for what, value in (member[when] or {}).items():
                    yield [problem, rule, member["rate"], member["seed"], when, what, value]


def _rates(comparison: Comparison) -> Iterator[list[Any]]:
    """Every learning rate that was tried."""
    for (problem, rule), cell in comparison.items():
        for rate, interval in sensitivity(cell):
            yield [problem, rule, rate, *interval[:3]]


def _csv(path: Path, head: Sequence[str], lines: Iterable[Sequence[Any]]) -> None:
    """Write a file of commas, whole or not at all."""
    temporary = path.with_name(path.name + ".part")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(head)
        out.writerows(lines)
    temporary.replace(path)


def interrupted(done: int, total: int, folder: Path) -> str:
    """How far it was, and how to go on."""
    command = f"mlp bench -c {folder / 'bench.toml'} -o {folder}"
    return f"\nmlp: interrupted; {done} of {total} trials are in {folder}. Go on with: {command}"


def drawn(comparison: Comparison, folder: Path) -> str:
    """Draw the plots where matplotlib is installed; say what was written."""
    try:
        draw(comparison, folder)
    except ImportError:
        return f"tables: {folder}/*.csv; plots need the extra 'plot': pip install 'mlp[plot]', then the same command"
    return f"tables and plots: {folder}"


def watched(steps: Iterable[Progress]) -> Iterator[Progress]:
    """Hand on progress; on a terminal show trials done, time left and what was last, on standard error."""
    if not sys.stderr.isatty():
        yield from steps
        return
    start, fresh = time.monotonic(), 0
    try:
        for step in steps:
            fresh += not step.outcome.recalled
            print(f"\r\033[K{_state(step, time.monotonic() - start, fresh)}", end="", file=sys.stderr, flush=True)
            yield step
    finally:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def _state(step: Progress, seconds: float, fresh: int) -> str:
    """One line: how far, how long yet (as fast as until now), what."""
    trial = step.outcome.trial
    left = f", {_clock(seconds / fresh * (step.total - step.done))} left" if fresh else ""
    return f"trial {step.done}/{step.total}{left}: {trial['kind']} {trial['rule']} on {trial['problem']}"


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return (
        f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}" if whole >= 3600 else f"{whole // 60}:{whole % 60:02}"
    )
