"""Is the gradient the gradient? Backward against differences of forward.

For a random direction v inside one layer's parameters (or the inputs), the slope of the loss along v is measured by
differences and compared with ⟨∂L/∂θ, v⟩. It knows nothing of how a layer computes its gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np

from mlp.arrays import Array, Nodes, Seed, generator, norm
from mlp.backprop import check_batch, check_parts, forward, value_and_grad
from mlp.data.batches import Batch, as_batch
from mlp.errors import DtypeError, check_count
from mlp.losses import Loss
from mlp.network import Network, Workspace
from mlp.objective import Objective

_STEPS = (1e-3, 1e-4, 1e-5, 1e-7)  # the last for kinks: of some thousand rectifiers one stands within 1e-5 of its own


def gradcheck(
    network: Network,
    loss: Loss,
    X: Array,
    target: Array,
    weights: Array | None = None,
    *,
    directions: int = 5,
    rng: Seed = 0,
) -> float:
    """The largest relative error of the gradient, over the parameters of each layer and the inputs.

        error = |⟨∂L/∂θ, v⟩ - slope(v)| / max(‖∂L/∂θ‖, 10⁻⁴ |L|),   v ~ N(0, 1) within one layer

    A right gradient in float64 gives about 1e-10; a wrong one gives 0.01 to 1. The slope is a five-point difference
    (truncation h⁴) at three widths, of which the best counts: a kink (ReLU at 0) spoils wide ones, rounding narrow
    ones. The floor 10⁻⁴ |L| is there because the difference of two losses knows a vanishing gradient no better than
    that.

    `X` (n, n_features), `target` as for `batches`. The network must be float64 and is left as it was, but for the
    statistics of batch norm, which one forward pass moves.
    """
    check_parts(network, loss)
    if network.dtype != np.float64:
        raise DtypeError(
            "gradcheck needs float64: Network(..., dtype=np.float64). In float32 differences drown in rounding."
        )
    check_count("directions", directions)
    batch = as_batch(X, target, weights, dtype=np.float64)
    check_batch(network, loss, batch)
    objective, draw = _at(network, loss, batch), generator(rng)
    errors = [error for _ in range(directions) for error in _layer_errors(objective, draw)]
    errors += [_input_error(objective, batch, draw) for _ in range(directions)]
    return max(errors, default=0.0)


def gradient_errors(network: Network, loss: Loss, batch: Batch, rng: Seed = 0) -> list[float]:
    """The error of `gradcheck` along one direction, for each layer that has parameters."""
    return _layer_errors(_at(network, loss, batch), generator(rng))


def _at(network: Network, loss: Loss, batch: Batch) -> Objective:
    """The loss around the parameters, with the gradient there in its workspace."""
    objective = Objective(network, loss)
    objective.batch = batch
    objective.workspace = Workspace(network, batch.x.n_samples, input_gradient=True)
    value_and_grad(network, loss, batch, objective.workspace)
    return objective


def _layer_errors(objective: Objective, rng: np.random.Generator) -> list[float]:
    """The error along a random direction of each layer's parameters."""
    params, gradient = objective.network.params, objective.workspace.grad
    parts = (part for part in objective.network.layout.slices if part.stop > part.start)
    return [_error(objective.value, params, gradient, part, rng) for part in parts]


def _input_error(objective: Objective, batch: Batch, rng: np.random.Generator) -> float:
    """The error along a random direction of the inputs."""
    values = batch.x.values
    gradient = objective.workspace.d_nodes[0]
    assert gradient is not None
    d_x = gradient.reshape(-1, *values.shape).sum(0)  # members of a population share their inputs

    def value(flat: Array) -> Any:
        moved = np.concatenate([flat.reshape(values.shape), np.ones((1, values.shape[-1]))])
        workspace = objective.workspace.replay(objective.network.at(objective.network.params))
        output = forward(objective.network, Nodes(moved[:-1], moved), workspace, batch.weights)
        return objective.loss.value(output, batch.target, batch.weights)

    return _error(value, values.ravel(), d_x.ravel(), slice(None), rng)


def _error(value: Callable[[Array], Any], at: Array, gradient: Array, part: slice, rng: np.random.Generator) -> float:
    """|⟨gradient, v⟩ - slope| / ‖gradient‖ along a random v within `part`, at the width that does best."""
    v = np.zeros_like(at)
    v[..., part] = rng.standard_normal(v[..., part].shape)
    claimed = float((gradient * v).sum())
    level = float(np.abs(value(at)).sum())
    size = max(norm(gradient[..., part]), 1e-4 * level, np.finfo(np.float64).tiny)
    slopes = (_slope(lambda distance: float(np.sum(value(at + distance * v))), h) for h in _STEPS)
    error = min(abs(claimed - slope) for slope in slopes) / size
    return error if error >= 0 else inf  # NaN is wrong, and max() would pass it over


def _slope(f: Callable[[float], float], h: float) -> float:
    """f′(0) = (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h + O(h⁴)."""
    return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)
