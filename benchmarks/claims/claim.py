"""What every program of a claim shares: a table, a picture where there is matplotlib, and a verdict."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import numpy as np

import mlp


@dataclass(frozen=True)
class Claim:
    """What is `said`, what was measured, and the verdict: holds, does not hold, or depends. `why`: a sentence.

    `curves`: {name: (x, y)} for the picture, bars where x are names; `axes`: its labels; `log`: which are logarithmic,
    "", "y" or "xy".
    """

    said: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    verdict: str
    why: str
    curves: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    axes: tuple[str, str] = ("", "")
    log: str = ""

    def __str__(self) -> str:
        cells = [list(map(str, self.columns)), *([show(cell) for cell in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in cells]
        return "\n".join([f"Claim: {self.said}", "", *lines, "", f"{self.verdict}, here: {self.why}"])


def show(cell: Any) -> str:
    """A number in three digits, a share in per cent where it is given as text."""
    return f"{cell:.3g}" if isinstance(cell, float | np.floating) else str(cell)


def main(measure: Callable[[], Claim], name: str) -> None:
    """Measure one claim; print it, and draw it into FOLDER."""
    parser = argparse.ArgumentParser(description=measure.__doc__)
    parser.add_argument("-o", "--out", metavar="FOLDER", type=Path, help="where the picture goes")
    given = parser.parse_args()
    found = measure()
    print(f"{found}\n{time.process_time():.1f} CPU seconds")
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
        try:
            draw(found, given.out / f"{name}.png")
        except ImportError:
            print("no picture: it needs matplotlib, pip install 'mlp[plot]'")


def draw(found: Claim, path: Path) -> None:
    """The curves of a claim as a picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel=found.axes[0], ylabel=found.axes[1])
    for k, (name, (x, y)) in enumerate(found.curves.items()):
        if isinstance(x[0], str):
            width = 0.8 / len(found.curves)
            axes.bar(np.arange(len(x)) + k * width, y, width, label=name)
            axes.set_xticks(np.arange(len(x)) + 0.4 - width / 2, x, fontsize="small")
        else:
            axes.plot(x, y, "o-" if len(x) < 40 else "-", markersize=3, label=name)
    axes.set(**{f"{axis}scale": "log" for axis in found.log})
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.suptitle(found.said, fontsize="small", wrap=True)
    figure.savefig(path, dpi=120)
    print(path)


# what several claims train

XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
TRUE = np.array([[0], [1], [1], [0.0]])
LEARNED = 1e-2
"""A loss below this is that of the global minimum, which is 0: the next levels begin at 0.06 and 0.17."""


def starts(sizes: Sequence[int], n: int, activation: type[mlp.Layer] = mlp.Tanh, seed: int = 0) -> mlp.Network:
    """A population of `n` networks with the usual first weights, in float64."""
    layers: list[mlp.Layer] = []
    for k in range(len(sizes) - 1):
        layers += [mlp.Dense(sizes[k], sizes[k + 1]), activation()]
    return mlp.Network(layers[:-1], rng=seed, population=(n,), dtype=np.float64)


def train_on(
    network: mlp.Network, X: Any, t: Any, loss: mlp.Loss, rule: mlp.Optimizer, steps: int, state: Any = None
) -> np.ndarray:
    """Train on all rows; the loss of each member at the end, of the best of its last ten steps."""
    latest: list[np.ndarray] = []
    with np.errstate(all="ignore"):
        for step in mlp.train(network, mlp.batches(X, t, size=len(X), rng=None, epochs=steps), loss, rule, state=state):
            latest = [*latest[-9:], np.asarray(step.loss)]
    return np.nan_to_num(np.min(latest, axis=0), nan=np.inf)


def moons(n: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two classes that are intertwined, standardised."""
    rng = np.random.default_rng(seed)
    angle, y = np.pi * rng.random(n), rng.integers(0, 2, n)
    X = np.stack([np.cos(angle) + y, np.sin(angle) * (1 - 2 * y) + 0.3 * y], 1) + 0.15 * rng.standard_normal((n, 2))
    return (X - X.mean(0)) / X.std(0), y


def layered(sizes: Sequence[int], activation: type[mlp.Layer] = mlp.Tanh, seed: int = 0) -> mlp.Network:
    """One network in float64."""
    many = starts(sizes, 1, activation, seed)
    return many.member(0)
