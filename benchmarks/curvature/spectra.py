"""How near Davidson's method and Hutch++ come to exact spectra, and escape times to steps that were taken.

    OPENBLAS_NUM_THREADS=1 python benchmarks/curvature/spectra.py [--draws 2000]

Fourteen networks at three stages: before training, after 60 steps of Adam, after 3,000. λ_max after 20 products, λ_min
after 20 and 60, as relative errors against the dense Hessian, the worst of three starts. Coverage: in how many of the
draws the 95 % interval of the trace (60 products) holds it. Escapes: steps that the quadratic model foretells over
those that a run takes until the loss has fallen by a twentieth of what is left to gain. Takes about five minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from families import IRIS_T, IRIS_X, IRIS_Y, chain, circles, deep_linear, tiny_init
from unseen import BCE, CE, SE, XOR_T, XOR_X

import mlp
from mlp.curvature import Surface, ends, escape, lanczos, motion, trace
from mlp.curvature.floor import scale
from mlp.curvature.preconditioner import precondition
from mlp.curvature.trials import steps_until

STAGES = {"start": 0, "60 steps": 60, "3,000": 3000}


class Case(NamedTuple):
    """A network, and what it learns."""

    widths: list[int]
    act: str
    loss: mlp.Loss
    X: Any
    t: Any


def cases() -> dict[str, Case]:
    x, (plane, y) = np.linspace(-3, 3, 60)[:, None], circles(200, 0)
    digits = mlp.data.load("digits")
    return {
        "circles tanh": Case([2, 16, 16, 2], "tanh", CE, plane, y),
        "circles relu": Case([2, 16, 16, 2], "relu", CE, plane, y),
        "circles relu wide": Case([2, 32, 32, 2], "relu", CE, plane, y),
        "circles sigmoid×6": Case([2, *[10] * 6, 2], "sigmoid", CE, plane, y),
        "iris sigmoid": Case([4, 8, 8, 3], "sigmoid", CE, IRIS_X, IRIS_Y),
        "iris gelu": Case([4, 12, 3], "gelu", CE, IRIS_X, IRIS_Y),
        "iris softplus": Case([4, 10, 10, 3], "softplus", SE, IRIS_X, IRIS_T),
        "iris linear": Case([4, 6, 3], "identity", SE, IRIS_X, IRIS_T),
        "iris logistic": Case([4, 3], "tanh", CE, IRIS_X, IRIS_Y),
        "sine tanh": Case([1, 20, 1], "tanh", SE, x, np.sin(x)),
        "sine deep": Case([1, 10, 10, 10, 1], "tanh", SE, x, np.sin(2 * x)),
        "sine Huber": Case([1, 10, 10, 1], "elu", mlp.Huber(), x, np.sin(2 * x)),
        "xor": Case([2, 4, 1], "tanh", BCE, XOR_X, XOR_T),
        "digits": Case([64, 16, 10], "relu", CE, digits.X[:500] / 16, digits.y[:500]),
    }


def stages(case: Case) -> Iterator[tuple[str, Surface]]:
    net, done = chain(case.widths, case.act, 1), 0
    data = mlp.batches(case.X, case.t, None, epochs=10**9)
    state = None
    for name, steps in STAGES.items():
        for step in islice(mlp.train(net, data, case.loss, mlp.Adam(0.01), state=state), steps - done):
            state = step.state
        done = steps
        yield name, Surface(net, case.loss, case.X, case.t)


def row(name: str, stage: str, surface: Surface, draws: int) -> np.ndarray:
    """Print a line; relative errors of λ_max in 20, λ_min in 20 and in 60 products, for three starts in rows."""
    hessian = surface.hessian()
    values = np.linalg.eigvalsh(hessian)
    errors = np.zeros((3, 3))
    for seed in range(3):
        rng = np.random.default_rng(seed)
        led = precondition(surface, rng)
        few, many = (
            ends(surface.times, surface.size, most=most, accuracy=1e-4, rng=rng, start=surface.grad, precondition=led)
            for most in (20, 60)
        )
        tiny = 1e-12 * values[-1]  # below rounding an eigenvalue is 0, and so is an error
        found = [values[-1] - few.largest, few.least - values[0], many.least - values[0]]
        sizes = [values[-1], abs(values[0]), abs(values[0])]
        errors[seed] = [max(d, 0) / n if abs(d) > tiny else 0 for d, n in zip(found, sizes, strict=True)]
        assert min(few.least, many.least) >= values[0] - tiny and few.largest <= values[-1] + tiny
    covered = ""
    if draws and surface.size >= 60:
        hits = (trace(lambda v: hessian @ v, surface.size, 60, rng=seed) for seed in range(draws))
        covered = f"{100 * np.mean([e.low <= np.trace(hessian) <= e.high for e in hits]):8.1f} %"
    numbers = f"{surface.size:6}{values[0]:11.1e}{values[-1]:10.1e}" + "".join(f"{e:10.0e}" for e in errors.max(0))
    print(f"{name:19}{stage:9}{numbers}{covered}", flush=True)
    return errors


def escapes() -> None:
    rules = [mlp.SGD(0.05), mlp.Momentum(0.01), mlp.Nesterov(0.01), mlp.Adam(1e-3)]
    found: dict[str, list[float]] = {type(rule).__name__: [] for rule in rules}
    measured: dict[str, list[float]] = {type(rule).__name__: [] for rule in rules}
    saddles = [q for seed in range(6) for q in tiny_init(seed)]
    saddles += [q for seed in range(2, 8) for q in deep_linear(seed)]
    for q in saddles:
        for rule in rules:
            surface = Surface(q.network, q.loss, q.X, q.t)
            goal = 0.05 * (surface.value - scale(q.loss, surface.batch, q.network.n_out).floor)
            took = steps_until(surface, rule, None, rule.learning_rate, surface.value - goal, 20000)
            point = mlp.curvature.classify_point(q.network, q.loss, q.X, q.t, rule=rule)
            measured[type(rule).__name__].append(point.escape_steps / took)
            moving = motion(rule, None, rule.learning_rate)
            if moving is not None:
                ritz = lanczos(surface.times, surface.grad, 20)
                steps = escape(ritz.values, ritz.vectors.T @ surface.grad, moving, goal).steps
                found[type(rule).__name__].append(steps / took)
    print(f"\n{len(saddles)} strict saddles: foretold / taken, by the model and as `classify_point` says")
    for name in found:
        print(f"  {name:10} {_range(found[name]):24}{_range(measured[name])}")


def _range(ratios: list[float]) -> str:
    return f"{np.median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f})" if ratios else "by trial only"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=2000)
    arguments = parser.parse_args()
    heads = "".join(f"{head:>10}" for head in ("λ_max", "max 20", "min 20", "min 60", "coverage"))
    print(f"{'network':19}{'stage':9}{'P':>6}{'λ_min':>11}{heads}")
    found = [row(name, stage, s, arguments.draws) for name, case in cases().items() for stage, s in stages(case)]
    errors = np.concatenate(found)
    for k, what in enumerate(("λ_max in 20", "λ_min in 20", "λ_min in 60")):
        print(f"{what} products within 1 %: {np.mean(errors[:, k] <= 0.01) * 100:.0f} % of {len(errors)} starts")
    escapes()


if __name__ == "__main__":
    main()
