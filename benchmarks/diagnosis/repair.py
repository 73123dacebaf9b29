"""Repair: how often `mlp.repair` mends a run, beside mending it at random.

    python benchmarks/diagnosis/repair.py [--half seen|unseen|all] [--faults a,b] [--data a,b] [--seeds 6] [-o FILE]

For every fault of the zoo that is a matter of settings (no meddling with layers or rules, and rows that some setting
suits) and whose run went wrong, in the zoo's own sense: does the repaired experiment, trained in full, come within 3
points of the healthy reference, after the first full run and after three? *Random repair* gets as many full runs: each
applies the remedy for a cause drawn from all that change anything, and any of three counts, as if it knew which. The
reference is the best score that the base experiments reach on the same rows, or that of the fault's repaired twin where
that is lower: a setting may cost something by itself.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: the workers are as many as the cores

import argparse
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from case import BASES, Case, Tamper, base
from data_sets import PROBLEMS, quarter
from faults import FAULTS
from report import share
from run import Row, Spec, chosen, faulty_specs, in_parallel
from verdict import HEALTHY, failed, faulty_state, scores

import mlp
from mlp.diagnosis import CAUSES
from mlp.errors import MLPError
from mlp.experiment import Run
from mlp.experiment.changes import apply_changes, remedies
from mlp.repairs import repair_run

TRIES = 3
MENDABLE_DATA = {"large_targets", "targets_far_from_zero", "imbalance", "overfitting", "sorted_rows", "xor_stuck"}
"""Faults in the rows that a setting mends."""


def is_mendable(fault: Any) -> bool:
    """Whether settings alone are at fault, or can make up for it."""
    problem = next(problem for problem in PROBLEMS.values() if fault.on(problem))
    faulty, twin = fault.faulty(problem, 0), fault.twin(problem, 0)
    same_rows = np.array_equal(faulty.X, twin.X) and np.array_equal(faulty.y, twin.y)
    return faulty.tamper == Tamper() and (same_rows or fault.name in MENDABLE_DATA)


def scored(run: Run, case: Case) -> Row:
    """Its scores, as the zoo has them."""
    return {**scores(run, case), "diverged": not np.isfinite(run.metrics["train_loss"])}


@cache
def reference(problem: str, seed: int) -> float:
    """The best that a base experiment reaches on these rows."""
    cases = [base(PROBLEMS[problem], seed, variant) for variant in range(len(BASES))]
    return max(scores(mlp.run(case.config, (case.X, case.y)), case)["score"] for case in cases)


def is_well(row: Row, level: float, measure: str) -> bool:
    """Within 3 points, or by the fault's own measure no failure any more."""
    if measure != "score":
        return not failed(row, level, measure)
    return bool(not row["diverged"] and row["score"] >= level - HEALTHY)


def tried(spec: Spec) -> Row:
    """One fault on one problem: the state of its run, and how repairs came out."""
    row: Row = {**spec._asdict(), "id": spec.id, "quarter": quarter(spec.problem, spec.seed)}
    fault, case = FAULTS[spec.name], spec.case()
    data, best = (case.X, case.y), reference(spec.problem, spec.seed)
    try:
        before = mlp.run(case.config, data)
        twin = scored(mlp.run(spec.repaired.case().config, _rows(spec.repaired.case())), spec.repaired.case())
    except MLPError as error:
        return row | {"state": "refused", "error": str(error)}
    start = scored(before, case)
    row |= {"before": start["score"], "reference": best, "twin": twin["score"]}
    row["state"] = faulty_state(start, best, twin, fault.measure)
    if row["state"] != "faulty":
        return row
    began = time.perf_counter()
    repair = repair_run(before, data)
    row["seconds"] = round(time.perf_counter() - began, 3)
    level = min(best, twin["score"])
    first = repair if repair.tries <= 1 else repair_run(before, data, tries=1)
    lucky = list(random_repairs(before, case, level, fault.measure))
    return row | {
        "alarmed": not before.healthy,
        "after": scores(repair.after, case)["score"],
        "claimed": repair.repaired,
        "tries": repair.tries,
        "first": is_well(scored(first.after, case), level, fault.measure),
        "three": is_well(scored(repair.after, case), level, fault.measure),
        "random_first": lucky[0],
        "random_three": any(lucky),
        "changes": [change.cause.name for change in repair.changes],
        "trials": [[list(trial.causes), trial.steps, round(trial.score, 3)] for trial in repair.trials],
        "findings": [[finding.kind, finding.severity] for finding in repair.after.findings],
    }


def _rows(case: Case) -> tuple[Any, Any]:
    return case.X, case.y


def random_repairs(before: Run, case: Case, level: float, measure: str) -> Iterator[bool]:
    """Whether each of `TRIES` remedies, drawn without repetition from those that change anything, mends the run.

    Those that make numbers of classes, or classes of numbers, are left out: their answers have another score.
    """
    made = (next(remedies(name, before.config, before.history), None) for name in CAUSES)
    possible = [keys for keys in made if keys and "task" not in keys.get("data", {})]
    order = case.rng("random repair").permutation(len(possible))
    for i in order[:TRIES]:
        try:
            run = mlp.run(apply_changes(before.config, possible[i]).to_dict(), (case.X, case.y))
        except MLPError:
            yield False
            continue
        yield is_well(scored(run, case), level, measure)


def table(rows: Sequence[Row], half: str) -> str:
    """Rates for all, then one line for each fault, then every run that was not mended."""
    mine = [row for row in rows if row["quarter"] == half and row["state"] == "faulty"]
    n = len(mine)
    lines = [f"==== {half}: {n} faulty runs, median {np.median([row['seconds'] for row in mine]):.1f} s a repair ===="]
    for name, words in (
        ("alarmed", "an alarm before"), ("first", "repair, first try"), ("three", "repair, three tries"),
        ("random_first", "random, first try"), ("random_three", "random, three tries"),
    ):  # fmt: skip
        lines.append(f"{words:<22}{share(sum(row[name] for row in mine), n)}")
    honest = [row for row in mine if row["claimed"]]
    lines.append(f"{'right when it says so':<22}{share(sum(row['three'] for row in honest), len(honest))}")
    lines.append(f"\n{'fault':<27}{'faulty':>7}{'first':>7}{'three':>7}{'random':>8}{'three':>7}")
    lines += [_line(name, [row for row in mine if row["name"] == name]) for name in FAULTS]
    return "\n".join(filter(None, lines)) + (_misses(mine) if half != "crossed" else "")


def _line(name: str, rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    rates = [f"{np.mean([row[key] for row in rows]):.0%}" for key in ("first", "three", "random_first", "random_three")]
    return f"{name:<27}{len(rows):7}{rates[0]:>7}{rates[1]:>7}{rates[2]:>8}{rates[3]:>7}"


def _misses(rows: Iterable[Row]) -> str:
    """Every run that is not mended after three tries."""
    return "\n\nnot mended:" + "".join(
        f"\n    {row['id']:<48}{row['before']:.3f} → {row['after']:.3f}, reference {row['reference']:.3f}, twin "
        f"{row['twin']:.3f}; {'says healthy' if row['claimed'] else 'says not healthy'}"
        f"{'' if row['alarmed'] else ' (no alarm)'}; {' + '.join(row['changes']) or 'nothing changed'}"
        for row in rows
        if not row["three"]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=["seen", "unseen", "all"], default="seen")
    parser.add_argument("--faults", help="names with commas between (default: all that settings mend)")
    parser.add_argument("--data", help="names with commas between (default: all)")
    parser.add_argument("--seeds", type=int, default=6, help="0, 1, 2, ...; even ones are of the seen half")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("-o", "--out", type=Path, default=Path(__file__).parent / "out" / "repair.jsonl")
    arguments = parser.parse_args()
    names = chosen(arguments.faults, [name for name, fault in FAULTS.items() if is_mendable(fault)])
    wanted = (arguments.half,) if arguments.half != "all" else ("seen", "crossed", "unseen")
    problems = chosen(arguments.data, PROBLEMS)
    pairs = [(p, s) for p in problems for s in range(arguments.seeds) if quarter(p, s) in wanted]
    work = sorted(faulty_specs(names, pairs), key=lambda spec: (spec.problem, spec.seed))
    rows = list(in_parallel(partial(tried), work, arguments.jobs, "repaired"))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text("".join(json.dumps(row, default=float) + "\n" for row in rows))
    for half in wanted:
        print(table(rows, half), end="\n\n")


if __name__ == "__main__":
    main()
