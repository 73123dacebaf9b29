"""Restricted Boltzmann machines: a layer learns which inputs are likely.

Node-major, as everywhere: v is (n_in, N), h is (n_out, N). The weights upward are those of a dense layer, its last
column the bias weights of h; `a` (n_in, 1) is the bias of v, and is forgotten afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.data.batches import batches
from mlp.errors import check_count, check_fraction, check_positive
from mlp.layers import Dense, Layer, Sigmoid
from mlp.losses.classification import sigmoid
from mlp.optimizers import Evaluation, Momentum
from mlp.pretraining.stack import unexplained

SHOWN = 2000  # rows on which the error is measured


class Machine(NamedTuple):
    """p(v, h) ∝ exp(-E).  `binary`: E = -aᵀv - bᵀh - hᵀWv;  else v is real: E = ½‖v - a‖² - bᵀh - hᵀWv.

    `weights` [W b] (n_out, n_in + 1); `a` (n_in, 1).
    """

    weights: Array
    a: Array
    binary: bool

    def up(self, v: Array) -> Array:
        """p(h = 1 | v) = σ(W v + b)."""
        return sigmoid(self.weights[:, :-1] @ v + self.weights[:, -1:])

    def down(self, h: Array) -> Array:
        """The mean of p(v | h): σ(Wᵀh + a), or Wᵀh + a."""
        mean: Array = self.weights[:, :-1].T @ h + self.a
        return sigmoid(mean) if self.binary else mean


def contrast(machine: Machine, v: Array, uniform: Array, d_weights: Array, d_a: Array) -> None:
    """Write minus one step of contrastive divergence, averaged over the samples, into `d_weights` and `d_a`.

        h ~ p(h | v),  v' = ⟨v⟩ given h,  p = p(h = 1 | v),  p' = p(h = 1 | v')
        ΔW = ⟨p vᵀ⟩ - ⟨p' v'ᵀ⟩,  Δb = ⟨p⟩ - ⟨p'⟩,  Δa = ⟨v⟩ - ⟨v'⟩

    `uniform` like h: random numbers in [0, 1). Hinton (2002), eq. 5 with one step; what is drawn and what is a mean
    as in Hinton (2010), section 3.
    """
    p = machine.up(v)
    back = machine.down((uniform < p).astype(v.dtype))
    p_back = machine.up(back)
    n = v.shape[1]
    np.divide(p_back @ back.T - p @ v.T, n, out=d_weights[:, :-1])
    d_weights[:, -1] = (p_back - p).mean(1)
    d_a[...] = (back - v).mean(1, keepdims=True)


@dataclass(frozen=True)
class RBM:
    """Contrastive divergence, CD-1, with momentum. Hinton, Osindero & Teh (2006), section 4.

    Inputs within 0 … 1 are probabilities of binary units; others are real, of deviation 1: standardise them.
    `learning_rate` is for binary units, and a tenth of it for real ones (Hinton 2010, section 13.2). The network's
    first weights are the machine's; its bias downward begins at what makes the mean of the inputs likely.

    >>> from mlp import Dense, Network, Sigmoid, pretrain
    >>> network = Network([Dense(6, 4), Sigmoid(), Dense(4, 1)], rng=0)
    >>> pretrain(network, np.eye(6), RBM(epochs=2), rng=0)["pretraining_error_by_layer"].shape
    (3, 1)
    """

    epochs: int = 10
    learning_rate: float = 0.05
    momentum: float = 0.5
    batch_size: int = 32

    name: ClassVar[str] = "rbm"

    def __post_init__(self) -> None:
        check_count("epochs", self.epochs)
        check_positive("learning_rate", self.learning_rate)
        check_fraction("momentum", self.momentum)
        check_count("batch_size", self.batch_size)

    def suits(self, activation: Layer) -> bool:
        """Sigmoids only: σ is how likely a unit of a Boltzmann machine is on."""
        return isinstance(activation, Sigmoid)

    def learn(
        self, dense: Dense, activation: Layer, weights: Array, inputs: Array, rng: np.random.Generator
    ) -> Iterator[float]:
        """Epochs of CD-1."""
        params, binary = initial_rbm_params(weights, inputs)
        grad, out = np.empty_like(params), np.empty_like(params)
        machine, slope = (Machine(*_parts(flat, weights.shape), binary) for flat in (params, grad))
        rule = Momentum(self.learning_rate * (1.0 if binary else 0.1), self.momentum)
        state, shown = rule.init(params), inputs[:SHOWN]
        yield unexplained(shown, machine.down(machine.up(shown.T)).T)
        for _ in range(self.epochs):
            for batch in batches(inputs, np.zeros(len(inputs)), self.batch_size, rng=rng):
                uniform = rng.random((len(weights), batch.x.n_samples), dtype=params.dtype)
                contrast(machine, batch.x.values, uniform, slope.weights, slope.a)
                rule.update(Evaluation(params, 0.0, grad), state, out)
                params += out
            np.copyto(weights, machine.weights)
            yield unexplained(shown, machine.down(machine.up(shown.T)).T)


def initial_rbm_params(weights: Array, inputs: Array) -> tuple[Array, bool]:
    """The flat parameters [W b; a] of a machine for inputs (n, n_in), and whether it is binary.

    a = ⟨v⟩, or ln ⟨v⟩/(1 - ⟨v⟩) for binary units: Hinton (2010), section 8.1.
    """
    binary = bool(inputs.min() >= 0 and inputs.max() <= 1)
    mean = inputs.mean(0)
    a = log_odds(mean) if binary else mean
    return np.concatenate([weights.ravel(), a.astype(weights.dtype)]), binary


def _parts(flat: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """[W b] (n_out, n_in + 1) and a (n_in, 1) in a flat vector. No copy."""
    size = shape[0] * shape[1]
    return flat[:size].reshape(shape), flat[size:, None]


def log_odds(p: Array) -> Array:
    """ln p/(1 - p), with p held within 0.01 … 0.99: what never happened yet may still."""
    held = np.clip(p, 0.01, 0.99)
    return np.asarray(np.log(held / (1 - held)))
