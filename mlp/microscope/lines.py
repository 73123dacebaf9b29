"""The equations of one step with its numbers put in, each compared with the number that was recorded.

    node      z = Σ w·x,  a = φ(z),  ∂L/∂a = Σ w·δ of the next layer,  δ = ∂L/∂a · φ′(z)
    weight    ∂L/∂w = Σ δ·x over the samples,  Δw by the rule,  w + Δw

What is computed here is computed from the definitions, number by number; a line adds up where it differs from what
training recorded by no more than rounding, a few ε·Σ|terms|. The page says the same in `formulas.js`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import copysign, isfinite

import numpy as np

from mlp.microscope.activation_formulas import ACTIVATION_FORMULAS
from mlp.microscope.loss_formulas import loss_formula
from mlp.microscope.numbers import Numbers
from mlp.microscope.rule_formulas import RULE_FORMULAS, Moment, recorded_memory

EPSILON = float(np.finfo(np.float64).eps)
ROUNDINGS = 8
"""What one product, one sum and one elementary function may be off, in ε; a sum of n terms has n more."""

Part = str | float


@dataclass(frozen=True)
class Line:
    """One equation: `name` = `words` = `parts` = `value`.

    `parts`: text and numbers, as they stand beside each other. `value` is what was recorded; `computed` what the
    equation gives, None where there is nothing to compare. `scale`: Σ|terms|. `sample`: whose number it is; None: all.
    """

    place: str
    name: str
    words: str
    parts: tuple[Part, ...]
    value: float
    computed: float | None = None
    scale: float = 0.0
    n_terms: int = 1
    sample: int | None = None

    @property
    def tolerance(self) -> float:
        """How far rounding alone can take the two apart: (8 + n) ε Σ|terms|."""
        return (ROUNDINGS + self.n_terms) * EPSILON * self.scale

    @property
    def adds_up(self) -> bool:
        """Whether what was recorded is what the equation gives."""
        if self.computed is None or self.computed == self.value:
            return True
        if not isfinite(self.computed) or not isfinite(self.value):  # ∞ - ∞ is no number either way
            return not isfinite(self.computed) and not isfinite(self.value)
        return abs(self.computed - self.value) <= self.tolerance


def step_lines(numbers: Numbers, samples: Sequence[int] | None = None) -> Iterator[Line]:
    """Every line of a step: all nodes forward, all nodes backward, all weights; for these `samples`, or for all."""
    chosen = range(numbers.n_samples) if samples is None else samples
    graph = numbers.graph
    for s in chosen:
        for c in range(1, graph.last + 1):
            for j in range(graph.columns[c].n):
                yield from forward_lines(numbers, c, j, s)
    for s in chosen:
        for c in range(graph.last, 0, -1):
            for j in range(graph.columns[c].n):
                yield from backward_lines(numbers, c, j, s)
    for c in range(1, graph.last + 1):
        for j in range(graph.columns[c].n):
            for i in range(graph.columns[c - 1].n + 1):
                yield from weight_lines(numbers, c, j, i)


def forward_lines(numbers: Numbers, c: int, j: int, s: int) -> Iterator[Line]:
    """z and a of a node for one sample."""
    graph, params = numbers.graph, numbers.params
    name = graph.name(c, j)
    places = [graph.weight(c, j, i) for i in range(graph.columns[c - 1].n + 1)]
    pairs = [(float(params[k]), numbers.x(c - 1, i, s)) for i, k in enumerate(places)]
    scale = sum(numbers.size(k) * abs(x) for k, (_, x) in zip(places, pairs, strict=True))
    z = numbers.z(c, j, s)
    yield _sum_line(name, "z", "Σ w·x", pairs, z, scale, s)
    layer = graph.activation(c)
    if layer is not None:
        formula, a = ACTIVATION_FORMULAS[type(layer)], numbers.x(c, j, s)
        size = max(1.0, abs(a))
        yield Line(
            name, "a", f"{formula.symbol}(z)", (f"{formula.symbol}(", z, ")"), a, formula.value(z, layer), size, 1, s
        )


def backward_lines(numbers: Numbers, c: int, j: int, s: int) -> Iterator[Line]:
    """∂L/∂a and δ of a node for one sample."""
    graph, params = numbers.graph, numbers.params
    name, d_a, layer = graph.name(c, j), numbers.d_a(c, j, s), graph.activation(c)
    if c == graph.last:
        yield _loss_line(numbers, j, s)
    else:
        n = graph.columns[c + 1].n
        places = [graph.weight(c + 1, k, j) for k in range(n)]
        pairs = [(float(params[p]), numbers.delta(c + 1, k, s)) for k, p in enumerate(places)]
        scale = sum(numbers.size(p) * abs(delta) for p, (_, delta) in zip(places, pairs, strict=True))
        what = "∂L/∂a" if layer else "δ"
        yield _sum_line(name, what, "Σ w·δ of the next layer", pairs, d_a, scale, s)
    if layer is not None:
        formula = ACTIVATION_FORMULAS[type(layer)]
        slope = formula.slope(numbers.z(c, j, s), numbers.x(c, j, s), layer)
        size = abs(d_a) * max(1.0, abs(slope))
        words = f"∂L/∂a · {formula.symbol}′(z),  {formula.symbol}′ = {formula.slope_words}"
        yield Line(name, "δ", words, (d_a, "·", slope), numbers.delta(c, j, s), d_a * slope, size, 1, s)


def _loss_line(numbers: Numbers, j: int, s: int) -> Line:
    """∂L/∂(output): the slope of the loss, times what the sample counts in the mean."""
    graph, formula = numbers.graph, loss_formula(numbers.loss)
    c = graph.last
    outputs = np.array([numbers.x(c, k, s) for k in range(graph.columns[c].n)])
    target, share = numbers.target[:, s], float(numbers.shares[s])
    slope = float(formula.slope(outputs, target, j, numbers.loss))
    scale = share * (abs(outputs[j]) + abs(float(target[j])) + 1)
    parts = ("with o = ", float(outputs[j]), ", t = ", float(target[j]), ": ", slope, "·", share)
    words = f"({formula.slope_words}) / N"
    what = "∂L/∂a" if graph.activation(c) else "δ"
    return Line(graph.name(c, j), what, words, parts, numbers.d_a(c, j, s), slope * share, scale, 2, s)


def weight_lines(numbers: Numbers, c: int, j: int, i: int) -> Iterator[Line]:
    """∂L/∂w of a weight over all samples, its update by the rule, and the weight after it."""
    graph = numbers.graph
    k, name = graph.weight(c, j, i), f"{graph.name(c - 1, i)} → {graph.name(c, j)}"
    w, update = float(numbers.params[k]), float(numbers.update[k])
    yield _gradient_line(numbers, c, j, i, name)
    yield from _rule_lines(numbers, k, name)
    yield Line(name, "w + Δw", "the weight after this step", (w, " + ", update), w + update)


def _gradient_line(numbers: Numbers, c: int, j: int, i: int, name: str) -> Line:
    """Σ δ·x over the samples, and what a weight penalty adds; bias weights have none."""
    graph = numbers.graph
    dense, k = graph.dense(c), graph.weight(c, j, i)
    pairs = [(numbers.delta(c, j, s), numbers.x(c - 1, i, s)) for s in range(numbers.n_samples)]
    words, w = f"Σ δ·x over {numbers.n_samples} samples", float(numbers.params[k])
    if dense.l2 and i < graph.columns[c - 1].n:
        pairs, words = [*pairs, (dense.l2, w)], f"{words} + l2·w"
    if dense.l1 and i < graph.columns[c - 1].n:
        pairs, words = [*pairs, (dense.l1, copysign(1.0, w) if w else 0.0)], f"{words} + l1·sign w"
    scale = sum(abs(a * b) for a, b in pairs)
    return _sum_line(name, "∂L/∂w", words, pairs, float(numbers.grad[k]), scale, None)


def _rule_lines(numbers: Numbers, k: int, name: str) -> Iterator[Line]:
    """The equations of the rule for one weight; the bare update where it has none, or its memory is not known."""
    update, rule = float(numbers.update[k]), numbers.rule
    formula = RULE_FORMULAS.get(type(rule))
    if rule is None or formula is None or set(formula.memory) != set(numbers.before):
        yield Line(name, "Δw", "what the optimizer wrote; no formula of it here", (), update)
        return
    before = {key: float(values[k]) for key, values in numbers.before.items()}
    after = {key: float(values[k]) for key, values in numbers.after.items()}
    moment = Moment(float(numbers.grad[k]), numbers.rate, numbers.t, before, after)
    for what, words, computed, scale in formula.equations(rule, moment):
        value = update if what == "Δw" else computed
        if what in after:
            value = recorded_memory(rule, what, after[what])
        yield Line(name, what, words, (), value, computed, scale, 8)


def _sum_line(
    place: str,
    name: str,
    words: str,
    pairs: Sequence[tuple[float, float]],
    value: float,
    scale: float,
    sample: int | None,
) -> Line:
    """A sum of products."""
    parts: list[Part] = []
    for a, b in pairs:
        parts += [" + "] * bool(parts) + [a, "·", b]
    computed = sum(a * b for a, b in pairs)
    return Line(place, name, words, tuple(parts), value, computed, scale, len(pairs), sample)
