"""Denoising autoencoders: a layer learns to say what its inputs were before some of them were lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mlp.arrays import Array, Nodes
from mlp.backprop import predict
from mlp.data.batches import Batch, batches
from mlp.errors import check_count, check_fraction, check_positive
from mlp.layers import Activation, Dense, Layer
from mlp.losses import Loss, SigmoidCrossEntropy, SquaredError
from mlp.network import Network
from mlp.optimizers import Adam
from mlp.pretraining.rbm import SHOWN, log_odds
from mlp.pretraining.stack import unexplained
from mlp.training import train


@dataclass(frozen=True)
class Autoencoder:
    """Inputs, some of them put to 0, go up through the layer and down to what they were before.

    `noise`: the share that is put to 0; with 0.0 a plain autoencoder. Inputs within 0 … 1 come back through sigmoids
    and cost cross-entropy, others linearly and cost squares. Trained with Adam.

    Bengio et al. (2007), section 3; noise from Vincent et al. (2008), section 2.3. The weights downward are their own,
    not those upward transposed.

    >>> from mlp import Dense, Network, Sigmoid, pretrain
    >>> network = Network([Dense(6, 4), Sigmoid(), Dense(4, 1)], rng=0)
    >>> pretrain(network, np.eye(6), Autoencoder(epochs=2), rng=0)["pretraining_error_by_layer"].shape
    (3, 1)
    """

    epochs: int = 10
    learning_rate: float = 0.002
    noise: float = 0.25
    batch_size: int = 32

    name: ClassVar[str] = "autoencoder"

    def __post_init__(self) -> None:
        check_count("epochs", self.epochs)
        check_positive("learning_rate", self.learning_rate)
        check_fraction("noise", self.noise)
        check_count("batch_size", self.batch_size)

    def suits(self, activation: Layer) -> bool:
        """Any function of single nodes."""
        return isinstance(activation, Activation)

    def learn(
        self, dense: Dense, activation: Layer, weights: Array, inputs: Array, rng: np.random.Generator
    ) -> Iterator[float]:
        """Epochs of Adam."""
        network, loss = folded(dense, activation, weights, inputs, rng)
        shown = inputs[:SHOWN]
        yield unexplained(shown, _answers(network, loss, shown))
        clean = batches(inputs, inputs, self.batch_size, rng=rng, epochs=self.epochs)
        for step in train(network, corrupted(clean, self.noise, rng), loss, Adam(self.learning_rate)):
            if step.batch.last:
                np.copyto(weights, network.views[0])
                yield unexplained(shown, _answers(network, loss, shown))


def folded(
    dense: Dense, activation: Layer, weights: Array, inputs: Array, rng: np.random.Generator
) -> tuple[Network, Loss]:
    """The layer and one of the same shape back, and what its answers cost. Its first answer is near the mean."""
    binary = bool(inputs.min() >= 0 and inputs.max() <= 1)
    network = Network([dense, activation, Dense(dense.n_out, dense.n_in)], rng, dtype=weights.dtype)
    np.copyto(network.views[0], weights)
    mean = inputs.mean(0)
    network.views[2][:, -1] = log_odds(mean) if binary else mean
    return network, SigmoidCrossEntropy() if binary else SquaredError()


def corrupted(data: Iterable[Batch], noise: float, rng: np.random.Generator) -> Iterator[Batch]:
    """The batches, each node of the inputs put to 0 with probability `noise`; what is left is as large as before."""
    for batch in data:
        with_bias = batch.x.with_bias.copy()
        values = with_bias[:-1]
        values *= rng.random(values.shape, dtype=values.dtype) >= noise
        yield batch._replace(x=Nodes(values, with_bias))


def _answers(network: Network, loss: Loss, inputs: Array) -> Array:
    """What comes back for inputs (n, n_in)."""
    return loss.predict(predict(network, inputs).T).T
