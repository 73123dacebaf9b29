"""Every rule long after there is anything to learn: radii and gradients are 0 then, and nothing divides by them."""

from __future__ import annotations

import numpy as np
import pytest

import mlp
from mlp.optimizers import OPTIMIZERS

X = np.linspace(-1.0, 1.0, 5)[:, None]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("start", [0.0, 0.5], ids=["at the minimum", "beside it"])
def test_no_rule_divides_by_zero_at_a_minimum(dtype: type, start: float) -> None:
    """A trust region shrinks until its radius is 0, a gradient until its norm is 0: rules divided by them.

    The target is a line, and the network is one: it is fitted exactly, and then stands still for a hundred steps.
    """
    batch = mlp.as_batch(X.astype(dtype), (2 * X + 1).astype(dtype), dtype=dtype)
    for name, rule in OPTIMIZERS.items():
        net = mlp.Network([mlp.Dense(1, 1)], rng=0, dtype=dtype)
        net.params[:] = 2 + start, 1 - start
        for step in mlp.train(net, [batch] * 120, mlp.SquaredError(), rule()):
            assert np.isfinite(step.update).all() and np.isfinite(step.loss), f"{name}, step {step.index}"
