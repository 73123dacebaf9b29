"""One trial: members of one shape, with their learning rates and seeds, trained and scored on one fold.

A trial and its result are plain values that JSON can hold: they travel to other machines and wait on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, TypeVar
from uuid import uuid4

import numpy as np

from mlp.config import Config, OwnParts, parse, put, read_parts
from mlp.data import Dataset
from mlp.errors import ConfigError
from mlp.experiment.before_training import note_before_training
from mlp.experiment.loop import epochs
from mlp.experiment.run import choose_model
from mlp.experiment.setup import Setup, set_up
from mlp.experiment.state import initial_state
from mlp.grid_search.population import group_setups, train_population
from mlp.grid_search.space import apply
from mlp.model import score_name
from mlp.preprocessing import GivenRows, Part, Prepared, prepare
from mlp.preprocessing.source import read_source


@dataclass(frozen=True, eq=False)
class Task:
    """What all trials have in common: the experiment as it was given, its rows, and how often they are parted.

    `data`: as `mlp.run` takes it. `folds`: 0 for the validation part. `use`: files and classes of one's own parts.
    `token`: a name of this search, by which a process knows the rows that it has loaded.
    """

    config: dict[str, Any]
    data: Any
    folds: int
    use: Any = ()
    where: str = "config"
    token: str = field(default_factory=lambda: uuid4().hex)

    def configure(self, combination: Mapping[str, Any], seed: int | None = None, epochs: int | None = None) -> Config:
        """The experiment of a member."""
        given = apply(self.config, dict(combination))
        for key, value in (("seed", seed), ("epochs", epochs)):
            given = given if value is None else put(given, ("training", key), value)
        return parse(given, self.where, read_once(self))

    def set_up(self, config: Config, prepared: Prepared) -> Setup:
        """The setup of a member, which records nothing."""
        return replace(set_up(config, prepared), instruments=())


def _load_rows(task: Task, config: Config) -> Dataset:
    """The rows that are parted: all but those of an official test part, which are for the end."""
    return replace(read_source(config, task.data), test=None)


T = TypeVar("T")
_PARTS: dict[str, OwnParts] = {}
_LOADED: dict[str, Dataset] = {}


def read_once(task: Task) -> OwnParts:
    """One's own parts, whose files each process runs once for all trials of a search."""
    return _keep_latest(_PARTS, task.token, lambda: read_parts(task.use))


def load_once(task: Task, config: Config) -> Dataset:
    """The same rows, which each process loads once for all trials of a search."""
    return _keep_latest(_LOADED, task.token, lambda: _load_rows(task, config))


def _keep_latest(known: dict[str, T], token: str, make: Callable[[], T]) -> T:
    """What was made for this search; what was kept for another is dropped. Threads may come at the same time."""
    found = known.get(token)
    if found is None:
        found = make()
        known.clear()
        known[token] = found
    return found


def prepare_fold(task: Task, config: Config, fold: int) -> tuple[Prepared, Part]:
    """Rows to train on, and those to score on: fold 1, 2, ... of all folds, or the validation part (fold 0).

    The seed of the experiment parts the rows; those of the members part nothing.
    """
    dataset = load_once(task, config)
    data = replace(config.data, test=0.0, folds=task.folds, fold=fold)
    prepared = prepare(replace(config, data=data), GivenRows(dataset))
    held_out = prepared.test if task.folds else prepared.validation
    if held_out is None:
        raise ConfigError("there are no rows to choose by: give --folds K, or a part [data] validation.")
    return replace(prepared, test=None), held_out


def run_grid_trial(task: Task, trial: Mapping[str, Any]) -> dict[str, Any]:
    """Train the members: {"members": [{"score": …, "loss": …, "steps": …}, …], "parameters": …, "rows": …}.

    `trial`: the "fold", the "epochs" (None for those of the experiment), and "members" with "values" and a "seed". The
    score of a member that diverged is None.
    """
    members = trial["members"]
    prepared, held_out = prepare_fold(task, task.configure(members[0]["values"]), trial["fold"])
    configs = [task.configure(member["values"], member["seed"], trial["epochs"]) for member in members]
    setups = [task.set_up(config, prepared) for config in configs]
    found: dict[int, dict[str, Any]] = {}
    for group in group_setups(setups):
        chosen = [setups[i] for i in group]
        scores = _score_population(chosen, held_out) if len(group) > 1 else [_score_alone(chosen[0], held_out)]
        found.update(zip(group, scores, strict=True))
    rows = {"rows": len(prepared.train), "held_out": len(held_out)}
    return {"members": [found[i] for i in range(len(setups))], "parameters": setups[0].layout.size, **rows}


def _score_population(setups: Sequence[Setup], held_out: Part) -> list[dict[str, Any]]:
    try:
        model, finite = train_population(setups)
    except np.linalg.LinAlgError:  # the matrices of one of them
        return [_score_alone(setup, held_out) for setup in setups]
    found = model.evaluate_by_member(held_out)
    scores = zip(found[score_name(model.task)].tolist(), found["loss"].tolist(), finite, strict=True)
    return [_result(score, loss, setups[0].n_steps, bool(fine)) for score, loss, fine in scores]


def _score_alone(setup: Setup, held_out: Part) -> dict[str, Any]:
    state, lost = initial_state(setup), False
    if setup.population:  # restarts are compared with the best constant answer
        note_before_training(setup, state)
    try:
        for _ in epochs(setup, state):
            pass
    except np.linalg.LinAlgError:  # matrices that cannot be factorised: it has diverged
        lost = True
    if lost or state.diverged:
        return _result(0.0, 0.0, state.steps, False)
    model = choose_model(setup, state)[0]
    found = model.evaluate(held_out)
    return _result(float(found[score_name(model.task)]), float(found["loss"]), state.steps, True)


def _result(score: float, loss: float, steps: int, fine: bool) -> dict[str, Any]:
    """What is kept of a member. A network whose loss is no number has no score."""
    fine = fine and isfinite(loss) and isfinite(score)
    return {"score": score if fine else None, "loss": loss if fine else None, "steps": steps}
