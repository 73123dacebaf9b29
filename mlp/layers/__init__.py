"""Layers: differentiable maps between nodes, each with its gradient.

`layer` states the contract, `activation` that of functions of a single node. To add one, write its class, name it in
one line here, in the order in which activations are listed, and give it one row in `tests/cases.py`.
"""
# ruff: noqa: I001  # imported in the order in which activations are listed

import typing as _typing

from mlp.family import collect as _collect, list_public as _list_public
from mlp.layers.layer import Layer as Layer, Place as Place
from mlp.layers.dense import Dense as Dense
from mlp.layers.rbf import RBF as RBF
from mlp.layers.noise import Dropout as Dropout, Noise as Noise
from mlp.layers.normalization import BatchNorm as BatchNorm, LayerNorm as LayerNorm
from mlp.layers.residual import Residual as Residual
from mlp.layers.rectifying import Maxout as Maxout

from mlp.layers.activation import Activation as Activation, Identity as Identity
from mlp.layers.squashing import Sigmoid as Sigmoid, Tanh as Tanh, Softmax as Softmax
from mlp.layers.rectifying import ReLU as ReLU, LeakyReLU as LeakyReLU, ELU as ELU, SELU as SELU
from mlp.layers.gelu import GELU as GELU, ExactGELU as ExactGELU
from mlp.layers.rectifying import SiLU as SiLU, Softplus as Softplus
from mlp.layers.squashing import Softsign as Softsign, HardSigmoid as HardSigmoid, HardTanh as HardTanh

ACTIVATIONS: dict[str, type[Layer]] = _collect(Activation, vars())

if not _typing.TYPE_CHECKING:  # a list that is computed would hide from type checkers what is imported `as` itself
    __all__ = _list_public(vars())
