"""Whatever is given to a public function or class, it is taken or named: no error of the language, no silent NaN.

A table of right arguments, and one of values that are wrong for nearly all of them. Each argument of each public name
gets each value that it cannot mean.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import reduce
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import initializers
from mlp.optimizers import OPTIMIZERS

X = np.random.default_rng(0).normal(size=(12, 2))
T = (X[:, :1] > 0).astype(float)
LABELS = (X[:, 0] > 0).astype(int)
CONFIG = {"training": {"epochs": 1}, "record": {"probe": "never"}}
HUGE = 10**400  # beyond the largest float, and of more digits than a message should have


class Stranger:
    """An object of somebody else's."""


class OtherLoop:
    """As much of a model and an optimizer of PyTorch as is asked for before training."""

    param_groups: Sequence[dict[str, Any]] = ({"params": (), "lr": 0.1},)

    def named_modules(self) -> Iterable[tuple[str, Any]]:
        return [("", self)]

    def nothing(self, *_: Any, **__: Any) -> tuple[Any, ...]:
        return ()

    children = parameters = register_forward_hook = register_step_pre_hook = register_step_post_hook = nothing


WRONG: dict[str, Any] = {
    "None": None, "text": "text", "empty text": "", "bytes": b"a", "true": True, "minus one": -1, "zero": 0, "one": 1,
    "half": 0.5, "minus half": -0.5, "nan": float("nan"), "inf": float("inf"), "complex": 1j, "list": [1, 2],
    "no list": [], "ragged": [[1, 2], [3]], "dict": {"a": 1}, "no dict": {}, "set": {1}, "tuple": (1, 2),
    "stranger": Stranger(), "class": mlp.Dense, "rule class": mlp.Adam, "function": len, "rule": mlp.SGD(0.1),
    "loss": mlp.SquaredError(), "layer": mlp.Dense(2, 3), "date": np.datetime64("2020-01-01"),
    "texts": np.array(["a", "b"]), "objects": np.array([None, Stranger()], object), "nothing": np.zeros(0),
    "nans": np.full((12, 2), np.nan), "infs": np.full((12, 2), np.inf), "cube": np.ones((3, 4, 5)),
    "table": X, "whole numbers": np.ones((12, 2), int), "scalar": np.array(1.0), "huge": HUGE,
    "masked": np.ma.masked_array(X, X > 0),
}  # fmt: skip


def network(**options: Any) -> mlp.Network:
    return mlp.Network([mlp.Dense(2, 3), mlp.Sigmoid(), mlp.Dense(3, 1)], rng=0, **options)


def batch() -> mlp.Batch:
    return mlp.as_batch(X, T)


def step() -> mlp.Step:
    return next(iter(mlp.train(network(), [batch()], mlp.SquaredError(), mlp.SGD(0.1))))


def passed() -> tuple[mlp.Network, mlp.Workspace]:
    net, workspace = network(), mlp.Workspace(network(), 12)
    mlp.value_and_grad(net, mlp.SquaredError(), batch(), workspace)
    return net, workspace


def history() -> mlp.History:
    return mlp.History({"loss": [1.0, 0.5]})


WRONG |= {"network": network(), "batch": batch(), "history": history()}

# what an argument may mean; the values that fit are tried elsewhere

Fits = Callable[[Any], bool]


def number(value: Any) -> bool:
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return real and value is not HUGE and isfinite(value)


def numbers(value: Any) -> bool:
    """Of a rule: one, or one for each member of a population."""
    array = isinstance(value, np.ndarray) and value.dtype.kind in "iuf" and value.size > 0
    return number(value) or (array and bool(np.isfinite(value).all()))


def whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def text(value: Any) -> bool:
    return isinstance(value, str)


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def table(value: Any) -> bool:
    fine = isinstance(value, np.ndarray) and value.shape == X.shape and value.dtype.kind in "iuf"
    return fine and not np.ma.isMaskedArray(value) and bool(np.isfinite(value).all())


def a(*kinds: type[Any]) -> Fits:
    return lambda value: isinstance(value, kinds)


def either(*fits: Fits) -> Fits:
    return lambda value: any(fit(value) for fit in fits)


def nothing(value: Any) -> bool:
    return value is None


def pair(value: Any) -> bool:
    """Two whole numbers."""
    return isinstance(value, tuple | list) and len(value) == 2 and all(map(whole, value))


def empty(value: Any) -> bool:
    """Something to go through, with nothing in it."""
    return isinstance(value, Iterable) and not isinstance(value, bytes | mlp.Network) and not list(value)


def rule_class(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, mlp.optimizers.Optimizer)


RULE, DTYPE, NETWORK, LOSS = a(mlp.optimizers.Optimizer), a(np.dtype), a(mlp.Network), a(mlp.Loss)
SEED = whole
Good = dict[str, tuple[Any, Fits]]
"""By argument: a right value, and what else may be one."""

FUNCTIONS: dict[str, Callable[[], Good]] = {
    "check_part": lambda: {"part": (mlp.SquaredError(), either(RULE, LOSS, a(mlp.Layer))),
                           "target": (None, either(nothing, a(list, tuple, np.ndarray)))},
    "function_problem": lambda: {"name": ("bowl", text), "formula": (lambda params, out: 0.0, callable),
                                 "box": ([(-1, 1)], lambda v: False), "description": ("", text), "source": ("", text),
                                 "solved": (1e-6, number)},
    "norm": lambda: {"values": (np.array([3.0, 4.0]), lambda v: isinstance(v, list) or as_numbers(v))},
    "forward": lambda: {"network": (network(), NETWORK), "x": (batch().x, a(mlp.Nodes)),
                        "workspace": (mlp.Workspace(network(), 12), a(mlp.Workspace)), "weights": (None, nothing)},
    "update_statistics": lambda: {"network": (mlp.Network([mlp.Dense(2, 3), mlp.BatchNorm()]), NETWORK),
                                  "batches": ([batch()], lambda v: False)},
    "infer": lambda: {"network": (network(), NETWORK), "x": (batch().x, a(mlp.Nodes)),
                      "workspace": (mlp.Workspace(network(), 12), a(mlp.Workspace))},
    "backward": lambda: {"network": (passed()[0], NETWORK), "workspace": (passed()[1], a(mlp.Workspace))},
    "value_and_grad": lambda: {"network": (network(), NETWORK), "loss": (mlp.SquaredError(), LOSS),
                               "batch": (batch(), a(mlp.Batch)),
                               "workspace": (mlp.Workspace(network(), 12), a(mlp.Workspace))},
    "predict": lambda: {"network": (network(), NETWORK), "X": (X, table), "block": (5, whole)},
    "augmented": lambda: {"data": ([batch()], empty), "rng": (0, SEED)},
    "as_batch": lambda: {"X": (X, table), "target": (T, table), "weights": (np.ones(12), nothing),
                         "dtype": (np.float64, either(nothing, DTYPE))},
    "batches": lambda: {"X": (X, table), "target": (T, table), "size": (4, either(nothing, whole)),
                        "rng": (0, either(nothing, SEED)), "epochs": (1, whole), "weights": (np.ones(12), nothing),
                        "dtype": (np.float64, either(nothing, DTYPE)), "begin": ((0, 0), pair)},
    "diagnose": lambda: {"history": ({"loss": [0.7, 0.4]}, a(mlp.History, dict)), "detectors": ((), empty)},
    "gradcheck": lambda: {"network": (network(), NETWORK), "loss": (mlp.SquaredError(), LOSS), "X": (X, table),
                          "target": (T, table), "weights": (np.ones(12), nothing), "directions": (1, whole),
                          "rng": (0, SEED)},
    "check_gradient": lambda: {"network": (network(), NETWORK), "loss": (mlp.SquaredError(), LOSS), "X": (X, table),
                               "target": (T, table), "mine": (network().params, a(np.ndarray, list, tuple))},
    "explain": lambda: {"network": (network(), NETWORK), "X": (X, table), "target": (T, table),
                        "loss": (mlp.SquaredError(), LOSS), "rule": (mlp.SGD(0.1), RULE), "steps": (2, whole),
                        "out": (None, either(nothing, text)), "inputs": (None, either(nothing, texts)),
                        "title": (None, either(nothing, text))},
    "worked_step": lambda: {"step": (step(), a(mlp.Step)), "rule": (None, either(nothing, RULE)), "digits": (4, whole)},
    "from_safetensors": lambda: {"path": ("none.safetensors", text)},
    "from_sklearn": lambda: {"model": (None, lambda _: False)},
    "from_torch": lambda: {"state": ({"weight": np.ones((1, 2))}, either(a(dict), text)),
                           "activation": ("relu", either(text, empty))},
    "watch_keras": lambda: {"model": (None, lambda _: False), "rows": (None, lambda _: True)},
    "watch_torch": lambda: {"model": (OtherLoop(), a(OtherLoop)), "optimizer": (OtherLoop(), a(OtherLoop)),
                            "loss": (len, callable), "rows": (None, either(nothing, whole))},
    "TorchRule": lambda: {"params": ([OtherLoop()], lambda _: True), "rule": (mlp.SGD(0.1), RULE)},
    "to_onnx": lambda: {"model": (network(), NETWORK), "path": ("x.onnx", text), "rows": (np.float64, DTYPE)},
    "to_safetensors": lambda: {"model": (network(), NETWORK), "path": ("x.safetensors", text)},
    "load_run": lambda: {"folder": ("none", text)},
    "resume": lambda: {"folder": ("made", text), "epochs": (1, either(nothing, whole))},
    "run": lambda: {"config": (CONFIG, either(a(dict), text)), "data": ((X, LABELS), nothing),
                    "out": (None, either(nothing, text))},
    "repair": lambda: {"config": (CONFIG, either(a(dict), text)), "data": ((X, LABELS), nothing),
                       "out": (None, either(nothing, text))},
    "bench": lambda: {"optimizers": (["sgd"], either(text, RULE, rule_class, texts)),
                      "problems": (["xor"], either(text, texts)),
                      "seeds": (1, whole), "tuning_seeds": (1, whole),
                      "rates": (1, a(int, float, list, tuple, np.ndarray, Mapping)), "decades": (1.0, scalar),
                      "search": ("grid", lambda _: False), "together": (1, whole), "epochs": (1, whole),
                      "seed": (0, whole), "data": ("", text), "out": (None, either(nothing, text)),
                      "executor": (None, nothing), "jobs": (None, either(nothing, whole)),
                      "cluster": (None, either(nothing, text))},
    "grid": lambda: {"config": (CONFIG, either(a(dict), text)), "data": ((X, LABELS), nothing),
                     "over": ({"optimizer.learning_rate": [0.1]}, either(texts, a(Mapping))),
                     "seeds": (1, whole), "folds": (2, whole), "random": (0, whole), "halving": (False, flag),
                     "out": (None, either(nothing, text)), "executor": (None, nothing),
                     "jobs": (None, either(nothing, whole)), "cluster": (None, either(nothing, text))},
    "sample_grad_norms": lambda: {"step": (step(), a(mlp.Step))},
    "pace": lambda: {"rule": (mlp.SGD(0.1), RULE), "params": (np.zeros(3), lambda v: numbers(v) or nan(v))},
    "pretrain": lambda: {"network": (network(), NETWORK), "X": (X, table),
                         "pretrainer": (mlp.RBM(epochs=1), a(mlp.RBM)), "rng": (0, SEED)},
    "pretrain_rbm": lambda: {"network": (network(), NETWORK), "X": (X, table), "rng": (0, SEED)},
    "pretrain_autoencoder": lambda: {"network": (network(), NETWORK), "X": (X, table), "rng": (0, SEED)},
    "logged": lambda: {"steps": ([], a(Iterable)), "history": (history(), a(mlp.History)), "path": ("log.csv", text),
                       "every": (2, whole)},
    "to_csv": lambda: {"history": (history(), a(mlp.History)), "path": ("log.csv", text)},
    "to_jsonl": lambda: {"history": (history(), a(mlp.History)), "path": ("log.jsonl", text)},
    "to_tensorboard": lambda: {"history": (history(), a(mlp.History)), "folder": ("board", text)},
    "train": lambda: {"network": (network(), NETWORK), "data": ([batch()], empty), "loss": (mlp.SquaredError(), LOSS),
                      "optimizer": (mlp.SGD(0.1), RULE), "state": (None, nothing)},
    "Network": lambda: {"layers": ([mlp.Dense(2, 3)], lambda _: False), "rng": (0, SEED),
                        "population": ((2,), lambda v: isinstance(v, tuple | list) and all(map(whole, v))),
                        "dtype": (np.float64, DTYPE)},
    "Workspace": lambda: {"network": (network(), NETWORK), "n_samples": (4, whole), "input_gradient": (False, flag)},
    "Layout": lambda: {"layers": (network().layers, empty), "names": (network().layout.names, empty),
                       "slices": (network().layout.slices, empty), "size": (13, whole)},
    "Objective": lambda: {"network": (network(), NETWORK), "loss": (mlp.SquaredError(), LOSS)},
    "History": lambda: {name: (None, either(nothing, a(Mapping))) for name in ("columns", "steps", "labels", "units")},
    "Recorder": lambda: {"instruments": (mlp.STANDARD, empty), "every": (1, whole)},
    "Cause": lambda: dict.fromkeys(("name", "why", "remedy"), ("text", text)),
    "Finding": lambda: {"kind": ("divergence", text), "severity": ("info", lambda _: False), "message": ("text", text),
                        "layers": (("dense1",), lambda v: v == ()), "step": (3, either(nothing, whole)),
                        "evidence": ({}, a(Mapping)), "causes": ((), lambda v: v == ())},
    "curvature.classify_point": lambda: {
        "network": (network(), NETWORK), "loss": (mlp.SquaredError(), LOSS), "X": (X, table), "t": (T, table),
        "rate": (0.1, either(nothing, number)), "batch_size": (4, either(nothing, whole)), "budget": (20, whole),
        "losses": (None, lambda v: v is None or (isinstance(v, list | tuple | np.ndarray) and is_flat(v))),
        "rule": (None, either(nothing, RULE)), "state": (None, nothing), "rng": (0, SEED), "rows": (12, whole)},
    "data.load": lambda: {"source": ("iris", text), "target": (None, either(nothing, text, whole))},
    "data.split": lambda: {"n_rows": (12, lambda v: v is HUGE), "validation": (0.2, number), "test": (0.2, number),
                           "rng": (0, SEED), "labels": (LABELS, nothing)},
    "data.infer_task": lambda: {"y": (LABELS, lambda v: not isinstance(v, list | mlp.Batch) or v in ([], [1, 2]))},
    "data.check_trainable": lambda: {"X": (X, table), "y": (LABELS, lambda _: False),
                                     "task": ("classification", lambda _: False),
                                     "class_names": (None, either(nothing, a(Sequence)))},
    "data.encode_labels": lambda: {"y": (LABELS, lambda v: np.ndim(v) == 1)},
    "data.apply_labels": lambda: {"y": (LABELS, lambda v: np.ndim(v) == 1),
                                  "class_names": (("0", "1"), a(Sequence))},
    "data.rings": lambda: {"n_samples": (40, whole), "n_rings": (2, whole), "noise": (0.1, number), "rng": (0, SEED)},
    "data.blobs": lambda: {"n_samples": (40, whole), "n_classes": (2, whole), "n_features": (2, whole),
                           "noise": (0.1, number), "rng": (0, SEED)},
    "data.moons": lambda: {"n_samples": (40, whole), "noise": (0.1, number), "rng": (0, SEED)},
    "data.parity": lambda: {"n_bits": (3, whole)},
    "data.encoder": lambda: {"n": (4, whole)},
    "data.Dataset": lambda: {"X": (X, a(np.ndarray)), "y": (LABELS, either(nothing, a(np.ndarray))),
                             "feature_names": (("a", "b"), a(Sequence, np.ndarray)), "test": (None, nothing)},
}  # fmt: skip


def is_flat(value: Any) -> bool:
    return np.ndim(value) == 1 and np.asarray(value).dtype.kind in "fiu"


def texts(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "U"


def scalar(value: Any) -> bool:
    """A number, an array with one too."""
    return number(value) or (isinstance(value, np.ndarray) and value.ndim == 0)


def nan(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim > 0


def as_numbers(value: Any) -> bool:
    return np.asarray(value).dtype.kind in "fiubc"


FITS: dict[str, Fits] = {
    "rule": RULE, "slices": either(nothing, empty), "matrices": either(nothing, empty), "momenta": lambda v: False,
    "layers": empty, "weights": lambda v: isinstance(v, str), "at": lambda v: isinstance(v, tuple | list | bytes),
    "image": lambda v: False, "rank": number, "n_classes": either(nothing, whole),
}  # fmt: skip
"""By the name of a field, where its default does not say what it may be."""
RIGHT = {
    "rule": mlp.SGD(0.1), "slices": [slice(0, 1)], "learning_rate": 0.1, "rate0": 0.1, "then": 0.1, "steps": 10,
    "every": 10, "window": 10, "at": (2, 4), "n_in": 3, "n_out": 3, "layers": [mlp.Dense(3, 3)], "max_norm": 1.0,
    "max_value": 1.0, "pixels": 1, "image": (3, 3), "alpha": 0.2,
}  # fmt: skip
"""Right values of the fields that have no default."""
CALLED = {
    "rate0": "learning_rate",
    "rates": "learning_rate",
    "t": "target",
    "then": "learning_rate",
    "data": "X",
    "folder": "path",
    "y": "labels",
    "n_rows": "rows",
}
"""Arguments that messages also call otherwise: a schedule's first rate is what an experiment calls learning_rate."""

RECORDS = {"Batch", "Evaluation", "Factors", "Nodes", "Place", "Step", "State", "Run", "Repair", "Instrument",
           "Problem", "Reading"}  # fmt: skip
"""What the library makes and hands out; who takes it in looks at what is in it."""
CONTRACTS = {"Array", "Augmentation", "Schedule", "Layer", "Activation", "Loss", "Optimizer", "Detector", "Pointwise",
             "Labelled"}  # fmt: skip
"""What is not called, but filled in by others."""
ESTIMATORS = {"MLPClassifier", "MLPRegressor"}
"""Their parameters are looked at by `fit`, as in scikit-learn; see below."""


def is_tested_here(name: str) -> bool:
    found = getattr(mlp, name)
    error = inspect.isclass(found) and issubclass(found, BaseException)
    return callable(found) and not error and name not in RECORDS | CONTRACTS | ESTIMATORS


PUBLIC = [name for name in mlp.__all__ if is_tested_here(name)] + [n for n in FUNCTIONS if "." in n]


def of_fields(kind: type[Any]) -> Good:
    """The arguments of a dataclass: their defaults are right, and what is like the default may be."""
    found: Good = {}
    for field in (f for f in fields(kind) if f.init):
        default = RIGHT.get(field.name) if field.default is MISSING else field.default
        fits = FITS.get(field.name) or like(default, kind)
        if field.name in ("learning_rate", "n_in") and field.name not in FITS:
            fits = either(fits, numbers) if field.name == "learning_rate" else whole
        found[field.name] = (default, fits)
    return found


def like(default: Any, kind: type[Any]) -> Fits:
    """What may stand in the place of a default."""
    if isinstance(default, bool):
        return flag
    if isinstance(default, int):
        return whole
    if isinstance(default, float):
        return numbers if issubclass(kind, mlp.optimizers.Optimizer) else number
    return text if isinstance(default, str) else nothing


def right(name: str) -> tuple[Callable[..., Any], Good]:
    """A public name, and its arguments."""
    found = reduce(getattr, name.split("."), mlp)
    if name in FUNCTIONS:
        return found, FUNCTIONS[name]()
    assert is_dataclass(found), f"{name} is public and stands in no table: give it a row in FUNCTIONS"
    return found, of_fields(found)


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of its own: what is accepted as a path may be written."""
    monkeypatch.chdir(tmp_path)


def outcome(call: Callable[..., Any], arguments: dict[str, Any]) -> Exception | None:
    """The error that a call ends in, a generator gone through; None where there is none."""
    try:
        found = call(**arguments)
        if inspect.isgenerator(found):
            list(found)
    except Exception as error:
        return error
    return None


def check_refused(call: Callable[..., Any], good: Good, argument: str, value: Any, what: str) -> None:
    """The call ends in one line of ours that names the argument."""
    error = outcome(call, {name: right for name, (right, _) in good.items()} | {argument: value})
    assert isinstance(error, mlp.MLPError), f"{argument} = {what}: {type(error).__name__}: {error}"
    message = str(error)
    assert message and "\n" not in message and len(message) < 1000, message
    assert argument in message or CALLED.get(argument, argument) in message, f"{what}: {message}"


@pytest.mark.parametrize("name", PUBLIC)
def test_a_wrong_argument_is_refused_by_its_name(name: str) -> None:
    """AttributeError: 'ndarray' object has no attribute 'x': `value_and_grad(net, loss, X, t)` said it so.

    Functions that are called once look at what they are given; those of the hot loop look when they have failed.
    """
    if name == "resume":
        mlp.run({**CONFIG, "data": {"source": "iris"}}, out="made")
    call, good = right(name)
    for argument, (_, fits) in good.items():
        for what, value in WRONG.items():
            if not _fits(fits, value):
                check_refused(call, right(name)[1] if name in FUNCTIONS else good, argument, value, what)


def _fits(fits: Fits, value: Any) -> bool:
    try:
        return bool(fits(value))
    except Exception:
        return False


@pytest.mark.parametrize(
    "name", [n for n in PUBLIC if n not in ("from_sklearn", "watch_keras", "TorchRule", "from_safetensors", "load_run")]
)
def test_the_right_arguments_are_taken(name: str) -> None:
    """Or the test above would prove nothing."""
    if name == "resume":
        mlp.run({**CONFIG, "data": {"source": "iris"}}, out="made")
    call, good = right(name)
    try:
        error = outcome(call, {argument: value for argument, (value, _) in good.items()})
    finally:
        pass
    assert error is None or isinstance(error, mlp.MissingExtraError), repr(error)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_wrong_number_of_arguments_is_what_python_says(name: str) -> None:
    call, good = right(name)
    with pytest.raises(TypeError, match="argument"):
        call(**{argument: value for argument, (value, _) in good.items()}, no_such_argument=1)
    with pytest.raises(TypeError, match="argument"):
        call(*[None] * 40)


# arguments in the wrong order


@pytest.mark.parametrize(
    ("call", "needle"),
    [
        (lambda n, lo, b, w: mlp.value_and_grad(n, lo, X, T), "batch = "),
        (lambda n, lo, b, w: mlp.value_and_grad(n, b, lo, w), "loss = "),
        (lambda n, lo, b, w: mlp.value_and_grad(lo, n, b, w), "network = "),
        (lambda n, lo, b, w: mlp.value_and_grad(n, lo, w, b), "batch = "),
        (lambda n, lo, b, w: mlp.forward(n, w, b.x), "x = "),
        (lambda n, lo, b, w: mlp.forward(n, b, w), "x = "),
        (lambda n, lo, b, w: mlp.forward(n, X, w), "x = "),
        (lambda n, lo, b, w: mlp.backward(w, n), "network = "),
        (lambda n, lo, b, w: mlp.predict(X, n), "network = "),
        (lambda n, lo, b, w: mlp.Workspace(12, n), "network = "),
        (lambda n, lo, b, w: mlp.Objective(lo, n), "network = "),
        (lambda n, lo, b, w: mlp.gradcheck(lo, n, X, T), "network = "),
        (lambda n, lo, b, w: mlp.train(n, lo, b, mlp.SGD()), "loss = "),
        (lambda n, lo, b, w: list(mlp.train(n, [(X, T)], lo, mlp.SGD())), "data = "),
        (lambda n, lo, b, w: list(mlp.train(n, zip([X], [T], strict=True), lo, mlp.SGD())), "data = "),
        (lambda n, lo, b, w: mlp.pretrain(X, n, mlp.RBM(), rng=0), "network = "),
        (lambda n, lo, b, w: mlp.pretrain(n, X, mlp.RBM, rng=0), "pretrainer = "),
        (lambda n, lo, b, w: list(mlp.Recorder().tap([b])), "steps = "),
        (lambda n, lo, b, w: list(mlp.augmented([X], rng=0)), "data = "),
        (lambda n, lo, b, w: mlp.augmented([b], mlp.Mixup, rng=0), "augmentations = "),
        (lambda n, lo, b, w: mlp.Mixup(0.2).apply(X, np.random.default_rng(0)), "batch = "),
        (lambda n, lo, b, w: mlp.Mixup(0.2).apply(b, 0), "rng = "),
        (lambda n, lo, b, w: mlp.to_csv("a.csv", history()), "history = "),
        (lambda n, lo, b, w: mlp.to_onnx("a.onnx", n), "model = "),
        (lambda n, lo, b, w: mlp.pace(np.zeros(3), mlp.SGD()), "rule = "),
    ],
)  # fmt: skip
def test_arguments_in_the_wrong_order_are_named(call: Callable[..., Any], needle: str) -> None:
    net = network()
    with pytest.raises(mlp.HyperparameterError, match=needle) as caught:
        call(net, mlp.SquaredError(), batch(), mlp.Workspace(net, 12))
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


# what fits by its kind, and not to the rest


def test_a_workspace_of_another_network_is_refused() -> None:
    """NumPy said "operands could not be broadcast together", or a layer that its scratch has no such field."""
    net, loss, given = network(), mlp.SquaredError(), batch()
    others = [
        mlp.Network([mlp.Dense(2, 4), mlp.Sigmoid(), mlp.Dense(4, 1)]),
        mlp.Network([mlp.Dense(2, 3), mlp.Sigmoid(), mlp.Dense(3, 1)], dtype=np.float32),
        mlp.Network([mlp.Dense(2, 1)]),
        network(population=(2,)),
    ]
    for other in others[:3]:
        with pytest.raises(mlp.MLPError, match=r"workspace|float32"):
            mlp.value_and_grad(net, loss, given, mlp.Workspace(other, 12))
    noisy = mlp.Network([mlp.Dense(2, 3), mlp.Dropout(0.5), mlp.Dense(3, 1)])
    with pytest.raises(mlp.ShapeError, match="workspace"):
        mlp.value_and_grad(noisy, loss, given, mlp.Workspace(net, 12))
    with pytest.raises(mlp.ShapeError, match=r"batch has 12 samples.*room for 5"):
        mlp.value_and_grad(net, loss, given, mlp.Workspace(net, 5))
    wide = mlp.Network([mlp.Dense(4, 1)])
    with pytest.raises(mlp.ShapeError, match="batch has 2 features and the network takes 4"):
        mlp.value_and_grad(wide, loss, given, mlp.Workspace(wide, 12))


def test_an_error_of_a_layer_stays_what_it_is() -> None:
    """Arguments are looked at when a pass has failed; where nothing is wrong with them, the layer is to blame."""

    class Broken(mlp.Identity):
        def forward(self, params: Any, x: Any, y: Any, scratch: Any) -> None:
            raise ValueError("mine")

    net = mlp.Network([mlp.Dense(2, 1), Broken()])
    with pytest.raises(ValueError, match="mine"):
        mlp.value_and_grad(net, mlp.SquaredError(), batch(), mlp.Workspace(net, 12))


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_cell_that_is_no_number_is_named_by_its_place(broken: float) -> None:
    """It went through: the loss was NaN at the first step, and nothing said why."""
    bad = X.copy()
    bad[7, 1] = broken
    for call in (
        lambda: mlp.batches(bad, T), lambda: mlp.as_batch(bad, T), lambda: mlp.predict(network(), bad),
        lambda: mlp.gradcheck(network(), mlp.SquaredError(), bad, T), lambda: mlp.batches(X, bad),
        lambda: mlp.pretrain_rbm(network(), bad, rng=0),
    ):  # fmt: skip
        with pytest.raises(mlp.DataError, match=r"row 7, column 1|finite"):
            call()
    with pytest.raises(mlp.DataError, match=r"target holds .* in row 7 \(counted from 0\)"):
        mlp.batches(X, bad[:, 1])


def test_a_number_that_the_dtype_cannot_hold_is_named() -> None:
    large = X.copy()
    large[3, 0] = 1e300
    with pytest.raises(mlp.DataError, match=r"X holds 1e\+300 in row 3, column 0 .*float32"):
        mlp.batches(large, T, dtype=np.float32)
    with pytest.raises(mlp.DataError, match=r"X holds 1e\+300 in row 3, column 0"):
        mlp.predict(network(dtype=np.float32), large)
    assert len(list(mlp.batches(large, T, 12))) == 1


def test_masked_cells_are_not_read() -> None:
    """The mask was dropped, and what stood beneath it trained on."""
    masked = np.ma.masked_array(X, X > 1)
    for call in (lambda: mlp.batches(masked, T), lambda: mlp.predict(network(), masked)):
        with pytest.raises(mlp.DataError, match="X is masked"):
            call()
    assert len(list(mlp.batches(np.ma.masked_array(X), T, 12))) == 1


@pytest.mark.parametrize("sizes", [(10**12, 10**12), (HUGE, 2), (2, 10**30)], ids=["large", "beyond", "out"])
def test_a_network_for_which_there_is_no_room_is_refused(sizes: tuple[int, int]) -> None:
    with pytest.raises(mlp.ShapeError, match="do not fit into memory"):
        mlp.Network([mlp.Dense(*sizes)])
    with pytest.raises(mlp.ShapeError, match="do not fit into memory"):
        mlp.Workspace(network(), max(sizes))


# rules: their memory


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_rule_begins_at_a_vector_of_floats(name: str) -> None:
    rule = OPTIMIZERS[name]()
    around = (mlp.ClipNorm(rule, 1.0),) if not rule.single_network else ()
    for one in (rule, mlp.Frozen(rule, [slice(0, 1)]), mlp.MovingAverage(rule), *around):
        for what, value in WRONG.items():
            if not nan(value):
                check_refused(one.init, {"params": (None, nothing)}, "params", value, what)


# instruments, histories


PARTS = ["name", "measure", "unit", "period", "labels", "shared", "finish", "norm_of", "begin", "watch"]


@pytest.mark.parametrize("field", PARTS)
def test_an_instrument_of_wrong_parts_is_refused_by_the_recorder(field: str) -> None:
    good: dict[str, Any] = {"name": "a", "measure": lambda step: step.loss}
    takes = {"name": text, "unit": text, "norm_of": text, "shared": flag, "period": either(nothing, whole, callable),
             "finish": callable}.get(field, either(nothing, callable))  # fmt: skip
    for what, value in WRONG.items():
        if takes(value) and not (field == "measure" and value is None):
            continue
        with pytest.raises(mlp.MLPError) as caught:
            mlp.Recorder([mlp.Instrument(**{**good, field: value})])
        assert field in str(caught.value), what


@pytest.mark.parametrize("what", [w for w, v in WRONG.items() if not isinstance(v, str)])
def test_a_history_knows_columns_by_text_only(what: str) -> None:
    value = WRONG[what]
    for call in (
        lambda: history()[value], lambda: history().steps(value), lambda: history().unit(value),
        lambda: history().append(value, 1.0, 3), lambda: history().column(value),
    ):  # fmt: skip
        with pytest.raises(mlp.MLPError):
            call()


NO_NUMBERS = [w for w, v in WRONG.items() if not number(v) and w not in ("true", "nan", "inf", "scalar")]


@pytest.mark.parametrize("what", NO_NUMBERS)
def test_a_record_is_a_number(what: str) -> None:
    with pytest.raises(mlp.MLPError, match=r"value|holds \(\) for each record"):
        history().append("loss", WRONG[what], 3)


# networks from elsewhere, runs


def test_parameters_are_assigned_as_arrays() -> None:
    for what, value in WRONG.items():
        net = network()
        for name in ("params", "statistics"):
            if name == "params" or what not in ("nothing", "no list"):
                with pytest.raises(mlp.MLPError, match=name):
                    setattr(net, name, value)
        with pytest.raises(mlp.MLPError, match="params"):
            net.at(value)


@pytest.mark.parametrize("index", [None, 2, -3, "0", 0.0, (0, 0), [0], True, slice(0, 1), np.zeros(1, int)], ids=repr)
def test_a_member_is_named_by_its_place(index: Any) -> None:
    with pytest.raises(mlp.HyperparameterError, match="index"):
        network(population=(2,)).member(index)
    with pytest.raises(mlp.HyperparameterError, match="index"):
        network().member(index)


@pytest.fixture(scope="module")
def runs() -> tuple[mlp.Run, mlp.Run]:
    """Of classes, and of numbers."""
    return mlp.run(CONFIG, (X, LABELS)), mlp.run(CONFIG, (X, X[:, 0] * 3.3))


@pytest.mark.parametrize("what", [what for what, value in WRONG.items() if not table(value)])
def test_a_run_answers_to_rows_only(runs: tuple[mlp.Run, mlp.Run], what: str) -> None:
    for run in runs:
        for call in (run.predict, lambda rows, run=run: run.evaluate(rows, LABELS)):  # type: ignore[misc]
            with pytest.raises(mlp.MLPError) as caught:
                call(WRONG[what])
            assert "\n" not in str(caught.value)
        if not isinstance(WRONG[what], str):
            with pytest.raises(mlp.MLPError):
                run.load(WRONG[what])


# estimators: parameters are looked at by `fit`


@pytest.mark.parametrize("kind", [mlp.MLPClassifier, mlp.MLPRegressor])
def test_a_wrong_parameter_of_an_estimator_is_refused_by_its_name(kind: type[Any]) -> None:
    usual = kind().get_params()
    takes = {"hidden": lambda v: isinstance(v, int | list | tuple | np.ndarray), "random_state": either(nothing, whole),
             "early_stopping": either(flag, a(Mapping)), "learning_rate": either(nothing, number), "l2": number,
             "epochs": whole, "batch_size": whole, "validation_fraction": number, "dropout": number,
             "categorical": a(list, tuple),
             "class_weight": either(nothing, a(Mapping)), "optimizer": either(RULE, rule_class), "loss": LOSS,
             "dtype": DTYPE,
             "verbose": either(flag, whole)}  # fmt: skip
    y = LABELS if kind is mlp.MLPClassifier else X[:, 0]
    for name, default in usual.items():
        fits = takes.get(name) or like(default, mlp.Dense)
        for what, value in WRONG.items():
            if _fits(fits, value) or (isinstance(default, str) and isinstance(value, str)) or what == "scalar":
                continue
            with pytest.raises(mlp.MLPError, match=name) as caught:
                kind(**{"epochs": 1, "hidden": [2], name: value}).fit(X, y)
            assert "\n" not in str(caught.value), f"{name} = {what}: {caught.value}"


@pytest.mark.parametrize("name", initializers.INITIALIZERS)
def test_an_initializer_takes_numbers(name: str) -> None:
    good = {f.name: (0.5, number) for f in fields(initializers.INITIALIZERS[name])}
    for argument in good:
        for what, value in WRONG.items():
            if not number(value):
                check_refused(initializers.INITIALIZERS[name], good, argument, value, what)
