"""What kind of point is this? The answer to a loss that no longer falls, with the numbers that it rests on.

A minimum, a saddle, a plateau, the noise of minibatches and a rate that is too high look alike from afar: the loss
stays. They are told apart by what would happen next, not by the size of an eigenvalue: valleys that go down for ever
have eigenvalues of -1e-9, and only time, in steps of the run's own rule, says whether one matters. What is measured
stands in `evidence`, what decides in `questions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, isfinite, nan
from typing import Any

import numpy as np

from mlp.arrays import Array, Seed, as_array, generator
from mlp.backprop import infer
from mlp.curvature.brief import BRIEF
from mlp.curvature.evidence import Course, Evidence
from mlp.curvature.memory import check_room
from mlp.curvature.questions import QUESTIONS, Questions, Verdict, is_noise
from mlp.curvature.surface import Surface, check_point, quiet
from mlp.curvature.work import Meter, OutOfWorkError
from mlp.data.batches import as_batch
from mlp.errors import HyperparameterError, check_count, check_positive
from mlp.layers import Layer
from mlp.losses import Loss
from mlp.network import Network, Workspace
from mlp.optimizers import SGD, Optimizer

MOST, FEWEST = 50_000_000, 256  # parameters times rows, and rows that are looked at all the same
VECTORS = 80  # like the parameters, that an answer may keep at a time
KINDS = (
    "descending", "noise_floor", "bouncing", "saddle", "plateau", "local_minimum", "global_minimum", "valley",
    "undecided",
)  # fmt: skip
"""What a point may be; undecided where a brief look, or one with an allowance, left it open."""


@dataclass(frozen=True)
class Point:
    """One point of a run, typed.

    `kind`: one of `KINDS`; `why` in a sentence; `layers` those that are cut off, on a plateau.

    `loss` on the `rows` looked at, penalties included; `floor`: what no network can beat there; `reference`: that of
    the best constant answer. `grad_norm`: ‖∂L/∂θ‖. `least` and `largest`: the ends of the Hessian's spectrum as far as
    they were found, least ≥ λ_min; some eigenvalue lies within `residual` of `least`, and one above -`tolerance` may be
    rounding. `escape_steps`: steps of the rule on all rows until the loss has fallen by a twentieth of loss - floor,
    told from the quadratic model; inf: never by itself. Where curvature grows on the way they are an upper bound.
    `sharpness`: rate · `largest`; above 2 gradient descent cannot stay where it is, which is said of the run and not of
    the point. NaN stands where nobody had to ask. `products`: with the Hessian or the Gauss-Newton matrix. `unseen`:
    what was not looked at. `work`: what it cost, in parameters times rows.

    >>> import mlp
    >>> network = mlp.Network([mlp.Dense(2, 1)], rng=0)
    >>> network.params[...] = [1.0, 1.0, 0.0]
    >>> mlp.curvature.classify_point(network, mlp.SquaredError(), np.eye(2), np.ones((2, 1)), rule=mlp.SGD(0.1)).kind
    'global_minimum'
    """

    kind: str
    loss: float
    floor: float
    reference: float
    grad_norm: float
    least: float
    largest: float
    residual: float
    tolerance: float
    escape_steps: float
    sharpness: float
    layers: tuple[str, ...]
    products: int
    rows: int
    why: str
    unseen: str
    work: float

    def __str__(self) -> str:
        curves = "no eigenvalue was needed"
        if isfinite(self.least):
            curves = (
                f"eigenvalues {self.least:.2e} … {self.largest:.2e}, residual {self.residual:.0e}, "
                f"tolerance {self.tolerance:.0e}"
            )
        return "\n".join(
            [
                f"{self.kind.replace('_', ' ')}: {self.why}",
                f"loss {self.loss:.4g} on {self.rows} rows; floor {self.floor:.4g}, best constant {self.reference:.4g}",
                f"gradient {self.grad_norm:.1e}; {curves}; {self.products} products",
                f"not looked at: {self.unseen}",
            ]
        )


def classify_point(
    network: Network,
    loss: Loss,
    X: Array,
    t: Array,
    *,
    rate: float | None = None,
    batch_size: int | None = None,
    budget: int = 1000,
    losses: Sequence[float] | Array | None = None,
    rule: Optimizer | None = None,
    state: Any = None,
    rng: Seed = 0,
    rows: int = 1000,
    weights: Array | None = None,
    brief: bool = False,
    work: float = inf,
) -> Point:
    """What kind of point `network` stands at, for a run that goes on from here.

    X (n, n_features) and `t` as for `batches`; at most `rows` of them are looked at, drawn by `rng`. `rate`: the
    learning rate; None: that of `state` or `rule`, else one that suits the point. `batch_size`: rows of a step; None:
    all. `budget`: steps that the run still has; "slow" and "never" are measured by it. `losses`: those of the latest
    steps, one each. `rule` and `state`: how steps are taken, and its memory; by default gradient descent.
    `weights` (n,): those of the rows in the loss. `brief`: ask only what needs no trial steps. `work`: the most that it
    may cost, in parameters times rows; a second of one core is 2.5e9 of them. The answer is undecided where that
    leaves it open, and the same on every machine.

    The network, the memory and the run's generator are left as they are. The point is looked at in float64, without
    dropout and noise, batch norm normalising by these rows.

    The order of questions, and the thresholds, are this library's own; the parts are Dauphin et al. (2014) for negative
    curvature, Golub & Meurant (2010) for the time that it takes, Fukumizu & Amari (2000) for plateaus.
    """
    check_point(network, loss)
    _check_course(network, rate, batch_size, budget, rule, state)
    check_count("rows", rows)
    draw = generator(rng)
    X, t = as_array("X", X), as_array("target", t)
    if X.ndim != 2 or X.shape[:1] != t.shape[:1]:
        as_batch(X, t)  # says what is wrong
    chosen = _some_rows(len(X), min(rows, max(FEWEST, MOST // network.layout.size)), draw)
    check_room(VECTORS, network.layout.size)
    some = None if weights is None else as_array("weights", weights)[chosen]
    surface = Surface(network, loss, X[chosen], t[chosen], some, Meter(work))
    course = Course(rate, batch_size, budget, rule, state, _numbers(losses))
    evidence = Evidence(surface, course, float(np.finfo(network.dtype).eps), draw)
    questions = BRIEF if brief else QUESTIONS
    ask, verdict = _answer(evidence, questions)
    return _point(evidence, verdict, "; ".join(_unseen(network, evidence, ask, len(X) - len(chosen), questions)))


def _answer(e: Evidence, questions: Questions) -> tuple[Any, Verdict]:
    """The first question that has an answer, and that; undecided where none has, or the allowance is used up."""
    ask: Any = None
    try:
        for ask in questions:
            if found := ask(e):
                return ask, found
    except OutOfWorkError:
        return ask, Verdict("undecided", f"the allowance was used up by a look at {questions[ask]}")
    return ask, Verdict("undecided", "what was asked leaves it open")


def _check_course(network: Network, rate: Any, batch_size: Any, budget: Any, rule: Any, state: Any) -> None:
    """Refuse what is no way to go on."""
    if rate is not None:
        check_positive("rate", rate)
    if batch_size is not None:
        check_count("batch_size", batch_size)
    check_count("budget", budget)
    if rule is not None and not isinstance(rule, Optimizer):
        raise HyperparameterError("rule", rule, "an optimizer: SGD(0.1), Adam(), ...")
    if state is not None:
        if rule is None:
            raise HyperparameterError("state", type(state).__name__, "given with the rule that it belongs to")
        needed = type(rule.init(network.params))
        if type(state) is not needed:
            raise HyperparameterError("state", type(state).__name__, f"the memory of this rule, {needed.__name__}")


def _numbers(losses: Any) -> Array | None:
    """The losses of the latest steps, as an array."""
    if losses is None:
        return None
    found = as_array("losses", losses)
    if found.ndim != 1 or found.dtype.kind not in "fiu":
        raise HyperparameterError("losses", losses, "numbers, one for each of the latest steps")
    return found.astype(np.float64)


def _point(e: Evidence, verdict: Verdict, unseen: str) -> Point:
    """The verdict with its numbers, as far as they are known."""
    asked = e.__dict__  # what a cached property found is there, and what nobody asked for is not
    curves = e.curves if "curves" in asked else None
    return Point(
        kind=verdict.kind,
        loss=e.surface.value,
        floor=e.scale.floor,
        reference=e.scale.reference,
        grad_norm=e.grad_norm,
        least=curves.least if curves else nan,
        largest=curves.largest if curves else nan,
        residual=curves.residual if curves else nan,
        tolerance=e.tolerance if curves else nan,
        escape_steps=e.escape.steps if "escape" in asked else nan,
        sharpness=e.rate * curves.largest if curves else nan,
        layers=verdict.layers,
        products=e.surface.products,
        rows=e.surface.batch.x.n_samples,
        why=verdict.why,
        unseen=unseen,
        work=e.surface.meter.done,
    )


def _some_rows(n: int, most: int, rng: np.random.Generator) -> Array:
    """Which rows are looked at."""
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def _unseen(network: Network, e: Evidence, last: Any, others: int, questions: Questions) -> Iterator[str]:
    """What the answer does not rest on."""
    order = list(questions)
    later = [questions[ask] for ask in order[order.index(last) + 1 : -1] if e.noisy or ask is not is_noise]
    if questions is BRIEF:
        later.append("steps that are tried out")
    if later:
        yield ", ".join(later)
    if others:
        yield f"{others:,} other rows"
    if e.course.rule is not None and e.course.state is None and not isinstance(e.course.rule, SGD):
        yield "the memory of the rule, which begins anew"
    kinds = [place.kind for place in _all(network.layers)]
    if "dropout" in kinds or "noise" in kinds:
        yield "the noise of the layers"
    if "batchnorm" in kinds:
        yield f"batch norm in use, with a loss of {_loss_in_use(network, e):.4g}"
    if not later:
        yield "eigenvalues between the two ends"


def _all(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Layers, and those inside of them."""
    for layer in layers:
        yield layer
        yield from _all(getattr(layer, "layers", ()))


def _loss_in_use(network: Network, e: Evidence) -> float:
    """By running statistics instead of those of the rows, penalties left out."""
    other, batch = quiet(network), e.surface.batch
    output = infer(other, batch.x, Workspace(other, batch.x.n_samples))
    return float(e.surface.loss.value(output, batch.target, batch.weights))
