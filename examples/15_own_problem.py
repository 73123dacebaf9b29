"""Write your own problem: a function on which optimizers are compared.

    python examples/15_own_problem.py
    mlp bench --use examples/15_own_problem.py --problems booth --optimizers sgd,adam --seeds 5

The function gets parameters (*population, n), writes the gradient into `out` and returns the values. Seeds draw where
to start. `mlp.Problem` is the whole contract, for data and networks of your own: `mlp/problems/networks.py` shows it.
"""

import numpy as np

import mlp


def booth(params: np.ndarray, out: np.ndarray) -> np.ndarray:
    """(x + 2y - 7)² + (2x + y - 5)², with its minimum 0 at (1, 3)."""
    x, y = params[..., 0], params[..., 1]
    first, second = x + 2 * y - 7, 2 * x + y - 5
    out[..., 0] = 2 * first + 4 * second
    out[..., 1] = 4 * first + 2 * second
    return first**2 + second**2


BOOTH = mlp.function_problem("booth", booth, [(-10, 10)] * 2, "a narrow bowl", "Booth")

if __name__ == "__main__":
    found = mlp.bench(["sgd", "momentum"], BOOTH, seeds=3, tuning_seeds=1, rates=3, epochs=200)
    print(found.text().split("\n\n")[0])
    for row in found.rows():
        print(row.rule, row.rate)
