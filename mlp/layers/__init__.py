"""Layers: differentiable maps between nodes, each with its gradient.

`layer` states the contract. To add one, write its class and one row in `tests/cases.py`.
"""

from mlp.layers.activation import (
    ELU,
    GELU,
    SELU,
    Activation,
    HardSigmoid,
    HardTanh,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from mlp.layers.dense import Dense
from mlp.layers.dropout import Dropout
from mlp.layers.layer import Layer, Place
from mlp.layers.maxout import Maxout
from mlp.layers.noise import Noise
from mlp.layers.normalization import BatchNorm, LayerNorm
from mlp.layers.rbf import RBF
from mlp.layers.residual import Residual

ACTIVATIONS: dict[str, type[Layer]] = {
    "identity": Identity,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "silu": SiLU,
    "softplus": Softplus,
    "softsign": Softsign,
    "hard_sigmoid": HardSigmoid,
    "hard_tanh": HardTanh,
}

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "RBF",
    "SELU",
    "Activation",
    "BatchNorm",
    "Dense",
    "Dropout",
    "HardSigmoid",
    "HardTanh",
    "Identity",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Maxout",
    "Noise",
    "Place",
    "ReLU",
    "Residual",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
]
