"""Why a deep sigmoid network does not start to learn, seen in one table: the gradient that reaches each layer.

    python examples/05_vanishing_gradients.py [--picture vanishing.png]

Six hidden layers of 32 on the digits, the same data, rule and seed for both networks. The picture needs the extra
'plot'.
"""

import argparse

import numpy as np

import mlp
from mlp.errors import MissingExtraError

EPOCHS = 8


def trained(activation: type[mlp.Layer]) -> mlp.History:
    """The history of a network of six hidden layers."""
    digits = mlp.data.load("digits")
    X = mlp.data.scale.standard(digits.X).apply(digits.X, np.float32)
    layers: list[mlp.Layer] = []
    for width in (64, 32, 32, 32, 32, 32):
        layers += [mlp.Dense(width, 32), activation()]
    net = mlp.Network([*layers, mlp.Dense(32, 10)], rng=0, dtype=np.float32)
    recorder = mlp.Recorder(mlp.DETAILED)
    data = mlp.batches(X, digits.y, 32, rng=0, epochs=EPOCHS)
    for _ in recorder.tap(mlp.train(net, data, mlp.SoftmaxCrossEntropy(), mlp.Momentum(0.01))):
        pass
    return recorder.history


def table(histories: dict[str, mlp.History]) -> None:
    """Gradient norms of the first step, and where the loss got to."""
    for name, history in histories.items():
        norms = history["grad_norm_by_layer"][0]
        print(f"{name:8}" + "".join(f"{norm:10.1e}" for norm in norms) + f"{history['loss'][-20:].mean():12.3f}")


def picture(histories: dict[str, mlp.History], path: str) -> None:
    """Gradient norm by layer over time, one panel for each network."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("the picture", "plot") from None
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    for axes, (name, history) in zip(figure.subplots(1, 2, sharey=True), histories.items(), strict=True):
        norms, labels = history["grad_norm_by_layer"], history.labels("grad_norm_by_layer")
        smooth = np.array([np.convolve(column, np.ones(15) / 15, "valid") for column in norms.T])
        for i, (label, line) in enumerate(zip(labels, smooth, strict=True)):
            axes.semilogy(line, color=(0.1, 0.35 + 0.08 * i, 0.9 - 0.12 * i), label=label, linewidth=1.2)
        axes.set(title=f"{name}: loss {history['loss'][-20:].mean():.2f} at the end", xlabel="step")
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("gradient norm")
    figure.axes[1].legend(fontsize=7, loc="lower left")
    figure.savefig(path, dpi=130)
    print(f"\nwritten: {path}")


parser = argparse.ArgumentParser()
parser.add_argument("--picture", metavar="FILE")
arguments = parser.parse_args()
found = {"sigmoid": trained(mlp.Sigmoid), "ReLU": trained(mlp.ReLU)}
labels = found["ReLU"].labels("grad_norm_by_layer")
print(f"{'':8}" + "".join(f"{label:>10}" for label in labels) + f"{'final loss':>12}")
table(found)
if arguments.picture:
    picture(found, arguments.picture)

first_step = {name: history["grad_norm_by_layer"][0] for name, history in found.items()}
assert first_step["sigmoid"][0] < 1e-3 * first_step["sigmoid"][-1], "the gradient has vanished on its way down"
assert first_step["ReLU"][0] > 0.1 * first_step["ReLU"][-1], "here it arrives"
