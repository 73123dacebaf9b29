"""Rules that see matrices: what a layer's gradient says about rows and columns, not only about single weights.

θ are the parameters, G the gradient of one matrix, u the update, η `learning_rate`. A rule knows no network:
`matrices` says where matrices lie in the flat vector and of what shape they are (network.layout.matrices; experiment
files fill it in), and None takes the whole vector for a matrix of one row. What is in no matrix is moved by an
elementwise rule that each names. A layer's bias weights are the last column of its matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlp.arrays import Array, each_norm
from mlp.errors import HyperparameterError, ShapeError, check_count
from mlp.optimizers.adam import direction
from mlp.optimizers.memory import begun, fade, shrink
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State, check_inside, check_numbers, check_params

Matrices = Sequence[tuple[slice, tuple[int, int]]] | None
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def check_matrices(given: Any) -> None:
    """Refuse what does not say where matrices are."""
    needed = "slices of the flat vector with shapes: ((slice(0, 6), (2, 3)),), or network.layout.matrices"
    try:
        if given is not None and not all(isinstance(where, slice) and len(shape) == 2 for where, shape in given):
            raise HyperparameterError("matrices", given, needed)
    except (TypeError, ValueError):
        raise HyperparameterError("matrices", given, needed) from None


def places(matrices: Matrices, params: Array) -> Sequence[tuple[slice, tuple[int, int]]]:
    """The matrices, or the one row that everything is."""
    if matrices is None:
        return ((slice(None), (1, params.shape[-1])),)
    check_inside([where for where, _ in matrices], params)
    for where, (rows, columns) in matrices:
        if len(range(*where.indices(params.shape[-1]))) != rows * columns:
            raise ShapeError(f"{where} of {params.shape[-1]} parameters is no matrix of {rows} × {columns}.")
    return matrices


def rest(matrices: Matrices, params: Array) -> Array:
    """The indices of what is in no matrix."""
    free = np.ones(params.shape[-1], bool)
    for where, _ in places(matrices, params):
        free[where] = False
    return np.flatnonzero(free)


def view(flat: Array, where: slice, shape: tuple[int, int]) -> Array:
    """The matrix (*population, rows, columns) in a flat vector. No copy."""
    return flat[..., where].reshape(*flat.shape[:-1], *shape)


def transposed(matrix: Array) -> Array:
    """Rows as columns."""
    return matrix.swapaxes(-1, -2)


def orthogonal(matrix: Array) -> Array:
    """About U Vᵀ, where `matrix` is U S Vᵀ: five Newton-Schulz steps X ← a X + (b A + c A²) X with A = X Xᵀ.

    The singular values come out between 0.7 and 1.2, which is near enough to 1 and soon there.
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = transposed(matrix) if tall else matrix
    size = each_norm(x.reshape(*x.shape[:-2], -1))[..., None]
    x = x / np.maximum(size, 1e-7)
    for _ in range(5):
        gram = x @ transposed(x)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return transposed(x) if tall else x


@dataclass
class MuonState(State):
    """`m`: the mean of the gradients met; `others`, `means`: which parameters are in no matrix, and Adam's for them."""

    m: Array
    room: Array
    others: Array = field(default_factory=lambda: np.empty(0, int))
    means: tuple[Array, Array] = field(default_factory=lambda: (np.empty(0), np.empty(0)))


@dataclass(frozen=True)
class Muon(Optimizer):
    """Momentum, orthogonalized: a step that moves all directions of a matrix by the same length.

        M ← μ M + (1 - μ) G
        u = -η (0.2 √max(rows, columns) · O((1 - μ) G + μ M) + λ θ)     O(U S Vᵀ) = U Vᵀ, nearly

    μ is `momentum`, λ is `weight_decay`. What is in no matrix takes AdamW's steps with the same η. The factor gives
    both steps about the same size for each weight.

    Jordan et al. (2024), with its five Newton-Schulz steps; factor by Liu et al. (2025), eq. 4, where Jordan has
    √max(1, rows/columns); PyTorch has both. Computed in the parameters' dtype, not in bfloat16. All matrices are
    orthogonalized, the first and the last layer's too, and with them the weights of the bias node.
    """

    learning_rate: Rate = 0.001
    momentum: float | Array = 0.95
    beta1: float | Array = 0.9
    beta2: float | Array = 0.999
    epsilon: float = 1e-8
    weight_decay: float | Array = 0.0
    matrices: Matrices = None

    def __post_init__(self) -> None:
        check_numbers(self)
        check_matrices(self.matrices)

    def init(self, params: Array) -> MuonState:
        """No gradients met."""
        check_params(params)
        others = rest(self.matrices, params)
        means = np.zeros_like(params[..., others]), np.zeros_like(params[..., others])
        return begun(MuonState, self, params, others=others, means=means)

    def update(self, at: Evaluation, state: MuonState, out: Array) -> None:
        """Matrix by matrix, then the others."""
        rate, room = state.pace.next(at.loss), state.room
        fade(state.m, self.momentum, at.grad, room)
        np.copyto(room, at.grad)
        fade(room, 1 - self.momentum, state.m, out)
        for where, shape in places(self.matrices, at.params):
            view(out, where, shape)[...] = 0.2 * max(shape) ** 0.5 * orthogonal(view(room, where, shape))
        if state.others.size:
            found = np.empty_like(state.means[0])
            numbers = self.beta1, self.beta2, self.epsilon
            direction(*state.means, at.grad[..., state.others], numbers, state.t, found)
            out[..., state.others] = found
        out *= -rate
        shrink(out, rate * self.weight_decay, at.params, room)


@dataclass
class ShampooState(State):
    """`left`, `right`: Σ G Gᵀ and Σ Gᵀ G of each matrix, `roots`: their inverse roots; `s`: Σ g² of the others."""

    s: Array
    left: list[Array]
    right: list[Array]
    roots: list[tuple[Any, Any]]
    others: Array


@dataclass(frozen=True)
class Shampoo(Optimizer):
    """Adagrad for matrices: the gradient whitened along its rows and along its columns.

        L ← L + G Gᵀ                    from L = ε I
        R ← R + Gᵀ G                    from R = ε I
        u = -η L^(-¼) G R^(-¼)

    After the first `every` updates the roots are renewed at every `every`-th only: the first ones change too fast. A
    side longer than `largest` is left as it is, and the root of the other is L^(-½) then. What is in no matrix takes
    Adagrad's steps, with ε inside its root.

    Gupta, Koren & Singer (2018), algorithm 1, with roots delayed as in its experiments.
    """

    learning_rate: Rate = 0.1
    epsilon: float = 1e-4
    every: int = 10
    largest: int = 1024
    matrices: Matrices = None

    def __post_init__(self) -> None:
        check_numbers(self)
        check_matrices(self.matrices)
        check_count("every", self.every)
        check_count("largest", self.largest)

    def init(self, params: Array) -> ShampooState:
        """No gradients met."""
        check_params(params)
        found = places(self.matrices, params)
        left = [self._start(params, rows) for _, (rows, _) in found]
        right = [self._start(params, columns) for _, (_, columns) in found]
        s, others = np.zeros_like(params), rest(self.matrices, params)
        s += self.epsilon
        return begun(ShampooState, self, params, s=s, left=left, right=right, roots=[(None, None)] * len(left),
                     others=others)  # fmt: skip

    def update(self, at: Evaluation, state: ShampooState, out: Array) -> None:
        """Matrix by matrix, then the others."""
        rate, s = state.pace.next(at.loss), state.s
        if state.others.size:
            np.multiply(at.grad, at.grad, out=out)
            s += out
            np.sqrt(s, out=out)
            np.divide(at.grad, out, out=out)
        for i, place in enumerate(places(self.matrices, at.params)):
            g, left, right = view(at.grad, *place), state.left[i], state.right[i]
            if left.size:
                left += g @ transposed(g)
            if right.size:
                right += transposed(g) @ g
            if state.t <= self.every or state.t % self.every == 0:
                state.roots[i] = self._roots(left, right)
            view(out, *place)[...] = whitened(g, *state.roots[i])
        out *= -rate

    def _start(self, params: Array, side: int) -> Array:
        """ε I, or nothing for a side that is too long."""
        side = side if side <= self.largest else 0
        found = np.zeros((*params.shape[:-1], side, side), params.dtype)
        found += np.asarray(self.epsilon)[..., None] * np.eye(side, dtype=params.dtype)
        return found

    def _roots(self, left: Array, right: Array) -> tuple[Any, Any]:
        """L^(-¼) and R^(-¼); L^(-½) alone."""
        power = -1 / (2 * max(1, bool(left.size) + bool(right.size)))
        found = (rooted(side, power, self.epsilon) if side.size else None for side in (left, right))
        return tuple(found)  # type: ignore[return-value]


def eigen(matrix: Array) -> tuple[Array, Array]:
    """Eigenvalues and eigenvectors of symmetric matrices (*population, n, n); NaN for a matrix that holds what is none.

    LAPACK refuses such a matrix, and its whole population with it: a run that diverges would end in an error.
    """
    broken = ~np.asarray(np.isfinite(matrix).all((-1, -2), keepdims=True))
    values, vectors = np.linalg.eigh(np.where(broken, 0, matrix))
    return np.where(broken[..., 0], np.nan, values), np.where(broken, np.nan, vectors)


def rooted(matrix: Array, power: float, least: Any) -> Array:
    """A power of a symmetric matrix whose eigenvalues are at least `least`; what rounding has put below counts as that.

    In float32 an eigenvalue of 1e-4 beside one of 60 comes out negative, and its root was as large as 1e-38 has one.
    """
    values, vectors = eigen(matrix)
    powers = np.maximum(values, np.maximum(least, np.finfo(matrix.dtype).tiny)) ** power
    return np.asarray((vectors * powers[..., None, :]) @ transposed(vectors))


def whitened(g: Array, left: Array | None, right: Array | None) -> Array:
    """left · g · right, without those that are None."""
    found = g if left is None else left @ g
    return found if right is None else found @ right
