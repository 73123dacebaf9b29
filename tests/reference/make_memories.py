"""Make memories.npz: what the rules of version 0.1.0 remembered after 5 steps, and where they went from there.

    git worktree add /tmp/old 31cd0c9
    PYTHONPATH=/tmp/old python tests/reference/make_memories.py

Later versions rename fields and add others; they must go on from these memories.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

import mlp
from mlp.optimizers import OPTIMIZERS

RULES: dict[str, Any] = {name: kind() for name, kind in OPTIMIZERS.items()} | {
    "lookahead": mlp.Lookahead(mlp.Adam(0.01), 3),
    "moving_average": mlp.MovingAverage(mlp.Momentum(0.01), 0.9),
    "clip_norm": mlp.ClipNorm(mlp.Lion(0.01), 1.0),
    "plateau": mlp.Adam(mlp.ReduceOnPlateau(0.01, window=2, patience=1)),
}


def network() -> tuple[mlp.Network, mlp.Batch]:
    """A small network, and all of its data."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((8, 2))
    return mlp.Network([mlp.Dense(2, 3), mlp.Tanh(), mlp.Dense(3, 1)], rng=1), mlp.as_batch(X, np.sin(X[:, :1]))


def main() -> None:
    from mlp.experiment.snapshot import Snapshot  # where version 0.1 has it

    found: dict[str, Any] = {}
    for name, rule in RULES.items():
        net, batch = network()
        for step in mlp.train(net, [batch] * 5, mlp.SquaredError(), rule):
            state = step.state
        snapshot = Snapshot()
        found[f"{name}/saved"] = json.dumps(snapshot.taken(state, "state"))
        found |= {f"{name}/arrays/{key}": array.copy() for key, array in snapshot.arrays.items()}
        found[f"{name}/there"] = net.params.copy()
        for _ in mlp.train(net, [batch] * 5, mlp.SquaredError(), rule, state=state):
            pass
        found[f"{name}/further"] = net.params.copy()
    np.savez_compressed(Path(__file__).with_name("memories.npz"), **found)


if __name__ == "__main__":
    main()
