"""Run directories: what is written, and how it is read again.

    config.toml     the experiment, resolved           history.npz    what was recorded
    model.npz       parameters, statistics, and how    metrics.json   how good it became
                    raw rows become inputs             findings.json  what was found
    trajectory.npz  the first weights, and a few after; at most 4 MB, and 16 MB of first weights
    checkpoint.npz  where training stands; `checkpoint` writes it

One process at a time writes there. The files of a run count together: a full disk or a kill costs the new run, never an
earlier one. None holds a pickle. Nothing that is read is trusted. model.npz holds experiment and metrics once more,
and the checksums of history and findings, all under a checksum; files that say something else are refused.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from mlp.config import NO_PARTS, Config, OwnParts, changed_files, parse, read_toml, require_parts, to_toml
from mlp.config.network import build_layers
from mlp.diagnosis import Finding
from mlp.errors import DataError, FileFormatError, MLPError, os_reason
from mlp.experiment.run_place import CHECKPOINT as CHECKPOINT
from mlp.experiment.run_place import MODES, finish_save, is_run
from mlp.experiment.run_place import NAMES as NAMES
from mlp.experiment.run_place import own_files as own_files
from mlp.experiment.waypoints import Waypoints
from mlp.history import History
from mlp.model import Model, OutputHead, build_output_head
from mlp.network import Network
from mlp.preprocessing import Preprocessing
from mlp.storage import archive
from mlp.storage.file_set import current, forget_set, replacing_set
from mlp.storage.reading import read_text
from mlp.storage.schema import FINDINGS, MODEL, check

FORMAT = 1
PARTS = ("train", "validation", "test")
PER_RESTART_METRICS = ("restart_losses", "restart_train_losses")
"""Metrics that have a number for each restart."""


# writing


class RunContent(NamedTuple):
    """What a run directory holds."""

    config: Config
    model: Model
    history: History
    metrics: dict[str, Any]
    findings: tuple[Finding, ...]
    steps: int
    seconds: float
    waypoints: Waypoints | None = None

    @property
    def numbers(self) -> dict[str, Any]:
        """What metrics.json holds."""
        return {"metrics": self.metrics, "steps": self.steps, "seconds": self.seconds}


def write_run(folder: Path, run: RunContent) -> None:
    """Write a run into a folder that is reserved: all of it, or nothing."""
    try:
        with replacing_set(folder, MODES) as files:
            files["config.toml"].write(to_toml(run.config.to_dict()))
            files["metrics.json"].write(json.dumps(to_json_values(run.numbers), indent=1))
            files["findings.json"].write(json.dumps(_findings_as_json(run), indent=1))
            run.history.write_into(files["history.npz"])
            archive.write_into(files["trajectory.npz"], {"format": FORMAT}, _waypoints(run))
            _write_model(files["model.npz"], run)
        try:
            finish_save(folder)
        except OSError:
            forget_set(folder)
            raise
    except OSError as error:
        raise DataError(f"{folder}: the run could not be written: {os_reason(error)}") from None


def _waypoints(run: RunContent) -> dict[str, Any]:
    return (run.waypoints or Waypoints()).packed()


def _write_model(file: IO[bytes], run: RunContent) -> None:
    """model.npz: all that is needed to predict, and by which the other files are known to belong to it."""
    network = run.model.network
    about = {
        "format": FORMAT,
        "config": run.config.to_dict(),
        "numbers": _to_exact_values(run.numbers),
        "preprocessing": run.model.preprocessing.to_json(),
        "layers": [repr(layer) for layer in network.layers],
        "seals": {
            "history": run.history.seal(),
            "findings": _seal(_findings_as_json(run)),
            "trajectory": archive.seal({"format": FORMAT}, _waypoints(run)),
        },
    }
    archive.write_into(file, about, {"params": network.params, "statistics": network.statistics})


def to_json_values(value: Any) -> Any:
    """What JSON can hold: tuples as lists, and null for a number that is none."""
    return _map_floats(value, lambda number: number if np.isfinite(number) else None)


def _to_exact_values(value: Any) -> Any:
    """What JSON can hold and `_from_exact_values` can read: a number that is none is text, so that -inf is not NaN."""
    return _map_floats(value, lambda number: number if np.isfinite(number) else str(number))


def _map_floats(value: Any, each: Callable[[float], Any]) -> Any:
    """Lists, dicts and numbers of Python, with `each` applied to every float."""
    if isinstance(value, dict):
        return {name: _map_floats(v, each) for name, v in value.items()}
    if isinstance(value, list | tuple):
        return [_map_floats(v, each) for v in value]
    if isinstance(value, np.generic):
        return _map_floats(value.item(), each)
    return each(value) if isinstance(value, float) else value


def _findings_as_json(run: RunContent) -> list[Any]:
    found: list[Any] = to_json_values([finding.to_json() for finding in run.findings])
    return found


def _seal(findings: Any) -> str:
    """SHA-256 of what JSON says, however it is laid out."""
    return hashlib.sha256(json.dumps(findings, sort_keys=True).encode()).hexdigest()


# reading


def read_run(folder: Path, own: OwnParts = NO_PARTS) -> RunContent:
    """What stands in a run directory; FileFormatError names the file that is not as it was written."""
    if not is_run(folder):
        raise FileFormatError(f"{folder}: this is no run directory, it has no model.npz. Make one with mlp train -o.")
    saved = _explaining_errors(current(folder, "model.npz"), _read_archive)
    config = _explaining_errors(current(folder, "model.npz"), lambda _: parse(saved.about["config"]))
    if parse(read_toml(current(folder, "config.toml")), str(folder / "config.toml")) != config:
        raise FileFormatError(
            f"{folder / 'config.toml'}: not the experiment that model.npz came from. Put the file back, or train again."
        )
    whole = with_parts(config, own, folder)
    model = _explaining_errors(current(folder, "model.npz"), lambda _: _rebuild_model(whole, saved))
    numbers = _explaining_errors(
        current(folder, "metrics.json"), lambda path: _read_numbers(path, saved.about["numbers"])
    )
    seals = saved.about.get("seals", {})
    findings = _explaining_errors(
        current(folder, "findings.json"), lambda path: _read_findings(path, seals.get("findings"))
    )
    history = _explaining_errors(current(folder, "history.npz"), lambda path: _read_history(path, seals.get("history")))
    waypoints = None  # of version 0.1, which kept none
    if "trajectory" in seals:
        waypoints = _explaining_errors(
            current(folder, "trajectory.npz"), lambda path: _read_waypoints(path, seals["trajectory"])
        )
    return RunContent(
        config, model, history, numbers["metrics"], findings, numbers["steps"], numbers["seconds"], waypoints
    )


def with_parts(config: Config, own: OwnParts, folder: Path) -> Config:
    """The configuration of a run with one's own parts, as far as its answers depend on them; all must be here.

    A file that is not as it was is warned of: the answers may be others than those of the run.
    """
    here = parse(config.to_dict(), str(folder), own)
    require_parts(here, here.answering_names, str(folder))
    for file in changed_files(config, here):
        warnings.warn(f"{file} has changed since {folder} was trained: answers may be others.", stacklevel=4)
    return here


def read_numbers(folder: Path) -> dict[str, Any]:
    """Metrics, steps and seconds of the run that the history there belongs to; empty where model.npz tells none."""
    try:
        about = _explaining_errors(current(folder, "model.npz"), _read_archive).about
        _explaining_errors(
            current(folder, "history.npz"), lambda path: _read_history(path, about.get("seals", {}).get("history"))
        )
        numbers: dict[str, Any] = _from_exact_values(about["numbers"])
        return numbers
    except MLPError:
        return {}


def _explaining_errors(path: Path, reader: Callable[[Path], Any]) -> Any:
    """What `reader` makes of the file; anything that is wrong with it is said in one line."""
    with archive.explained(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return reader(path)
        except MLPError as error:
            raise FileFormatError(str(error)) from None


def _read_history(path: Path, seal: str | None) -> History:
    """The history; its seal is that of the columns as they were written, which may have another name today."""
    found = archive.read(path, compressed=True)
    if seal is not None and archive.seal(found.about["columns"], found.arrays) != seal:
        raise FileFormatError("this is not the history of this model")
    return History.unpacked(found.about["columns"], found.arrays)


def _read_waypoints(path: Path, seal: str) -> Waypoints:
    found = archive.read(path)
    archive.check_format(found.about["format"], FORMAT)
    if archive.seal(found.about, found.arrays) != seal:
        raise FileFormatError("these are not the weights that led to this model")
    return Waypoints.unpacked(found.arrays)


def _read_archive(path: Path) -> archive.Archive:
    found = archive.read(path)
    archive.check_format(found.about["format"], FORMAT)
    check(found.about, MODEL, "about")
    return found


def _read_numbers(path: Path, written: Any) -> dict[str, Any]:
    """Metrics, steps and seconds as the model holds them: exactly. metrics.json has null for NaN and infinities."""
    found: dict[str, Any] = _from_exact_values(written)
    if json.loads(read_text(path)) != to_json_values(found):
        raise FileFormatError("these are not the metrics of this model")
    return found


def _from_exact_values(written: Any) -> Any:
    """What `_to_exact_values` was given."""
    if isinstance(written, dict):
        return {name: _from_exact_values(value) for name, value in written.items()}
    if isinstance(written, list):
        return list(map(_from_exact_values, written))
    return float(written) if isinstance(written, str) else written


def _read_findings(path: Path, seal: str | None) -> tuple[Finding, ...]:
    found = json.loads(read_text(path))
    check(found, FINDINGS, "findings")
    if seal is not None and _seal(found) != seal:
        raise FileFormatError("these are not the findings of this model; mlp diagnose finds them again")
    return tuple(map(Finding.from_json, found))


def _rebuild_model(config: Config, saved: archive.Archive) -> Model:
    """The model that the configuration describes, with the parameters that were saved."""
    preprocessing = Preprocessing.from_json(saved.about["preprocessing"])
    head = build_output_head(config, preprocessing.task, preprocessing.n_targets, preprocessing.targets)
    _check_metrics(saved.about["numbers"]["metrics"])
    return Model(_rebuild_network(config, preprocessing.n_in, head, saved.arrays), head, preprocessing)


def _check_metrics(metrics: dict[str, Any]) -> None:
    """Refuse parts that do not have the same metrics: those of the training part are looked up in all of them."""
    names = {part: {n.removeprefix(f"{part}_") for n in metrics if n.startswith(f"{part}_")} for part in PARTS}
    for part in PARTS:
        if "loss" in names[part] and not names["train"] <= names[part]:
            raise FileFormatError(f"metrics has no {part} {min(names['train'] - names[part])}")
    for name, value in metrics.items():
        if isinstance(value, list) != (name in PER_RESTART_METRICS):
            raise FileFormatError(
                f"metrics.{name} {'needs' if name in PER_RESTART_METRICS else 'has not'} a number for each restart"
            )


def _rebuild_network(config: Config, n_in: int, head: OutputHead, saved: dict[str, Any]) -> Network:
    params = saved["params"]
    population = params.shape[:1] if config.training.ensemble and params.ndim > 1 else ()
    _check_size([n_in, *config.network.hidden, head.n_out], params.size // max(population, default=1))
    layers = build_layers(config.network, config.loss, n_in, head.n_out, head.layers)
    network = Network(layers, 0, population=population, dtype=np.dtype(config.training.dtype))
    for name, mine in (("params", network.params), ("statistics", network.statistics)):
        if saved[name].shape != mine.shape or saved[name].dtype != mine.dtype:
            raise FileFormatError(f"{name} is {saved[name].dtype} {saved[name].shape}, not {mine.dtype} {mine.shape}")
        np.copyto(mine, saved[name])
    return network


def _check_size(widths: Sequence[int], n_saved: int) -> None:
    """Refuse to make room for a network that needs more than was saved: a weight at least for every two nodes."""
    least = sum(n_in * n_out for n_in, n_out in pairwise(widths))
    if least > n_saved:
        raise FileFormatError(f"params has {n_saved:,} numbers, and the network needs more than {least:,}")
