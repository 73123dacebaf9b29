"""A run: from an experiment to what it came to.

`run` does all of it: it begins, trains while it watches and writes checkpoints, measures at the end, and gives a `Run`.
A `Run` takes raw rows and gives answers that people read. It comes from training or from a run directory, and is the
same either way.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlp.arrays import Array
from mlp.config import Config, read_parts
from mlp.diagnosis import Finding, diagnose
from mlp.diagnosis.reading import Reading
from mlp.errors import DataError, FileFormatError, visible
from mlp.experiment.checkpoint_schedule import CheckpointSchedule
from mlp.experiment.notebook_progress import show_in_notebook
from mlp.experiment.rule_memory import memory_at, read_memory
from mlp.experiment.run_files import RunContent, read_run, write_run
from mlp.experiment.run_place import check_unread, reserve
from mlp.experiment.setup import Setup
from mlp.experiment.state import State, begin, keeps_best, kept_model
from mlp.experiment.watch import conclude, note_test_rows, watch_epochs
from mlp.experiment.waypoints import Waypoints
from mlp.history import History
from mlp.model import Appraisal, Model, copy_member, group_minima, select_members
from mlp.model.metrics import name_metrics
from mlp.network import Network
from mlp.preprocessing import Preprocessing
from mlp.preprocessing.source import files_read, is_same_source
from mlp.run_page import Looked, build_report, read_rows, show_run
from mlp.storage.atomic import write_file
from mlp.storage.permission import Permission, as_path

if TYPE_CHECKING:
    from mlp.curvature import Point
    from mlp.landscape import Landscape


@dataclass(repr=False)
class Run:
    """What an experiment came to. `model` is an ensemble where all restarts answer together.

    `memory`: the rule's at the weights that answer, if it is known. `folder`: that of a run that was loaded.

    >>> finished = run({"data": {"source": "iris"}, "training": {"epochs": 2}})
    >>> finished.predict([[5.1, 3.5, 1.4, 0.2]]).shape, finished.steps
    ((1,), 8)
    """

    config: Config
    model: Model
    history: History
    metrics: dict[str, Any]
    findings: tuple[Finding, ...] = ()
    steps: int = 0
    seconds: float = 0.0
    waypoints: Waypoints | None = None
    memory: Any = None
    folder: Path | None = None

    def __repr__(self) -> str:
        """One line: what was trained, how long, how good it is, and what is wrong with it."""
        part = next((part for part in ("test", "validation", "train") if f"{part}_loss" in self.metrics), "")
        said = [f"{name} {value:.4g}" for name, value in self.metrics.items() if name.startswith(f"{part}_")][:2]
        found = [finding.kind for finding in self.findings if finding.severity != "info"]
        widths = [str(self.network.n_in), *map(str, self.config.network.hidden), str(self.network.n_out)]
        source = self.config.data.source or "given rows"
        said += [f"{self.steps} steps", "healthy" if self.healthy else f"not healthy: {', '.join(found)}"]
        return visible(f"<Run of {source}: {' → '.join(widths)}, {', '.join(said)}>")

    @property
    def network(self) -> Network:
        """The trained network; a population where all restarts answer together."""
        return self.model.network

    @property
    def preprocessing(self) -> Preprocessing:
        """How raw rows become inputs, and targets answers: that of the model."""
        return self.model.preprocessing

    @property
    def healthy(self) -> bool:
        """No finding of severity "warning" or "critical"."""
        return all(finding.severity == "info" for finding in self.findings)

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the classes or labels; None for regression."""
        return self.model.preprocessing.class_names

    def predict(self, X: Any) -> Array:
        """Class labels (n,), 0 and 1 for each label (n, k), or numbers (n,) or (n, k), for raw rows X.

        Class labels are those that y held, in its dtype. Those of a table are numbers if all are written as Python
        writes them (5, 1.0), or else text as it stands there (007, 1e3).
        """
        return self.model.predict(X)

    def predict_proba(self, X: Any) -> Array:
        """A probability for each class or label, (n, n_classes), for raw rows X."""
        return self.model.probabilities(X)

    def evaluate(self, X: Any, y: Any = None) -> dict[str, float]:
        """Every metric by name, for raw rows X and their targets; `appraise` has those of each class too.

        X may be a frame that has the target among its columns; then there is no y.
        """
        return self.appraise(X, y).metrics

    def appraise(self, X: Any, y: Any = None) -> Appraisal:
        """All that can be said of the answers to raw rows X whose targets are y, or to those of a frame with both."""
        if y is None:
            X, y = self.load(X)
        if y is None:
            raise DataError(f"there is no target {self.model.preprocessing.target_name!r} to compare with. Give y.")
        return self.model.appraise(self.model.part(X, y))

    def point(self, data: Any = None, *, rng: int = 0, use: Any = ()) -> Point:
        """What kind of point the training ended at: a minimum, a saddle, a plateau, the noise of minibatches, ...

        `data`: (X, y) again, for a run that was given them. At most 1,000 training rows are looked at, drawn by the
        seed of the run. The rule goes on with its memory, if that is known at the weights that answer. `use`: your
        own parts, if the run has some.
        """
        from mlp.experiment.end_point import find_point, open_scene  # 20 ms, and trainings do without

        scene = open_scene(self.config, self.network, data, own=read_parts(use))
        memory = self.memory if self.folder is None else read_memory(self.folder, self.network, scene.setup.rule)
        return find_point(scene, self.history, memory, rng)

    def landscape(
        self,
        data: Any = None,
        *,
        line: bool = True,
        plane: bool = False,
        trajectory: bool = False,
        spectrum: bool = False,
        points: int = 51,
        rng: int = 0,
        use: Any = (),
    ) -> Landscape:
        """The loss along lines, in a plane, along the way of the training, and the Hessian's eigenvalues.

        `data` and rows as for `point`. `plane` with `spectrum` maps its extreme eigenvalues too. `rng` draws the
        directions.
        """
        from mlp.experiment.end_point import find_landscape, open_scene

        scene, n = open_scene(self.config, self.network, data, own=read_parts(use)), self.steps
        return find_landscape(
            scene, self.waypoints, n, line=line, plane=plane, trajectory=trajectory, spectrum=spectrum, points=points,
            rng=rng,
        )  # fmt: skip

    def load(self, source: Any) -> tuple[Array, Array | None]:
        """Raw rows and targets of a source, read the way the training data was; the targets are None if it has none.

        A source is a name, a path or a frame. Where it has an official test part, those rows.
        """
        return self.model.preprocessing.load_pair(source, self.config.data.target)

    def load_rows(self, source: Any) -> Array:
        """Raw rows alone; targets may be missing or wrong."""
        return self.model.preprocessing.load_rows(source)

    def trained_on(self, source: Any) -> int:
        """How many of the rows that `load(source)` gives it was trained on; 0 of another source than its own."""
        own = is_same_source(self.config.data.source, source)
        if not own or self.model.preprocessing.has_test_part(source):
            return 0
        return int(Reading(self.history).setting("rows", 0.0))

    def report(
        self,
        path: str | os.PathLike[str] | None = None,
        data: Any = None,
        *,
        point: Point | None = None,
        landscape: Landscape | None = None,
    ) -> str | Path:
        """The run as a page of HTML: its text, or with `path` the path of the file that is written.

        It shows the answers to the rows that were held out. They are read again from the source of the run, or taken
        from `data`, as for `mlp.run`; where they are not at hand, or not what they were, that part is left out. `point`
        and `landscape` are shown where they are given: `run.point()`, `run.landscape(plane=True)`.
        """
        text = build_report(self, read_rows(self, data), looked=Looked(point, landscape))
        return text if path is None else write_file(path, text.encode())

    def _repr_html_(self) -> str:
        """For notebooks."""
        return show_run(self)

    def save(self, folder: str | Path) -> None:
        """Write the run directory; an earlier run there is replaced. DataError for a folder of other files.

        A checkpoint there of another run is removed: it would go on with that one.
        """
        with reserve(as_path("folder", folder)) as place:
            self.write(place)

    def write(self, folder: Path) -> None:
        """Write the run directory into a folder that is reserved."""
        saved = RunContent(
            self.config, self.model, self.history, self.metrics, self.findings, self.steps, self.seconds,
            self.waypoints,
        )  # fmt: skip
        write_run(folder, saved)


def run(config: Any, data: Any = None, out: str | Path | None = None, *, use: Any = ()) -> Run:
    """Run an experiment: train, measure, diagnose; with `out`, write the run directory too.

    `config` is a dict or the path of a .toml file, with the keys of an experiment file. In a dict, your own rule,
    activation or loss may stand in the place of a name: `{"optimizer": {"name": MyRule(0.1)}}`. A file names them, and
    `use` says what the names stand for: the path of a Python file, or classes. `data` is a pair (X, y) of raw rows and
    targets; or a frame of pandas, polars or Arrow, which is read as its CSV would be, its target named by
    `config["data"]["target"]`; or None to use `config["data"]["source"]`. What cannot be run raises before the first
    step; training that goes wrong does not raise, its findings say what happened.

    `out` is a folder that is new or empty, or holds an earlier run, which is replaced. DataError for a folder of other
    files, and where a file of the run would take the place of one that is read here.
    """
    own = read_parts(use)
    if out is None:
        return complete_run(*begin(config, data, own=own), None)
    with reserve(as_path("out", out)) as folder:
        setup, state = begin(config, data, own=own)
        check_unread(folder, Permission(files_read(setup.config, config), force=True))
        return complete_run(setup, state, folder)


def complete_run(setup: Setup, state: State, folder: Path | None) -> Run:
    """Train to the end and measure; with a `folder`, which is reserved, write checkpoints and the run directory."""
    writers = [] if folder is None else [CheckpointSchedule(setup, state, folder)]
    for _ in show_in_notebook(watch_epochs(setup, state, writers), setup.config.training.epochs):
        pass
    finished = finish(setup, state)
    if folder is not None:
        finished.write(folder)
    return finished


def finish(setup: Setup, state: State) -> Run:
    """Note the end, measure on all parts and judge the whole. The best weights come back where training went wrong."""
    conclude(setup, state)
    note_test_rows(setup, state)
    found = measure(setup, state)
    found.findings = diagnose(found.history, setup.detectors)
    return found


def measure(setup: Setup, state: State) -> Run:
    """The run so far, measured on all parts and not judged.

    The best weights come back where training stopped early or went wrong. It may have gone wrong in its last update:
    then weights are numbers, and what comes out of them is not.
    """
    model, history, values = choose_model(setup, state)
    found = values | _kept_epoch(setup, state, values) | dict(_measure_parts(setup, model))
    if not (state.diverged or np.isfinite(found["train_loss"])):
        state.diverged = True
        state.note("train_loss", np.full(state.network.population, np.nan))
        return measure(setup, state)
    way = state.waypoints
    if state.network.population and not model.network.population:
        way = way.member(found["restart_chosen"])
    memory = memory_at(model.network, setup.rule, state.network.params, state.memory)
    return Run(setup.config, model, history, found, (), state.steps, state.seconds, way, memory)


def _kept_epoch(setup: Setup, state: State, values: Mapping[str, Any]) -> dict[str, int]:
    """The epoch whose weights came back, counted from 1, 0 for the first weights of all; {} where none did.

    Each member of an ensemble has an epoch of its own, which is not said.
    """
    if not keeps_best(setup, state) or (setup.config.training.ensemble and values):
        return {}
    return {"kept_epoch": int(np.ravel(kept_epochs(setup, state))[values.get("restart_chosen", 0)])}


def _measure_parts(setup: Setup, model: Model) -> Iterator[tuple[str, float]]:
    """The metrics of each part; all there are where it was held out."""
    yield from name_metrics("train", model.evaluate(setup.prepared.train))
    for name, part in (("validation", setup.prepared.validation), ("test", setup.prepared.test)):
        if part is not None:
            yield from name_metrics(name, model.appraise(part).metrics)


def choose_model(setup: Setup, state: State) -> tuple[Model, History, dict[str, Any]]:
    """The model that answers in the end, its history, and what became of the restarts.

    Of a population it is the best member on validation (without that part: in training), or for an ensemble all that
    came to a number, with the history of the best.
    """
    model = kept_model(setup, state)
    network = model.network
    if not network.population:
        return model, state.history, {}
    losses = np.asarray(model.evaluate_by_member(setup.prepared.validation or setup.prepared.train)["loss"])
    member = int(np.argmin(np.where(np.isfinite(losses), losses, np.inf)))
    history = state.history.member(member, network.population)
    values = {"restart_losses": losses.tolist(), "restart_chosen": member}
    values |= _compare_restarts(model, setup, guess=float(history["reference_loss"][0]))
    if setup.config.training.ensemble and np.isfinite(losses).any():
        chosen = select_members(network, np.isfinite(losses))
    else:
        chosen = copy_member(network, member)
    return Model(chosen, model.head, model.preprocessing), history, values


def _compare_restarts(model: Model, setup: Setup, guess: float) -> dict[str, Any]:
    """The training loss of each member, as in use, and how many fell into a worse minimum than the best did."""
    losses = np.asarray(model.evaluate_by_member(setup.prepared.train)["loss"]).tolist()
    return {"restart_train_losses": losses, "restart_worse": sum(map(len, group_minima(losses, guess)[1:]))}


def kept_epochs(setup: Setup, state: State) -> Array:
    """After how many epochs in all each member had the weights that are kept."""
    before = setup.past.epochs
    if not keeps_best(setup, state):
        return np.full(state.network.population, before + state.epoch)
    return np.where(state.best.epoch < 0, setup.past.kept, before + state.best.epoch + 1)


# from a run directory


def load_run(folder: str | os.PathLike[str], *, use: Any = ()) -> Run:
    """The run that stands in a run directory.

    `use`: the Python file or the classes of your own parts, if answers depend on some: an activation, a loss. A file
    that has changed since is warned of.
    """
    return Run(*read_run(check_run_path(folder), read_parts(use)), folder=check_run_path(folder))


def check_run_path(given: str | os.PathLike[str]) -> Path:
    """The path of a run directory; refuses what is none."""
    if not isinstance(given, str | os.PathLike):
        raise FileFormatError(f"folder: the path of a run directory is needed; given was a {type(given).__name__}.")
    if "://" in str(given):
        raise FileFormatError(f"{given} is an address, and runs are read from disk. Download the whole folder.")
    return as_path("the run directory", given)
