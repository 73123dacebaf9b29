"""From words to objects: the layers, the loss and the rule that an experiment file names.

What "auto" means for outputs and losses is decided here, once, by the task. Knows the configuration and the parts of
the library; knows no data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, NamedTuple

from mlp import losses
from mlp.data import Scaling
from mlp.errors import ConfigError, HyperparameterError, UnknownNameError
from mlp.experiment import regularizers
from mlp.experiment.around import wrapped
from mlp.experiment.config import Config, suggestion
from mlp.initializers import INITIALIZERS, Initializer
from mlp.layers import ACTIVATIONS, RBF, BatchNorm, Dense, Dropout, Layer, Maxout, Residual, Sigmoid, Softmax
from mlp.layers.chain import names
from mlp.losses import Loss
from mlp.network import Layout
from mlp.optimizers import OPTIMIZERS, Frozen, Optimizer
from mlp.schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    InverseTime,
    MultiStep,
    OneCycle,
    Polynomial,
    ReduceOnPlateau,
    StepDecay,
    Triangular,
    WarmUp,
)

REGRESSION: dict[str, Callable[..., Loss]] = {
    "squared_error": losses.SquaredError,
    "absolute_error": losses.AbsoluteError,
    "huber": losses.Huber,
    "log_cosh": losses.LogCosh,
    "quantile": losses.Quantile,
    "poisson": losses.Poisson,
}
ONE_OF_MANY: dict[str, Callable[..., Loss]] = {
    "cross_entropy": losses.SoftmaxCrossEntropy,
    "focal": losses.Focal,
    "hinge": losses.Hinge,
}
YES_OR_NO: dict[str, Callable[..., Loss]] = {
    "cross_entropy": losses.SigmoidCrossEntropy,
    "focal": losses.SigmoidFocal,
    "hinge": losses.BinaryHinge,
}
OUTPUT_LAYERS: dict[str, tuple[Layer, ...]] = {
    "identity": (),
    "sigmoid": (Sigmoid(),),
    "softmax": (Softmax(),),
}


ELSEWHERE = {
    "mse": "squared_error", "l2": "squared_error", "meansquarederror": "squared_error",
    "mae": "absolute_error", "l1": "absolute_error", "meanabsoluteerror": "absolute_error",
    "smoothl1": "huber", "pinball": "quantile",
    "ce": "cross_entropy", "crossentropy": "cross_entropy", "categoricalcrossentropy": "cross_entropy",
    "sparsecategoricalcrossentropy": "cross_entropy", "bce": "cross_entropy", "bcewithlogits": "cross_entropy",
    "binarycrossentropy": "cross_entropy", "logloss": "cross_entropy", "nll": "cross_entropy",
    "swish": "silu", "linear": "identity", "none": "identity", "logistic": "sigmoid",
    "gd": "sgd", "heavyball": "momentum", "nag": "nesterov", "asgd": "averaged_sgd", "sps": "polyak",
    "sophiah": "sophia", "dadaptation": "dadapt_adam", "graves": "centered_rmsprop",
}  # fmt: skip
"""What other libraries call it, without underscores and the like. For hints only: a thing has one name here."""


def unknown(what: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """The error for a name that is not known; the hint knows what things are called elsewhere."""
    error = UnknownNameError(what, name, known)
    meant = ELSEWHERE.get(re.sub("[^a-z0-9]", "", name.lower()))
    if meant in error.known:
        error.nearest = meant
        error.args = (f"{str(error).partition(' Did you mean')[0]} Did you mean {meant!r}?",)
    return error


class Head(NamedTuple):
    """How a network ends.

    `output` and `loss_name`: what "auto" came to. `layers` stand after the last dense layer, where the loss has no link
    of its own. `labels`: the loss takes class labels, not values. `certain`: its predictions are probabilities, not
    scores. A raw output above `threshold` means yes. `targets`: what brings numbers to the scale the network answers
    in; None where it answers in their own.
    """

    n_out: int
    output: str
    loss_name: str
    loss: Loss
    layers: tuple[Layer, ...]
    labels: bool
    certain: bool
    threshold: float
    targets: Scaling | None = None


def head(config: Config, task: str, n_targets: int, targets: Scaling | None = None) -> Head:
    """The end of a network for `n_targets` classes, labels or values."""
    if config.data.class_weight == "balanced" and task != "classification":
        raise ConfigError(f"[data] class_weight = 'balanced' is for classes, and the task is {task}. Use none.")
    if targets is not None and config.loss.name == "poisson":
        raise ConfigError(
            "[data] scale_target = 'standard' makes numbers below 0, and [loss] poisson counts. Use none."
        )
    output = _output(config.network.output, task, n_targets)
    name = loss_name(config.loss.name, config.network.output, task)
    n_out = 1 if task == "classification" and n_targets == 2 and output != "softmax" else n_targets
    _check_softmax(output, task, n_targets)
    if name in REGRESSION:
        if name == "poisson" and task != "regression":
            raise ConfigError("[loss] name = 'poisson' is for counts, and the targets are classes.")
        loss = made(REGRESSION[name], config.loss.own, f"[loss] {name}")
        return Head(n_out, output, name, loss, OUTPUT_LAYERS[output], False, is_certain(name, output), 0.5, targets)
    if name not in ONE_OF_MANY:
        raise unknown("[loss] name", name, {*REGRESSION, *ONE_OF_MANY, "auto"})
    if task == "regression":
        raise ConfigError(f"[loss] name = {name!r} is for classes, and the targets are numbers. Use squared_error.")
    choice = output == "softmax" or (output == "identity" and n_out > 1 and task == "classification")
    loss = made((ONE_OF_MANY if choice else YES_OR_NO)[name], config.loss.own, f"[loss] {name}")
    return Head(n_out, output, name, loss, (), choice, is_certain(name, output), 0.0)


def loss_name(given: str, output: str, task: str) -> str:
    """The loss that "auto" comes to, for an output as it was given; any other name as it is."""
    if given != "auto":
        return given
    return "squared_error" if task == "regression" or output == "identity" else "cross_entropy"


def is_certain(loss: str, output: str) -> bool:
    """Whether what a loss predicts for classes are probabilities, and not scores."""
    return output != "identity" if loss in REGRESSION else loss != "hinge"


def _check_softmax(output: str, task: str, n_targets: int) -> None:
    """Refuse a softmax where nothing is chosen."""
    if output == "softmax" and task == "multilabel":
        raise ConfigError("[network] output = 'softmax' picks one class, and rows have several labels. Use sigmoid.")
    if output == "softmax" and n_targets == 1:
        raise ConfigError("[network] output = 'softmax' of one output is always 1. Use identity.")


def _output(name: str, task: str, n_targets: int) -> str:
    if name != "auto":
        return name
    if task == "regression":
        return "identity"
    return "softmax" if task == "classification" and n_targets > 2 else "sigmoid"


PLACES = ("slices", "matrices")
"""What a rule is told about the network. It follows from the layers; nobody gives it."""


def made(kind: Callable[..., Any], own: Mapping[str, Any], where: str) -> Any:
    """`kind(**own)`; what it does not know or refuses is said with its place."""
    known = [f.name for f in fields(kind) if f.name not in PLACES]  # type: ignore[arg-type]
    for name in own:
        if name not in known:
            raise ConfigError(f"{where} has no key {name!r}. {suggestion(name, known or ['none'])}")
    try:
        return kind(**own)
    except HyperparameterError as error:
        raise ConfigError(f"{where}: {error}") from None
    except TypeError:
        missing = [f.name for f in fields(kind) if f.name not in own]  # type: ignore[arg-type]
        raise ConfigError(f"{where} needs {', '.join(missing)} as well.") from None


def layers(config: Config, n_in: int, ending: Head) -> list[Layer]:
    """All layers from n_in inputs to the head."""
    network = config.network
    if network.batch_norm and config.training.batch_size == 1:
        raise ConfigError(
            "[network] batch_norm = true with [training] batch_size = 1: the only row of a batch is its own mean, and "
            "every node becomes 0. Batch norm needs at least 2 rows in a batch."
        )
    activations = _each(network.activation, network.hidden, "activation")
    rates = _each(network.dropout, network.hidden, "dropout")
    found: list[Layer] = []
    first = regularizers.before(config, n_in)
    for width, activation, rate in zip(network.hidden, activations, rates, strict=True):
        block = _hidden(config, n_in, width, activation)
        block += [BatchNorm()] if network.batch_norm and activation == "rbf" else []
        block += [Dropout(rate)] if rate else []
        found += [Residual(block)] if network.residual and width == n_in and found else block
        n_in = width
    return [*first, *found, _dense(config, n_in, ending.n_out), *ending.layers]


def _each(value: Any, hidden: Sequence[int], name: str) -> list[Any]:
    """One value for each hidden layer."""
    if not isinstance(value, list):
        return [value] * len(hidden)
    if len(value) != len(hidden):
        raise ConfigError(
            f"[network] {name} has {len(value)} entries for {len(hidden)} hidden layers. Give one for all, or as many."
        )
    return value


def _hidden(config: Config, n_in: int, width: int, activation: str) -> list[Layer]:
    """Weighted sums, batch norm if asked for, and the activation."""
    norm: list[Layer] = [BatchNorm()] if config.network.batch_norm else []
    if activation == "rbf":
        return [RBF(n_in, width)]
    if activation == "maxout":
        return [_dense(config, n_in, 2 * width), *norm, Maxout(2)]
    if activation not in ACTIVATIONS:
        raise unknown("[network] activation", activation, {*ACTIVATIONS, "maxout", "rbf"})
    return [_dense(config, n_in, width), *norm, ACTIVATIONS[activation]()]


def _dense(config: Config, n_in: int, n_out: int) -> Dense:
    weights = config.network.init if config.network.init == "auto" else _initializer(config.network.init)
    return Dense(n_in, n_out, weights, config.network.bias, config.loss.l1, config.loss.l2)


def _initializer(given: str | Mapping[str, Any]) -> Initializer:
    name, own = _name_and_keys(given)
    if name not in INITIALIZERS:
        raise UnknownNameError("[network] init", name, {*INITIALIZERS, "auto"})
    found: Initializer = made(INITIALIZERS[name], own, f"[network] init {name}")
    return found


def _name_and_keys(given: Any) -> tuple[Any, dict[str, Any]]:
    """A name, or a table with a name and keys, taken apart."""
    table = given if isinstance(given, Mapping) else {"name": given}
    return table["name"], {k: v for k, v in table.items() if k != "name"}


def settled(config: Config) -> Config:
    """The configuration, its batches full where the rule compares one step with the next, whatever size was given.

    So does scikit-learn for its lbfgs. A rule that searches for one network at a time is refused a population.
    """
    name, training = config.optimizer.name, config.training
    kind = OPTIMIZERS.get(name)
    if kind is None or not kind.full_batch:
        return config
    if kind.alone and training.restarts > 1:
        raise ConfigError(
            f"[training] restarts = {training.restarts} train as one population, and [optimizer] {name} searches for "
            "one network at a time. Set restarts = 1 and run it with several seeds."
        )
    return replace(config, training=replace(training, batch_size="full"))


def rule_keys(config: Config, n_steps: int) -> dict[str, Any]:
    """The rule's own keys, those that were not given too."""
    given = config.optimizer
    if given.name not in OPTIMIZERS:
        raise unknown("[optimizer] name", given.name, OPTIMIZERS)
    own = dict(given.own)
    if given.name in ("adam", "adamw"):
        own.setdefault("learning_rate", adam_rate(n_steps))
    found = made(OPTIMIZERS[given.name], own, f"[optimizer] {given.name}")
    values = {f.name: getattr(found, f.name) for f in fields(found) if f.name not in PLACES}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def adam_rate(n_steps: int, highest: float = 0.01) -> float:
    """Adam's learning rate for a run of n steps, where none is given: 0.01 √(1000 / n), within 0.001 and `highest`.

    A step of Adam moves a weight by at most about η. The usual 0.001 is for long runs: 20 epochs of a small data set
    are some hundred steps, and end before the network has gone anywhere. Mean test accuracy, 0.001 → this: digits
    0.961 → 0.974, iris 0.77 → 0.93, wine 0.90 → 0.98, moons 0.86 → 0.97 (30 seeds, benchmarks/defaults.py).
    """
    return float(f"{min(highest, max(0.001, 0.01 * (1000 / n_steps) ** 0.5)):.2g}")


def rule(config: Config, steps_per_epoch: int, frozen: Sequence[slice], layout: Layout) -> Optimizer:
    """The optimizer with its schedule, its clipping, what it sees of the network, and what it leaves alone."""
    given = config.optimizer
    total = steps_per_epoch * config.training.epochs
    kind = OPTIMIZERS[given.name]
    places = {"slices": [s for s in layout.slices if s.stop > s.start], "matrices": layout.matrices}
    seen = {f.name: tuple(places[f.name]) for f in fields(kind) if f.name in PLACES}  # type: ignore[arg-type]
    found: Optimizer = kind(**rule_keys(config, total), **seen)
    if found.least_squares and config.loss.name != "squared_error":
        raise ConfigError(
            f"[optimizer] {given.name} minimises squares, and [loss] name = {config.loss.name!r}. Set squared_error, "
            "or take levenberg_marquardt, which is for other losses too."
        )
    if given.schedule != "constant":
        if found.alone:
            raise ConfigError(f"[optimizer] {given.name} finds its own step lengths. Leave out the schedule.")
        schedule = _schedule(given.schedule, getattr(found, "learning_rate", None), steps_per_epoch, total)
        found = replace(found, learning_rate=schedule)  # type: ignore[type-var]
    found = wrapped(found, config, layout)
    return Frozen(found, tuple(frozen)) if frozen else found


def open_lengths(given: str | Mapping[str, Any]) -> list[str]:
    """The keys of a schedule that are not given and follow from how long the run is: it is planned for all of it.

    >>> open_lengths("cosine"), open_lengths({"name": "warmup", "steps": 9, "then": "step"}), open_lengths("plateau")
    (['steps'], ['then.every'], [])
    """
    short, long = (_schedule(given, 1.0, 1, n_steps) for n_steps in (1000, 2000))
    return _differing(short, long)


def _differing(a: Any, b: Any) -> list[str]:
    """The fields in which two schedules of one kind differ; those of what follows a warm-up as "then.steps"."""
    names = [f.name for f in fields(a) if getattr(a, f.name) != getattr(b, f.name)]
    then = [f"then.{name}" for name in _differing(a.then, b.then)] if "then" in names else []
    return [name for name in names if name != "then"] + then


def _schedule(given: str | Mapping[str, Any], rate: Any, per_epoch: int, total: int) -> Any:
    """A schedule from its name and keys; lengths that are not given follow from the length of the run."""
    name, own = _name_and_keys(given)
    defaults: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
        "constant": (Constant, {}),
        "step": (StepDecay, {"every": max(1, total // 3)}),
        "multi_step": (MultiStep, {"at": [max(1, total // 2), max(1, total * 3 // 4)]}),
        "exponential": (Exponential, {"every": max(1, total // 2)}),
        "inverse_time": (InverseTime, {"every": max(1, total // 10)}),
        "polynomial": (Polynomial, {"steps": total}),
        "cosine": (Cosine, {"steps": total}),
        "cosine_restarts": (CosineRestarts, {"steps": max(1, total // 7)}),  # 1 + 2 + 4: ends at the end of a period
        "one_cycle": (OneCycle, {"steps": total}),
        "triangular": (Triangular, {"steps": 2 * per_epoch}),
        "plateau": (ReduceOnPlateau, {"window": per_epoch}),
        "warmup": (WarmUp, {"steps": max(1, total // 20)}),
    }
    if name not in defaults:
        raise UnknownNameError("[optimizer] schedule", name, defaults)
    kind, keys = defaults[name]
    if name == "warmup":
        then = _schedule(own.pop("then", "constant"), rate, per_epoch, total)
        return made(kind, {"then": then, **keys, **own}, "[optimizer] schedule warmup")
    _check_schedule(kind, own, f"[optimizer] schedule {name}")
    return made(kind, {**keys, **own, "rate0": rate}, f"[optimizer] schedule {name}")


def _check_schedule(kind: Any, own: Mapping[str, Any], where: str) -> None:
    """Refuse keys that the schedule has not; the rate it starts from stands elsewhere."""
    known = [f.name for f in fields(kind) if f.name != "rate0"]
    for key in own:
        if key in ("rate0", "learning_rate"):
            raise ConfigError(f"{where} has no key {key!r}: the learning rate is [optimizer] learning_rate.")
        if key not in known:
            raise ConfigError(f"{where} has no key {key!r}. {suggestion(key, known or ['none'])}")


def frozen_slices(config: Config, built: Sequence[Layer], parts: Sequence[slice]) -> list[slice]:
    """The slices of the layers that [network] frozen names."""
    known = dict(zip(names(built), parts, strict=True))
    for name in config.network.frozen:
        if name not in known:
            raise ConfigError(f"[network] frozen: there is no layer {name!r}. The layers are {', '.join(known)}.")
    return [known[name] for name in config.network.frozen]
