"""How well the verdict does on programs that people reported.

    python benchmarks/diagnosis/programs/score.py working            # the programs to work with: every verdict is shown
    python benchmarks/diagnosis/programs/score.py held_out --validate   # scores alone: do the fixes fix? no verdicts
    python benchmarks/diagnosis/programs/score.py held_out           # scored once, when nothing will change any more

A run of the faulty way counts if it misses what the fixed way must reach; a run of the fixed way counts if it reaches
that. *Found*: a warning or worse, or a finding that names the cause. *First*, *three*: the cause of the report is the
first that the alarms name, or among the first three.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import argparse
import importlib
import sys
from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from program import Experiment, Loop, Outcome, Program, train

import mlp

FAILED = 0.05  # a faulty run is at least so far below what the fix must reach


def share(count: int, of: int) -> str:
    """A rate with its 95 % interval (Wilson 1927).

    >>> share(9, 10)
    '9/10 = 90.0 % [59.6, 98.2]'
    """
    if not of:
        return "none"
    z, p = 1.96, count / of
    middle, half = (p + z * z / (2 * of)), z * sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    low, high = (100 * (middle + sign * half) / (1 + z * z / of) for sign in (-1, 1))
    return f"{count}/{of} = {100 * p:.1f} % [{max(low, 0.0):.1f}, {high:.1f}]"


def alarms(outcome: Outcome) -> list[mlp.Finding]:
    """Its warnings, and what is worse."""
    return [finding for finding in outcome.findings if finding.severity != "info"]


def named(outcome: Outcome) -> list[str]:
    """All causes of the alarms in order, each once; a finding without a cause stands for itself."""
    found = alarms(outcome) or list(outcome.findings)
    names = [name for f in found for name in ([cause.name for cause in f.causes] or [f.kind])]
    return list(dict.fromkeys(names))


def is_found(program: Program, outcome: Outcome) -> bool:
    """Whether there is an alarm, or information that names the cause as its kind."""
    return bool(alarms(outcome)) or any(finding.kind in program.causes for finding in outcome.findings)


def is_named(program: Program, outcome: Outcome, first: int) -> bool:
    """Whether the cause is among the first so many."""
    return any(name in program.causes for name in named(outcome)[:first])


def is_faulty(program: Program, outcome: Outcome) -> bool:
    """Whether the run came out badly; a leak comes out well, and is bad all the same."""
    return outcome.score < program.reach - FAILED or "leaked" in program.causes[0]


def describe(title: str, outcome: Outcome) -> str:
    """One line on a run."""
    kinds = ", ".join(f"{finding.kind}" for finding in alarms(outcome)) or "-"
    said = outcome.refused or f"{kinds}; {', '.join(named(outcome)[:4])}"
    return f"    {title:<10}{outcome.score:7.3f}  {said}"


def ask(program: Program, seeds: Sequence[int], is_blind: bool) -> dict[str, int]:
    """Train both ways with every seed; the counts, and a line for each run that is not as it should be."""
    counts = dict.fromkeys(("faulty", "found", "first", "three", "healthy", "alarmed", "trained", "fixed"), 0)
    ways: list[tuple[str, Experiment | Loop | None]] = [("faulty", program.faulty), ("fixed", program.fixed)]
    lines = []
    for seed in seeds:
        for title, way in ways:
            if way is None:
                continue
            outcome = train(program, way, seed)
            counts["trained" if title == "faulty" else "fixed"] += 1
            if is_blind:
                lines.append(f"    {title:<10}{outcome.score:7.3f}  {outcome.refused}")
            if title == "faulty":
                if is_faulty(program, outcome):
                    counts["faulty"] += 1
                    counts["found"] += is_found(program, outcome)
                    counts["first"] += is_named(program, outcome, 1)
                    counts["three"] += is_named(program, outcome, 3)
                    if not is_named(program, outcome, 1) and not is_blind:
                        lines.append(describe(title, outcome))
            elif outcome.score >= program.reach:
                counts["healthy"] += 1
                counts["alarmed"] += bool(alarms(outcome))
                if alarms(outcome) and not is_blind:
                    lines.append(describe(title, outcome))
    shown = {key: counts[key] for key in (("faulty", "healthy") if is_blind else counts)}
    print(program.name, shown, *lines, sep="\n", flush=True)
    return counts


def report(programs: Sequence[Program], counts: Sequence[dict[str, int]]) -> str:
    """The rates: for all, by configuration, by hand."""
    lines = []
    for title, wanted in (("all", (True, False)), ("by configuration", (False,)), ("by hand", (True,))):
        rows = [row for program, row in zip(programs, counts, strict=True) if program.by_hand in wanted]
        total = {key: sum(row[key] for row in rows) for key in rows[0]} if rows else {}
        if total:
            lines.append(f"{title}: {len(rows)} programs, {total['faulty']} faulty runs, {total['healthy']} fixed ones")
            lines += [f"    {key:<8}{share(total[key], total['faulty'])}" for key in ("found", "first", "three")]
            lines.append(f"    alarmed {share(total['alarmed'], total['healthy'])}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=["held_out", "working", "forum", "exchange"])
    parser.add_argument("--validate", action="store_true", help="scores alone, no verdicts")
    parser.add_argument("--only", help="names with commas between")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    programs: Any = importlib.import_module(arguments.set).PROGRAMS
    if arguments.only:
        programs = [program for program in programs if program.name in arguments.only.split(",")]
    counts = [ask(program, range(arguments.seeds), arguments.validate) for program in programs]
    if not arguments.validate:
        print(report(programs, counts))


if __name__ == "__main__":
    main()
