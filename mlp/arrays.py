"""The shapes of all arrays here: nodes, members of a population, samples.

A value that stands between two layers is a matrix with a *row for each node and a column for each sample*, and one row
more than it has nodes: the **bias node**, which is always 1. Leading axes are a *population* of networks of one shape.
Knows nothing of layers, networks or training.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from math import inf, isfinite, prod, sqrt
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from mlp.errors import DataError, DtypeError, HyperparameterError, ShapeError, in_one_line
from mlp.limits import shortage

Array: TypeAlias = npt.NDArray[Any]
Seed: TypeAlias = int | np.random.Generator


class Nodes(NamedTuple):
    """The outputs of a layer: one memory, two names.

    `values` (*population, n, N): row = node, column = sample.
    `with_bias` (*population, n+1, N): the same, and below it the bias node.

    >>> nodes = empty_nodes((), n=2, n_samples=3, dtype=float)
    >>> nodes.values.shape, nodes.with_bias.shape, nodes.with_bias[-1]
    ((2, 3), (3, 3), array([1., 1., 1.]))
    """

    values: Array
    with_bias: Array

    @property
    def n_samples(self) -> int:
        """N."""
        return int(self.values.shape[-1])


def empty(what: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """An array whose values are not set yet; ShapeError where there is no room for it, with the bytes it needs.

    NumPy hands out more than there is: the system gives memory only when it is written to, and ends the process then.
    """
    if why := shortage(prod(shape) * np.dtype(dtype).itemsize):
        raise ShapeError(f"{what} of the shape {shape} do not fit into memory: {why}. Give fewer, or a smaller n.")
    try:
        return np.empty(shape, dtype)
    except (MemoryError, OverflowError, ValueError):  # depending on how far it is from possible
        raise ShapeError(f"{what} of the shape {shape} do not fit into memory. Give fewer, or a smaller n.") from None


def empty_nodes(population: tuple[int, ...], n: int, n_samples: int, dtype: Any) -> Nodes:
    """An array for n nodes and the bias node. The values are not set yet; the bias node is 1."""
    with_bias = empty("nodes", (*population, n + 1, n_samples), dtype)
    with_bias[..., -1, :] = 1
    return Nodes(with_bias[..., :-1, :], with_bias)


def input_nodes(n: int, n_samples: int, dtype: Any) -> Nodes:
    """The same for rows as they are given, each with a 1 behind it: they are written as they lie in memory.

    For 1,024 rows of 64 numbers that takes 5 µs; to turn them on the way takes 67, and the product gains 33 of these.
    """
    rows = empty("rows", (n_samples, n + 1), dtype)
    rows[:, -1] = 1
    return Nodes(rows.T[:-1], rows.T)


ONE_THREAD = 1 << 18
"""Up to so many multiplications OpenBLAS computes a product in one thread, whatever it was told."""


def write_product(a: Array, b: Array, out: Array) -> None:
    """out = a b, also of a population. `dot` takes 0.3 µs for small matrices where `matmul` takes 0.9."""
    if a.ndim == 2:
        a.dot(b, out)
    else:
        np.matmul(a, b, out=out)


SHORT = 1024
"""Up to so many terms a sum is a product with ones: 0.3 µs, where `add.reduce` takes 0.8. Longer ones add in pairs,
which rounds less."""


@lru_cache(maxsize=64)
def ones(n: int, dtype: np.dtype[Any]) -> Array:
    """A vector of ones, the same at each call; it cannot be written to."""
    found = np.ones(n, dtype)
    found.flags.writeable = False
    return found


@lru_cache(maxsize=16)
def unit_matrix(n: int, dtype: np.dtype[Any], value: float = 1.0) -> Array:
    """The unit matrix times `value`, the same at each call; it cannot be written to."""
    found = np.diag(np.full(n, value, dtype))
    found.flags.writeable = False
    return found


@lru_cache(maxsize=64)
def number(value: float, dtype: np.dtype[Any]) -> Array:
    """A number as an array without axes: with it NumPy computes in 0.3 µs what takes 0.6 with Python's number."""
    found = np.array(value, dtype)
    found.flags.writeable = False
    return found


def column_sums(values: Array) -> Array:
    """Σ over the nodes: (*population, n, N) to (*population, N)."""
    n = values.shape[-2]
    if values.ndim == 2 and n <= SHORT:
        return np.asarray(ones(n, values.dtype).dot(values))
    return np.asarray(np.add.reduce(values, axis=-2))


def row_sum(values: Array) -> Any:
    """Σ over the samples: (*population, N) to (*population,)."""
    n = values.shape[-1]
    return ones(n, values.dtype).dot(values) if values.ndim == 1 and n <= SHORT else np.add.reduce(values, axis=-1)


LEAST_NORM, LEAST_SQUARE = 1e-15, 1e-30
"""Under these a norm and its square are measured again, scaled: float32 has no normal number for less than 1e-38."""


@np.errstate(all="ignore")
def norm(values: Any) -> float:
    """√Σv² over every number of an array, or of a tuple or list of arrays.

    Finite numbers have a finite norm and only zeros have the norm 0, even where squares are too large or too small.

    >>> norm(np.array([3.0, 4.0]))
    5.0
    >>> norm(np.array([3e200, 0.0]))
    3e+200
    """
    if isinstance(values, tuple | list):
        return norm(np.array([norm(part) for part in values]))
    flat = as_array("values", values).ravel()
    if flat.dtype.kind not in "fiubc":
        raise HyperparameterError("values", values, "numbers: an array, or a tuple or list of arrays")
    if flat.dtype.kind != "f":
        flat = np.abs(flat).astype(np.float64)
    found = sqrt(flat.dot(flat))
    return found if LEAST_NORM < found < inf else float(scaled_norm(flat.astype(np.float64))[0])


@np.errstate(all="ignore")
def each_norm(vector: Array) -> Array:
    """‖vector‖ of every member, (*population, 1); finite where the vector is, and 0 only where that is 0."""
    if vector.ndim == 1:  # as fast as without the test: 1.2 µs
        size = sqrt(vector.dot(vector))
        return np.array((size,), vector.dtype) if LEAST_NORM < size < inf else scaled_norm(vector)
    found: Array = np.sqrt(np.vecdot(vector, vector)[..., None])
    sizes = found.ravel().tolist()  # 3 µs for 32 members, where minimum and maximum of NumPy's take 5
    return found if min(sizes) > LEAST_NORM and max(sizes) < inf else scaled_norm(vector)


@np.errstate(all="ignore")
def squared_norm(flat: Array) -> float:
    """Σv² of a vector, in float64: it is finite also where it is too large for float32."""
    found = float(flat.dot(flat))
    if LEAST_SQUARE < found < inf:
        return found
    size = norm(flat)
    return size * size


def inner(a: Array, b: Array) -> float:
    """Σab of two vectors; in float64 where it is too large for float32."""
    found = float(a @ b)
    return found if isfinite(found) else float(a.astype(np.float64) @ b.astype(np.float64))


def scaled_norm(vectors: Array) -> Array:
    """‖·‖ along the last axis, (..., 1), measured in units near the largest number: no square is too large or small.

    The units are powers of 2, so nothing is rounded. A norm too large for the dtype counts as its largest number.
    """
    peak = np.abs(vectors).max(-1, keepdims=True, initial=0)
    exponent = np.frexp(peak)[1]
    scaled = np.ldexp(vectors, -exponent)
    found = np.ldexp(np.sqrt(np.vecdot(scaled, scaled)[..., None]), exponent)
    return np.asarray(np.where(np.isfinite(peak), np.minimum(found, np.finfo(found.dtype).max), found))


def check_nodes(name: str, given: Any) -> None:
    """Refuse what are no nodes: arrays (*population, n, N), and the same with the bias node below."""
    fits = isinstance(given, Nodes) and all(isinstance(part, np.ndarray) and part.ndim > 1 for part in given)
    if not fits or given.with_bias.shape != (*given.values.shape[:-2], given.values.shape[-2] + 1, given.n_samples):
        raise HyperparameterError(name, given, "the nodes of a batch: as_batch(X, target).x")


def effective_size(weights: Array) -> float:
    """How many samples of weight 1 these weights (N,) stand for together; 0 where all weights are 0.

        n = max(Σ w, (Σ w)² / Σ w²)

    Whole weights are counts of rows, and their sum is that of the rows. Weights with a smaller sum only say how samples
    compare; then n equal samples would say as much (Kish 1965, Survey Sampling).

    >>> effective_size(np.array([3.0, 1.0])), effective_size(np.array([0.1, 0.1, 1e-9]))
    (4.0, 2.00000002)
    """
    exact = weights.astype(np.float64)
    total = float(exact.sum())
    return max(total, 1 / float(np.square(exact / total).sum())) if total > 0 else 0.0


def as_array(name: str, given: Any) -> Array:
    """What was given, maybe lists of lists, as an array; refuses rows of several lengths, and masked cells."""
    if is_masked(given):
        raise DataError(f"{name} is masked in places. Fill them, or leave out their rows.")
    try:
        return np.asarray(given)
    except (TypeError, ValueError):
        raise ShapeError(f"{name} is no table of numbers: its rows are not of one length.") from None


def is_masked(given: Any) -> bool:
    """Whether it is an array with masked cells. Nobody can have made one where `numpy.ma`, 14 ms, is not imported."""
    masked = sys.modules.get("numpy.ma")
    return masked is not None and isinstance(given, masked.MaskedArray) and bool(masked.is_masked(given))


def generator(rng: Seed) -> np.random.Generator:
    """A seed or a generator, as a generator."""
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, bool) or not isinstance(rng, int | np.integer) or rng < 0:
        raise HyperparameterError("rng", rng, "a seed, 0, 1, ..., or a numpy.random.Generator")
    return np.random.default_rng(rng)


def float_dtype(dtype: Any, name: str = "dtype") -> np.dtype[Any]:
    """`dtype` as one that networks compute with: float32 or float64."""
    for known in (np.dtype(np.float32), np.dtype(np.float64)):
        if _is(known, dtype):
            return known
    raise DtypeError(f"{name} = {in_one_line(dtype)} cannot be: a network computes with float32 or float64.")


def _is(known: np.dtype[Any], dtype: Any) -> bool:
    """Whether `dtype` means `known`; NumPy takes None, and what has a dtype, for one, and throws at other things."""
    try:
        return isinstance(dtype, np.dtype | type | str) and known == np.dtype(dtype)
    except (TypeError, ValueError):
        return False


def all_finite(values: Array) -> bool:
    """Whether an array of floats holds no NaN and no infinity.

    A finite sum of squares says so in one pass that makes no array: 0.4 µs for 64 numbers, where `isfinite` takes 1.1.
    """
    if values.flags.forc and isfinite(_square_sum(values.ravel("K"))):  # all in one piece of memory
        return True
    return bool(np.isfinite(values).all())


@np.errstate(over="ignore", invalid="ignore")  # so it costs 0.3 µs, and `with` costs 0.7
def _square_sum(flat: Array) -> Any:
    return flat.dot(flat)


def check_finite_numbers(name: str, given: Array, kept: Array) -> None:
    """Refuse an array with a NaN, an infinity, or a number that is too large for the dtype in which it is `kept`."""
    if all_finite(kept):
        return
    place = tuple(np.argwhere(~np.isfinite(kept))[0].tolist())
    where = f"row {place[0]}" + (f", column {place[1]}" if len(place) > 1 else "")
    raise DataError(
        f"{name} holds {given[place]} in {where} (counted from 0); finite {kept.dtype} numbers are needed. "
        "Fill what is missing, or leave out its rows."
    )
