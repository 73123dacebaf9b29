"""What it costs to watch a PyTorch loop: steps of 784-128-10 with and without, in turn.

    python benchmarks/watch_torch.py [--batch 32] [--rule Adam]

Needs torch. Blocks of 100 steps take turns, and the CPU time of this thread is counted, so that what else runs on the
machine counts as little as it can. The lowest tenth of the blocks is compared: what is above it is the machine.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch

import mlp


class Loop:
    """One eager loop."""

    def __init__(self, batch: int, rule: str, watched: bool) -> None:
        torch.manual_seed(0)
        self.batch, nn = batch, torch.nn
        self.X, self.y = torch.randn(60 * batch, 784), torch.randint(0, 10, (60 * batch,))
        self.model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
        self.loss, self.rule = nn.CrossEntropyLoss(), getattr(torch.optim, rule)(self.model.parameters(), lr=1e-3)
        self.watch: Any = mlp.watch_torch(self.model, self.rule, self.loss) if watched else None
        self.at = 0

    def run(self, steps: int) -> float:
        """Seconds a step."""
        begun = time.thread_time()
        for _ in range(steps):
            rows = slice(self.at * self.batch, (self.at + 1) * self.batch)
            self.rule.zero_grad()
            self.loss(self.model(self.X[rows]), self.y[rows]).backward()
            self.rule.step()
            self.at = (self.at + 1) % 60
        return (time.thread_time() - begun) / steps


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rule", default="Adam")
    parser.add_argument("--blocks", type=int, default=60)
    given = parser.parse_args()
    torch.set_num_threads(1)
    plain, watched = (Loop(given.batch, given.rule, watched) for watched in (False, True))
    plain.run(120), watched.run(120)
    times = np.array([(plain.run(100), watched.run(100)) for _ in range(given.blocks)])
    low = np.quantile(times, 0.1, axis=0) * 1e6
    print(
        f"batch {given.batch}, {given.rule}: {low[0]:.0f} µs a step, watched {low[1]:.0f}: {low[1] / low[0] - 1:+.1%}"
    )
