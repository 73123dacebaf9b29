"""Adam in the eigenbasis of Shampoo. Matrices are given as in `matrix`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import check_count
from mlp.optimizers.matrix import Matrices, check_matrices, eigen, places, transposed, view, whitened
from mlp.optimizers.memory import MeansState, begun, fade, fade_squares
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, check_numbers, check_params


@dataclass
class SOAPState(MeansState):
    """`m`: the mean gradient; `v`: the mean square in the bases; `grams` and `bases`: L, R and Q_L, Q_R of each matrix.

    What belongs to a side that is too long is None.
    """

    room: Array
    grams: list[tuple[Any, Any]]
    bases: list[tuple[Any, Any]]


@dataclass(frozen=True)
class SOAP(Optimizer):
    """Adam, in a basis in which the gradients of rows and of columns are uncorrelated.

        G′ = Q_Lᵀ G Q_R,  M′ = Q_Lᵀ M Q_R
        M ← β₁ M + (1 - β₁) G
        V ← β₂ V + (1 - β₂) G′²
        u = -η Q_L (M′ / (√V + ε)) Q_Rᵀ · √(1 - β₂ᵗ)/(1 - β₁ᵗ)
        L ← β₂ L + (1 - β₂) G Gᵀ        R ← β₂ R + (1 - β₂) Gᵀ G

    Q_L and Q_R are the eigenvectors of L and R: of the first gradient's, which moves nothing else (t counts from the
    second), then at every `every`-th step one power iteration and QR. A side longer than `largest` keeps the basis it
    has, and what is in no matrix takes Adam's steps.

    Vyas et al. (2024), algorithms 3 and 4, as in its code: ε before the bias correction, the first update skipped, V
    sorted with the eigenvectors but not rotated when they change.
    """

    learning_rate: Rate = 0.003
    beta1: float | Array = 0.95
    beta2: float | Array = 0.95
    epsilon: float = 1e-8
    every: int = 10
    largest: int = 1024
    matrices: Matrices = None

    def __post_init__(self) -> None:
        check_numbers(self)
        check_matrices(self.matrices)
        check_count("every", self.every)
        check_count("largest", self.largest)

    def init(self, params: Array) -> SOAPState:
        """No gradients met."""
        check_params(params)
        grams = [tuple(self._start(params, side) for side in shape) for _, shape in places(self.matrices, params)]
        return begun(SOAPState, self, params, grams=grams, bases=[(None, None)] * len(grams))

    def update(self, at: Evaluation, state: SOAPState, out: Array) -> None:
        """Adam's step in the bases, turned back; nothing at the first update."""
        m, v, room, rate, t = state.m, state.v, state.room, state.pace.next(at.loss), state.t - 1
        if t == 0:
            self._learn(at, state)
            state.bases = [(_eigenbasis(left), _eigenbasis(right)) for left, right in state.grams]
            out.fill(0)
            return
        np.copyto(out, at.grad)
        self._turn(state, out)
        fade(m, self.beta1, at.grad, room)
        fade_squares(v, self.beta2, out, room)
        np.copyto(room, m)
        self._turn(state, room)
        np.sqrt(v, out=out)
        out += self.epsilon
        np.divide(room, out, out=out)
        for place, (left, right) in zip(places(self.matrices, out), state.bases, strict=True):
            block = view(out, *place)
            block[...] = whitened(block, left, None if right is None else transposed(right))
        out *= -rate * (1 - self.beta2**t) ** 0.5 / (1 - self.beta1**t)
        self._learn(at, state)
        if t % self.every == 0:
            self._improve(state)

    def _start(self, params: Array, side: int) -> Array | None:
        """Room for L or R, if the side is not too long."""
        return np.zeros((*params.shape[:-1], side, side), params.dtype) if side <= self.largest else None

    def _turn(self, state: SOAPState, flat: Array) -> None:
        """Write Q_Lᵀ X Q_R over each matrix X of `flat`."""
        for place, (left, right) in zip(places(self.matrices, flat), state.bases, strict=True):
            block = view(flat, *place)
            block[...] = whitened(block, None if left is None else transposed(left), right)

    def _learn(self, at: Evaluation, state: SOAPState) -> None:
        """Move L and R on."""
        beta = np.asarray(self.beta2)[..., None] if np.ndim(self.beta2) else self.beta2
        for place, (left, right) in zip(places(self.matrices, at.grad), state.grams, strict=True):
            g = view(at.grad, *place)
            if left is not None:
                fade(left, beta, new := g @ transposed(g), new)
            if right is not None:
                fade(right, beta, new := transposed(g) @ g, new)

    def _improve(self, state: SOAPState) -> None:
        """One power iteration, the eigenvectors in falling order of what they stand for; V follows their order."""
        for i, place in enumerate(places(self.matrices, state.v)):
            found: list[Any] = []
            for axis, gram, basis in zip((-2, -1), state.grams[i], state.bases[i], strict=True):
                if basis is None:
                    found.append(None)
                    continue
                product = gram @ basis
                order = np.argsort(-(basis * product).sum(-2), axis=-1)
                block, across = view(state.v, *place), np.expand_dims(order, -3 - axis)
                block[...] = np.take_along_axis(block, across, axis)
                found.append(np.linalg.qr(np.take_along_axis(product, order[..., None, :], -1))[0])
            state.bases[i] = found[0], found[1]


def _eigenbasis(gram: Array | None) -> Any:
    """The eigenvectors as columns, the largest eigenvalue first."""
    return None if gram is None else eigen(gram)[1][..., ::-1].copy()
