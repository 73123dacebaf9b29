"""Local minima are the obstacle of training.

30,000 starts on exclusive or, 10,000 of each width, under two pairs of rule and loss. What did not reach the global
minimum is typed by all eigenvalues of its Hessian. Hamey (1998) and Sprinkhuizen-Kuyper & Boers (1999): with two hidden
units and finite weights, exclusive or has no local minimum but saddles; places at infinity are another matter.
"""

from __future__ import annotations

import numpy as np
from claim import LEARNED, TRUE, XOR, Claim, main, starts, train_on

import mlp
from mlp.backprop import value_and_grad
from mlp.data.batches import as_batch
from mlp.objective import Objective

CHUNK = 1000


def hessians(network: mlp.Network, loss: mlp.Loss) -> np.ndarray:
    """The Hessian of each member, (n, P, P): P products, all members at once."""
    batch = as_batch(XOR, TRUE, dtype=np.float64)
    objective = Objective(network, loss)
    objective.batch, objective.workspace = batch, mlp.Workspace(network, len(XOR))
    value_and_grad(network, loss, batch, objective.workspace)
    n, size = network.params.shape
    found = np.empty((n, size, size))
    for k in range(size):
        direction, out = np.zeros((n, size)), np.empty((n, size))
        direction[:, k] = 1
        objective.hvp(direction, out)
        found[:, k] = out
    return (found + found.transpose(0, 2, 1)) / 2


def study(width: int, loss: mlp.Loss, rule: mlp.Optimizer, steps: int, n: int = 10_000) -> list[float]:
    """Shares: of all starts that learn; of the others those that curve down, that do not, that still have a slope."""
    losses, least, slope = [], [], []
    for chunk in range(n // CHUNK):
        network = starts([2, width, 1], CHUNK, seed=chunk)
        losses.append(train_on(network, XOR, TRUE, loss, rule, steps))
        values = np.linalg.eigvalsh(hessians(network, loss))
        least.append(values[:, 0] / np.maximum(np.abs(values).max(1), 1e-300))
        workspace = mlp.Workspace(network, len(XOR))
        value_and_grad(network, loss, as_batch(XOR, TRUE, dtype=np.float64), workspace)
        slope.append(np.linalg.norm(workspace.grad, axis=1))
    reached, down, steep = np.concatenate(losses) < LEARNED, np.concatenate(least) < -1e-6, np.concatenate(slope) > 1e-3
    stuck = max(int((~reached).sum()), 1)
    return [
        100 * reached.mean(),
        100 * (~reached & down).sum() / stuck,
        100 * (~reached & ~down).sum() / stuck,
        100 * (~reached & steep).sum() / stuck,
    ]


def measure() -> Claim:
    """Local minima are the obstacle: exclusive or."""
    pairs = {
        "Rprop, cross-entropy": (mlp.SigmoidCrossEntropy(), mlp.RpropMinus(), 300),
        "Adam 0.05, squared error": (mlp.SquaredError(), mlp.Adam(0.05), 1000),
    }
    rows = [[f"2-{width}-1", name, *study(width, *pair)] for name, pair in pairs.items() for width in (2, 3, 4)]
    columns = ["network", "rule and loss", "learn %", "of the rest: curve down %", "do not %", "still steep %"]
    why = (
        f"2-2-1 learns from {rows[0][2]:.1f} % of the starts under Rprop with cross-entropy and from {rows[3][2]:.1f} "
        f"% under Adam with squared error, 2-4-1 from {rows[2][2]:.1f} and {rows[5][2]:.1f} %: one unit or two more "
        "remove the obstacle, and rule and loss decide how large it is"
    )
    curves = {name: ([2, 3, 4], [row[2] for row in rows if row[1] == name]) for name in pairs}
    said = "local minima keep networks from learning (exclusive or, 10,000 starts each)"
    return Claim(said, columns, rows, "depends", why, curves, ("hidden units", "starts that learn, %"))


if __name__ == "__main__":
    main(measure, "xor_minima")
