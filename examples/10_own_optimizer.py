"""Write your own optimizer: a rule with a memory, which runs, estimators and comparisons take.

    python examples/10_own_optimizer.py
    mlp train iris --use examples/10_own_optimizer.py --set optimizer.name=sign_average
    mlp bench --use examples/10_own_optimizer.py --optimizers sign_average,adam --problems xor --seeds 3

A rule is a frozen dataclass: its fields are the keys of an experiment. It writes the step into `out`, and what it
remembers stands in a state of its own, so that a checkpoint can hold it. Arrays may have a leading axis for a
population: with `*=`, `+=` and NumPy's functions that needs no thought.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import mlp


@dataclass
class SignAverageState(mlp.State):
    """`m`: the moving average of the gradients."""

    m: np.ndarray


@dataclass(frozen=True)
class SignAverage(mlp.Optimizer):
    """A step of the same length along each parameter, where the average gradient points.

        m ← β m + (1 - β) g
        u = -η sign(m)

    Bernstein et al. (2018), Algorithm 3.
    """

    learning_rate: float = 0.003
    beta: float = 0.9

    usual_rate: ClassVar[float | None] = 0.003  # a diagnosis asks it whether a rate is high or low

    def init(self, params: np.ndarray) -> SignAverageState:
        """The memory before the first step."""
        return SignAverageState(mlp.pace(self, params), np.zeros_like(params))

    def update(self, at: mlp.Evaluation, state: SignAverageState, out: np.ndarray) -> None:
        """Write u; `state.pace.next` counts the step, and knows its learning rate, by a schedule too."""
        state.m *= self.beta
        state.m += (1 - self.beta) * at.grad
        np.sign(state.m, out=out)
        out *= -state.pace.next(at.loss)


if __name__ == "__main__":
    mlp.check_part(SignAverage())
    iris = mlp.data.load("iris")

    run = mlp.run({"optimizer": {"name": SignAverage(0.01), "schedule": "cosine"}}, (iris.X, iris.y))
    print(f"a run: test accuracy {run.metrics['test_accuracy']:.2f}, findings: {[f.kind for f in run.findings]}")

    classifier = mlp.MLPClassifier(optimizer=SignAverage(0.01), restarts=3, random_state=0).fit(iris.X, iris.y)
    print(f"an estimator: {classifier}, {classifier.score(iris.X, iris.y):.2f} of the rows are right")

    found = mlp.bench([SignAverage(), "sgd"], "xor", seeds=3, tuning_seeds=1, rates=3, epochs=400)
    print(found.text().split("\n\n")[0])
