"""The command `mlp sweep`: it shows and writes what `grid_search` computes."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

from mlp import grid_search
from mlp.cli.permit import permit
from mlp.cli.process import DONE, FAILED, INTERRUPTED
from mlp.cli.streams import complain, show
from mlp.config import explaining_paths, override, put, read_toml
from mlp.errors import ConfigError
from mlp.experiment.run_files import to_json_values
from mlp.grid_search import GridSearch, Search
from mlp.optimizer_bench import open_workers
from mlp.preprocessing.source import files_read
from mlp.report.progress import show_search
from mlp.storage.permission import as_path


def sweep(given: argparse.Namespace) -> int:
    """Try every combination; what is finished is on disk, so that the same command goes on where it stopped."""
    if given.jobs < 1:
        raise ConfigError(f"--jobs {given.jobs} runs nothing. Give 1 or more.")
    config = written = {} if given.config is None else read_toml(given.config)
    for assignment in given.set:
        config = override(config, assignment)
    if given.source:
        config = put(config, ("data", "source"), given.source)
    where = " and ".join(filter(None, [given.config, "--set" if given.set else None])) or "config"
    with explaining_paths(given.config or "", written):
        search = grid_search.prepare_search(
        config, over=given.over, seeds=given.seeds, folds=given.folds, random=given.random, halving=given.halving,
        use=given.use, where=where,
    )  # fmt: skip
    permission = permit(given, files_read(search.task.configure({}), given.config))
    with grid_search.reserve_search(None if given.out is None else as_path("-o", given.out), permission) as folder:
        given.made = folder
        return _run_sweep(given, search, folder)


def _run_sweep(given: argparse.Namespace, search: Search, folder: Path) -> int:
    """Run what is not finished, show and write all."""
    found, done = GridSearch(search), 0
    with open_workers(given.jobs, given.cluster) as executor:
        try:
            for step in show_search(grid_search.run_search(search, found.cells, executor, folder)):
                done = step.done
        except KeyboardInterrupt:
            executor.shutdown(wait=False, cancel_futures=True)
            so_far = f"\nmlp: interrupted; {done} of {search.n_trials()} trials are in {folder}"
            complain(f"{so_far}. Go on with the same command and -o {shlex.quote(str(folder))}")
            return INTERRUPTED
    show(found.text())
    show(f"\n{sum(row.n for row in found.rows())} networks, {sum(cell.seconds for cell in found.cells):.3g} s of work")
    show(f"{found.write(folder)}")
    if given.json:
        show(json.dumps(to_json_values(_as_json(found, folder))))
    return FAILED if found.diverged else DONE


def _as_json(found: GridSearch, folder: Path) -> dict[str, Any]:
    named: dict[str, Any] = {} if found.diverged else {"best": found.best, "chosen": found.chosen}
    rows = {
        name: {"values": row.values, found.search.score: row.score.value, "parameters": row.parameters}
        for name, row in named.items()
    }
    file = None if found.diverged else str(folder / "chosen.toml")
    return {"sweep": str(folder), **rows, "experiment": file, "warnings": found.warnings()}
