"""Optimizers: rules that turn gradients into steps. They know no networks.

`optimizer` states the contract. To add one, write its frozen dataclass and state in a family file, name it in one line
here, in the order in which rules are listed, and give it one row in `tests/cases.py`, with a reference or an invariant.

Type checkers read the lines below, and so does `late_imports`: a rule is imported when it is first asked for, as all of
them take 40 ms.
"""
# ruff: noqa: I001  # imported in the order in which rules are listed

import typing as _typing

from mlp.family import Parts as _Parts
from mlp.late_imports import hand_on_late as _hand_on_late

if _typing.TYPE_CHECKING:
    from mlp.optimizers.optimizer import Evaluation as Evaluation, Optimizer as Optimizer, Schedule as Schedule
    from mlp.optimizers.optimizer import State as State, pace as pace
    from mlp.optimizers.gradient_noise import GradientNoise as GradientNoise
    from mlp.optimizers.wrappers import SAM as SAM, ClipNorm as ClipNorm, ClipValue as ClipValue, Frozen as Frozen
    from mlp.optimizers.wrappers import Lookahead as Lookahead, MaxNorm as MaxNorm, MovingAverage as MovingAverage

    from mlp.optimizers.gradient import SGD as SGD
    from mlp.optimizers.iterate_averaging import AveragedSGD as AveragedSGD
    from mlp.optimizers.gradient import Momentum as Momentum, Nesterov as Nesterov, QHM as QHM, AggMo as AggMo
    from mlp.optimizers.gradient import SignSGD as SignSGD, Signum as Signum, Lion as Lion
    from mlp.optimizers.adaptive import Adagrad as Adagrad, Adadelta as Adadelta
    from mlp.optimizers.adaptive import RMSprop as RMSprop, CenteredRMSprop as CenteredRMSprop
    from mlp.optimizers.adam import Adam as Adam, AdamW as AdamW, AMSGrad as AMSGrad, Adamax as Adamax
    from mlp.optimizers.adam import NAdam as NAdam, RAdam as RAdam
    from mlp.optimizers.adam_variants import AdaBelief as AdaBelief, Yogi as Yogi, Adan as Adan
    from mlp.optimizers.adam_variants import AdEMAMix as AdEMAMix, ADOPT as ADOPT, QHAdam as QHAdam
    from mlp.optimizers.layerwise import LARS as LARS, LAMB as LAMB
    from mlp.optimizers.matrices import Muon as Muon, Shampoo as Shampoo, SOAP as SOAP
    from mlp.optimizers.hessian_diagonal import AdaHessian as AdaHessian, SophiaH as SophiaH
    from mlp.optimizers.parameter_free import PolyakStep as PolyakStep, DoG as DoG
    from mlp.optimizers.parameter_free import DAdaptAdam as DAdaptAdam, Prodigy as Prodigy
    from mlp.optimizers.iterate_averaging import ScheduleFreeSGD as ScheduleFreeSGD
    from mlp.optimizers.iterate_averaging import ScheduleFreeAdamW as ScheduleFreeAdamW
    from mlp.optimizers.bold_driver import BoldDriver as BoldDriver
    from mlp.optimizers.per_parameter import DeltaBarDelta as DeltaBarDelta, Rprop as Rprop, RpropMinus as RpropMinus
    from mlp.optimizers.per_parameter import (
        IRpropPlus as IRpropPlus,
        IRpropMinus as IRpropMinus,
        Quickprop as Quickprop,
    )
    from mlp.optimizers.conjugate_gradients import FletcherReeves as FletcherReeves, PolakRibiere as PolakRibiere
    from mlp.optimizers.conjugate_gradients import HestenesStiefel as HestenesStiefel, PowellBeale as PowellBeale
    from mlp.optimizers.conjugate_gradients import ScaledConjugateGradient as ScaledConjugateGradient
    from mlp.optimizers.quasi_newton import OneStepSecant as OneStepSecant, BFGS as BFGS, LBFGS as LBFGS
    from mlp.optimizers.least_squares import GaussNewton as GaussNewton, LevenbergMarquardt as LevenbergMarquardt
    from mlp.optimizers.least_squares import BayesianRegularization as BayesianRegularization
    from mlp.optimizers.trust_region import Dogleg as Dogleg
    from mlp.optimizers.newton import NewtonCG as NewtonCG
    from mlp.optimizers.trust_region import TrustRegion as TrustRegion
    from mlp.optimizers.newton import HessianFree as HessianFree, KFAC as KFAC
else:
    __getattr__, __dir__, __all__ = _hand_on_late(__name__)

OPTIMIZERS: _typing.Mapping[str, type["Optimizer"]] = _Parts(__name__, "Optimizer")
