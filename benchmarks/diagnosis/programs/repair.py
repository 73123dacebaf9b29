"""How often `mlp.repair` mends what people reported, and what it says where no setting can.

    python benchmarks/diagnosis/programs/repair.py working      # every miss is shown; -v shows all

Programs that are a configuration are given to `mlp.repair` as they are. A faulty run is *mended* if the repaired
experiment, trained in full, comes within .03 of what the published fix reaches with the same seed, on rows that neither
saw. Faults that no setting mends (leaks, wrong rows, too few of them) are counted apart: of those, repair must not say
that all is well. Of its words "healthy" it is asked how often they are right.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import argparse
import importlib
from collections import Counter
from typing import Any, NamedTuple

from program import Experiment, Program, rows_of, score, sections_of, train
from score import is_faulty, share

import mlp
from mlp.diagnosis import CAUSES, KnownCause

NEAR = 0.03  # of the score of the published fix
MANY, RARE = 2000, 20000  # fresh rows; where one class in fifty counts


class Mended(NamedTuple):
    """One faulty run: its score before and after, that of the published fix, and what repair did and said."""

    before: float
    after: float
    fix: float
    repair: mlp.Repair

    @property
    def is_mended(self) -> bool:
        """Whether the score is that of the fix."""
        return self.after >= self.fix - NEAR


def is_mendable(program: Program) -> bool:
    """Whether the cause that the report blames has a remedy in the settings."""
    known = CAUSES.get(program.causes[0])
    has_change = known is not None and (bool(known.change) or type(known).changes is not KnownCause.changes)
    return known is not None and known.mends and has_change


def mend(program: Program, seed: int) -> Mended | None:
    """Repair the faulty way with one seed; None where it is not faulty, or its fix does not fix."""
    way, fixed = program.faulty, program.fixed
    assert isinstance(way, Experiment) and fixed is not None
    fresh = RARE if program.measure == "recall" else MANY
    faulty, fix = train(program, way, seed, fresh), train(program, fixed, seed, fresh)
    if faulty.refused or not is_faulty(program, faulty) or fix.score < program.reach:
        return None
    (X, y), (X_fresh, y_fresh) = rows_of(program, way, seed, fresh)
    found = mlp.repair(sections_of(way, seed), (way.see(X), y))
    after = score(program.measure, found.after.predict(way.see(X_fresh)), y_fresh)
    return Mended(faulty.score, after, fix.score, found)


def describe(program: Program, seed: int, found: Mended) -> str:
    """One line on a repair, and one on what it says now."""
    repair = found.repair
    changes = "; ".join(f"{words} ({c.cause.name})" for c in repair.changes for words in c.words)
    left = [(f.kind, [cause.name for cause in f.causes[:3]]) for f in repair.after.findings if f.severity != "info"]
    return (
        f"    {program.name} {seed}: {found.before:.3f} → {found.after:.3f}, fix {found.fix:.3f}; "
        f"{repair.outcome}\n        {changes or 'nothing changed'}" + (f"\n        left: {left}" if left else "")
    )


def ask(program: Program, seeds: int, is_shown: bool) -> Counter[str]:
    """Repair every faulty run of a program; the counts."""
    counts: Counter[str] = Counter()
    for seed in range(seeds):
        found = mend(program, seed)
        if found is None:
            continue
        says_healthy = found.repair.repaired
        if not is_mendable(program):
            named = [finding.kind for finding in found.repair.after.findings]
            is_told = not says_healthy or any(kind in program.causes for kind in named)
            counts.update(rows=1, told=is_told)
            is_right = is_told
        else:
            is_right = found.is_mended
            counts.update(faulty=1, mended=is_right, healthy=says_healthy, true=says_healthy and is_right)
            counts.update(tries=found.repair.tries)
        if is_shown or not is_right:
            print(describe(program, seed, found), flush=True)
    return counts


def report(total: Counter[str]) -> str:
    """The rates."""
    return "\n".join(
        [
            f"mended                    {share(total['mended'], total['faulty'])}",
            f"right when it says so     {share(total['true'], total['healthy'])}",
            f"no setting can: it says so {share(total['told'], total['rows'])}",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", help="working, forum, held_out")
    parser.add_argument("--only", help="names with commas between")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("-v", "--verbose", action="store_true", help="show every repair, not the misses alone")
    arguments = parser.parse_args()
    programs: Any = importlib.import_module(arguments.set).PROGRAMS
    programs = [program for program in programs if isinstance(program.faulty, Experiment)]
    if arguments.only:
        programs = [program for program in programs if program.name in arguments.only.split(",")]
    print(f"{len(programs)} programs by configuration")
    print(report(sum((ask(program, arguments.seeds, arguments.verbose) for program in programs), Counter())))


if __name__ == "__main__":
    main()
