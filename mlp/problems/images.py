"""Pictures of digits and of clothes: small networks on small pictures, and DeepOBS' networks on large ones.

The small ones come with the package. MNIST and Fashion-MNIST are read from a folder of `.npz` files, or else fetched as
`mlp.data` does it, when somebody asks for one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from mlp.arrays import Array
from mlp.data import Dataset, load, split
from mlp.errors import DataError
from mlp.initializers import Initializer, TruncatedNormal, Zeros
from mlp.layers import Activation, Dense, Layer, ReLU, Sigmoid
from mlp.losses import SoftmaxCrossEntropy
from mlp.problems.networks import Part, Task, beginning, classes
from mlp.problems.problem import Problem, Target


def stack(
    widths: Sequence[int], activation: type[Activation], weights: Initializer | str = "auto"
) -> tuple[Layer, ...]:
    """Dense, activation, ..., Dense; bias weights begin at 0."""
    found: list[Layer] = []
    for n_in, n_out in pairwise(widths):
        found += [Dense(n_in, n_out, weights), activation()]
    return tuple(found[:-1])


def _digits(layers: Sequence[Layer]) -> Task:
    """Pixels in [0, 1]; 70 % to train on, 15 % to choose by, 15 % to test on, parted by class from seed 0."""
    data = load("digits")
    assert data.y is not None
    X, y = (data.X / 16).astype(np.float32), data.y
    rows = split(len(X), validation=0.15, test=0.15, rng=0, labels=y)
    parts = {name: Part(X[part], y[part]) for name, part in zip(("train", "validation", "test"), rows, strict=True)}
    return Task(layers, SoftmaxCrossEntropy(), parts, 32, classes, np.float32)


def _images(source: str, folder: str | None, layers: Sequence[Layer]) -> Task:
    """Pixels divided by 255 and nothing else; the official parts, batches of 128."""
    data = _found(source, folder)
    if data.y is None or data.test is None:
        raise DataError(f"{source} in {folder} has no test part. X_train, y_train, X_test and y_test are needed.")
    X_test, y_test = data.test
    parts = {"train": Part(_scaled(data.X), data.y), "test": Part(_scaled(X_test), y_test)}
    return Task(layers, SoftmaxCrossEntropy(), parts, 128, classes, np.float32)


def _scaled(X: Array) -> Array:
    return X.astype(np.float32) / np.float32(255)


def _found(source: str, folder: str | None) -> Dataset:
    path = Path(folder or "") / f"{source}.npz"
    return load(path if folder and path.is_file() else source)


def _digits_row(name: str, widths: Sequence[int], activation: type[Activation], level: float) -> Problem:
    epochs = 20
    kind = "softmax regression" if len(widths) == 2 else activation.__name__
    return Problem(
        name,
        f"handwritten digits, {'-'.join(map(str, widths))}, {kind}, {epochs} epochs in batches of 32",
        "Alpaydin and Kaynak, UCI 80",
        beginning(partial(_digits, stack(widths, activation))),
        epochs=epochs,
        every=1,
        per_epoch=40,
        score="test_accuracy",
        chosen_by="validation_loss",
        target=Target("validation_accuracy", level),
    )


DIGITS = (
    _digits_row("digits", (64, 32, 10), ReLU, 0.95),
    _digits_row("digits_logreg", (64, 10), ReLU, 0.94),
    _digits_row("digits_deep", (64, 32, 32, 32, 10), Sigmoid, 0.9),
)


def _images_row(
    name: str, source: str, layers: Sequence[Layer], epochs: int, level: float
) -> Callable[[str | None], Problem]:
    """A row that waits for the folder with the data."""
    widths = "-".join(str(layer.n_out) for layer in layers if isinstance(layer, Dense))

    def row(folder: str | None) -> Problem:
        return Problem(
            name,
            f"{source}, 784-{widths}, {epochs} epochs in batches of 128",
            "Schneider, Balles, Hennig, DeepOBS (2019)",
            beginning(partial(_images, source, folder, layers)),
            epochs=epochs,
            every=1,
            per_epoch=469,
            score="test_accuracy",
            chosen_by="train_loss",
            target=Target("test_accuracy", level),
            members=8 if len(layers) == 1 else 1,
        )

    return row


LOGREG = stack((784, 10), ReLU, Zeros())
MLP = stack((784, 1000, 500, 100, 10), ReLU, TruncatedNormal(0.03))
IMAGES = {
    "mnist_logreg": _images_row("mnist_logreg", "mnist", LOGREG, 50, 0.925),
    "mnist_mlp": _images_row("mnist_mlp", "mnist", MLP, 10, 0.97),
    "fmnist_mlp": _images_row("fmnist_mlp", "fashion_mnist", MLP, 10, 0.87),
}
