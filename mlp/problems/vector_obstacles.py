"""Obstacles as functions of a vector: the smallest world in which a rule meets one difficulty and nothing else.

Each row is a function that takes the dial. Its docstring is the definition. Formulas take θ (*population, n), write the
gradient into `out` and return the value (*population,); the minimum of each is 0 unless the row says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.problems.obstacle import N, Obstacle, build_vector_row, draw_normal, without_noise

# ravines


@cache
def random_rotation(n: int) -> Array:
    """A rotation of n dimensions that mixes all axes: Q of a normal matrix, drawn once for everybody."""
    return np.asarray(np.linalg.qr(np.random.default_rng(0).standard_normal((n, n)))[0])


@cache
def ravine_roots(condition: float, turned: bool) -> Array:
    """A with H = Aᵀ A: eigenvalues from 10/κ to 10 in equal steps of the logarithm, along the axes or turned."""
    scales = np.sqrt(10 * condition ** -np.linspace(0, 1, N))
    return np.asarray(scales[:, None] * (random_rotation(N).T if turned else np.eye(N)))


def ravine_formula(condition: float, turned: bool, params: Array, out: Array) -> Any:
    """½ ‖A θ‖²."""
    r = params @ ravine_roots(condition, turned).T
    np.matmul(r, ravine_roots(condition, turned), out=out)
    return 0.5 * (r * r).sum(-1)


def _ravine_residuals(condition: float, turned: bool, params: Array) -> tuple[Array, Array]:
    a = ravine_roots(condition, turned)
    return a @ params, a


def _ravine(name: str, condition: float, turned: bool, answer: str) -> Obstacle:
    how = "turned against the axes" if turned else "along the axes"
    formula, residuals = partial(ravine_formula, condition, turned), partial(_ravine_residuals, condition, turned)
    return build_vector_row(
        name, without_noise(formula, draw_normal, residuals), 1e-3 / condition,
        description=f"a quadratic ravine of condition {condition:g}, {how}",
        source="Polyak (1964); Nocedal and Wright (2006), section 3.3",
        dial="condition", hardness=condition, default=1000.0, answer=answer,
    )  # fmt: skip


def ravine(condition: float = 1000.0) -> Obstacle:
    """½ Σ λᵢ θᵢ², λ from 10/κ to 10, θ₀ ~ N(0, 1): one rate cannot suit all axes, but a rate for each can."""
    answer = "gradient descent needs O(κ) steps, heavy ball O(√κ) with rate (2/(√L+√μ))²; a rate per axis does not care"
    return _ravine("ravine", condition, False, answer)


def turned_ravine(condition: float = 1000.0) -> Obstacle:
    """The same ravine, turned: a rate for each axis no longer helps."""
    return _ravine("turned_ravine", condition, True, "Newton-like rules need O(1) steps, rules of one gradient O(√κ)")


# saddles


def saddle_formula(params: Array, out: Array) -> Any:
    """½ Σ_{i<n} θᵢ² + ¼ (θₙ² - 1)²: a strict saddle at 0 with value ¼, minima at θₙ = ±1."""
    last = params[..., -1]
    well = last * last - 1
    out[...] = params
    out[..., -1] = last * well
    return 0.5 * (params[..., :-1] ** 2).sum(-1) + 0.25 * well * well


def _saddle_start(projection: float, n: int, rng: np.random.Generator) -> Array:
    start = rng.standard_normal(n)
    start[-1] = projection * np.sign(start[-1])
    return start


def _saddle(name: str, projection: float, n: int, hardness: float, default: float, **words: str) -> Obstacle:
    begin = without_noise(saddle_formula, partial(_saddle_start, projection, n))
    source = "Lee, Simchowitz, Jordan & Recht (2016); Dauphin et al. (2014)"
    return build_vector_row(name, begin, 0.01, source=source, hardness=hardness, default=default, **words)


def saddle(digits: float = 6.0) -> Obstacle:
    """½ Σ θᵢ² + ¼ (θₙ² - 1)², from |θₙ| = 10^-digits: the way out is there, and very faint."""
    return _saddle(
        "saddle", 10.0**-digits, 4, digits, 6.0,
        description=f"a strict saddle, seen from 1e-{digits:g} beside its ridge", dial="digits",
        answer="gradient descent leaves in ln(10^digits)/ln(1+η) steps; steps of one length do not care how faint",
    )  # fmt: skip


def blind_saddle(dimensions: float = 4.0) -> Obstacle:
    """The same from θₙ = 0: the gradient has no part along the way out."""
    return _saddle(
        "blind_saddle", 0.0, max(2, int(dimensions)), dimensions, 4.0,
        description="a strict saddle, begun on its ridge", dial="dimensions",
        answer="no rule that only reads gradients ever leaves; noise or negative curvature does",
    )  # fmt: skip


def product_formula(params: Array, out: Array) -> Any:
    """½ (Π wᵢ - 1)²: a linear network of one unit a layer. At 0 all derivatives below the depth-th vanish."""
    product = np.prod(params, -1)
    for i in range(params.shape[-1]):
        out[..., i] = (product - 1) * np.prod(np.delete(params, i, -1), -1)
    return 0.5 * (product - 1) ** 2


def _small_weights(depth: int, rng: np.random.Generator) -> Array:
    return rng.uniform(0.1, 0.3, depth)


def linear_saddle(depth: float = 4.0) -> Obstacle:
    """½ (w₁ ⋯ w_D - 1)² from w ~ U(0.1, 0.3): near 0 the gradient is of order w^(D-1)."""
    return build_vector_row(
        "linear_saddle", without_noise(product_formula, partial(_small_weights, max(2, int(depth)))), 0.01,
        description=f"a deep linear network of {depth:g} layers, begun near 0",
        source="Saxe, McClelland & Ganguli (2014)", dial="depth", hardness=depth, default=4.0,
        answer="gradient flow needs a time of order w₀^(2-D); steps of one length need 1/η",
    )  # fmt: skip


# several minima


def valleys_formula(tilt: float, params: Array, out: Array) -> Any:
    """¼ (x² - 1)² + tilt · x + ½ y²: valleys near x = ±1, the left one deeper by about 2 · tilt."""
    x, y = params[..., 0], params[..., 1]
    out[..., 0] = x * (x * x - 1) + tilt
    out[..., 1] = y
    return 0.25 * (x * x - 1) ** 2 + tilt * x + 0.5 * y * y


def _from_right(rng: np.random.Generator) -> Array:
    return np.array([rng.uniform(1.5, 2.5), rng.standard_normal()])


def two_valleys(tilt: float = 0.1) -> Obstacle:
    """¼ (x² - 1)² + tilt · x + ½ y² from x ~ U(1.5, 2.5): the shallow valley comes first. Values may be negative."""
    return build_vector_row(
        "two_valleys", without_noise(partial(valleys_formula, tilt), _from_right), -0.5 * tilt,
        description="a shallow valley before a deeper one", source="Polyak (1964): the heavy ball",
        dial="tilt", hardness=tilt, default=0.1, past=f"in the deeper valley: loss ≤ {-0.5 * tilt:g}",
        answer="gradient flow never crosses a ridge; a ball with little friction does",
    )  # fmt: skip


def wells_formula(width: float, params: Array, out: Array) -> Any:
    """1 - e^(-x²/2) - e^(-(x-4)²/2w²) + 0.005 x² + ½ y²: a wide well at 0, one of width w at 4, nearly as deep."""
    x, y = params[..., 0], params[..., 1]
    wide, narrow = np.exp(-0.5 * x * x), np.exp(-0.5 * ((x - 4) / width) ** 2)
    out[..., 0] = x * wide + (x - 4) / width**2 * narrow + 0.01 * x
    out[..., 1] = y
    return 1 - wide - narrow + 0.005 * x * x + 0.5 * y * y


def _in_narrow(width: float, rng: np.random.Generator) -> Array:
    return np.array([4 + rng.uniform(-1.5, 1.5) * width, rng.standard_normal()])


def narrow_minimum(narrowness: float = 20.0) -> Obstacle:
    """1 - e^(-x²/2) - e^(-(x-4)²/2w²) + 0.005 x² + ½ y², w = 1/narrowness, from inside the narrow well at 4."""
    width = 1 / narrowness
    return build_vector_row(
        "narrow_minimum", without_noise(partial(wells_formula, width), partial(_in_narrow, width)), 0.01,
        description=f"a narrow minimum to leave for one {narrowness:g} times as wide",
        source="Hochreiter & Schmidhuber (1997); Wu, Ma & E (2018)", dial="narrowness", hardness=narrowness,
        default=20.0, past="in the wide well: loss ≤ 0.01",
        answer="gradient descent stays where rate · curvature < 2, and is thrown out above",
    )  # fmt: skip


# curved valleys and cliffs


def _spiral(stiffness: float, params: Array) -> tuple[Array, Array]:
    """Residuals (*population, 3) and Jacobian (*population, 3, 3) of the helical valley."""
    x, y, z = (params[..., i] for i in range(3))
    square, root = x * x + y * y, np.sqrt(stiffness)
    radius = np.sqrt(square)
    angle = np.arctan(y / x) / (2 * np.pi) + np.where(x < 0, 0.5, 0.0)
    r = np.stack([root * (z - 10 * angle), root * (radius - 1), z], -1)
    zero, turn_rate = np.zeros_like(x), 10 / (2 * np.pi * square)
    rows = [[root * turn_rate * y, -root * turn_rate * x, zero + root], [root * x / radius, root * y / radius, zero]]
    jacobian = np.stack([np.stack(row, -1) for row in [*rows, [zero, zero, zero + 1]]], -2)
    return np.sqrt(2) * r, np.sqrt(2) * jacobian


def spiral_formula(stiffness: float, params: Array, out: Array) -> Any:
    """k (z - 10 φ)² + k (ρ - 1)² + z², with ρ, φ the radius and the turns of (x, y)."""
    r, jacobian = _spiral(stiffness, params)
    out[...] = (r[..., None, :] @ jacobian)[..., 0, :]
    return 0.5 * (r * r).sum(-1)


def _far_side(rng: np.random.Generator) -> Array:
    return np.array([-1.0, 0.0, 0.0]) + rng.uniform(-0.3, 0.3, 3)


def stiff_spiral(stiffness: float = 100.0) -> Obstacle:
    """The helical valley, k (z - 10 φ)² + k (ρ - 1)² + z², from around (-1, 0, 0); its minimum is (1, 0, 0)."""
    return build_vector_row(
        "stiff_spiral",
        without_noise(partial(spiral_formula, stiffness), _far_side, partial(_spiral, stiffness)), 1e-3,
        description="a narrow valley that winds around an axis",
        source="Fletcher & Powell (1963); Moré, Garbow & Hillstrom (1981), number 7",
        dial="stiffness", hardness=stiffness, default=100.0,
        answer="Levenberg-Marquardt needs about ten steps; gradient descent crawls along the curve",
    )  # fmt: skip


def cliff_formula(height: float, params: Array, out: Array) -> Any:
    """height · clip(½ + 2.5 x, 0, 1) + 0.1 (√((x + 1)² + 0.01) - 0.1) + ½ y²: a wall of width 0.4 at x = 0."""
    x, y = params[..., 0], params[..., 1]
    share = 0.5 + 2.5 * x
    away = np.sqrt((x + 1) ** 2 + 0.01)
    out[..., 0] = 2.5 * height * ((share > 0) & (share < 1)) + 0.1 * (x + 1) / away
    out[..., 1] = y
    return height * np.clip(share, 0, 1) + 0.1 * (away - 0.1) + 0.5 * y * y


def _above(rng: np.random.Generator) -> Array:
    return np.array([rng.uniform(1.2, 2.0), 0.1 * rng.standard_normal()])


def cliff(height: float = 100.0) -> Obstacle:
    """A gentle slope of 0.1, a cliff at x = 0 with a slope of 2.5 · height, a valley at -1 with slopes of 0.1."""
    return build_vector_row(
        "cliff", without_noise(partial(cliff_formula, height), _above), 0.03,
        description=f"a cliff of height {height:g} on the way to a gentle valley",
        source="Pascanu, Mikolov & Bengio (2013), figure 6; Goodfellow et al. (2016), figure 8.3",
        dial="height", hardness=height, default=100.0,
        answer="one step at the cliff throws η · 2.5 height, and each step back makes η · 0.1; clipping survives",
    )  # fmt: skip


VECTORS: tuple[Callable[..., Obstacle], ...] = (
    ravine, turned_ravine, saddle, blind_saddle, linear_saddle, two_valleys, narrow_minimum, stiff_spiral, cliff,
)  # fmt: skip
"""Those whose objective never changes."""
