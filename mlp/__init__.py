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
from mlp.data.augment import Augmentation, Mixup, Shift, augmented
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
from mlp.exchange import from_safetensors, from_sklearn, from_torch, to_onnx, to_safetensors
from mlp.experiment import Repair, Run, load_run, repair, resume, run
from mlp.gradcheck import gradcheck
from mlp.history import History
from mlp.instruments import DETAILED, ESSENTIAL, STANDARD, Instrument, sample_grad_norms
from mlp.layers import *  # noqa: F403
from mlp.losses import *  # noqa: F403
from mlp.network import Layout, Network, Workspace
from mlp.objective import Factors, Objective
from mlp.optimizers import *  # noqa: F403
from mlp.pretraining import RBM, Autoencoder, pretrain, pretrain_autoencoder, pretrain_rbm
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
from mlp.sinks import logged, to_csv, to_jsonl, to_tensorboard
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
    "RBM",
    "STANDARD",
    "Array",
    "Augmentation",
    "Autoencoder",
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
    "Mixup",
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
    "Shift",
    "Step",
    "StepDecay",
    "Triangular",
    "UnknownNameError",
    "WarmUp",
    "Workspace",
    "as_batch",
    "augmented",
    "backward",
    "batches",
    "data",
    "diagnose",
    "forward",
    "from_safetensors",
    "from_sklearn",
    "from_torch",
    "gradcheck",
    "infer",
    "load_run",
    "logged",
    "norm",
    "predict",
    "pretrain",
    "pretrain_autoencoder",
    "pretrain_rbm",
    "repair",
    "resume",
    "run",
    "sample_grad_norms",
    "to_csv",
    "to_jsonl",
    "to_onnx",
    "to_safetensors",
    "to_tensorboard",
    "train",
    "value_and_grad",
]
__all__ += layers.__all__
__all__ += losses.__all__
__all__ += optimizers.__all__
