"""K-FAC: Newton's method with the Gauss-Newton matrix of each dense layer as a product of two small ones."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import check_fraction, check_positive
from mlp.optimizers.least_squares import solve
from mlp.optimizers.newton import NewtonState, counted
from mlp.optimizers.optimizer import Evaluation
from mlp.optimizers.search import MOST_DAMPING, Searching, begin, is_lost, searching, trial


@dataclass
class KFACState(NewtonState):
    """`inputs`: A of each dense layer, `signals`: its G, running means of `met` steps. `damping`: λ now. `ratio`: ρ."""

    inputs: list[Array]
    signals: list[Array]
    met: int
    damping: float
    ratio: float


@dataclass(frozen=True)
class KFAC(Searching):
    """Each dense layer's gradient, divided by what is usual for its inputs and for its errors.

        A = E[x̃ x̃ᵀ],   G = E[Σ δ δᵀ]                       running means, weight `memory` on the past
        Δ = -(G + √λ/π I)⁻¹ ∂L/∂W (A + π √λ I)⁻¹,   π² = (tr A / dim A) / (tr G / dim G)
        α = -gᵀ Δ / Δᵀ(B + λ I)Δ,   u = α Δ                  B: the whole Gauss-Newton matrix, exactly
        ρ = (L(θ) - L(θ + u)) / (-½ α gᵀ Δ);   ρ < ¼: λ ← λ/ω;   ρ > ¾: λ ← ω λ,   ω = (19/20)⁵

    x̃ = [x; 1] is what goes into a layer and δ what comes back to its output from the columns of the root of the loss's
    second derivative: G is exact where the paper samples targets. λ starts as `damping`. A step that would raise the
    loss is not taken. All parameters must be those of dense layers.

    Martens & Grosse (2015), sections 4-6 (block-diagonal, without momentum; λ is adapted at every step, not every
    fifth, and rises to 1e20 at most); Botev, Ritter & Barber (2017) for the exact G. What it learned of another
    objective is forgotten: see `search`.
    """

    damping: float = 1.0
    memory: float = 0.95
    least_damping: float = 1e-8

    def __post_init__(self) -> None:
        check_positive("damping", self.damping)
        check_fraction("memory", self.memory)
        check_positive("least_damping", self.least_damping)

    def init(self, params: Array) -> KFACState:
        """No factors yet."""
        return KFACState(*searching(self, params), 0, 0, [], [], 0, self.damping, 1.0)

    def update(self, at: Evaluation, state: KFACState, out: Array) -> None:
        """α Δ."""
        objective = begin(self, at, state, "value", "gnvp", "kronecker", "shares")
        state.inner = 0
        state.gradients += 2
        state.pace.next(at.loss)
        blocks = objective.kronecker()
        self._average(blocks, objective.shares, state)
        direction = np.zeros_like(out)
        for block, a, g in zip(blocks, state.inputs, state.signals, strict=True):
            shape = (len(g), len(a))
            direction[block.part] = self._solved(at.grad[block.part].reshape(shape), a, g, state.damping).ravel()
        self._scaled(at, state, objective, direction, out)

    def _average(self, blocks: Any, shares: Any, state: KFACState) -> None:
        """A and G, with less memory while there is little to remember (section 5). Samples count their `shares`."""
        fresh = [((b.inputs * shares) @ b.inputs.T, _covariance(b.signals)) for b in blocks]
        state.met += 1
        keep = min(1 - 1 / state.met, self.memory)
        if state.met == 1:
            state.inputs, state.signals = [a for a, _ in fresh], [g for _, g in fresh]
            return
        for old_a, old_g, (a, g) in zip(state.inputs, state.signals, fresh, strict=True):
            for mine, new in ((old_a, a), (old_g, g)):
                mine *= keep
                mine += (1 - keep) * new

    def _solved(self, grad: Array, a: Array, g: Array, damping: float) -> Array:
        """-(G + √λ/π I)⁻¹ ∂L/∂W (A + π √λ I)⁻¹."""
        sizes = [max(float(np.trace(m)) / len(m), float(np.finfo(m.dtype).tiny)) for m in (a, g)]
        pi, root = (sizes[0] / sizes[1]) ** 0.5, damping**0.5
        left = _quotient(g + (root / pi) * np.eye(len(g), dtype=g.dtype), grad)
        return -_quotient(a + (pi * root) * np.eye(len(a), dtype=a.dtype), left.T).T

    def _scaled(self, at: Evaluation, state: KFACState, objective: Any, d: Array, out: Array) -> None:
        """u = α Δ, where it lowers the loss, and the next λ."""
        slope, loss = float(at.grad @ d), float(at.loss)
        state.ahead, state.resting = loss, True
        out.fill(0)
        if not slope < 0:
            return
        bend = float(d @ counted(objective.gnvp, state)(d)) + state.damping * float(d @ d)
        alpha = -slope / bend if bend > 0 else 0.0
        ahead = trial(objective, state, at.params + alpha * d)
        foretold = -0.5 * alpha * slope
        state.ratio = (loss - ahead) / foretold if foretold > 0 else -inf
        state.resting = state.ratio < 0.25 and (state.damping >= MOST_DAMPING or is_lost(at, alpha * d))
        if state.ratio < 0.25 and not state.resting:
            state.damping = min(state.damping / 0.95**5, MOST_DAMPING)
        elif state.ratio > 0.75:
            state.damping = max(state.damping * 0.95**5, self.least_damping)
        if ahead < loss:
            np.multiply(d, alpha, out=out)
            state.pace.learning_rate = alpha
            state.ahead, state.resting = ahead, False


def _quotient(matrix: Array, right: Array) -> Array:
    """matrix⁻¹ right; the shortest solution where λ is lost beside large entries, and the matrix is singular."""
    found = solve(matrix, right)
    return np.asarray(np.linalg.lstsq(matrix, right, rcond=None)[0]) if found is None else found


def _covariance(signals: Array) -> Array:
    """Σ δ δᵀ over columns and samples, (n_out, n_out)."""
    flat = signals.swapaxes(0, 1).reshape(signals.shape[1], -1)
    return np.asarray(flat @ flat.T)
