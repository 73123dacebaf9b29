"""The command `mlp bench`: compare optimizers."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from mlp import optimizer_bench
from mlp.cli.permit import permit
from mlp.cli.process import DONE, INTERRUPTED
from mlp.cli.streams import complain, show
from mlp.config import put, read_toml
from mlp.optimizers import OPTIMIZERS
from mlp.problems import OBSTACLES
from mlp.report.progress import show_trials
from mlp.storage.permission import as_path


def bench(given: argparse.Namespace) -> int:
    """Compare optimizers; what is finished is on disk, so that the same command goes on where it stopped."""
    settings = _bench_settings(given)
    read = [Path(path) for path in (given.config, settings.data) if path]
    permission = permit(given, [*read, *optimizer_bench.read_files(settings)])
    place = None if given.out is None else as_path("-o", given.out)
    with optimizer_bench.reserve(place, settings, permission) as folder:
        given.made = folder
        return _run_bench(given, settings, folder)


def _run_bench(given: argparse.Namespace, settings: optimizer_bench.BenchSettings, folder: Path) -> int:
    """Run what is not finished, show and write all."""
    found, done = optimizer_bench.OptimizerComparison(), 0
    with optimizer_bench.open_workers(given.jobs, given.cluster) as executor:
        try:
            for step in show_trials(optimizer_bench.run_protocol(settings, found.cells, executor, folder)):
                done = step.done
        except KeyboardInterrupt:
            executor.shutdown(wait=False, cancel_futures=True)
            use = "".join(f" --use {shlex.quote(file)}" for file in given.use)
            so_far = f"\nmlp: interrupted; {done} of {optimizer_bench.n_trials(settings)} trials are in {folder}"
            complain(f"{so_far}. Go on with: mlp bench -c {folder / 'bench.toml'} -o {folder}{use}")
            return INTERRUPTED
    show(found.text())
    show(f"\n{found.write(folder)}")
    return DONE


def _bench_settings(given: argparse.Namespace) -> optimizer_bench.BenchSettings:
    """The settings of the file, and over them those of the command line."""
    config = {} if given.config is None else read_toml(given.config)
    if given.obstacles:
        usual = {"problems": list(OBSTACLES), "obstacles": True, **optimizer_bench.OBSTACLE_SETTINGS}
        for name, value in usual.items():
            config = put(config, ("bench", name), config.get("bench", {}).get(name, value))
    for name in ("optimizers", "problems"):
        if getattr(given, name) is not None:
            names = [part.strip() for part in getattr(given, name).split(",")]
            config = put(config, ("bench", name), list(OPTIMIZERS) if names == ["all"] else names)
    for name in ("seeds", "data"):
        if getattr(given, name) is not None:
            config = put(config, ("bench", name), getattr(given, name))
    return optimizer_bench.parse_bench_settings(config, given.config or "mlp bench", use=given.own)
