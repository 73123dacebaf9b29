"""A training whose rows lie with several workers is that of one machine, to rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlp
from mlp.data_parallel import Here, Rows, order_rows, train_sharded
from mlp.errors import ConfigError, DerivativeError

RNG = np.random.default_rng(0)
X, LABELS, WEIGHTS = RNG.standard_normal((50, 4)), RNG.integers(0, 3, 50), RNG.integers(0, 3, 50).astype(float)


def network(*more: mlp.Layer, dtype: Any = np.float64, l2: float = 0.0) -> mlp.Network:
    return mlp.Network([mlp.Dense(4, 6, l2=l2), mlp.Tanh(), *more, mlp.Dense(6, 3, l1=l2)], rng=0, dtype=dtype)


def parts(weights: Any = None, cuts: tuple[int, ...] = (7, 30)) -> list[Rows]:
    split = [np.split(a, cuts) for a in (X, LABELS)] + [[None] * 3 if weights is None else np.split(weights, cuts)]
    return [Rows(*each) for each in zip(*split, strict=True)]


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
@pytest.mark.parametrize("size", [50, 16])
@pytest.mark.parametrize(
    "rule", [mlp.SGD(0.1), mlp.Adam(0.01), mlp.LBFGS(), mlp.PolakRibiere(), mlp.Rprop()], ids=lambda r: r.name
)
def test_it_goes_where_one_machine_goes(rule: mlp.Optimizer, size: int, weights: Any) -> None:
    alone, sharded = network(l2=0.01), network(l2=0.01)
    losses = [
        step.loss
        for step in mlp.train(
            alone, mlp.batches(X, LABELS, size, rng=3, epochs=4, weights=weights), mlp.SoftmaxCrossEntropy(), rule
        )
    ]
    order = order_rows(50, size, np.random.default_rng(3), 4)
    steps = train_sharded(Here(parts(weights)), sharded, order, mlp.SoftmaxCrossEntropy(), rule)
    found = [step.loss for step in steps]
    np.testing.assert_allclose(found, losses, rtol=1e-8)  # rounding grows along the way of a line search
    np.testing.assert_allclose(sharded.params, alone.params, rtol=1e-7, atol=1e-9)


def test_rows_come_in_the_order_of_batches_also_from_the_middle() -> None:
    expected = [(b.rows.tolist(), b.epoch, b.last) for b in mlp.batches(X, LABELS, 16, rng=5, epochs=3, begin=(1, 2))]
    found = order_rows(50, 16, np.random.default_rng(5), 3, (1, 2))
    assert [(rows.tolist(), epoch, last) for rows, epoch, last in found] == expected


@pytest.mark.parametrize("layer", [mlp.BatchNorm(), mlp.Dropout(0.5), mlp.Residual([mlp.Dropout(0.5)])], ids=repr)
def test_what_parted_rows_would_change_is_refused(layer: mlp.Layer) -> None:
    steps = train_sharded(
        Here(parts()), network(layer), order_rows(50, 9, None, 1), mlp.SoftmaxCrossEntropy(), mlp.SGD()
    )
    with pytest.raises(ConfigError, match="Train without it on a cluster"):
        next(steps)


def test_a_rule_that_needs_the_rows_says_what_is_missing() -> None:
    net = mlp.Network([mlp.Dense(4, 1)], rng=0)
    rows = Here([Rows(X, LABELS.astype(float))])
    with pytest.raises(DerivativeError, match="jacobian"):
        next(train_sharded(rows, net, order_rows(50, 50, None, 1), mlp.SquaredError(), mlp.LevenbergMarquardt()))


def test_a_recorder_notes_what_is_as_long_as_the_parameters() -> None:
    from mlp.instruments import ON_A_CLUSTER

    recorder = mlp.Recorder(ON_A_CLUSTER)
    steps = train_sharded(Here(parts()), network(), order_rows(50, 16, None, 4), mlp.SoftmaxCrossEntropy(), mlp.Adam())
    for step in recorder.tap(steps):
        norms = [mlp.norm(g) for g in step.network.layout.blocks(step.workspace.grad)]
    np.testing.assert_allclose(recorder.history["grad_norm_by_layer"][-1], norms)
    assert len(recorder.history["loss"]) == len(recorder.history["epoch"]) == 16
    assert {"update_norm", "param_norm", "descent", "learning_rate"} <= {*recorder.history}
    assert not {"noise_ratio", "backward_gain", "silent_units", "input_size"} & {*recorder.history}
