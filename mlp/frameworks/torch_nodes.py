"""What the nodes of a PyTorch model say at the steps that are looked at: signals forward and backward, stuck units.

A look hangs hooks on the parts of the model for one step and takes them off again, so that steps between looks cost
nothing. The hooks read and return nothing: autograd computes the same numbers with and without them. What stands
between two parts and is no module (`torch.relu(x)`) is read from the graph of autograd.
"""

from __future__ import annotations

from itertools import pairwise
from math import inf, isnan, nan, sqrt
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.frameworks.torch_hooks import Hook
from mlp.frameworks.torch_modules import (
    DENSE,
    HALVING,
    OUTPUT_RANGE,
    RECTIFIERS,
    SATURATION,
    Part,
    as_numbers,
    find_activation,
    read_weights,
)
from mlp.history import History
from mlp.instruments.epochs import STUCK
from mlp.instruments.start import gain_of_weights


class Passage:
    """One part, or an activation between two parts, at one step: its output, and the signals that reached it."""

    def __init__(self, name: str, kind: str, module: Any, x: Any, y: Any) -> None:
        self.name, self.kind, self.module, self.x, self.y = name, kind, module, x, y
        self.is_dense = module is not None and type(module).__name__ in DENSE
        self.output: Array = np.empty(0)
        self.given: dict[str, float] = {}
        self.signals: Array | None = None


class Look:
    """The passages of one step through a model, in the order in which the parts were called."""

    def __init__(self, parts: list[Part]) -> None:
        self.passages: list[Passage] = []
        self.hooks = [part.module.register_forward_hook(Hook(self._see, part)) for part in parts]

    def _see(self, part: Part, _: Any, given: Any, y: Any) -> None:
        """Note what went into a part and came out of it. Passes without a gradient are none of training."""
        x = given[0] if given else None
        if not getattr(y, "requires_grad", False) or getattr(x, "dim", None) is None:
            return
        between = find_activation(x)
        last = self.passages[-1] if self.passages else None
        if between and (last is None or last.y is not x):
            self._add(Passage(f"{between} before {part.name}", between, None, None if last is None else last.y, x))
        inside = find_activation(y) if part.kind == "Dense" else ""  # Keras' layers have their activation inside
        self._add(Passage(part.name, inside or part.kind, part.module, x, y))

    def _add(self, passage: Passage) -> None:
        if passage.kind in RECTIFIERS or passage.kind in SATURATION or passage.kind in DENSE:
            passage.output = as_numbers(passage.y)
        for place, tensor in (("x", passage.x), ("y", passage.y)):
            if tensor is not None and tensor.requires_grad and (place == "y" or passage.x is not passage.y):
                tensor.register_hook(lambda d, place=place: self._hear(passage, place, d))
        self.passages.append(passage)

    def _hear(self, passage: Passage, place: str, d: Any) -> None:
        """Note the size of the signal that reached one side of a passage on the way back."""
        numbers = as_numbers(d)
        with np.errstate(all="ignore"):
            if place == "y" and passage.kind in DENSE and numbers.ndim == 2:
                passage.signals = np.square(numbers, dtype=np.float64).sum(1)
                passage.given[place] = sqrt(passage.signals.sum())
            else:
                passage.given[place] = sqrt(np.square(numbers, dtype=np.float64).sum())

    def close(self) -> None:
        """Take the hooks off, and let the tensors go."""
        for hook in self.hooks:
            hook.remove()
        self.hooks = []

    def forget(self) -> None:
        """Nothing was seen; the hooks stay."""
        self.passages = []

    @property
    def dense(self) -> list[Passage]:
        """The dense layers."""
        return [p for p in self.passages if p.is_dense]

    def following(self, passage: Passage) -> str:
        """The kind of the activation inside of a dense layer or after it; "" where there is none."""
        if passage.kind not in DENSE:
            return passage.kind
        after = self.passages[self.passages.index(passage) + 1 :]
        for p in after:
            if p.is_dense:
                return ""
            if p.kind in OUTPUT_RANGE or p.kind in HALVING:
                return p.kind
        return find_activation(passage.y)


@np.errstate(all="ignore")
def record_look(history: History, look: Look, step: int, grads: float) -> None:
    """Write what one step showed: gains backward, activations, and the noise of the gradient.

    `grads`: ‖∂L/∂θ‖² over the dense layers; NaN where gradients of several batches were added up.
    """
    gains = [(p.name, p.given["x"] / p.given["y"]) for p in look.passages if p.given.get("y") and "x" in p.given]
    note_by_label(history, "backward_gain", dict(gains), step)
    values = {p.name: p.output for p in look.passages if p.output.size}
    note_by_label(history, "activation_mean", {name: float(v.mean()) for name, v in values.items()}, step)
    note_by_label(history, "activation_std", {name: float(v.std()) for name, v in values.items()}, step)
    if (noise := _noise_ratio(look, grads)) is not None:
        history.append("noise_ratio", noise, step)


def _noise_ratio(look: Look, grads: float) -> float | None:
    """The error of the batch's gradient relative to it: `mlp.instruments.samples.noise_ratio`."""
    if isnan(grads) or not look.dense or any(p.signals is None for p in look.dense):
        return None
    spread, n = 0.0, 1
    for p in look.dense:
        x = as_numbers(p.x)
        assert p.signals is not None
        if x.ndim != 2 or len(x) != len(p.signals):
            return None
        n, bias = len(x), 0.0 if read_weights(p.module)[1] is None else 1.0
        spread += float((np.square(x, dtype=np.float64).sum(1) + bias) @ p.signals)
    if n == 1:
        return nan
    left = max(n * spread - grads, 0.0)
    return sqrt(left / ((n - 1) * grads)) if grads > 0 else (inf if left > 0 else 0.0)


def note_by_label(history: History, name: str, numbers: dict[str, float], step: int) -> None:
    """Record one number for each label, if they are those of the column."""
    labels = tuple(numbers)
    if labels and (name not in history or history.labels(name) == labels):
        column = history.column(name, (len(labels),), "", labels)
        column.steps.append(step)
        column.values.extend(map(float, numbers.values()))


class Units:
    """Which units no row of some steps switched on, and how often others were where they are flat."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.silent: dict[str, Array] = {}
        self.flat: dict[str, Array] = {}
        self.rows = 0

    def look(self, look: Look) -> None:
        """Strike out the units that this step switches on; count the rows that drive one out of its range."""
        counted = 0
        for p in look.passages:
            if not p.output.size or p.kind in DENSE:
                continue
            y = p.output.reshape(-1, p.output.shape[-1]) if p.output.ndim > 1 else p.output[:, None]
            if p.kind in RECTIFIERS:
                off = y.max(0) <= 0
                self.silent[p.name] = self.silent.get(p.name, off) & off
            elif p.kind in SATURATION:
                low, high = SATURATION[p.kind]
                out = ((y <= low) | (y >= high)).sum(0)
                self.flat[p.name] = self.flat.get(p.name, 0) + out
            counted = len(y)
        self.rows += counted

    @property
    def is_settled(self) -> bool:
        """Whether no unit is left that may be dead."""
        return bool(self.rows) and not any(units.any() for units in self.silent.values())

    def note_shares(self, history: History, step: int) -> None:
        """Write the shares of silent and of saturated units."""
        note_by_label(history, "silent_units", {name: float(off.mean()) for name, off in self.silent.items()}, step)
        if self.rows:
            stuck = {name: float((n >= STUCK * self.rows).mean()) for name, n in self.flat.items()}
            note_by_label(history, "saturated_units", stuck, step)
            note_by_label(
                history, "saturated_share", {k: float(n.mean() / self.rows) for k, n in self.flat.items()}, step
            )


def record_start(history: History, look: Look) -> None:
    """Note the first weights of the dense layers and what the first batch showed, before anything moved."""
    layers = {p.name: p for p in look.dense if read_weights(p.module)[0].size > 1}
    weights = {name: read_weights(p.module)[0] for name, p in layers.items()}
    found = {name: read_weights(p.module)[1] for name, p in layers.items()}
    biases = {name: bias for name, bias in found.items() if bias is not None}
    gains = {}
    for name, p in layers.items():
        gains[name] = gain_of_weights(weights[name], 2 if look.following(p) in HALVING else 1)
    note_by_label(history, "weight_std", {name: w.std() for name, w in weights.items()}, 0)
    note_by_label(history, "weight_gain", gains, 0)
    note_by_label(history, "bias_mean", {name: b.mean() for name, b in biases.items()}, 0)
    note_by_label(history, "identical_units", _identical_units(weights, biases), 0)
    units = Units(0)
    units.look(look)
    if units.rows >= 50:  # of fewer rows a healthy unit may be off for all
        note_by_label(
            history, "initial_dead_fraction", {name: float(off.mean()) for name, off in units.silent.items()}, 0
        )
    flat = {name: float(n.mean() / units.rows) for name, n in units.flat.items()}
    note_by_label(history, "initial_saturated_fraction", flat, 0)


def _identical_units(weights: dict[str, Array], biases: dict[str, Array]) -> dict[str, float]:
    """The share of a hidden layer's units that are fed and read like another one, to the last bit."""
    names, found = list(weights), {}
    for name, following in pairwise(names):
        w, after = weights[name], weights[following].T
        own = [w, *([biases[name][:, None]] if name in biases else []), *([after] if len(after) == len(w) else [])]
        _, group, count = np.unique(np.hstack(own), axis=0, return_inverse=True, return_counts=True)
        found[name] = float((count[group.ravel()] > 1).mean())
    return found
