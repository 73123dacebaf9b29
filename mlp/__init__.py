"""Multilayer perceptrons in plain NumPy: fast, transparent, and honest about why a network does not learn.

>>> import numpy as np
>>> import mlp
>>> X, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([[0], [1], [1], [0.0]])
>>> net = mlp.Network([mlp.Dense(2, 4), mlp.Tanh(), mlp.Dense(4, 1)], rng=1)
>>> for step in mlp.train(net, mlp.batches(X, t, size=4, rng=0, epochs=2000), mlp.SquaredError(), mlp.Momentum(0.1)):
...     pass
>>> bool(step.loss < 1e-6)
True
"""

import typing

from mlp import data, layers, losses, optimizers
from mlp.arrays import Array, Nodes, norm
from mlp.backprop import backward, forward, infer, predict, value_and_grad
from mlp.data.batches import Batch, as_batch, batches
from mlp.diagnosis import Cause, Finding, diagnose
from mlp.errors import (
    ConfigError,
    DataError,
    DerivativeError,
    DivergenceError,
    DownloadError,
    DtypeError,
    FileFormatError,
    HyperparameterError,
    MissingExtraError,
    MLPError,
    NotFittedError,
    ShapeError,
    UnknownNameError,
)
from mlp.experiment import Repair, Run, load_run, repair, run
from mlp.gradcheck import gradcheck
from mlp.history import History
from mlp.instruments import DETAILED, ESSENTIAL, STANDARD, Instrument, sample_grad_norms
from mlp.layers import *  # noqa: F403
from mlp.losses import *  # noqa: F403
from mlp.network import Layout, Network, Workspace
from mlp.objective import Factors, Objective
from mlp.optimizers import *  # noqa: F403
from mlp.recorder import Recorder
from mlp.schedules import (
    Cosine,
    CosineRestarts,
    Exponential,
    InverseTime,
    MultiStep,
    OneCycle,
    Polynomial,
    ReduceOnPlateau,
    StepDecay,
    Triangular,
    WarmUp,
)
from mlp.training import Step, train

if typing.TYPE_CHECKING:
    from mlp.estimators import MLPClassifier, MLPRegressor

__version__ = "0.1.0"


def __getattr__(name: str) -> typing.Any:
    """The estimators, imported when they are first asked for."""
    if name in ("MLPClassifier", "MLPRegressor"):
        from mlp import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module 'mlp' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "DETAILED",
    "ESSENTIAL",
    "STANDARD",
    "Array",
    "Batch",
    "Cause",
    "ConfigError",
    "Cosine",
    "CosineRestarts",
    "DataError",
    "DerivativeError",
    "DivergenceError",
    "DownloadError",
    "DtypeError",
    "Exponential",
    "Factors",
    "FileFormatError",
    "Finding",
    "History",
    "HyperparameterError",
    "Instrument",
    "InverseTime",
    "Layout",
    "MLPClassifier",
    "MLPError",
    "MLPRegressor",
    "MissingExtraError",
    "MultiStep",
    "Network",
    "Nodes",
    "NotFittedError",
    "Objective",
    "OneCycle",
    "Polynomial",
    "Recorder",
    "ReduceOnPlateau",
    "Repair",
    "Run",
    "ShapeError",
    "Step",
    "StepDecay",
    "Triangular",
    "UnknownNameError",
    "WarmUp",
    "Workspace",
    "as_batch",
    "backward",
    "batches",
    "data",
    "diagnose",
    "forward",
    "gradcheck",
    "infer",
    "load_run",
    "norm",
    "predict",
    "repair",
    "run",
    "sample_grad_norms",
    "train",
    "value_and_grad",
]
__all__ += layers.__all__
__all__ += losses.__all__
__all__ += optimizers.__all__
