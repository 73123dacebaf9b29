"""Deep sigmoid networks, with and without pretraining: why it began in 2006.

Through six or eight layers of sigmoids the gradient vanishes (example 05), and from random weights nothing is learned:
the answer is the same for every digit. Let each layer first learn, without labels, to describe what the one below it
says. Then the same network, the same rule and the same steps do learn: Hinton, Osindero & Teh (2006) with Boltzmann
machines, Bengio et al. (2007) and Vincent et al. (2008) with autoencoders. Rectifiers, batch norm and better first
weights have made this a matter of history, and of data with few labels.

"lost" is what cannot be got back from a layer: the share of the variance of its inputs, before and after pretraining,
of the first and of the last hidden layer. "first/last" is the gradient of the first layer over that of the last when
training with labels begins.

    python examples/07_pretraining.py
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

import mlp

WIDTH, EPOCHS = 32, 20


class Row(NamedTuple):
    """What one network came to: `lost` by layer (2, depth) before and after pretraining, or None."""

    depth: int
    name: str
    lost: np.ndarray | None
    ratio: float
    loss: float
    accuracy: float


def deep(depth: int) -> mlp.Network:
    """64 pixels, `depth` layers of sigmoids, ten digits."""
    widths = [64] + [WIDTH] * (depth - 1)
    hidden = [layer for width in widths for layer in (mlp.Dense(width, WIDTH), mlp.Sigmoid())]
    return mlp.Network([*hidden, mlp.Dense(WIDTH, 10)], rng=0, dtype=np.float32)


def rows() -> Iterator[Row]:
    """Each depth with each pretraining."""
    digits = mlp.data.load("digits")
    parts = mlp.data.split(len(digits.X), validation=0.0, test=0.2, rng=np.random.default_rng(0), labels=digits.y)
    X = mlp.data.scale.minmax(digits.X, parts.train).apply(digits.X, np.float32)
    train, test = (X[parts.train], digits.y[parts.train]), (X[parts.test], digits.y[parts.test])
    for depth in (6, 8):
        for name, pretrainer in (("none", None), ("rbm", mlp.RBM()), ("autoencoder", mlp.Autoencoder())):
            net, lost = deep(depth), None
            if pretrainer is not None:
                errors = mlp.pretrain(net, train[0], pretrainer, rng=0)["pretraining_error_by_layer"]
                lost = errors[[0, -1]]
            ratio, loss = trained(net, *train)
            yield Row(depth, name, lost, ratio, loss, float((mlp.predict(net, test[0]).argmax(1) == test[1]).mean()))


def trained(net: mlp.Network, X: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Train with labels; the first layer's gradient over the last's at step 0, and the mean loss of the last epoch."""
    losses = []
    for step in mlp.train(
        net, mlp.batches(X, y, 32, rng=0, epochs=EPOCHS), mlp.SoftmaxCrossEntropy(), mlp.Momentum(0.1)
    ):
        if step.index == 0:
            ratio = mlp.norm(step.workspace.grads[0]) / mlp.norm(step.workspace.grads[-1])
        if step.epoch == EPOCHS - 1:
            losses.append(step.loss)
    return ratio, float(np.mean(losses))


def table(found: list[Row]) -> None:
    """One row for each network."""
    print(f"{'hidden':8}{'pretraining':13}{'lost, first layer':>19}{'last layer':>16}{'first/last':>12}", end="")
    print(f"{'loss':>8}{'test accuracy':>15}")
    for row in found:
        shown = ["", ""] if row.lost is None else [f"{a:.2f} → {b:.2f}" for a, b in row.lost.T[[0, -1]]]
        print(f"{row.depth} × {WIDTH}  {row.name:13}{shown[0]:>19}{shown[1]:>16}{row.ratio:12.0e}", end="")
        print(f"{row.loss:8.3f}{row.accuracy:15.3f}")


found = list(rows())
table(found)
print(f"\n{EPOCHS} epochs with labels, momentum 0.9, learning rate 0.1; a guess: loss {np.log(10):.3f}, accuracy 0.1")

for row in found:
    if row.name == "none":
        assert row.loss > 0.99 * np.log(10) and row.accuracy < 0.2, "what vanishes does not teach"
    else:
        assert row.loss < 0.5 and row.accuracy > 0.85, "what is described already can be told apart"
