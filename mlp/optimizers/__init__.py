"""Optimizers: rules that turn gradients into steps. They know no networks.

`optimizer` states the contract. To add one, write its frozen dataclass and state in a family file, one line here and
one row in `tests/cases.py`; a reference for it in `tests/reference/rules.py`, or its invariant in a test.
"""

from mlp.optimizers.adam import Adam, Adamax, AdamW, AMSGrad
from mlp.optimizers.adaptive import Adadelta, Adagrad, CenteredRMSprop, RMSprop
from mlp.optimizers.average import AveragedSGD, ScheduleFreeAdamW, ScheduleFreeSGD
from mlp.optimizers.conjugate import FletcherReeves, HestenesStiefel, PolakRibiere, PowellBeale
from mlp.optimizers.constraint import MaxNorm
from mlp.optimizers.free import DAdaptAdam, DoG, PolyakStep, Prodigy
from mlp.optimizers.gradient import SGD, Momentum, Nesterov
from mlp.optimizers.hessian import AdaHessian, SophiaH
from mlp.optimizers.kfac import KFAC
from mlp.optimizers.layerwise import LAMB, LARS
from mlp.optimizers.least_squares import BayesianRegularization, Dogleg, GaussNewton, LevenbergMarquardt
from mlp.optimizers.matrix import Muon, Shampoo
from mlp.optimizers.moments import AdaBelief, Adan, AdEMAMix, Yogi
from mlp.optimizers.momentum import QHM, AggMo, QHAdam
from mlp.optimizers.newton import HessianFree, NewtonCG, TrustRegion
from mlp.optimizers.optimizer import Evaluation, Optimizer, Schedule, State, pace
from mlp.optimizers.quasi_newton import BFGS, LBFGS, OneStepSecant
from mlp.optimizers.quickprop import Quickprop
from mlp.optimizers.rates import BoldDriver, DeltaBarDelta
from mlp.optimizers.rprop import IRpropMinus, IRpropPlus, Rprop, RpropMinus
from mlp.optimizers.scaled import ScaledConjugateGradient
from mlp.optimizers.sign import Lion, SignSGD, Signum
from mlp.optimizers.soap import SOAP
from mlp.optimizers.start import ADOPT, NAdam, RAdam
from mlp.optimizers.wrapper import SAM, ClipNorm, ClipValue, Frozen, Lookahead, MovingAverage

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "averaged_sgd": AveragedSGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "qhm": QHM,
    "aggmo": AggMo,
    "sign_sgd": SignSGD,
    "signum": Signum,
    "lion": Lion,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "rmsprop": RMSprop,
    "centered_rmsprop": CenteredRMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "amsgrad": AMSGrad,
    "adamax": Adamax,
    "nadam": NAdam,
    "radam": RAdam,
    "adabelief": AdaBelief,
    "yogi": Yogi,
    "adan": Adan,
    "ademamix": AdEMAMix,
    "adopt": ADOPT,
    "qhadam": QHAdam,
    "lars": LARS,
    "lamb": LAMB,
    "muon": Muon,
    "shampoo": Shampoo,
    "soap": SOAP,
    "adahessian": AdaHessian,
    "sophia": SophiaH,
    "polyak": PolyakStep,
    "dog": DoG,
    "dadapt_adam": DAdaptAdam,
    "prodigy": Prodigy,
    "schedule_free_sgd": ScheduleFreeSGD,
    "schedule_free_adamw": ScheduleFreeAdamW,
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
    "ADOPT",
    "BFGS",
    "KFAC",
    "LAMB",
    "LARS",
    "LBFGS",
    "OPTIMIZERS",
    "QHM",
    "SAM",
    "SGD",
    "SOAP",
    "AMSGrad",
    "AdEMAMix",
    "AdaBelief",
    "AdaHessian",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Adan",
    "AggMo",
    "AveragedSGD",
    "BayesianRegularization",
    "BoldDriver",
    "CenteredRMSprop",
    "ClipNorm",
    "ClipValue",
    "DAdaptAdam",
    "DeltaBarDelta",
    "DoG",
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
    "Lion",
    "Lookahead",
    "MaxNorm",
    "Momentum",
    "MovingAverage",
    "Muon",
    "NAdam",
    "Nesterov",
    "NewtonCG",
    "OneStepSecant",
    "Optimizer",
    "PolakRibiere",
    "PolyakStep",
    "PowellBeale",
    "Prodigy",
    "QHAdam",
    "Quickprop",
    "RAdam",
    "RMSprop",
    "Rprop",
    "RpropMinus",
    "ScaledConjugateGradient",
    "Schedule",
    "ScheduleFreeAdamW",
    "ScheduleFreeSGD",
    "Shampoo",
    "SignSGD",
    "Signum",
    "SophiaH",
    "State",
    "TrustRegion",
    "Yogi",
    "pace",
]
