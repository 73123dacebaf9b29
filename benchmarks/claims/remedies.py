"""Every remedy against the obstacle that it is sold for, and against a local minimum, which none is sold for.

Rectifiers and pretraining against gradients that vanish, batch norm against first weights that saturate, residual
connections against depth, clipping against cliffs, momentum against ravines: the share of starts that learn, without
and with. Beside it the share of 400 starts of 2-2-1 that learn exclusive or, without and with.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from claim import LEARNED, TRUE, XOR, Claim, main, moons, train_on

import mlp
from mlp import initializers

STARTS, XOR_STARTS = 20, 400
CE, SE = mlp.SoftmaxCrossEntropy(), mlp.SquaredError()
Layers = list[mlp.Layer]


def stack(depth: int, unit: Callable[[], Layers], n_in: int = 2, width: int = 16, std: float | None = None) -> Layers:
    """Hidden layers of one kind, and two outputs. `std`: the deviation of the first weights."""
    weights = {} if std is None else {"weights": initializers.Normal(std)}
    layers: Layers = []
    for k in range(depth):
        layers += [mlp.Dense(n_in if k == 0 else width, width, **weights), *unit()]
    return [*layers, mlp.Dense(width, 2)]


def share(layers: Layers, rule: mlp.Optimizer, steps: int, goal: float = 0.2) -> float:
    """Per cent of the starts whose loss on two moons comes below `goal`."""
    X, y = moons(200)
    network = mlp.Network(layers, rng=0, population=(STARTS,), dtype=np.float64)
    return 100 * float((train_on(network, X, y, CE, rule, steps) < goal).mean())


def exclusive_or(unit: Callable[[], Layers], rule: mlp.Optimizer) -> float:
    """Per cent of the starts of 2-2-1 that learn."""
    network = mlp.Network(
        [mlp.Dense(2, 2), *unit(), mlp.Dense(2, 1)], rng=0, population=(XOR_STARTS,), dtype=np.float64
    )
    return 100 * float((train_on(network, XOR, TRUE, SE, rule, 1000) < LEARNED).mean())


def residual_stack(depth: int) -> Layers:
    """Blocks x + tanh(x) W."""
    blocks: Layers = [mlp.Residual([mlp.Tanh(), mlp.Dense(16, 16)]) for _ in range(depth - 1)]
    return [mlp.Dense(2, 16), *blocks, mlp.Tanh(), mlp.Dense(16, 2)]


def ravine(rule: type[mlp.Optimizer], rates: np.ndarray) -> float:
    """Steps to a thousandth of the loss of linear regression whose curvatures differ 400 times, at the best rate."""
    X = np.random.default_rng(0).standard_normal((100, 2)) * [1, 20]
    X -= X.mean(0)
    t = X @ [[1.0], [1.0]]
    network = mlp.Network([mlp.Dense(2, 1)], rng=0, population=(len(rates),), dtype=np.float64)
    network.params[...] = 0
    first, steps = None, np.full(len(rates), np.inf)
    batches = mlp.batches(X, t, size=100, rng=None, epochs=5000)
    for k, step in enumerate(mlp.train(network, batches, SE, rule(rates[:, None]))):
        loss = np.asarray(step.loss)
        first = loss if first is None else first
        steps = np.where((loss < 1e-6 * first) & np.isinf(steps), k, steps)
        if np.isfinite(steps).all():
            break
    return float(steps.min())


def cliff(clip: bool) -> float:
    """Per cent of starts that end well, where targets of two rows in a hundred are 100 times as large: batches of 8."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 2))
    t = np.sin(X[:, :1]) * np.where(rng.random((200, 1)) < 0.02, 100, 1)
    fine, learned = np.abs(t[:, 0]) < 2, []
    for seed in range(STARTS):
        network = mlp.Network([mlp.Dense(2, 16), mlp.Tanh(), mlp.Dense(16, 1)], rng=seed, dtype=np.float64)
        rule: mlp.Optimizer = mlp.ClipNorm(mlp.SGD(0.1), 1.0) if clip else mlp.SGD(0.1)
        with np.errstate(all="ignore"):
            for _ in mlp.train(network, mlp.batches(X, t, size=8, rng=seed, epochs=40), SE, rule):
                pass
            error = float(np.mean((mlp.predict(network, X[fine]) - t[fine]) ** 2))
        learned.append(error < 0.25)
    return 100 * float(np.mean(learned))


def pretrained() -> tuple[float, float]:
    """Six layers of sigmoids on digits: training accuracy in per cent after 20 epochs of Adam, without and with."""
    digits = mlp.data.load("digits")
    X, y, found = digits.X / 16, digits.y, []
    for first in (False, True):
        layers = [layer for k in range(6) for layer in (mlp.Dense(64 if k == 0 else 32, 32), mlp.Sigmoid())]
        network = mlp.Network([*layers, mlp.Dense(32, 10)], rng=0)
        if first:
            mlp.pretrain(network, X, mlp.RBM(epochs=20), rng=0)
        for _ in mlp.train(network, mlp.batches(X, y, size=32, rng=0, epochs=20), CE, mlp.Adam(0.003)):
            pass
        found.append(100 * float((mlp.predict(network, X).argmax(1) == y).mean()))
    return found[0], found[1]


def measure() -> Claim:
    """Each remedy against its obstacle."""
    sgd, rates = mlp.SGD(0.5), np.geomspace(1e-5, 0.05, 60)
    plain = exclusive_or(lambda: [mlp.Tanh()], sgd)
    deep = stack(12, lambda: [mlp.Sigmoid()])
    rows = [
        ["rectifiers", "12 layers of sigmoids: learn %", share(deep, mlp.Adam(0.01), 500),
         share(stack(12, lambda: [mlp.ReLU()]), mlp.Adam(0.01), 500), plain, exclusive_or(lambda: [mlp.ReLU()], sgd)],
        ["pretraining", "6 layers of sigmoids, digits: accuracy %", *pretrained(), plain, "not tried"],
        ["batch norm", "4 layers of tanh, weights of 30: learn %",
         share(stack(4, lambda: [mlp.Tanh()], std=30), sgd, 500),
         share(stack(4, lambda: [mlp.BatchNorm(), mlp.Tanh()], std=30), sgd, 500), plain,
         exclusive_or(lambda: [mlp.BatchNorm(), mlp.Tanh()], sgd)],
        ["residual", "30 layers of tanh: learn %", share(stack(30, lambda: [mlp.Tanh()]), mlp.Adam(0.01), 100),
         share(residual_stack(30), mlp.Adam(0.01), 100), plain,
         exclusive_or(lambda: [mlp.Residual([mlp.Dense(2, 2), mlp.Tanh()])], sgd)],
        ["clipping", "targets with outliers, batches of 8: end well %", cliff(False), cliff(True), plain,
         exclusive_or(lambda: [mlp.Tanh()], mlp.ClipNorm(sgd, 0.1))],
        ["momentum", "a ravine of 1 : 400, best rate: steps", ravine(mlp.SGD, rates), ravine(mlp.Momentum, rates),
         plain, exclusive_or(lambda: [mlp.Tanh()], mlp.Momentum(0.05))],
    ]  # fmt: skip
    helped = [row[0] for row in rows[:-1] if row[3] > row[2] + 20] + ["momentum"] * (rows[-1][3] < 0.5 * rows[-1][2])
    tried = [row[5] for row in rows if isinstance(row[5], float)]
    why = (
        f"{len(helped)} of {len(rows)} help against what they are sold for ({', '.join(helped)}); of the starts of "
        f"2-2-1 on exclusive or {plain:.0f} % learn without any of them, {min(tried):.0f} to {max(tried):.0f} % with "
        "one: a local minimum is another matter"
    )
    columns = ["remedy", "obstacle", "without", "with", "exclusive or: without %", "with %"]
    said = "every remedy helps against the obstacle that it is sold for"
    shares = rows[:-1]
    curves = {
        what: ([row[0] for row in shares], [row[k] for row in shares]) for k, what in ((2, "without"), (3, "with"))
    }
    verdict = "holds" if len(helped) == len(rows) else "depends"
    return Claim(said, columns, rows, verdict, why, curves, ("remedy", "learn, or are right, %"))


if __name__ == "__main__":
    main(measure, "remedies")
