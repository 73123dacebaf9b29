"""Write your own loss: one that outliers hardly move.

    python examples/12_own_loss.py
    mlp train diabetes --use examples/12_own_loss.py --set loss.name=cauchy

A `mlp.Pointwise` loss is a sum over outputs, and needs two functions: the loss of one output and its slope. For classes
it gets 0 and 1 as targets. A loss that takes class labels derives from `mlp.Labelled`; one that says what raw outputs
stand for (probabilities, say) has a `predict` of its own.
"""

from dataclasses import dataclass

import numpy as np

import mlp


@dataclass(frozen=True)
class Cauchy(mlp.Pointwise):
    """p(z, t) = ½ c² ln(1 + (z - t)²/c²), with c = `scale`: an error of many c counts hardly more than one of few."""

    scale: float = 1.0

    def point(self, z: np.ndarray, t: np.ndarray) -> np.ndarray:
        """p for each output."""
        return 0.5 * self.scale**2 * np.log1p(((z - t) / self.scale) ** 2)

    def slope(self, z: np.ndarray, t: np.ndarray, out: np.ndarray) -> None:
        """∂p/∂z = (z - t)/(1 + (z - t)²/c²)."""
        np.subtract(z, t, out=out)
        out /= 1 + (out / self.scale) ** 2


if __name__ == "__main__":
    mlp.check_part(Cauchy(0.5))

    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, (400, 1))
    clean = np.sin(2 * x[:, 0])
    y = np.where(rng.random(400) < 0.1, 20.0, clean)  # each tenth target is wrong
    for loss in (Cauchy(0.5), "squared_error"):
        config = {"loss": {"name": loss}, "optimizer": {"learning_rate": 0.01}, "training": {"epochs": 60}}
        run = mlp.run(config, (x, y))
        print(f"{run.config.loss.name}: mean error {np.abs(run.predict(x) - clean).mean():.2f}")
