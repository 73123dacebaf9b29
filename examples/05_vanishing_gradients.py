"""Why a deep sigmoid network does not start to learn, and what each of the known remedies changes.

    python examples/05_vanishing_gradients.py [--picture vanishing.png]

Eight hidden layers of 32 on handwritten digits, eight times; data, optimizer and seed are always the same. The picture
needs the extra 'plot'.

What one sees. Each line is the gradient norm of one weight layer. In the deep sigmoid networks the lines lie on a
ladder with even rungs: with Glorot's weights each layer gets a quarter of what the layer above it gets, and the first
2e-5 of the last. It stays as it was drawn; and since the way forward shrinks differences just as the way back shrinks
gradients, what reaches the last layer hardly depends on the digit any more. The loss stays at ln 10, a guess.

Why. On its way back the error signal passes every hidden layer in two steps: the activation multiplies it by its slope
φ′, the weight matrix by Wᵀ. The gain of a layer is the product of the two, and the depth makes it a power (Hochreiter
1991; Bengio, Simard & Frasconi 1994): below 1 the signal vanishes, above 1 it explodes. The slope of a sigmoid is at
most ¼. An n × n matrix of independent weights of deviation s has, on average, the gain s√n. What each remedy changes:

N(0, 0.1²)   none yet: √32 · 0.1 = 0.57 for a matrix. Not even ReLU gets through that in eight epochs.
Glorot       deviation 1/√n, gain 1: the matrix is no longer at fault (Glorot & Bengio 2010). The sigmoid still is.
He           deviation √(2/n), gain √2, as a ReLU, on for half of its inputs, lets √½ through (He et al. 2015). A
             sigmoid would need 4, and weights that large saturate it: measured, 4.0 · 0.14 = 0.54.
batch norm   divides by the deviation of the pre-activations, so the gradient too. Behind sigmoids that is about 0.2:
             just what the sigmoid took away is given back, however large the weights (Ioffe & Szegedy 2015).
residual     x + f(x): the sigmoid loses what it lost before, but the signal has a way around it, of gain 1 (He et al.
             2016; with the activation before the weights, as in their second paper, nothing stands in that way).
ReLU         slope 1 where it is on, 0 where it is off: with weights to match, nothing is lost (Glorot, Bordes & Bengio
             2011).

The gains in the table are measured, at step 0, before anything was learned.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import mlp
from mlp.errors import MissingExtraError
from mlp.initializers import GlorotNormal, HeNormal, Initializer, Normal
from mlp.instruments import ESSENTIAL

DEPTH, WIDTH, EPOCHS = 8, 32, 8
SMALL, GLOROT, HE = Normal(0.1), GlorotNormal(), HeNormal()
GUESS = np.log(10)  # the loss of a network that ignores its inputs


def plain(activation: type[mlp.Layer], weights: Initializer) -> list[mlp.Layer]:
    """Weights and activation, eight times."""
    widths = [64] + [WIDTH] * (DEPTH - 1)
    return [layer for width in widths for layer in (mlp.Dense(width, WIDTH, weights), activation())]


def normalised(layers: list[mlp.Layer]) -> list[mlp.Layer]:
    """The same layers, with batch norm before every activation."""
    pairs = zip(layers[::2], layers[1::2], strict=True)
    return [layer for dense, activation in pairs for layer in (dense, mlp.BatchNorm(), activation)]


def with_ways_around(layers: list[mlp.Layer]) -> list[mlp.Layer]:
    """The same layers in the same order, with a way around each activation and the weights after it."""
    first, *inner, last = layers
    return [first, *(mlp.Residual(pair) for pair in zip(inner[::2], inner[1::2], strict=True)), last]


NETWORKS = {
    "sigmoid, N(0, 0.1²)": plain(mlp.Sigmoid, SMALL),
    "sigmoid, Glorot": plain(mlp.Sigmoid, GLOROT),
    "sigmoid, He": plain(mlp.Sigmoid, HE),
    "ReLU, N(0, 0.1²)": plain(mlp.ReLU, SMALL),
    "sigmoid, batch norm": normalised(plain(mlp.Sigmoid, GLOROT)),
    "sigmoid, residual": with_ways_around(plain(mlp.Sigmoid, GLOROT)),
    "ReLU, Glorot": plain(mlp.ReLU, GLOROT),
    "ReLU, He": plain(mlp.ReLU, HE),
}
STUCK, LEARNING = list(NETWORKS)[:4], list(NETWORKS)[4:]


@dataclass(frozen=True)
class Gains:
    """How much of the error signal is handed back: geometric means over the hidden layers.

    `activation`, `matrix`: by one of them alone. `layer`: by all between the weights of two neighbouring layers, batch
    norm and way around included.
    """

    activation: float
    matrix: float
    layer: float


@dataclass(frozen=True)
class Run:
    """What one network did: `gains` at step 0; `loss` and gradient `norms` of the weight layers at every step."""

    gains: Gains
    loss: np.ndarray
    norms: np.ndarray

    def first_to_last(self, steps: slice) -> float:
        """The first layer's gradient over the last's."""
        return geometric_mean(self.norms[steps, 0] / self.norms[steps, -1])


FIRST_STEP, LAST_EPOCH = slice(1), slice(-57, None)  # 57 batches of 32 are 1797 digits


def geometric_mean(values: Sequence[float] | np.ndarray) -> float:
    """The mean of factors: its power is their product."""
    return float(np.exp(np.mean(np.log(values))))


def measured(step: mlp.Step) -> Gains:
    """The gains between the weights of the first hidden layer and those of the last."""
    activations = [gain for layer, gain in gains(step) if isinstance(layer, mlp.Sigmoid | mlp.ReLU)]
    matrices = [gain for layer, gain in gains(step) if isinstance(layer, mlp.Dense)]
    outer = [place for place in step.workspace.places(step.network) if "." not in place.name]
    sums = [place.d_y for place in outer if isinstance(place.layer, mlp.Dense | mlp.Residual)]
    first, *_, last, _output = (float(np.linalg.norm(d_sum)) for d_sum in sums)
    layer = (first / last) ** (1 / (DEPTH - 1))
    return Gains(geometric_mean(activations[:-1]), geometric_mean(matrices[:-1]), layer)


def gains(step: mlp.Step) -> Iterator[tuple[mlp.Layer, float]]:
    """‖∂L/∂x‖/‖∂L/∂y‖ of every layer: `mlp.instruments.nodes.backward_gain`, but for the first one in a residual block.

    Block and first layer share one x and one ∂L/∂x; what came by the way around, the block's ∂L/∂y, is taken off.
    """
    around: np.ndarray | float = 0.0
    for place in step.workspace.places(step.network):
        if place.d_x is not None:
            yield place.layer, float(np.linalg.norm(place.d_x - around) / np.linalg.norm(place.d_y))
        around = place.d_y if isinstance(place.layer, mlp.Residual) else 0.0


def trained(layers: list[mlp.Layer]) -> Run:
    """Train on the digits with these hidden layers."""
    digits = mlp.data.load("digits")
    X = mlp.data.scale.standard(digits.X).apply(digits.X, np.float32)
    net = mlp.Network([*layers, mlp.Dense(WIDTH, 10)], rng=0, dtype=np.float32)
    recorder = mlp.Recorder(ESSENTIAL)
    steps = mlp.train(
        net, mlp.batches(X, digits.y, 32, rng=0, epochs=EPOCHS), mlp.SoftmaxCrossEntropy(), mlp.Momentum(0.01)
    )
    for step in recorder.tap(steps):
        if step.index == 0:
            first = measured(step)
    history = recorder.history
    labels = history.labels("grad_norm_by_layer")
    weights = [i for i, label in enumerate(labels) if not label.startswith("batchnorm")]
    return Run(first, history["loss"], history["grad_norm_by_layer"][:, weights])


def table(runs: dict[str, Run]) -> None:
    """One row for each network."""
    print(f"{'':22}{'gain at step 0 of a typical':^31}{'gradient, first/last layer':^30}{'loss,':>10}")
    print(f"{'':22}{'activation':>11}{'matrix':>9}{'layer':>9}{'at step 0':>16}{'last epoch':>14}{'last epoch':>12}")
    for name, run in runs.items():
        row = f"{name:22}{run.gains.activation:11.2f}{run.gains.matrix:9.2f}{run.gains.layer:9.2f}"
        ratios = f"{run.first_to_last(FIRST_STEP):16.1e}{run.first_to_last(LAST_EPOCH):14.1e}"
        print(f"{row}{ratios}{run.loss[LAST_EPOCH].mean():12.3f}")


def picture(runs: dict[str, Run], path: str) -> None:
    """Gradient norm of each weight layer over the steps: those that are stuck above, those that learn below."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
        from matplotlib.lines import Line2D
    except ImportError:
        raise MissingExtraError("the picture", "plot") from None
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, DEPTH + 1))  # in order for every eye, and in grey
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    rows = figure.subfigures(3, 1, height_ratios=(1, 1, 0.13), hspace=0.02)
    stuck, learning = ({name: runs[name] for name in names} for names in (STUCK, LEARNING))
    draw(rows[0], f"The gradient vanishes, the loss stays at a guess, ln 10 = {GUESS:.2f}", stuck, colours)
    draw(rows[1], "The gradient arrives, the network learns", learning, colours)
    lines = [Line2D([], [], color=colour, linewidth=2.5) for colour in colours]
    names = ["weight layer 1", *map(str, range(2, DEPTH + 1)), f"{DEPTH + 1}, the last"]
    rows[2].legend(lines, names, loc="center", ncols=len(names), frameon=False, fontsize=9, handlelength=1.5)
    figure.savefig(path, dpi=160, pil_kwargs={"optimize": True})
    print(f"\nwritten: {path}")


def draw(row: Any, title: str, runs: dict[str, Run], colours: np.ndarray) -> None:
    """A panel for each network; lines are geometric running means over 15 steps."""
    row.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    for axes, (name, run) in zip(row.subplots(1, len(runs), sharey=True), runs.items(), strict=True):
        for norms, colour in zip(run.norms.T, colours, strict=True):
            smooth = np.exp(np.convolve(np.log(norms), np.ones(15) / 15, "valid"))
            axes.semilogy(np.arange(len(smooth)) + 7, smooth, color=colour, linewidth=1.4)
        axes.set_title(name, fontsize=10, loc="left", pad=15)
        numbers = f"gain {run.gains.layer:.2f} a layer · loss {run.loss[LAST_EPOCH].mean():.2f}"
        axes.text(0, 1.03, numbers, transform=axes.transAxes, fontsize=8.5, color="0.35")
        axes.set(ylim=(2e-7, 10), yticks=10.0 ** np.arange(-6, 1, 2), xticks=range(0, 401, 100))
        axes.minorticks_off()
        axes.grid(color="0.9", linewidth=0.6)
        axes.tick_params(labelsize=8.5, length=2)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("step", fontsize=8.5, labelpad=1)
    row.axes[0].set_ylabel("gradient norm", fontsize=9)


parser = argparse.ArgumentParser()
parser.add_argument("--picture", metavar="FILE")
arguments = parser.parse_args()
found = {name: trained(layers) for name, layers in NETWORKS.items()}
table(found)
if arguments.picture:
    picture(found, arguments.picture)

for name, run in found.items():
    gain, ratio, loss = run.gains, run.first_to_last(FIRST_STEP), run.loss[LAST_EPOCH].mean()
    assert gain.activation <= 0.25 or name.startswith("ReLU"), "the slope of a sigmoid is at most a quarter"
    if "batch norm" not in name and "residual" not in name:
        assert np.isclose(gain.layer, gain.activation * gain.matrix, rtol=1e-3), "nothing else stands in between"
    if name in STUCK and name.startswith("sigmoid"):
        # not in the power: the first layer is fed 64 pixels, norm 8, the last 32 halves, norm 2.8, which is a factor of
        # 2.8; and the last sigmoid, which is a factor of a quarter. Each alone is less than 4
        assert 1 / 4 < ratio / gain.layer ** (DEPTH - 1) < 4, "the gain of a layer explains the gradient of the first"
    # a gain of ½ would leave 1 % after seven layers; the losses: nine tenths of a guess, a quarter of one
    if name in STUCK:
        assert gain.layer < 0.5 and loss > 0.9 * GUESS, "what vanishes does not teach"
    else:
        assert gain.layer > 0.5 and ratio > 0.1 and loss < GUESS / 4, "what arrives does"
for name, deviation in {"N(0, 0.1²)": 0.1, "Glorot": WIDTH**-0.5, "He": (2 / WIDTH) ** 0.5}.items():
    for activation in ("sigmoid", "ReLU"):
        # ‖Wᵀd‖²/‖d‖² is s² χ²(32): the norm scatters by 12.5 %, the mean of seven by 4.7 %; 15 % is three times that
        assert np.isclose(found[f"{activation}, {name}"].gains.matrix, deviation * WIDTH**0.5, rtol=0.15), "s√n"
