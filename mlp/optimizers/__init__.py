"""Optimizers: rules that turn gradients into steps. They know no networks.

`optimizer` states the contract. To add one, write its frozen dataclass and state in a family file, one line here and
one row in `tests/cases.py`.
"""

from mlp.optimizers.adaptive import Adagrad, Adam, AdamW, RMSprop
from mlp.optimizers.gradient import SGD, Momentum, Nesterov
from mlp.optimizers.optimizer import Evaluation, Optimizer, Schedule, State, pace
from mlp.optimizers.wrapper import ClipNorm, ClipValue, Frozen

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": Adagrad,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
}

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "ClipNorm",
    "ClipValue",
    "Evaluation",
    "Frozen",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "Schedule",
    "State",
    "pace",
]
