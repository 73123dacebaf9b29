"""Weights on the way: the first, and a few after, so that the landscape of a run can be drawn later.

They are kept at fixed shares of the planned steps, never by the clock, and stay small: 16 looks and 4 MB at most, and
fewer of a large network. The first weights alone may take 16 MB. Nothing else of a run depends on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import FileFormatError

LOOKS, BYTES, FIRST_BYTES = 16, 1 << 22, 1 << 24


@dataclass
class Waypoints:
    """`params` (*population, P) after so many `steps` each, in the dtype of the network."""

    steps: list[int] = field(default_factory=list)
    params: list[Array] = field(default_factory=list)

    def keep(self, steps: int, params: Array) -> None:
        """Keep a copy. Where a run went on again and again, every other one but the first goes."""
        self.steps.append(steps)
        self.params.append(params.copy())
        if len(self.steps) > 2 * LOOKS:
            self.steps, self.params = self.steps[::2], self.params[::2]

    @property
    def finite(self) -> Waypoints:
        """Those whose weights are numbers."""
        fine = [k for k, params in enumerate(self.params) if np.isfinite(params).all()]
        return Waypoints([self.steps[k] for k in fine], [self.params[k] for k in fine])

    def member(self, index: int) -> Waypoints:
        """Those of one member of a population."""
        return Waypoints(list(self.steps), [params[index] for params in self.params])

    def packed(self) -> dict[str, Array]:
        """As arrays by name."""
        if not self.steps:
            return {"steps": np.empty(0, np.int64), "params": np.empty(0)}
        return {"steps": np.array(self.steps, np.int64), "params": np.stack(self.params)}

    @classmethod
    def unpacked(cls, arrays: Any) -> Waypoints:
        """What `packed` took apart."""
        steps, params = arrays["steps"], arrays["params"]
        if steps.shape != params.shape[:1] or steps.dtype.kind != "i" or params.dtype.kind != "f":
            raise FileFormatError("steps and weights do not belong together")
        return cls(steps.tolist(), list(params))


def looks(n_steps: int, n_bytes: int) -> set[int]:
    """After how many steps weights of so many bytes are kept."""
    n = min(LOOKS, BYTES // max(n_bytes, 1))
    return set(np.linspace(0, n_steps, n + 1).astype(int).tolist()) - {0} if n else set()
