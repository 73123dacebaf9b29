"""Rules that see matrices: what a layer's gradient says about rows and columns, not only about single weights.

θ are the parameters, G the gradient of one matrix, u the update, η `learning_rate`. A rule knows no network: `matrices`
says where matrices lie in the flat vector and of what shape they are (network.layout.matrices; experiment files fill it
in), and None takes the whole vector for a matrix of one row. An elementwise rule, which each class names, moves the
parameters outside all matrices. A layer's bias weights are the last column of its matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import numpy as np

from mlp.arrays import Array, each_norm
from mlp.errors import HyperparameterError, ShapeError
from mlp.hyperparameters import Count, EachFraction, EachNotNegative, EachPositive
from mlp.optimizers.adam import write_direction
from mlp.optimizers.moving_averages import MeanState, ScratchState, decay_weights, update_mean, update_mean_square
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State, check_inside

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def check_matrices(name: str, given: Any) -> None:
    """Refuse what does not say where matrices are."""
    needed = "slices of the flat vector with shapes: ((slice(0, 6), (2, 3)),), or network.layout.matrices"
    try:
        if given is not None and not all(isinstance(where, slice) and len(shape) == 2 for where, shape in given):
            raise HyperparameterError(name, given, needed)
    except (TypeError, ValueError):
        raise HyperparameterError(name, given, needed) from None


Matrices: TypeAlias = Annotated[Sequence[tuple[slice, tuple[int, int]]] | None, check_matrices]


def transpose(matrix: Array) -> Array:
    """Rows as columns."""
    return matrix.swapaxes(-1, -2)


def orthogonalize(matrix: Array) -> Array:
    """About U Vᵀ, where `matrix` is U S Vᵀ: five Newton-Schulz steps X ← a X + (b A + c A²) X with A = X Xᵀ.

    The singular values come out between 0.7 and 1.2, which is near enough to 1 and takes few steps.
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = transpose(matrix) if tall else matrix
    size = each_norm(x.reshape(*x.shape[:-2], -1))[..., None]
    x = x / np.maximum(size, 1e-7)
    for _ in range(5):
        gram = x @ transpose(x)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return transpose(x) if tall else x


class Matrixwise(Optimizer):
    """A rule that is told where matrices are."""

    matrices: Matrices

    def places(self, size: int) -> Sequence[tuple[slice, tuple[int, int]]]:
        """Where the matrices lie among `size` parameters: where they were said to be, or the one row of everything."""
        return ((slice(None), (1, size)),) if self.matrices is None else self.matrices

    def split(self, flat: Array) -> Iterator[Array]:
        """Each matrix (*population, rows, columns) in a flat vector. No copy."""
        for where, shape in self.places(flat.shape[-1]):
            yield flat[..., where].reshape(*flat.shape[:-1], *shape)

    def find_others(self, params: Array) -> Array:
        """The indices of what is in no matrix; refuses matrices that do not fit `params`."""
        free, size = np.ones(params.shape[-1], bool), params.shape[-1]
        check_inside([where for where, _ in self.matrices or ()], params)
        for where, (rows, columns) in self.places(size):
            if len(range(*where.indices(size))) != rows * columns:
                raise ShapeError(f"{where} of {size} parameters is no matrix of {rows} × {columns}.")
            free[where] = False
        return np.flatnonzero(free)


@dataclass(kw_only=True)
class MuonState(MeanState):
    """`m`: the mean of the gradients met; `others`, `means`: which parameters are in no matrix, and Adam's for them."""

    scratch: Array
    others: Array
    means: tuple[Array, Array]


@dataclass(frozen=True)
class Muon(Matrixwise):
    """Momentum, orthogonalized: a step that moves all directions of a matrix by the same length.

        M ← μ M + (1 - μ) G
        u = -η (0.2 √max(rows, columns) · O((1 - μ) G + μ M) + λ θ)     O(U S Vᵀ) = U Vᵀ, nearly

    μ is `momentum`, λ is `weight_decay`. What is in no matrix takes AdamW's steps with the same η. The factor gives
    both steps about the same size for each weight.

    Jordan et al. (2024), with its five Newton-Schulz steps; factor by Liu et al. (2025), eq. 4, where Jordan has
    √max(1, rows/columns); PyTorch has both. Computed in the parameters' dtype, not in bfloat16. All matrices are
    orthogonalized, the first and the last layer's too, and with them the weights of the bias node.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(Muon(0.1), [8.0, 4.0], 2).round(3)
    array([[7.982, 3.991],
           [7.965, 3.982]])
    """

    name, usual_rate, keeps = "muon", 0.005, MuonState

    learning_rate: Rate = 0.001
    momentum: EachFraction = 0.95
    beta1: EachFraction = 0.9
    beta2: EachFraction = 0.999
    epsilon: EachPositive = 1e-8
    weight_decay: EachNotNegative = 0.0
    matrices: Matrices = None

    def begin(self, params: Array) -> dict[str, Any]:
        """No gradients met."""
        others = self.find_others(params)
        return {"others": others, "means": (np.zeros_like(params[..., others]), np.zeros_like(params[..., others]))}

    def update(self, at: Evaluation, state: MuonState, out: Array) -> None:
        """Matrix by matrix, then the others."""
        rate, scratch = state.pace.next(at.loss), state.scratch
        update_mean(state.m, self.momentum, at.grad, scratch)
        np.copyto(scratch, at.grad)
        update_mean(scratch, 1 - self.momentum, state.m, out)
        for step, matrix in zip(self.split(out), self.split(scratch), strict=True):
            step[...] = 0.2 * max(step.shape[-2:]) ** 0.5 * orthogonalize(matrix)
        if state.others.size:
            found = np.empty_like(state.means[0])
            numbers = self.beta1, self.beta2, self.epsilon
            write_direction(*state.means, at.grad[..., state.others], numbers, state.t, found)
            out[..., state.others] = found
        out *= -rate
        decay_weights(out, rate * self.weight_decay, at.params, scratch)


@dataclass(kw_only=True)
class ShampooState(State):
    """`left`, `right`: Σ G Gᵀ and Σ Gᵀ G of each matrix, `roots`: their inverse roots; `s`: Σ g² of the others."""

    s: Array
    left: list[Array]
    right: list[Array]
    roots: list[tuple[Any, Any]]
    others: Array


@dataclass(frozen=True)
class Shampoo(Matrixwise):
    """Adagrad for matrices: the gradient whitened along its rows and along its columns.

        L ← L + G Gᵀ                    from L = ε I
        R ← R + Gᵀ G                    from R = ε I
        u = -η L^(-¼) G R^(-¼)

    After the first `every` updates the roots are renewed at every `every`-th only: the first ones change too fast. A
    side longer than `largest` is left as it is, and the root of the other is L^(-½) then. What is in no matrix takes
    Adagrad's steps, with ε inside its root.

    Gupta, Koren & Singer (2018), algorithm 1, with roots delayed as in its experiments.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(Shampoo(0.1), [8.0, 4.0], 2).round(3)
    array([[7.911, 3.955],
           [7.848, 3.924]])
    """

    name, usual_rate, keeps = "shampoo", 0.1, ShampooState

    learning_rate: Rate = 0.1
    epsilon: EachPositive = 1e-4
    every: Count = 10
    largest: Count = 1024
    matrices: Matrices = None

    def begin(self, params: Array) -> dict[str, Any]:
        """No gradients met."""
        others, shapes = self.find_others(params), [shape for _, shape in self.places(params.shape[-1])]
        left, right = ([self._identity(params, sides[i]) for sides in shapes] for i in (0, 1))
        s = np.zeros_like(params)
        s += self.epsilon
        return {"s": s, "left": left, "right": right, "roots": [(None, None)] * len(left), "others": others}

    def update(self, at: Evaluation, state: ShampooState, out: Array) -> None:
        """Matrix by matrix, then the others."""
        rate, s = state.pace.next(at.loss), state.s
        if state.others.size:
            np.multiply(at.grad, at.grad, out=out)
            s += out
            np.sqrt(s, out=out)
            np.divide(at.grad, out, out=out)
        for i, (g, step) in enumerate(zip(self.split(at.grad), self.split(out), strict=True)):
            left, right = state.left[i], state.right[i]
            if left.size:
                left += g @ transpose(g)
            if right.size:
                right += transpose(g) @ g
            if state.t <= self.every or state.t % self.every == 0:
                state.roots[i] = self._roots(left, right)
            step[...] = multiply_sides(g, *state.roots[i])
        out *= -rate

    def _identity(self, params: Array, side: int) -> Array:
        """ε I, or nothing for a side that is too long."""
        side = side if side <= self.largest else 0
        found = np.zeros((*params.shape[:-1], side, side), params.dtype)
        found += np.asarray(self.epsilon)[..., None] * np.eye(side, dtype=params.dtype)
        return found

    def _roots(self, left: Array, right: Array) -> tuple[Any, Any]:
        """L^(-¼) and R^(-¼); L^(-½) alone."""
        power = -1 / (2 * max(1, bool(left.size) + bool(right.size)))
        found = (raise_to_power(side, power, self.epsilon) if side.size else None for side in (left, right))
        return tuple(found)  # type: ignore[return-value]


def decompose(matrix: Array) -> tuple[Array, Array]:
    """Eigenvalues and eigenvectors of symmetric matrices (*population, n, n); NaN for one that is not finite.

    LAPACK refuses such a matrix, and its whole population with it: a run that diverges would end in an error.
    """
    broken = ~np.asarray(np.isfinite(matrix).all((-1, -2), keepdims=True))
    values, vectors = np.linalg.eigh(np.where(broken, 0, matrix))
    return np.where(broken[..., 0], np.nan, values), np.where(broken, np.nan, vectors)


def raise_to_power(matrix: Array, power: float, least: Any) -> Array:
    """A power of a symmetric matrix. Eigenvalues below `least` count as `least`: only rounding puts them there.

    In float32 an eigenvalue of 1e-4 beside one of 60 comes out negative. Its root was as large as that of 1e-38.
    """
    values, vectors = decompose(matrix)
    powers = np.maximum(values, np.maximum(least, np.finfo(matrix.dtype).tiny)) ** power
    return np.asarray((vectors * powers[..., None, :]) @ transpose(vectors))


def multiply_sides(g: Array, left: Array | None, right: Array | None) -> Array:
    """left · g · right, without those that are None."""
    found = g if left is None else left @ g
    return found if right is None else found @ right


@dataclass(kw_only=True)
class SOAPState(ScratchState):
    """`m`: the mean gradient; `v`: the mean square in the bases; `grams` and `bases`: L, R and Q_L, Q_R of each matrix.

    What belongs to a side that is too long is None.
    """

    grams: list[tuple[Any, Any]]
    bases: list[tuple[Any, Any]]


@dataclass(frozen=True)
class SOAP(Matrixwise):
    """Adam in the eigenbasis of Shampoo, in which the gradients of rows and of columns are uncorrelated.

        G′ = Q_Lᵀ G Q_R,  M′ = Q_Lᵀ M Q_R
        M ← β₁ M + (1 - β₁) G
        V ← β₂ V + (1 - β₂) G′²
        u = -η Q_L (M′ / (√V + ε)) Q_Rᵀ · √(1 - β₂ᵗ)/(1 - β₁ᵗ)
        L ← β₂ L + (1 - β₂) G Gᵀ        R ← β₂ R + (1 - β₂) Gᵀ G

    Q_L and Q_R are the eigenvectors of L and R. The first gradient gives them and moves nothing else (t counts from the
    second); then one power iteration and QR renew them at every `every`-th step. A side longer than `largest` keeps the
    basis it has, and what is in no matrix takes Adam's steps.

    Vyas et al. (2024), algorithms 3 and 4, as in its code: ε before the bias correction, the first update skipped, V
    sorted with the eigenvectors but not rotated when they change.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(SOAP(0.1), [8.0, 4.0], 2).round(3)
    array([[8.   , 4.   ],
           [7.911, 3.955]])
    """

    name, usual_rate, keeps = "soap", 0.005, SOAPState

    learning_rate: Rate = 0.003
    beta1: EachFraction = 0.95
    beta2: EachFraction = 0.95
    epsilon: EachPositive = 1e-8
    every: Count = 10
    largest: Count = 1024
    matrices: Matrices = None

    def begin(self, params: Array) -> dict[str, Any]:
        """No gradients met."""
        self.find_others(params)
        shapes = [shape for _, shape in self.places(params.shape[-1])]
        grams = [tuple(self._zeros(params, side) for side in shape) for shape in shapes]
        return {"grams": grams, "bases": [(None, None)] * len(grams)}

    def update(self, at: Evaluation, state: SOAPState, out: Array) -> None:
        """Adam's step in the bases, turned back; nothing at the first update."""
        m, v, scratch, rate, t = state.m, state.v, state.scratch, state.pace.next(at.loss), state.t - 1
        if t == 0:
            self._update_grams(at, state)
            state.bases = [(_eigenbasis(left), _eigenbasis(right)) for left, right in state.grams]
            out.fill(0)
            return
        np.copyto(out, at.grad)
        self._turn(state, out)
        update_mean(m, self.beta1, at.grad, scratch)
        update_mean_square(v, self.beta2, out, scratch)
        np.copyto(scratch, m)
        self._turn(state, scratch)
        np.sqrt(v, out=out)
        out += self.epsilon
        np.divide(scratch, out, out=out)
        for step, (left, right) in zip(self.split(out), state.bases, strict=True):
            step[...] = multiply_sides(step, left, None if right is None else transpose(right))
        out *= -rate * (1 - self.beta2**t) ** 0.5 / (1 - self.beta1**t)
        self._update_grams(at, state)
        if t % self.every == 0:
            self._improve(state)

    def _zeros(self, params: Array, side: int) -> Array | None:
        """Memory for L or R, if the side is not too long."""
        return np.zeros((*params.shape[:-1], side, side), params.dtype) if side <= self.largest else None

    def _turn(self, state: SOAPState, flat: Array) -> None:
        """Write Q_Lᵀ X Q_R over each matrix X of `flat`."""
        for block, (left, right) in zip(self.split(flat), state.bases, strict=True):
            block[...] = multiply_sides(block, None if left is None else transpose(left), right)

    def _update_grams(self, at: Evaluation, state: SOAPState) -> None:
        """Move L and R on."""
        beta = np.asarray(self.beta2)[..., None] if np.ndim(self.beta2) else self.beta2
        for g, (left, right) in zip(self.split(at.grad), state.grams, strict=True):
            if left is not None:
                update_mean(left, beta, new := g @ transpose(g), new)
            if right is not None:
                update_mean(right, beta, new := transpose(g) @ g, new)

    def _improve(self, state: SOAPState) -> None:
        """One power iteration, the eigenvectors in falling order of what they stand for; V follows their order."""
        for i, block in enumerate(self.split(state.v)):
            found: list[Any] = []
            for axis, gram, basis in zip((-2, -1), state.grams[i], state.bases[i], strict=True):
                if basis is None:
                    found.append(None)
                    continue
                product = gram @ basis
                order = np.argsort(-(basis * product).sum(-2), axis=-1)
                block[...] = np.take_along_axis(block, np.expand_dims(order, -3 - axis), axis)
                found.append(np.linalg.qr(np.take_along_axis(product, order[..., None, :], -1))[0])
            state.bases[i] = found[0], found[1]


def _eigenbasis(gram: Array | None) -> Any:
    """The eigenvectors as columns, the largest eigenvalue first."""
    return None if gram is None else decompose(gram)[1][..., ::-1].copy()
