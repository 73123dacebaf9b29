"""The zoo: how often the findings of a run are right.

    python benchmarks/diagnosis/run.py [--half seen|unseen|all] [--faults a,b] [--data a,b] [--seeds 6] [-o FOLDER]
    python benchmarks/diagnosis/run.py --rejudge FOLDER [--half seen] [--live]

Trains healthy networks, networks with a fault and their repaired twins; tells from scores on rows of its own which of
them really went well or wrong; and compares that with what was found. FOLDER gets one JSON line for each run
(`runs.jsonl`), the references, each run's history and what the rivals look at, so that `--rejudge` asks changed
detectors again in seconds.
Tune on the seen half only; no miss of the unseen half is printed unless that half is asked for by name.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: the workers are as many as the cores

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import report
from case import BASES, Case, base, built
from data_sets import PROBLEMS, quarter
from faults import FAULTS
from healthy import LOOK_ALIKES
from live import told
from observer import Observer, Seen
from rivals import judges
from verdict import faulty_state, healthy_state, scores

import mlp
from mlp.experiment import finish, watch_epochs

Row = dict[str, Any]
Reference = dict[tuple[str, int], float]

OUT = Path(__file__).parent / "out"


class Spec(NamedTuple):
    """One run by name: `label` is base, look_alike, twin or faulty; `name` that of its row in the table."""

    label: str
    name: str
    problem: str
    seed: int

    @property
    def id(self) -> str:
        """Also the name of its history file."""
        return "-".join(map(str, self))

    def case(self) -> Case:
        """What it stands for."""
        problem = PROBLEMS[self.problem]
        makers: dict[str, Callable[[], Case]] = {
            "base": lambda: base(problem, self.seed, int(self.name)),
            "look_alike": lambda: LOOK_ALIKES[self.name].case(problem, self.seed),
            "twin": lambda: FAULTS[self.name].twin(problem, self.seed),
            "faulty": lambda: FAULTS[self.name].faulty(problem, self.seed),
        }
        return makers[self.label]()

    @property
    def repaired(self) -> Spec:
        """The twin of a faulty run: a base, where no setting was needed."""
        fault = FAULTS[self.name]
        if fault.setting:
            return self._replace(label="twin")
        return self._replace(label="base", name=str(fault.variant(PROBLEMS[self.problem], self.seed)))


def faulty_specs(names: Iterable[str], pairs: Sequence[tuple[str, int]]) -> list[Spec]:
    """Every fault on every problem it can befall."""
    return [Spec("faulty", name, *pair) for name in names for pair in pairs if FAULTS[name].on(PROBLEMS[pair[0]])]


def healthy_specs(pairs: Sequence[tuple[str, int]]) -> list[Spec]:
    """All bases, and the look-alikes that are drawn."""
    bases = [Spec("base", str(variant), *pair) for pair in pairs for variant in range(len(BASES))]
    return bases + [
        Spec("look_alike", row.name, problem, seed)
        for problem, seed in pairs
        for row in LOOK_ALIKES.values()
        if row.drawn(PROBLEMS[problem], seed)
    ]


def trained(folder: Path, spec: Spec) -> Row:
    """Run one; write its history, return everything else."""
    row: Row = {**spec._asdict(), "id": spec.id, "quarter": quarter(spec.problem, spec.seed)}
    start = time.perf_counter()
    try:
        case = spec.case()
        setup, state = built(case)
        observer = Observer(setup, state)
        for _ in watch_epochs(setup, state):
            observer.look()
        run = finish(setup, state)
    except Exception as error:  # a run that crashes is one more thing to know, and must not end the others
        return row | {"error": f"{type(error).__name__}: {error}", "findings": {}}
    seconds = time.perf_counter() - start
    seen = Seen(run.history, observer.of(run))
    save(folder, spec.id, seen)
    return row | {
        **scores(run, case),
        "diverged": bool(state.diverged),
        "planned": setup.steps_per_epoch * setup.config.training.epochs,
        "steps": run.steps,
        "seconds": round(seconds, 4),
        "findings": judged(seen),
    }


def rejudged(folder: Path, row: Row) -> Row:
    """The row with what all rule sets say today of its history."""
    row.pop("live", None)  # was said by rules of another day
    if "error" in row:
        return row
    return row | {"findings": judged(load(folder, row["id"]))}


def rejudged_live(folder: Path, row: Row) -> Row:
    """Also with what they would have said on the way."""
    row = rejudged(folder, row)
    if "error" in row:
        return row
    seen = load(folder, row["id"])
    return row | {"live": {name: told(seen, row["planned"], rules) for name, rules in judges(seen).items()}}


def judged(seen: Seen) -> dict[str, list[Row]]:
    """What every rule set says of it."""
    return {name: _as_json(rules(seen)) for name, rules in judges(seen).items()}


def save(folder: Path, name: str, seen: Seen) -> None:
    """Write the history and what was observed."""
    seen.history.save(folder / "histories" / f"{name}.npz")
    if seen.observed is not None:
        seen.observed.save(folder / "observed" / f"{name}.npz")


def load(folder: Path, name: str) -> Seen:
    """What `save` wrote; a folder of a day when nobody watched for the rivals has histories alone."""
    path = folder / "observed" / f"{name}.npz"
    observed = mlp.History.load(path) if path.exists() else None
    return Seen(mlp.History.load(folder / "histories" / f"{name}.npz"), observed)


def _as_json(findings: Iterable[mlp.Finding]) -> list[Row]:
    """Findings with plain numbers."""
    found: list[Row] = json.loads(json.dumps([finding.to_json() for finding in findings], default=float))
    return found


def in_parallel(what: Callable[[Any], Row], work: Sequence[Any], jobs: int, title: str) -> Iterator[Row]:
    """Results in order, with a count on a terminal."""
    with ProcessPoolExecutor(jobs) as pool:
        for done, row in enumerate(pool.map(what, work, chunksize=4), 1):
            if sys.stderr.isatty() or not done % 500:
                print(f"\r{title} {done}/{len(work)}", end="", file=sys.stderr)
            yield row
    print(file=sys.stderr)


def known_references(folder: Path) -> Reference:
    """Those of earlier runs."""
    path = folder / "references.json"
    return {(problem, seed): score for problem, seed, score in json.loads(path.read_text())} if path.exists() else {}


def references(folder: Path, known: Reference, rows: Iterable[Row]) -> Reference:
    """The best score on each problem and seed, of `rows` and of what was known; kept in the folder."""
    best = dict(known)
    for row in rows:
        if "error" not in row and not row["diverged"]:
            pair = row["problem"], row["seed"]
            best[pair] = max(best.get(pair, -1.0), row["score"])
    (folder / "references.json").write_text(json.dumps([[*pair, score] for pair, score in sorted(best.items())]))
    return best


def zoo(folder: Path, pairs: Sequence[tuple[str, int]], names: Sequence[str], jobs: int) -> list[Row]:
    """Train everything, healthy runs first, and validate each against the best of them.

    Where some faults only are asked for and the folder has their references, their twins are the only healthy runs.
    """
    for kept in ("histories", "observed"):
        (folder / kept).mkdir(parents=True, exist_ok=True)
    broken = faulty_specs(names, pairs)
    well = {spec.repaired for spec in broken}
    known = known_references(folder)
    if len(names) == len(FAULTS) or not known.keys() >= set(pairs):
        known = {pair: score for pair, score in known.items() if pair not in pairs}
        well |= set(healthy_specs(pairs))
    healthy = {row["id"]: row for row in in_parallel(partial(trained, folder), sorted(well), jobs, "healthy")}
    best = references(folder, known, healthy.values())
    for row in healthy.values():
        row["state"] = healthy_state(row, best[row["problem"], row["seed"]])
    rows = list(healthy.values())
    for spec, row in zip(broken, in_parallel(partial(trained, folder), broken, jobs, "faulty"), strict=True):
        twin, reference = healthy[spec.repaired.id], best[spec.problem, spec.seed]
        rows.append(row | {"twin": twin["id"], "state": faulty_state(row, reference, twin, FAULTS[spec.name].measure)})
    return rows


def read(folder: Path) -> list[Row]:
    """The rows of `runs.jsonl`."""
    return [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]


def write(folder: Path, rows: Iterable[Row]) -> None:
    """One JSON line each."""
    temporary = folder / "runs.jsonl.part"
    temporary.write_text("".join(json.dumps(row) + "\n" for row in rows))
    temporary.replace(folder / "runs.jsonl")


def chosen(text: str | None, known: Iterable[str]) -> list[str]:
    """Names after a comma each, all of `known` if none are given."""
    names = list(known) if text is None else text.split(",")
    for name in names:
        if name not in known:
            raise SystemExit(f"there is no {name!r}. Known: {', '.join(known)}.")
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=["seen", "unseen", "all"], default="seen")
    parser.add_argument("--faults", help="names with commas between (default: all)")
    parser.add_argument("--data", help="names with commas between (default: all)")
    parser.add_argument("--seeds", type=int, default=6, help="0, 1, 2, ...; even ones are of the seen half")
    parser.add_argument("--first-seed", type=int, default=0, help="begin later: seeds that nobody has looked at")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("-o", "--out", type=Path, default=OUT)
    parser.add_argument("--rejudge", type=Path, metavar="FOLDER", help="ask the detectors again, train nothing")
    parser.add_argument("--live", action="store_true", help="with --rejudge: also on the way, not only at the end")
    parser.add_argument("--list", action="store_true", help="print the table of faults and their causes")
    arguments = parser.parse_args()
    if arguments.list:
        print(report.equivalence(FAULTS.values()))
        return
    start = time.perf_counter()
    names = chosen(arguments.faults, FAULTS)
    problems = chosen(arguments.data, PROBLEMS)
    if arguments.rejudge is not None:
        everything = read(arguments.rejudge)
        judge = partial(rejudged_live if arguments.live else rejudged, arguments.rejudge)
        rows = list(in_parallel(judge, everything, arguments.jobs, "judged"))
        write(arguments.rejudge, rows)
    else:
        wanted = (arguments.half,) if arguments.half != "all" else ("seen", "crossed", "unseen")
        seeds = range(arguments.first_seed, arguments.seeds)
        pairs = [(p, s) for p in problems for s in seeds if quarter(p, s) in wanted]
        rows = zoo(arguments.out, pairs, names, arguments.jobs)
        write(arguments.out, rows)
    rows = [row for row in rows if row["problem"] in problems and (row["label"] != "faulty" or row["name"] in names)]
    print(report.report(rows, FAULTS, arguments.half))
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
