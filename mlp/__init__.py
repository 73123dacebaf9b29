"""Multilayer perceptrons in plain NumPy: fast, transparent, and honest about why a network does not learn.

>>> import numpy as np
>>> import mlp
>>> X, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([[0], [1], [1], [0.0]])
>>> net = mlp.Network([mlp.Dense(2, 4), mlp.Tanh(), mlp.Dense(4, 1)], rng=1)
>>> for step in mlp.train(net, mlp.batches(X, t, size=4, rng=0, epochs=2000), mlp.SquaredError(), mlp.Momentum(0.1)):
...     pass
>>> bool(step.loss < 1e-6)
True

What is public, and where it comes from, stands in `__init__.pyi`: type checkers read it, and so does `late_imports`. A
name is imported when it is first asked for, so that `import mlp` costs nothing yet.
"""

from mlp.late_imports import hand_on_late as _hand_on_late

__version__ = "0.1.0"
__getattr__, __dir__, _names = _hand_on_late(__name__, "__init__.pyi")
__all__ = sorted(_names)
