"""A run that was killed and resumed ends with the bytes of one that never stopped."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.experiment import Stop, begin, finish, watch_epochs
from mlp.experiment.checkpoint import read_checkpoint
from mlp.experiment.checkpoint_schedule import CheckpointSchedule
from mlp.optimizers import OPTIMIZERS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
CLASSES = np.digitize(X[:, 0] * X[:, 1], [-0.3, 0.3])
NUMBERS = X @ [1.0, -2.0, 3.0, 0.5]

Check = Callable[[dict[str, Any], Any, int, Path], mlp.Run]


class Killed(BaseException):
    """The process is gone; nothing after it runs but `finally`."""


def config(rule: str = "adam", **sections: Any) -> dict[str, Any]:
    """Small, with what has a memory or draws: dropout, batch norm, curvature probes as usual."""
    linear = mlp.optimizers.OPTIMIZERS[rule].least_squares
    plain = rule == "kfac"  # dense layers only
    found: dict[str, Any] = {
        "data": {"task": "regression" if linear else "classification"},
        "network": {"hidden": [6, 5], "activation": ["tanh", "relu"]},
        "optimizer": {"name": rule},
        "training": {"epochs": 4, "batch_size": 16},
        "record": {"probe": "never"},
    }
    if not plain and not OPTIMIZERS[rule].single_network:
        found["network"] |= {"dropout": 0.2, "batch_norm": True}
    for name, keys in sections.items():
        found[name] = found.get(name, {}) | keys
    return found


def target(given: dict[str, Any]) -> np.ndarray:
    return NUMBERS if given["data"]["task"] == "regression" else CLASSES


def keep(patch: Any, every: int = 1, look: Callable[[CheckpointSchedule], None] = lambda keeper: None) -> None:
    """Write a checkpoint after every so many steps, and at the ends of epochs, whatever the clock says; then `look`."""

    def keep_and_look(self: CheckpointSchedule) -> None:
        self.next = self.state.steps + 1
        if self.state.steps % every == 0:
            self.write()
        look(self)

    patch.setattr(CheckpointSchedule, "write_if_due", keep_and_look)
    patch.setattr(CheckpointSchedule, "is_due", lambda self: True)


def killed(monkeypatch: pytest.MonkeyPatch, given: Any, y: Any, step: int, folder: Path, every: int = 1) -> None:
    """Train with a checkpoint after every so many steps, and at the ends of epochs, until that step is done."""

    def look(keeper: CheckpointSchedule) -> None:
        if keeper.state.steps >= step:
            raise Killed

    with monkeypatch.context() as patch:
        keep(patch, every, look)
        with pytest.raises(Killed):
            mlp.run(given, None if y is None else (X, y), out=folder)


def assert_same(found: mlp.Run, whole: mlp.Run) -> None:
    assert found.network.params.tobytes() == whole.network.params.tobytes()
    assert found.network.statistics.tobytes() == whole.network.statistics.tobytes()
    assert list(found.history) == list(whole.history)
    differing = [
        name
        for name in whole.history
        if found.history[name].tobytes() != whole.history[name].tobytes()
        or found.history.steps(name).tobytes() != whole.history.steps(name).tobytes()
    ]
    assert not differing
    assert found.history.seal() == whole.history.seal(), "labels, units, and what members share"
    assert (repr(found.metrics), found.findings, found.steps) == (repr(whole.metrics), whole.findings, whole.steps)
    assert found.config == whole.config


def killed_at_epoch(monkeypatch: pytest.MonkeyPatch, given: Any, y: Any, epoch: int, folder: Path) -> None:
    """Train with a checkpoint after every epoch, until so many are done."""
    write = CheckpointSchedule.write

    def counted(self: CheckpointSchedule) -> None:
        write(self)
        if self.state.epoch >= epoch:
            raise Killed

    with monkeypatch.context() as patch:
        keep(patch, every=10**6)
        patch.setattr(CheckpointSchedule, "write", counted)
        with pytest.raises(Killed):
            mlp.run(given, (X, y), out=folder)


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_every_optimizer_goes_on_as_if_never_stopped(
    rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = OPTIMIZERS[rule].full_batch
    given = config(rule, training={"epochs": 9 if at_once else 4})
    y = target(given)
    whole = mlp.run(given, (X, y))
    step = int(np.random.default_rng(list(OPTIMIZERS).index(rule)).integers(1, whole.steps - 1))
    if at_once:
        killed_at_epoch(monkeypatch, given, y, step, tmp_path)
    else:
        killed(monkeypatch, given, y, step - (step % 3 == 0), tmp_path)
    assert_same(mlp.resume(tmp_path, data=(X, y)), whole)


VARIANTS: dict[str, dict[str, Any]] = {
    "plateau": config("sgd", optimizer={"schedule": {"name": "plateau", "patience": 1, "window": 2}}),
    "plateaus of a population": config(
        "sgd", optimizer={"schedule": {"name": "plateau", "patience": 1, "window": 2}}, training={"restarts": 3}
    ),
    "warm-up, then cosine": config(optimizer={"schedule": {"name": "warmup", "then": "cosine"}}),
    "clipped and frozen": config(
        optimizer={"clip_norm": 0.5, "clip_value": 0.1}, network={"frozen": ["dense2"], "batch_norm": False}
    ),
    "population": config("adahessian", training={"restarts": 4}),
    "float64, in order, one batch larger": config(training={"dtype": "float64", "shuffle": False, "batch_size": 13}),
    "early stopping": config("momentum", training={"epochs": 30, "early_stopping": {"patience": 2}}),
    "weighted, regression by class": config("adagrad", data={"class_weight": "balanced"}, loss={"l2": 0.01}),
    "diverging": config("sgd", optimizer={"learning_rate": 1e30}, network={"batch_norm": False, "dropout": 0.0}),
    "probes": config("sgd", optimizer={"learning_rate": 1e-5}, record={"probe": "auto"}),
    "seldom recorded": config(record={"every": 3}),
    "noise, mixup and max-norm": config(network={"input_noise": 0.1, "max_norm": 2.0}, data={"mixup": 0.2}),
    "pretrained": config(
        network={"batch_norm": False, "dropout": 0.0, "pretrain": {"name": "autoencoder", "epochs": 2}}
    ),
    "an ensemble": config(training={"restarts": 3, "ensemble": True}),
    "long enough for silent and saturated units": config(training={"epochs": 80, "batch_size": 14}),
    "residual, tanh and rbf": config(network={"hidden": [5, 5], "activation": ["rbf", "tanh"], "residual": True}),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_setting_goes_on_as_if_never_stopped(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = mlp.run(VARIANTS[name], (X, CLASSES))
    rng = np.random.default_rng(list(VARIANTS).index(name))
    for step in sorted(rng.choice(np.arange(1, whole.steps - 1), min(2, whole.steps - 2), replace=False)):
        part = tmp_path / str(step)
        killed(monkeypatch, VARIANTS[name], CLASSES, int(step) - (step % 3 == 0), part, every=1 + step // 20)
        assert_same(mlp.resume(part, data=(X, CLASSES)), whole)


def test_rows_that_stay_on_disk_go_on_as_if_never_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("X.npy", X)
    np.save("y.npy", CLASSES)
    given = config("momentum", data={"source": "X.npy", "target": "y.npy"})
    whole = mlp.run(given)
    killed(monkeypatch, given, None, 7, tmp_path / "run")
    assert whole.config.data.source == "X.npy"
    assert_same(mlp.resume("run"), whole)


@pytest.mark.parametrize("step", [5, 6])
def test_stopped_by_ctrl_c_it_goes_on_from_that_step(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of an epoch of 3 steps and at its end. What is written of the run so far is no end of it."""

    given, stop = config(), Stop()

    def interrupted(steps: Iterator[mlp.Step]) -> Iterator[mlp.Step]:
        for one in steps:
            stop.requested = one.index + 1 == step
            yield one

    setup, state = begin(given, (X, CLASSES))
    tap = state.recorder.tap
    monkeypatch.setattr(state.recorder, "tap", lambda steps: interrupted(tap(steps)))
    list(watch_epochs(setup, state, [CheckpointSchedule(setup, state, tmp_path, stop)], stop))
    so_far = finish(setup, state)
    so_far.save(tmp_path)
    assert so_far.steps == step == mlp.load_run(tmp_path).steps == read_checkpoint(tmp_path).steps
    assert_same(mlp.resume(tmp_path, data=(X, CLASSES)), mlp.run(given, (X, CLASSES)))


def test_what_is_stopped_while_it_pretrains_is_nothing_to_go_on_with(tmp_path: Path) -> None:
    """A step was taken and kept all the same: resumed, the run went on from layers that were half done."""
    given = config(network={"pretrain": {"name": "rbm", "epochs": 3}, "activation": "sigmoid", "batch_norm": False})
    setup, state = begin(given, (X, CLASSES))
    stop = Stop(requested=True)
    with pytest.raises(KeyboardInterrupt, match="train again"):
        list(watch_epochs(setup, state, [CheckpointSchedule(setup, state, tmp_path, stop)], stop))
    assert (state.steps, list(tmp_path.iterdir())) == (0, [])


# killed at any moment


QUICK = config("adam", training={"epochs": 4}, network={"hidden": [4], "activation": "relu", "batch_norm": False})


@pytest.fixture(scope="module")
def whole() -> mlp.Run:
    """QUICK, never stopped."""
    return mlp.run(QUICK, (X, CLASSES))


def operations(patch: pytest.MonkeyPatch, last: float, kill: Callable[[], None]) -> list[str]:
    """Have the process killed at its operation number `last` on a file; the list of those that were made grows."""
    made: list[str] = []

    def counted(of: Any, name: str) -> None:
        done = getattr(of, name)

        def operation(*given: Any, **how: Any) -> Any:
            made.append(name)
            if len(made) > last:
                kill()
            return done(*given, **how)

        patch.setattr(of, name, operation)

    for of, name in (
        (os, "replace"),
        (os, "link"),
        (os, "fsync"),
        (np.lib.format, "write_array"),
        (Path, "write_text"),
    ):
        counted(of, name)
    return made


def gone() -> None:
    raise Killed


def test_killed_at_any_operation_on_a_file_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: mlp.Run
) -> None:
    """20 of them, at random. Before the first checkpoint there is nothing to go on from, and that is said.

    How many operations there are is the same each time: while the clock decided when a checkpoint was written, the last
    of them were not always reached.
    """
    with monkeypatch.context() as patch:
        keep(patch, every=5)
        made = operations(patch, np.inf, gone)
        mlp.run(QUICK, (X, CLASSES), out=tmp_path / "all")
    n_gone_on = 0
    for i, last in enumerate(np.random.default_rng(0).choice(len(made), 20, replace=False)):
        folder = tmp_path / str(i)
        with monkeypatch.context() as patch, pytest.raises(Killed):
            keep(patch, every=5)
            again = operations(patch, int(last), gone)
            mlp.run(QUICK, (X, CLASSES), out=folder)
        assert again == made[: last + 1]
        if not (folder / "checkpoint.npz").exists():
            assert "replace" not in made[:last]
            continue
        n_gone_on += 1
        assert_same(mlp.resume(folder, data=(X, CLASSES)), whole)
        assert_same(mlp.load_run(folder), whole)
    assert n_gone_on > 12


def forked(work: Callable[[], Any]) -> int:
    """The status of a process of its own that does `work`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # threads of NumPy's that have nothing to do
        child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        work()
    finally:
        os._exit(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_again_and_again_by_the_system_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    """SIGKILL, at a random operation on a file; the process that goes on is killed like the one before.

    The process kills itself: one that waited for some checkpoints of another saw the run end before it had its turn.
    """
    given = config("momentum", training={"epochs": 20})
    whole = mlp.run(given, (X, CLASSES))
    for last in map(int, np.random.default_rng(0).integers(10, 70, 6)):  # what is written at the end is more than that

        def work(last: int = last) -> None:
            operations(patch, last, lambda: os.kill(os.getpid(), signal.SIGKILL))
            if (tmp_path / "checkpoint.npz").exists():
                mlp.resume(tmp_path, data=(X, CLASSES))
            else:
                mlp.run(given, (X, CLASSES), out=tmp_path)

        with pytest.MonkeyPatch.context() as patch:
            keep(patch, every=4)
            assert os.WTERMSIG(forked(work)) == signal.SIGKILL
    assert_same(mlp.resume(tmp_path, data=(X, CLASSES)), whole)
