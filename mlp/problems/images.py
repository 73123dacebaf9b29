"""Pictures of digits and of clothes: small networks on small pictures, and DeepOBS' networks on large ones.

The small pictures come with the package. MNIST and Fashion-MNIST are read from a folder of `.npz` files, or else
fetched as `mlp.data` does it, when one of these problems begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from mlp.data import load, split
from mlp.errors import DataError
from mlp.initializers import TruncatedNormal, Zeros
from mlp.layers import Activation, Dense, Layer, ReLU, Sigmoid
from mlp.losses import SoftmaxCrossEntropy
from mlp.problems.networks import Task, begin_network, measure_accuracy, stack_layers
from mlp.problems.problem import Problem, Target


def _load_digits(layers: Sequence[Layer]) -> Task:
    """Pixels in [0, 1]; 70 % to train on, 15 % to choose by, 15 % to test on, split by class from seed 0."""
    data = load("digits")
    assert data.y is not None
    X, y = (data.X / 16).astype(np.float32), data.y
    rows = split(len(X), validation=0.15, test=0.15, rng=0, labels=y)
    parts = {name: (X[part], y[part]) for name, part in zip(("train", "validation", "test"), rows, strict=True)}
    return Task(layers, SoftmaxCrossEntropy(), parts, 32, measure_accuracy, np.float32)


def _digits_problem(name: str, widths: Sequence[int], activation: type[Activation], level: float) -> Problem:
    kind = "softmax regression" if len(widths) == 2 else activation.__name__
    return Problem(
        name,
        f"handwritten digits, {'-'.join(map(str, widths))}, {kind}, 20 epochs in batches of 32",
        "Alpaydin and Kaynak, UCI 80",
        partial(begin_network, partial(_load_digits, stack_layers(widths, activation))),
        epochs=20,
        target=Target("validation_accuracy", level),
        score="test_accuracy",
        chosen_by="validation_loss",
        per_epoch=40,
    )


DIGITS = (
    _digits_problem("digits", (64, 32, 10), ReLU, 0.95),
    _digits_problem("digits_logreg", (64, 10), ReLU, 0.94),
    _digits_problem("digits_deep", (64, 32, 32, 32, 10), Sigmoid, 0.9),
)


def _load_images(source: str, folder: str | None, layers: Sequence[Layer]) -> Task:
    """Pixels divided by 255 and nothing else; the official parts, batches of 128."""
    path = Path(folder or "") / f"{source}.npz"
    data = load(path if folder and path.is_file() else source)
    if data.y is None or data.test is None:
        raise DataError(f"{source} in {folder} has no test part. X_train, y_train, X_test and y_test are needed.")
    parts = {"train": (data.X, data.y), "test": data.test}
    scaled = {name: (X.astype(np.float32) / np.float32(255), y) for name, (X, y) in parts.items()}
    return Task(layers, SoftmaxCrossEntropy(), scaled, 128, measure_accuracy, np.float32)


LOGREG = stack_layers((784, 10), ReLU, Zeros())
MLP = stack_layers((784, 1000, 500, 100, 10), ReLU, TruncatedNormal(0.03))
IMAGES = {
    "mnist_logreg": ("mnist", LOGREG, 50, 0.925),
    "mnist_mlp": ("mnist", MLP, 10, 0.97),
    "fmnist_mlp": ("fashion_mnist", MLP, 10, 0.87),
}
"""Data, layers, epochs, and the test accuracy that counts as solved."""


def image_problem(name: str, folder: str | None) -> Problem:
    """One of `IMAGES`; its data in `folder`, or fetched."""
    source, layers, epochs, level = IMAGES[name]
    widths = "-".join(str(layer.n_out) for layer in layers if isinstance(layer, Dense))
    return Problem(
        name,
        f"{source}, 784-{widths}, {epochs} epochs in batches of 128",
        "Schneider, Balles, Hennig, DeepOBS (2019)",
        partial(begin_network, partial(_load_images, source, folder, layers)),
        epochs=epochs,
        target=Target("test_accuracy", level),
        score="test_accuracy",
        per_epoch=469,
        members=8 if len(layers) == 1 else 1,
    )
