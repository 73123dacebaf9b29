"""Optimizers: rules that turn gradients into steps. They know no networks.

`optimizer` states the contract. To add one, write its frozen dataclass and state in a family file, one line here and
one row in `tests/cases.py`.
"""

from mlp.optimizers.adaptive import Adagrad, Adam, AdamW, RMSprop
from mlp.optimizers.gradient import SGD, Momentum, Nesterov
from mlp.optimizers.optimizer import Evaluation, Optimizer, Schedule, State, pace
from mlp.optimizers.quickprop import Quickprop
from mlp.optimizers.rates import BoldDriver, DeltaBarDelta
from mlp.optimizers.rprop import IRpropMinus, IRpropPlus, Rprop, RpropMinus
from mlp.optimizers.wrapper import ClipNorm, ClipValue, Frozen

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": Adagrad,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "bold_driver": BoldDriver,
    "delta_bar_delta": DeltaBarDelta,
    "rprop": Rprop,
    "rprop_minus": RpropMinus,
    "irprop_plus": IRpropPlus,
    "irprop_minus": IRpropMinus,
    "quickprop": Quickprop,
}

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "BoldDriver",
    "ClipNorm",
    "ClipValue",
    "DeltaBarDelta",
    "Evaluation",
    "Frozen",
    "IRpropMinus",
    "IRpropPlus",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "Quickprop",
    "RMSprop",
    "Rprop",
    "RpropMinus",
    "Schedule",
    "State",
    "pace",
]
