"""Pretraining: hidden layers learn to describe their inputs, one after another, before anybody asks for answers.

`stack` walks up a network and says how far it is; a `Pretrainer` (`RBM`, `Autoencoder`) trains one layer. Targets are
not looked at. Afterwards the network is trained as ever, from where this leaves it.
"""

from mlp.arrays import Array, Seed, generator
from mlp.history import History
from mlp.network import Network
from mlp.pretraining.autoencoder import Autoencoder
from mlp.pretraining.rbm import RBM
from mlp.pretraining.stack import LayerEpoch, Pretrainer, check_pretrainer, note, pretrain_layers

PRETRAINERS: dict[str, type[RBM] | type[Autoencoder]] = {"rbm": RBM, "autoencoder": Autoencoder}


def pretrain(network: Network, X: Array, pretrainer: Pretrainer, *, rng: Seed) -> History:
    """Pretrain every hidden layer of `network` in place on X (n, n_features).

    The history has a column "pretraining_error_by_layer", (epochs + 1, layers): the share of the variance of what goes
    into a layer that cannot be got back from what comes out, at first and after each epoch. To watch, iterate
    `pretrain_layers`.

    >>> import numpy as np
    >>> from mlp.layers import Dense, Sigmoid
    >>> X = np.random.default_rng(0).integers(0, 2, (200, 1)) * np.ones((1, 6))
    >>> net = Network([Dense(6, 4), Sigmoid(), Dense(4, 1)], rng=0)
    >>> errors = pretrain(net, X, RBM(epochs=30), rng=0)["pretraining_error_by_layer"][:, 0]
    >>> bool(errors[-1] < 0.1 < errors[0])
    True
    """
    history = History()
    note(history, list(pretrain_layers(network, X, pretrainer, generator(rng))))
    return history


def pretrain_rbm(network: Network, X: Array, *, rng: Seed) -> History:
    """`pretrain` with restricted Boltzmann machines; for other than their usual settings give it an `RBM`."""
    return pretrain(network, X, RBM(), rng=rng)


def pretrain_autoencoder(network: Network, X: Array, *, rng: Seed) -> History:
    """`pretrain` with denoising autoencoders; for other than their usual settings give it an `Autoencoder`."""
    return pretrain(network, X, Autoencoder(), rng=rng)


__all__ = [
    "PRETRAINERS",
    "RBM",
    "Autoencoder",
    "LayerEpoch",
    "Pretrainer",
    "check_pretrainer",
    "note",
    "pretrain",
    "pretrain_autoencoder",
    "pretrain_layers",
    "pretrain_rbm",
]
