"""Whether a part of one's own keeps its contract: in short what the tests hold the package's own parts to.

`check_part` tries a rule on a bowl, a layer inside a small network, a loss on a few outputs, an instrument beside a
short training, and a detector on its history. It names the first fault that it finds. It cannot know whether a rule is
the one of the paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import is_dataclass, replace
from typing import Any

import numpy as np

from mlp.arrays import Array, as_array
from mlp.backprop import predict
from mlp.data.batches import as_batch
from mlp.diagnosis import Detector, Finding, KnownCause
from mlp.diagnosis.reading import Reading
from mlp.differences import gradcheck
from mlp.errors import ContractError, HyperparameterError, in_one_line
from mlp.history import History
from mlp.instruments import DETAILED, Instrument
from mlp.layers import Dense, Layer, Tanh
from mlp.losses import Loss, SquaredError
from mlp.losses.loss import Labelled
from mlp.network import Network
from mlp.optimizers import SGD, Evaluation, Optimizer
from mlp.optimizers.bowl import Bowl
from mlp.recorder import Recorder
from mlp.schedules import Exponential
from mlp.storage.snapshot import Snapshot, restore
from mlp.training import train

MEMBERS, SIZE, STEPS = 3, 6, 100
CURVATURE = np.linspace(0.5, 2.0, SIZE)
EXACT = 1e-6  # a right gradient is wrong by 1e-10, a wrong one by 0.01


def check_part(part: Any, target: Any = None) -> None:
    """Raise ContractError in one line where a part does not do what its contract says.

    A part is a rule, a layer, a loss, an instrument or a detector; of a detector the class will do.
    `target`: targets for a loss that does not take all numbers: class labels (n,), or values (n, n_out).

    >>> import mlp
    >>> mlp.check_part(mlp.Momentum(0.1))
    >>> mlp.check_part(mlp.Poisson(), target=[[0, 2], [1, 5]])
    """
    if isinstance(part, type) and issubclass(part, Detector):
        part = part()
    if isinstance(part, Optimizer | Layer | Loss) and not is_dataclass(part):
        faults = iter(["it is no dataclass. Write @dataclass(frozen=True) above it: its fields are its keys."])
    elif isinstance(part, Optimizer):
        faults = _rule_faults(part)
    elif isinstance(part, Layer):
        faults = _layer_faults(part)
    elif isinstance(part, Loss):
        faults = _loss_faults(part, target)
    elif isinstance(part, Instrument):
        faults = _instrument_faults(part)
    elif isinstance(part, Detector):
        faults = _detector_faults(part)
    else:
        raise HyperparameterError("part", part, "a rule, a layer, a loss, an instrument or a detector: MyRule(0.1)")
    with np.errstate(all="ignore"):
        fault = next(faults, None)
    if fault is not None:
        name = part.name if isinstance(part, Instrument) else type(part).__name__
        raise ContractError(f"{name}: {fault}")


def _follow(rule: Optimizer, params: Array, state: Any, steps: int) -> Array:
    """Where the rule comes to in so many steps from `params`. It can write to nothing that it is only shown."""
    params = params.copy()
    bowl = Bowl(params, CURVATURE)
    for _ in range(steps):
        shown, grad, out = params.copy(), np.empty_like(params), np.full_like(params, np.nan)
        loss = bowl.value_and_grad(params, grad)
        shown.flags.writeable = grad.flags.writeable = False
        rule.update(Evaluation(shown, loss, grad, bowl), state, out)
        params += out
    return params


def _rule_faults(rule: Optimizer) -> Iterator[str]:
    start = np.random.default_rng(0).standard_normal((MEMBERS, SIZE))
    try:
        alone = [_follow(rule, row, rule.init(row), 5) for row in start]
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        yield "update writes to at.params or at.grad. They are only shown; write to out and to the state."
        return
    yield from _pace_faults(rule, start[0])
    if not np.isfinite(alone).all():
        yield "update leaves places of out unwritten, or writes what is no number."
    if not np.array_equal(alone[0], _follow(rule, start[0], rule.init(start[0]), 5)):
        yield "two runs from one place differ. Random numbers must come from a generator in the state."
    if not rule.single_network:
        together = _follow(rule, start, rule.init(start), 5)
        if not np.allclose(together, alone, rtol=EXACT):
            yield "three vectors at once do not go where each goes alone. Keep the leading axes: sums take axis=-1."
    if not np.array_equal(_follow(rule, start[0], _kept(rule, start[0]), 3), _after(rule, start[0])):
        yield "a state that was saved does not go on as it was. Keep what it remembers in fields of a plain dataclass."
    bowl = Bowl(start[0], CURVATURE)
    before, after = bowl.value(start[0]), bowl.value(_follow(rule, start[0], rule.init(start[0]), STEPS))
    if not after < before:
        yield f"it does not go down: ½Σcθ² is {before:.3g} at the start and {after:.3g} after {STEPS} steps."


def _pace_faults(rule: Optimizer, params: Array) -> Iterator[str]:
    """Whether each update counts itself and asks for its learning rate, so that schedules and histories have it."""
    state = rule.init(params)
    path = _follow(rule, params, state, 5)
    if (counted := getattr(state, "t", None)) != 5:
        yield f"state.t is {counted} after 5 updates. Take the rate from state.pace.next(at.loss), once in each update."
    rate = getattr(rule, "learning_rate", 0.0)
    if not isinstance(rate, float | int) or rate <= 0:
        return
    with suppress(HyperparameterError):  # a rule that moves its rate by itself refuses a schedule
        halved: Any = replace(rule, learning_rate=Exponential(rate, every=1, factor=0.5))  # type: ignore[type-var]
        if np.array_equal(path, _follow(halved, params, halved.init(params), 5)):
            yield "a schedule changes nothing. Use the rate that state.pace.next(at.loss) gives, not learning_rate."


def _kept(rule: Optimizer, params: Array) -> Any:
    """The state after two steps, as a checkpoint gives it back."""
    state, snapshot = rule.init(params), Snapshot()
    _follow(rule, params, state, 2)
    return restore(snapshot.take(state, "state"), snapshot.arrays, rule.init(params))


def _after(rule: Optimizer, params: Array) -> Array:
    """Where three steps lead with the state after two, which nobody saved."""
    state = rule.init(params)
    _follow(rule, params, state, 2)
    return _follow(rule, params, state, 3)


def _layer_faults(layer: Layer) -> Iterator[str]:
    rng = np.random.default_rng(0)
    layers = [Dense(5, SIZE, "lecun_normal", 0.1), layer, Dense(layer.settled(SIZE, ()).n_out, 2)]
    X, target = rng.standard_normal((7, 5)), rng.standard_normal((7, 2))
    networks = [Network(layers, seed, dtype=np.float64) for seed in range(MEMBERS)]
    error = gradcheck(networks[0], SquaredError(), X, target)
    if not error < EXACT:
        yield f"backward is not the gradient of forward: off by {error:.2g}, relatively. mlp.gradcheck says so."
    population = Network(layers, 0, population=(MEMBERS,), dtype=np.float64)
    for row, statistics, network in zip(population.params, population.statistics, networks, strict=True):
        row[...], statistics[...] = network.params, network.statistics
    if not np.allclose(predict(population, X), [predict(network, X) for network in networks], rtol=EXACT):
        yield "three networks at once do not answer as each does alone. Keep the leading axes."
    single = Network(layers, 0, dtype=np.float32)
    if predict(single, X.astype(np.float32)).dtype != np.float32:
        yield "it makes float64 of float32."


def _check_target(target: Any) -> Array:
    given = as_array("target", target)
    if given.ndim not in (1, 2) or given.dtype.kind not in "iuf" or not given.size:
        raise HyperparameterError("target", target, "class labels (n,), or values (n, n_out)")
    return given


def _loss_faults(loss: Loss, target: Any) -> Iterator[str]:
    rng = np.random.default_rng(0)
    given = np.arange(7) % 4 if isinstance(loss, Labelled) else rng.standard_normal((7, 4))
    given = given if target is None else _check_target(target)
    n, width = len(given), 4 if given.ndim == 1 else given.shape[1]
    t, z = (given.T, rng.standard_normal((width, n)))
    loss.check(width, t)
    slope = np.full_like(z, np.nan)
    value = loss.value_and_grad(z, t, None, slope)
    if not np.isclose(value, loss.value(z, t, None), rtol=EXACT):
        yield "value and value_and_grad do not agree."
    h = 1e-6
    steps = h * np.eye(z.size).reshape(-1, *z.shape)  # one for each output of each sample
    moved = loss.value(z + steps, t, None) - loss.value(z - steps, t, None)
    if not np.allclose(slope.ravel(), moved / (2 * h), rtol=1e-4, atol=1e-6):  # differences of 1e-6 know 9 digits
        yield "value_and_grad does not write ∂L/∂output. Differences of value say something else."
    weights = np.arange(n) % 3.0
    rows = np.repeat(np.arange(n), weights.astype(int))
    if not np.isclose(loss.value(z, t, weights), loss.value(z[:, rows], t[..., rows], None), rtol=EXACT):
        yield "a sample of weight 2 does not count like two samples."
    both = np.stack([z, 2 * z])
    if not np.allclose(loss.value(both, t, None), [value, loss.value(2 * z, t, None)], rtol=EXACT):
        yield "outputs of two networks at once do not give the loss of each. Keep the leading axes: sums take axis=-2."


# what looks on


def _record(instruments: Sequence[Instrument]) -> tuple[History, Array]:
    """The history of a short training, and where it ended."""
    rng = np.random.default_rng(0)
    network = Network([Dense(2, SIZE), Tanh(), Dense(SIZE, 1)], rng=0)
    X = rng.standard_normal((16, 2))
    recorder = Recorder(instruments)
    data = (as_batch(X[rows], X[rows, :1] * X[rows, 1:]) for rows in rng.integers(0, 16, (12, 8)))
    for _ in recorder.tap(train(network, data, SquaredError(), SGD(0.1))):
        pass
    return recorder.history, network.params


def _instrument_faults(instrument: Instrument) -> Iterator[str]:
    try:
        history, end = _record([instrument])
    except Exception as error:  # a measure may raise anything
        yield f"it raises {type(error).__name__} beside a network of two dense layers: {in_one_line(error)}"
        return
    if not np.array_equal(end, _record([])[1]):
        yield "it changes the training that it looks at. Copy what you change: steps are only shown."
    if instrument.period is not None and instrument.name in history and not np.isfinite(history[instrument.name]).all():
        yield "it gives what is no finite number in a training that goes well."


def _detector_faults(detector: Detector) -> Iterator[str]:
    kinds = detector.kinds
    if not kinds or not all(isinstance(words, str) and words for pair in kinds.items() for words in pair):
        yield 'kinds is missing: the name of each finding and what it means, kinds = {"heavy": "a weight is large"}.'
        return
    if isinstance(detector.needs, str) or not all(isinstance(name, str) for name in detector.needs):
        yield 'needs holds the names of columns: needs = ("loss",).'
        return
    for cause in detector.causes:
        if not isinstance(cause, KnownCause):
            yield "causes holds objects of classes that derive from mlp.diagnosis.KnownCause: causes = (MyCause(),)."
        elif not all(getattr(cause, words, "") for words in ("name", "meaning", "remedy")):
            yield f"the cause {type(cause).__name__} must say its name, its meaning and its remedy."
    recorded, _ = _record(DETAILED)
    whole = {name: np.asarray(recorded[name]) for name in recorded if name in detector.needs}
    labels = {name: recorded.labels(name) for name in whole}
    for what, number in (("what a training gave", None), ("NaN", np.nan), ("0", 0.0), ("1e300", 1e300)):
        found = {name: column if number is None else np.full(column.shape, number) for name, column in whole.items()}
        yield from _judge_faults(detector, found, labels, 1.0 if number is None else number, what)
    yield from _judge_faults(detector, {name: column[:0] for name, column in whole.items()}, labels, 1.0, "empty")


def _judge_faults(
    detector: Detector, known: Mapping[str, Array], labels: Mapping[str, tuple[str, ...]], number: float, what: str
) -> Iterator[str]:
    """What is wrong with its findings where the columns that it needs hold such numbers.

    What an experiment notes, and no instrument, is tried as a column of single numbers and as one with labels.
    """
    others = [name for name in detector.needs if name not in known]
    faults = []
    for width in ((), ("a", "b")) if others else ((),):
        columns = {**known, **{name: np.full((6, *([len(width)] if width else [])), number) for name in others}}
        history = History(columns, labels={**labels, **dict.fromkeys(others, width)})
        try:
            reading = Reading(history)
            findings = list(detector(reading)) if all(name in reading for name in detector.needs) else []
        except Exception as error:  # a detector may raise anything
            faults.append(f"it raises {type(error).__name__} where its columns are {what}: {in_one_line(error)}")
            continue
        wrong = next((f for f in findings if not isinstance(f, Finding) or f.kind not in detector.kinds), None)
        if wrong is not None:
            yield f"it yields {in_one_line(getattr(wrong, 'kind', wrong))}, which is no finding of one of its kinds."
        return
    yield from faults[:1]
