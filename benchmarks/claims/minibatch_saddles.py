"""The noise of minibatches shakes training off a saddle.

At a saddle of symmetry (all weights 0, or units that are equal) every row's gradient has the symmetry too: the noise
has no part along the way out. At another saddle it has. Both are measured: the noise along the direction of most
negative curvature, and the steps until the loss has fallen by a twentieth, on all rows, on batches, with noise that
does not know the gradient.
"""

from __future__ import annotations

from itertools import islice

import numpy as np
from claim import Claim, layered, main
from critical_points import to_critical_point

import mlp
from mlp.curvature import Surface

RATE, BATCH, MOST = 0.5, 16, 4000
X = np.random.default_rng(0).standard_normal((200, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)  # one unit alone gains next to nothing here
LOSS = mlp.SoftmaxCrossEntropy()


def zero_weights() -> mlp.Network:
    """All weights 0, the best constant answer in the last bias: every gradient is that of the constant."""
    network = layered([2, 8, 2])
    network.params[...] = 0
    part, shape = network.layout.rows[-1]
    network.params[part].reshape(shape)[:, -1] = np.log([1 - Y.mean(), Y.mean()])
    return network


def equal_units() -> mlp.Network:
    """Eight units that are one, trained until nothing moves."""
    network = layered([2, 8, 2])
    first, last = network.layout.rows
    w, v = (network.params[part].reshape(shape) for part, shape in (first, last))
    w[...], v[:, :-1] = w[0], v[:, :1]
    for _ in mlp.train(network, mlp.batches(X, Y, size=len(X), rng=None, epochs=4000), LOSS, mlp.Momentum(0.1)):
        pass
    return network


def other() -> mlp.Network:
    """A strict saddle that has no symmetry: the first that Newton's method for ∇L = 0 finds above half of the loss."""
    for seed in range(60):
        start = layered([2, 8, 2], seed=seed)
        there = to_critical_point(Surface(start, LOSS, X, Y))
        if there is not None and there.value > 0.25 and np.linalg.eigvalsh(there.hessian())[0] < -1e-3:
            return there.network
    raise SystemExit("no saddle was found")


def noise_along(network: mlp.Network) -> tuple[float, float, float]:
    """λ_min, the noise of a batch's gradient along its direction, and along a random one."""
    here = Surface(network, LOSS, X, Y)
    values, vectors = np.linalg.eigh(here.hessian())
    rng = np.random.default_rng(0)
    random = rng.standard_normal(here.size)
    random /= np.linalg.norm(random)
    grads = np.array([Surface(network, LOSS, X[i], Y[i]).grad for i in rng.integers(0, len(X), (60, BATCH))])
    return float(values[0]), float((grads @ vectors[:, 0]).std()), float((grads @ random).std())


def steps_out(network: mlp.Network, size: int, rule: mlp.Optimizer) -> str:
    """Steps until the loss on all rows has fallen by a twentieth."""
    moving = network.at(network.params.copy())
    start = Surface(moving, LOSS, X, Y).value
    shuffle = np.random.default_rng(0) if size < len(X) else None
    batches = mlp.batches(X, Y, size=size, rng=shuffle, epochs=MOST)
    for k, _ in enumerate(islice(mlp.train(moving, batches, LOSS, rule), MOST)):
        if k % 10 == 9 and Surface(moving, LOSS, X, Y).value < 0.95 * start:
            return str(k + 1)
    return f"> {MOST}"


def measure() -> Claim:
    """Minibatch noise along the way out of a saddle."""
    rows = []
    for name, network in (("zero weights", zero_weights()), ("equal units", equal_units()), ("no symmetry", other())):
        least, along, across = noise_along(network)
        noisy = mlp.GradientNoise(mlp.SGD(RATE), 0.01)
        out = [steps_out(network, len(X), mlp.SGD(RATE)), steps_out(network, BATCH, mlp.SGD(RATE)),
               steps_out(network, len(X), noisy)]  # fmt: skip
        rows.append([name, least, along, across, *out])
    why = (
        f"along the way out the noise of a batch is {rows[0][2]:.1e} at zero weights and {rows[1][2]:.1e} at equal "
        f"units, where a random direction has {rows[0][3]:.1e} and {rows[1][3]:.1e}; at a saddle without symmetry it "
        f"is {rows[2][2]:.1e}. From zero weights batches take {rows[0][5]} steps and noise that does not know the "
        f"gradient {rows[0][6]}; from equal units {rows[1][5]} and {rows[1][6]}; elsewhere {rows[2][5]} and "
        f"{rows[2][6]}"
    )
    columns = ["saddle", "λ_min", "batch noise along it", "along a random way", "steps out: all rows", "batches of 16",
               "GradientNoise 0.01"]  # fmt: skip
    said = "the noise of minibatches shakes training off a saddle"
    names = [row[0] for row in rows]
    curves = {what: (names, [row[k] for row in rows]) for k, what in ((2, "along the way out"), (3, "a random way"))}
    return Claim(said, columns, rows, "depends", why, curves, ("saddle", "noise of the gradient of 16 rows"), "y")


if __name__ == "__main__":
    main(measure, "minibatch_saddles")
