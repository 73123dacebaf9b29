"""Searching a grid, as users call it: `grid`, and what it returns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlp.config import Config, explaining_paths, naming_place, parse, put, read_parts, read_toml, to_toml
from mlp.config.schema import show
from mlp.errors import ConfigError, DivergenceError, MissingExtraError, check_flag, check_kind
from mlp.grid_search.folder import open_journal, reserve_results, reserve_search
from mlp.grid_search.plan import Cell, Search, SearchProgress, run_plan
from mlp.grid_search.plots import draw_plot
from mlp.grid_search.space import Combination, combine, parse_grid
from mlp.grid_search.summary import GridRow, summarize, warn_of
from mlp.grid_search.tables import describe, format_table, write_tables
from mlp.grid_search.trial import Task, prepare_fold
from mlp.model import score_name
from mlp.optimizer_bench import open_workers
from mlp.optimizer_bench.compare_optimizers import check_executor
from mlp.preprocessing.source import files_read
from mlp.storage.atomic import make_folder, writing_itself
from mlp.storage.permission import Permission, as_path

MOST = 1_000_000  # networks


@dataclass(frozen=True)
class GridSearch:
    """What a search found: a `Cell` for each combination, and how to read them."""

    search: Search
    cells: list[Cell] = field(default_factory=list, repr=False)

    def rows(self) -> list[GridRow]:
        """A row for each combination, the best first."""
        return summarize(self.search, self.cells)

    @property
    def best(self) -> GridRow:
        """The best mean score; DivergenceError where every combination has networks that came to no number."""
        return self._find("best")

    @property
    def chosen(self) -> GridRow:
        """The one with fewest parameters whose mean is within one standard error of the best; errors as for `best`."""
        return self._find("chosen")

    @property
    def diverged(self) -> bool:
        """Whether every combination has networks that came to no number."""
        return not any(row.best for row in self.rows())

    def _find(self, mark: str) -> GridRow:
        for row in self.rows():
            if getattr(row, mark):
                return row
        raise DivergenceError("every combination has networks that diverged. Lower optimizer.learning_rate.")

    def experiment(self, values: Combination | None = None) -> dict[str, Any]:
        """The experiment of a combination, of the chosen one if none is given: what `mlp.run` and a file take."""
        config = self.search.task.configure(self.chosen.values if values is None else values)
        found = config.to_dict()
        found.pop("own_parts", None)  # --use names them
        return found

    def warnings(self) -> list[str]:
        """What to doubt: the best is at the edge of what was tried, differences are within luck, networks diverged."""
        return list(warn_of(self.search, self.rows()))

    def text(self) -> str:
        """The table for a terminal."""
        return format_table(self.search, self.cells)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw scores over parameters into a PNG file; MissingExtraError without matplotlib."""
        draw_plot(self.search, self.cells, Path(path))

    def save(self, folder: str | os.PathLike[str]) -> str:
        """Write tables, experiments and, where matplotlib is installed, the plot; return a line that says so.

        Earlier ones are replaced. DataError for a folder in which others have files of these names.
        """
        with reserve_results(as_path("folder", folder)) as place:
            return self.write(place)

    def write(self, folder: Path) -> str:
        """The same into a folder that is reserved."""
        write_tables(self.search, self.cells, folder)
        if self.diverged:
            return f"tables: {folder}/*.csv"
        for name, row in (("chosen", self.chosen), ("best", self.best)):
            about = f"# {describe(row)}: {self.search.score} {row.score.value:.4g}, {row.parameters} parameters\n"
            with writing_itself(folder / f"{name}.toml", "w") as file:
                file.write(about + to_toml(self.experiment(row.values)))
        said = f"tables: {folder}/*.csv; chosen experiment: {folder}/chosen.toml"
        try:
            self.plot(folder / "sweep.png")
        except MissingExtraError as error:
            return f"{said}; {error}, then the same command"
        return f"{said}; plot: {folder}/sweep.png"


def prepare_search(
    config: Any,
    data: Any = None,
    *,
    over: Sequence[str] | Mapping[str, Any],
    seeds: Any = 5,
    folds: Any = 5,
    random: Any = 0,
    halving: bool = False,
    use: Any = (),
    where: str = "config",
) -> Search:
    """What is to be searched, checked: every experiment can be set up, so that nothing fails in the middle."""
    _check_count("seeds", seeds, 1)
    _check_count("folds", folds, 0)
    _check_count("random", random, 0)
    if folds == 1:
        raise ConfigError("folds = 1 leaves nothing to train on. Give 2 or more, or 0 to score on the validation part.")
    if isinstance(config, str | Path):
        given = read_toml(config)
        with explaining_paths(config, given):
            return prepare_search(
                given, data, over=over, seeds=seeds, folds=folds, random=random, halving=halving, use=use,
                where=str(config),
            )  # fmt: skip
    base = parse(config, where, read_parts(use))
    if base.data.time and folds:
        raise ConfigError("[data] time parts rows in their order. Give folds = 0, to score on the validation part.")
    space = parse_grid(over)
    if halving and "training.epochs" in space:
        raise ConfigError("halving decides how many epochs there are. Leave training.epochs out of what is tried.")
    task = Task(put(config, ("data", "folds"), 0), data, folds, use, where)
    combinations = combine(space, random, base.training.seed)
    _check_many(len(combinations) * seeds * max(1, folds))
    task_name = _check_all(task, base, combinations)
    first = base.training.seed
    return Search(
        task, space, combinations, list(range(first, first + seeds)), score_name(task_name), bool(random),
        base.training.epochs if halving else None,
    )  # fmt: skip


def _check_count(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 10**6:
        raise ConfigError(f"{name} = {show(value)} cannot be. Give a whole number, {least} or more.")


def _check_many(n: int) -> None:
    if n > MOST:
        raise ConfigError(f"{n:,} networks are too many, at most {MOST:,}. Give fewer values, seeds or folds.")


def _check_all(task: Task, base: Config, combinations: Sequence[Combination]) -> str:
    """Set up every combination on the first fold; return the task. ConfigError names the combination."""
    configs = [task.configure(values) for values in combinations]
    prepared, _ = prepare_fold(task, base, min(1, task.folds))
    for values, config in zip(combinations, configs, strict=True):
        with naming_place(", ".join(f"{key} = {value}" for key, value in values.items())):
            task.set_up(config, prepared)
    return prepared.preprocessing.task


def run_search(
    search: Search, cells: list[Cell], executor: Executor | None = None, folder: Path | None = None
) -> Iterator[SearchProgress]:
    """Run all trials and fill `cells`; yield after every trial. Trials that `folder` has are not run again."""
    if folder is None:
        yield from run_plan(search, cells, executor)
        return
    make_folder(folder)
    base = search.task.configure({})
    prepared, _ = prepare_fold(search.task, base, min(1, search.task.folds))
    with open_journal(folder, base, prepared) as journal:
        yield from run_plan(search, cells, executor, journal)


def grid(
    config: Any,
    data: Any = None,
    over: Sequence[str] | Mapping[str, Any] = (),
    *,
    seeds: int = 5,
    folds: int = 5,
    random: int = 0,
    halving: bool = False,
    out: str | os.PathLike[str] | None = None,
    executor: Executor | None = None,
    jobs: int | None = None,
    cluster: str | None = None,
    use: Any = (),
) -> GridSearch:
    """Train every combination of some values with seeds and folds, as `mlp sweep` does; say which is best.

    `config` and `data` as `mlp.run` takes them. `over`: by key the values to try, {"network.hidden": [4, 8, 16]}, or a
    range "1e-4..1e-1", from which `random` combinations are drawn. All are trained from the same `seeds`, and scored on
    the same `folds`; with folds = 0 on the validation part. An official test part takes no part. `halving`: begin with
    few epochs, and go on with the best third. The other arguments are those of `mlp.bench`.

    ConfigError and DataError for what cannot be, before anything runs.

    >>> found = grid({"data": {"source": "iris"}}, over={"network.hidden": [2, 16]}, seeds=2, folds=3)
    >>> found.best.values, found.best.parameters, len(found.rows())
    ({'network.hidden': [16]}, 131, 2)
    """
    check_executor(executor)
    check_flag("halving", halving)
    check_kind("cluster", cluster, str | None, "the address of a Dask scheduler: tcp://HOST:PORT")
    search = prepare_search(config, data, over=over, seeds=seeds, folds=folds, random=random, halving=halving, use=use)
    found = GridSearch(search)
    permission = Permission(files_read(search.task.configure({}), config))
    with nullcontext() if out is None else reserve_search(as_path("out", out), permission) as folder:
        with open_workers(jobs, cluster, executor) as workers:
            for _ in run_search(search, found.cells, workers, folder):
                pass
        if folder:
            found.write(folder)
    return found
