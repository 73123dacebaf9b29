"""The microscope: backpropagation in a small network, step by step and number by number.

`explain` writes a page that shows a training; `worked_step` writes one step out; `check_gradient` says where somebody's
own gradient goes wrong. `graph` and `numbers` say what is looked at, the formulas what a textbook says of it.
"""

from mlp.microscope.check_gradient import GradientCheck, check_gradient
from mlp.microscope.explain import explain
from mlp.microscope.worked_step import Worksheet, worked_step

__all__ = ["GradientCheck", "Worksheet", "check_gradient", "explain", "worked_step"]
