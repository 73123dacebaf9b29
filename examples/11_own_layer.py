"""Write your own layer: an activation that runs and estimators take.

    python examples/11_own_layer.py
    mlp train digits --use examples/11_own_layer.py --set network.activation=snake

An activation is a frozen dataclass with two functions of a node: its value and its slope. A layer with parameters
derives from `mlp.Layer` instead, and says how many it has: `mlp/layers/dense.py` is the shortest to read.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

import mlp


@dataclass(frozen=True)
class Snake(mlp.Activation):
    """y = x + sin²(ax)/a.  φ′ = 1 + sin(2ax), with a = `frequency` > 0. Ziyin, Hartwig & Ueda (2020), eq. 3."""

    frequency: float = 1.0

    def forward(self, params: np.ndarray, x: mlp.Nodes, y: mlp.Nodes, scratch: Any) -> None:
        """x + sin²(ax)/a."""
        values = y.values
        np.multiply(x.values, self.frequency, out=values)
        np.sin(values, out=values)
        np.square(values, out=values)
        values /= self.frequency
        values += x.values

    def slope(self, x: np.ndarray, y: np.ndarray, scratch: Any, out: np.ndarray) -> None:
        """1 + sin(2ax)."""
        np.multiply(x, 2 * self.frequency, out=out)
        np.sin(out, out=out)
        out += 1


if __name__ == "__main__":
    mlp.check_part(Snake(2.0))

    x = np.linspace(-6, 6, 200)
    for activation in (Snake(2.0), "relu"):
        network = {"hidden": [32], "activation": activation}
        config = {"network": network, "optimizer": {"learning_rate": 0.02}, "training": {"epochs": 200}}
        run = mlp.run(config, (x[:, None], np.sin(3 * x)))
        print(f"sin(3x) with {run.network.layers[1]}: r² {run.metrics['test_r2']:.2f}")

    regressor = mlp.MLPRegressor([16, 16], [Snake(2.0), "tanh"], epochs=20, random_state=0)
    print(f"an estimator: {regressor.fit(x[:, None], np.sin(3 * x))}")
