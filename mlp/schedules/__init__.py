"""Learning rates that change.

A schedule stands where a learning rate stands: `SGD(Cosine(0.1, steps=1000))`. It is a function of the number of
updates made, and of the losses met if it keeps a memory. It knows neither optimizers nor networks.
"""

from mlp.schedules.cycle import CosineRestarts, OneCycle, Triangular, WarmUp
from mlp.schedules.decay import Constant, Cosine, Exponential, InverseTime, MultiStep, Polynomial, StepDecay
from mlp.schedules.plateau import PlateauMemory, ReduceOnPlateau

__all__ = [
    "Constant",
    "Cosine",
    "CosineRestarts",
    "Exponential",
    "InverseTime",
    "MultiStep",
    "OneCycle",
    "PlateauMemory",
    "Polynomial",
    "ReduceOnPlateau",
    "StepDecay",
    "Triangular",
    "WarmUp",
]
