"""Whether a part of one's own keeps its contract: in short what the tests hold the package's own parts to.

`check_part` tries a rule on a bowl, a layer inside a small network, and a loss on a few outputs. It names the first
fault that it finds. It cannot know whether a rule is the one of the paper.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mlp.arrays import Array, as_array
from mlp.backprop import predict
from mlp.differences import gradcheck
from mlp.errors import ContractError, HyperparameterError
from mlp.layers import Dense, Layer
from mlp.losses import Loss, SquaredError
from mlp.losses.loss import Labelled
from mlp.network import Network
from mlp.optimizers import Evaluation, Optimizer
from mlp.storage.snapshot import Snapshot, restore

MEMBERS, SIZE, STEPS = 3, 6, 100
EXACT = 1e-6  # a right gradient is wrong by 1e-10, a wrong one by 0.01


def check_part(part: Any, target: Any = None) -> None:
    """Raise ContractError in one line where a rule, a layer or a loss does not do what its contract says.

    `target`: targets for a loss that does not take all numbers: class labels (n,), or values (n, n_out).

    >>> import mlp
    >>> mlp.check_part(mlp.Momentum(0.1))
    >>> mlp.check_part(mlp.Poisson(), target=[[0, 2], [1, 5]])
    """
    if isinstance(part, Optimizer):
        faults = _rule_faults(part)
    elif isinstance(part, Layer):
        faults = _layer_faults(part)
    elif isinstance(part, Loss):
        faults = _loss_faults(part, target)
    else:
        raise HyperparameterError("part", part, "a rule, a layer or a loss: MyRule(0.1)")
    with np.errstate(all="ignore"):
        fault = next(faults, None)
    if fault is not None:
        raise ContractError(f"{type(part).__name__}: {fault}")


class Bowl:
    """½ Σ c θ², with its derivatives."""

    curvature = np.linspace(0.5, 2.0, SIZE)

    def value(self, params: Array) -> Any:
        """½ Σ c θ²."""
        return 0.5 * (self.curvature * params**2).sum(-1)

    def value_and_grad(self, params: Array, out: Array) -> Any:
        """Write cθ; return the value."""
        out[...] = self.curvature * params
        return self.value(params)

    def hvp(self, v: Array, out: Array) -> None:
        """Write cv."""
        out[...] = self.curvature * v

    gnvp = hvp


def _follow(rule: Optimizer, params: Array, state: Any, steps: int) -> Array:
    """Where the rule comes to in so many steps from `params`. It can write to nothing that it is only shown."""
    params, bowl = params.copy(), Bowl()
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
    before, after = Bowl().value(start[0]), Bowl().value(_follow(rule, start[0], rule.init(start[0]), STEPS))
    if not after < before:
        yield f"it does not go down: ½Σcθ² is {before:.3g} at the start and {after:.3g} after {STEPS} steps."


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
