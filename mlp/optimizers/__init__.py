"""Optimizers: rules that turn gradients into steps. They know no networks.

`optimizer` states the contract. To add one, write its frozen dataclass and state in a family file, one line here and
one row in `tests/cases.py`.
"""

from mlp.optimizers.adaptive import Adagrad, Adam, AdamW, RMSprop
from mlp.optimizers.conjugate import FletcherReeves, HestenesStiefel, PolakRibiere, PowellBeale
from mlp.optimizers.gradient import SGD, Momentum, Nesterov
from mlp.optimizers.kfac import KFAC
from mlp.optimizers.least_squares import BayesianRegularization, Dogleg, GaussNewton, LevenbergMarquardt
from mlp.optimizers.newton import HessianFree, NewtonCG, TrustRegion
from mlp.optimizers.optimizer import Evaluation, Optimizer, Schedule, State, pace
from mlp.optimizers.quasi_newton import BFGS, LBFGS, OneStepSecant
from mlp.optimizers.quickprop import Quickprop
from mlp.optimizers.rates import BoldDriver, DeltaBarDelta
from mlp.optimizers.rprop import IRpropMinus, IRpropPlus, Rprop, RpropMinus
from mlp.optimizers.scaled import ScaledConjugateGradient
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
    "fletcher_reeves": FletcherReeves,
    "polak_ribiere": PolakRibiere,
    "hestenes_stiefel": HestenesStiefel,
    "powell_beale": PowellBeale,
    "scaled_conjugate_gradient": ScaledConjugateGradient,
    "one_step_secant": OneStepSecant,
    "bfgs": BFGS,
    "lbfgs": LBFGS,
    "gauss_newton": GaussNewton,
    "levenberg_marquardt": LevenbergMarquardt,
    "bayesian_regularization": BayesianRegularization,
    "dogleg": Dogleg,
    "newton_cg": NewtonCG,
    "trust_region": TrustRegion,
    "hessian_free": HessianFree,
    "kfac": KFAC,
}

__all__ = [
    "BFGS",
    "KFAC",
    "LBFGS",
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "BayesianRegularization",
    "BoldDriver",
    "ClipNorm",
    "ClipValue",
    "DeltaBarDelta",
    "Dogleg",
    "Evaluation",
    "FletcherReeves",
    "Frozen",
    "GaussNewton",
    "HessianFree",
    "HestenesStiefel",
    "IRpropMinus",
    "IRpropPlus",
    "LevenbergMarquardt",
    "Momentum",
    "Nesterov",
    "NewtonCG",
    "OneStepSecant",
    "Optimizer",
    "PolakRibiere",
    "PowellBeale",
    "Quickprop",
    "RMSprop",
    "Rprop",
    "RpropMinus",
    "ScaledConjugateGradient",
    "Schedule",
    "State",
    "TrustRegion",
    "pace",
]
