"""A search as text: a table for the terminal, CSV files for everything else.

What depends on the clock is in a file of its own, so the others are the same, to the last byte, wherever and how often
a search runs.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from mlp.grid_search.plan import Cell, Search
from mlp.grid_search.summary import GridRow, format_value, summarize, warn_of
from mlp.optimizer_bench.columns import align_columns, format_number
from mlp.storage.atomic import writing_itself

SHOWN = 30  # rows on a terminal
NUMBERS = ("score", "low", "high", "error", "parameters", "operations", "n", "diverged", "epochs", "p")
LAST_COLUMNS = (*NUMBERS, "best", "chosen")
"""Of sweep.csv, behind the keys: by them a folder of a search is known."""


def format_table(search: Search, cells: Sequence[Cell]) -> str:
    """The table, the best first, and what to doubt."""
    rows = summarize(search, cells)
    if not rows:
        return "nothing was tried"
    shown = [row for i, row in enumerate(rows) if i < SHOWN or row.chosen]
    head = (*(key.partition(".")[2] for key in search.over), search.score, "95 % interval", "parameters", "operations")
    halved = search.epochs is not None and len({row.epochs for row in rows}) > 1
    lines = [(*head, *(("epochs",) if halved else ()), "p", "")]
    lines += [_format_row(row, halved) for row in shown]
    text = [_title(search), *align_columns(lines)]
    if len(shown) < len(rows):
        text.append(f"  … {len(rows) - len(shown)} more in sweep.csv")
    return "\n".join([*text, *_legend(search, rows), *(f"warning: {line}" for line in warn_of(search, rows))])


def _title(search: Search) -> str:
    by = f"{len(search.folds)} folds" if search.task.folds else "the validation part"
    many = "seed" if len(search.seeds) == 1 else "seeds"
    return f"{len(search.combinations)} combinations, {len(search.seeds)} {many}, scored on {by}"


def _format_row(row: GridRow, halved: bool) -> tuple[str, ...]:
    marks = [name for name, there in (("best", row.best), ("smallest as good", row.chosen)) if there]
    interval = row.score
    return (
        *(format_value(value) for value in row.values.values()),
        format_number(interval.value) or "diverged",
        f"{format_number(interval.low)} … {format_number(interval.high)}" if isfinite(interval.low) else "",
        f"{row.parameters:,}",
        f"{row.operations:.2g}",
        *((str(row.epochs or ""),) if halved else ()),
        format_number(row.p),
        ", ".join(marks),
    )


def _legend(search: Search, rows: Sequence[GridRow]) -> list[str]:
    spread = "folds" if search.task.folds else "seeds"
    about = (
        f"operations: of one training, multiplications and additions; interval and p: from the spread between {spread}"
    )
    best = rows[0]
    if not best.best:
        return [about]
    chosen = next(row for row in rows if row.chosen)
    return [
        about,
        f"best: {describe(best)}",
        f"smallest within one standard error ({format_number(best.error) or 'unknown'}) of it: {describe(chosen)}",
    ]


def describe(row: GridRow) -> str:
    """A combination in one line."""
    return ", ".join(f"{key} = {format_value(value)}" for key, value in row.values.items())


def write_tables(search: Search, cells: Sequence[Cell], folder: Path) -> None:
    """Write sweep.csv, results.csv with every network, and times.csv for what the clock says."""
    rows, keys = summarize(search, cells), list(search.over)
    with_place = [(row, [format_value(row.values[key]) for key in keys]) for row in rows]
    _write_csv(
        folder / "sweep.csv",
        (*keys, *LAST_COLUMNS),
        ([*place, *_numbers(row), int(row.best), int(row.chosen)] for row, place in with_place),
    )
    _write_csv(folder / "times.csv", (*keys, "seconds"), ([*place, row.seconds] for row, place in with_place))
    _write_csv(
        folder / "results.csv",
        (*keys, "seed", "fold", search.score),
        (
            [*(format_value(cell.values[key]) for key in keys), seed, fold, "" if score is None else score]
            for cell in cells
            for (seed, fold), score in sorted(cell.scores.items())
        ),
    )


def _numbers(row: GridRow) -> list[Any]:
    known = {"score": row.score.value, "low": row.score.low, "high": row.score.high}
    values = [known[name] if name in known else getattr(row, name) for name in NUMBERS]
    return ["" if value is None or (isinstance(value, float) and value != value) else value for value in values]


def _write_csv(path: Path, head: Sequence[str], lines: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file, whole or not at all."""
    with writing_itself(path, "w") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(head)
        out.writerows(lines)
