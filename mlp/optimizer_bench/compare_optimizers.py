"""Comparing optimizers, as users call it: `bench`, what it returns, and where its trials run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import as_array
from mlp.data.complaints import counted
from mlp.errors import HyperparameterError, MissingExtraError, check_kind, visible
from mlp.optimizer_bench.bench_settings import parse_bench_settings, read_files
from mlp.optimizer_bench.budgets import BudgetRow, compute_budgets
from mlp.optimizer_bench.obstacle_table import ObstacleRow, judge_obstacles
from mlp.optimizer_bench.own_parts import name_parts, pick_own
from mlp.optimizer_bench.page import build_bench_page
from mlp.optimizer_bench.plots import draw_plots
from mlp.optimizer_bench.protocol import Cells, reserve, reserve_results, run_protocol
from mlp.optimizer_bench.summary import SummaryRow, compute_profiles, summarize
from mlp.optimizer_bench.tables import format_tables, write_tables
from mlp.optimizers import OPTIMIZERS, Optimizer
from mlp.page import fragments
from mlp.problems import Problem
from mlp.storage.atomic import write_file, writing_itself
from mlp.storage.permission import Permission, as_path
from mlp.sweep import ProcessPool, Serial, cluster


@dataclass(frozen=True)
class OptimizerComparison:
    """What a bench found: a `Cell` for each problem and rule, and how to read them."""

    cells: Cells = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        """One line: how many rules were tried, and which is the best on each problem."""
        best: dict[str, str] = {}
        for row in self.rows():
            best.setdefault(row.problem, row.rule)
        rules = {row.rule for row in self.rows()}
        said = ", ".join(f"{rule} on {problem}" for problem, rule in best.items())
        return visible(
            f"<OptimizerComparison of {counted(len(rules), 'rule')}; best: {said or 'no trial is finished'}>"
        )

    def rows(self) -> list[SummaryRow]:
        """A row for each rule on each problem, problem by problem, the best rule first."""
        return summarize(self.cells)

    def obstacles(self) -> list[ObstacleRow]:
        """A row for each rule at each obstacle, obstacle by obstacle, the best rule first."""
        return judge_obstacles(self.cells)

    def budgets(self) -> list[BudgetRow]:
        """What each rule is worth on each problem after so many trials of its tuning, and what these cost."""
        return compute_budgets(self.cells)

    def profiles(self, cost: str = "gradients") -> dict[str, list[float]]:
        """For each rule the share of problems and seeds that it solves within a factor of the least cost."""
        return compute_profiles(self.cells, cost)

    def text(self) -> str:
        """Tables for a terminal."""
        return format_tables(self.cells)

    def _repr_html_(self) -> str:
        """For notebooks: the tables."""
        return fragments.text("pre", self.text() if self.cells else "no trial is finished")

    def plot(self, folder: str | os.PathLike[str]) -> None:
        """Draw curves, sensitivities and profiles into PNG files; MissingExtraError without matplotlib.

        DataError for a folder in which others have files of these names.
        """
        with reserve_results(as_path("folder", folder)) as place:
            draw_plots(self.cells, place)

    def report(self, path: str | os.PathLike[str] | None = None) -> str | Path:
        """The comparison as a page of HTML: its text, or with `path` the path of the file that is written."""
        page = build_bench_page(self.cells)
        return page if path is None else write_file(path, page.encode())

    def save(self, folder: str | os.PathLike[str]) -> str:
        """Write CSV files, report.html and, where matplotlib is installed, plots; return a line that says so.

        Earlier ones are replaced. DataError for a folder in which others have files of these names.
        """
        with reserve_results(as_path("folder", folder)) as place:
            return self.write(place)

    def write(self, folder: Path) -> str:
        """The same into a folder that is reserved."""
        write_tables(self.cells, folder)
        with writing_itself(folder / "report.html", "w") as file:
            file.write(build_bench_page(self.cells))
        try:
            draw_plots(self.cells, folder)
        except MissingExtraError as error:
            return f"page: {folder}/report.html; tables: {folder}/*.csv; {error}, then the same command"
        return f"page: {folder}/report.html; tables and plots: {folder}"


def bench(
    optimizers: Any = ("sgd", "momentum", "adam"),
    problems: Any = ("digits", "two_spirals", "rosenbrock"),
    *,
    seeds: int = 10,
    tuning_seeds: int = 3,
    rates: int | Sequence[float] | Mapping[str, Sequence[float]] = 9,
    decades: float = 4.0,
    search: str = "grid",
    together: int = 5,
    epochs: int = 0,
    seed: int = 0,
    data: str | os.PathLike[str] = "",
    out: str | os.PathLike[str] | None = None,
    executor: Executor | None = None,
    jobs: int | None = None,
    cluster: str | None = None,
    use: Any = (),
    tune: Mapping[str, Mapping[str, Any]] | None = None,
    obstacles: bool = False,
) -> OptimizerComparison:
    """Compare optimizers on problems, as `mlp bench` does: choose each rule's learning rate, then run fresh seeds.

    `optimizers`: names and rules of your own, as `["adam", MyRule(0.1)]`; a dict `{name: rule}` where two are of one
    class. `problems`: names and `mlp.problems.Problem`s; also names and files of data sets, and experiment files.
    `use`: the path of a Python file; what it defines may be named too. `rates` learning rates are tried, in `decades`
    decades around the rule's own, or those of a list, or those of a list for each rule by name; a schedule stays as it
    is. `tune`: what else is tried of a rule, as [tune.NAME] has it: `{"adam": {"beta1": [0, 0.9], "schedule":
    ["constant", "cosine"]}}`. `obstacles`: ask of every problem whether a rule gets past it. The other numbers are
    those of `BenchSettings`; `data` is the folder with the data of problems that need one.

    With `out`, finished trials are kept in this folder, and tables and plots are written there, over earlier ones but
    not inside the folder `data`. The same call goes on where it was stopped. Trials run in this process, unless you
    give a number of processes, `jobs` (then a script must call `bench` under `if __name__ == "__main__":`), the address
    of a Dask `cluster`, or any `executor`. Other processes import rules and problems of your own from their files; what
    only a notebook knows trains in this process.

    ConfigError, UnknownNameError and DataError for what cannot be, before anything runs.

    >>> import mlp
    >>> from mlp.problems import function_problem
    >>> def bowl(params, out):  # writes the gradient, returns the value
    ...     out[...] = 2 * params
    ...     return (params * params).sum(-1)
    >>> bowl_problem = function_problem("bowl", bowl, box=[(-1, 1)] * 3)
    >>> found = mlp.bench([mlp.SGD(0.1), "adadelta"], ["xor", bowl_problem], seeds=6, rates=3, epochs=50)
    >>> [(row.rule, row.rate, round(row.p, 3)) for row in found.rows() if row.problem == "bowl"]
    [('SGD', 0.1, nan), ('adadelta', 1.0, 0.031)]
    >>> print(found.text().splitlines()[0])
    xor: train_loss; solved: train_solved ≥ 1
    """
    check_executor(executor)
    check_kind("cluster", cluster, str | None, "the address of a Dask scheduler: tcp://HOST:PORT")
    rules, tasks = name_parts(optimizers, Optimizer, "optimizers"), name_parts(problems, Problem, "problems")
    own, by_number = pick_own(rules, tasks), isinstance(rates, int | np.integer)
    asked = {
        "optimizers": list(rules), "problems": list(tasks), "seeds": seeds, "tuning_seeds": tuning_seeds,
        "rates": rates if by_number else 1, "decades": decades, "search": search, "together": together,
        "epochs": epochs, "seed": seed, "obstacles": obstacles,
        "data": os.fspath(data) if isinstance(data, os.PathLike) else data,
    }  # fmt: skip
    tables = {} if by_number else _rate_tables(rates, rules)
    given = {"bench": asked, "optimizers": tables, "tune": {} if tune is None else tune}
    settings = parse_bench_settings(given, "mlp.bench", own, use)
    found, permission = OptimizerComparison(), Permission(read_files(settings))
    with nullcontext() if out is None else reserve(as_path("out", out), settings, permission) as folder:
        with open_workers(jobs, cluster, executor) as workers:
            for _ in run_protocol(settings, found.cells, workers, folder):
                pass
        if folder:
            found.write(folder)
    return found


def _rate_tables(rates: Any, rules: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Tables with the learning rates to try: one list for all rules that have one, or a list for each."""
    kinds = {name: OPTIMIZERS.get(name) if part == name else part for name, part in rules.items()}
    rated = [name for name, kind in kinds.items() if "learning_rate" in getattr(kind, "__dataclass_fields__", ())]
    given = rates if isinstance(rates, Mapping) else dict.fromkeys(rated, rates)
    return {name: {"learning_rate": as_array("rates", values).ravel().tolist()} for name, values in given.items()}


def check_executor(given: Any) -> None:
    """Refuse what runs no trials."""
    if given is not None and (isinstance(given, type) or not callable(getattr(given, "submit", None))):
        raise HyperparameterError("executor", given, "an executor of concurrent.futures, or None")


def open_workers(
    jobs: int | None, address: str | None = None, executor: Executor | None = None
) -> AbstractContextManager[Executor]:
    """What runs the trials: an executor that is given, the cluster at `address`, `jobs` processes, or this process."""
    if executor is not None:
        return nullcontext(executor)
    return cluster(address) if address else Serial() if jobs is None else ProcessPool(jobs)
