"""The classical toy problems: what the papers report, and what these rules do.

    python benchmarks/classic.py [encoders] [sine]        (about a minute; no argument: all)

Encoders: N inputs of which one is on, through M sigmoids, back to N sigmoids; squared error, weights U(-1, 1), solved
when every output is on its side of the 40-20-40 criterion (above 0.6 for 1, under 0.4 for 0). Fahlman (1988) counts
10-5-10, Riedmiller & Braun (1993) 10-5-10 and 12-2-12. All runs of a rule train as one population. Epochs are means
over the runs that are solved.

Sine: 1-5-1, tanh, one period in 41 points, Nguyen-Widrow weights, until the mean squared error is 0.002: MATLAB's
comparison of its training functions, 30 runs each. Epochs and milliseconds of this process are medians over runs; one
that is not there after 1,000 epochs counts as infinite. BLAS threads count, so set OPENBLAS_NUM_THREADS=1.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

import mlp
from mlp.initializers import Uniform

RUNS = 100


def encoder(n: int, m: int, flat_spot: float, seed: int) -> tuple[mlp.Network, mlp.Batch]:
    """RUNS networks n-m-n and their n patterns."""
    layers = [
        layer
        for sizes in ((n, m), (m, n))
        for layer in (mlp.Dense(*sizes, Uniform(-1, 1)), mlp.Sigmoid(flat_spot=flat_spot))
    ]
    net = mlp.Network(layers, rng=seed, population=(RUNS,))
    for dense in (net.views[0], net.views[2]):  # bias weights too
        dense[..., -1] = net.rng.uniform(-1, 1, dense.shape[:-1])
    return net, mlp.as_batch(np.eye(n), np.eye(n))


def epochs_to_solve(net: mlp.Network, batch: mlp.Batch, rule: mlp.Optimizer, limit: int) -> np.ndarray:
    """Updates made until each member of the population is solved; infinite where it is not by `limit`."""
    found = np.full(net.population, np.inf)
    with np.errstate(over="ignore"):
        for step in mlp.train(net, [batch] * limit, mlp.SquaredError(), rule):
            wrong = np.abs(step.workspace.nodes[-1].values - batch.target).max((-1, -2))
            found[(wrong < 0.4) & np.isinf(found)] = step.index
            if np.isfinite(found).all():
                break
    return found


def encoders() -> None:
    """Both encoders, every rule."""
    eta = 10.0  # the loss is a mean over N = 10 patterns, Fahlman's a sum
    rows: list[tuple[str, tuple[int, int], mlp.Optimizer, float, int, str]] = [
        ("Quickprop, η 1.5", (10, 5), mlp.Quickprop(1.5 * eta), 0.0, 300, "21-22 (Fahlman 22.1, with flat spot)"),
        ("Quickprop, η 1.5, flat spot", (10, 5), mlp.Quickprop(1.5 * eta), 0.1, 300, ""),
        ("Rprop, Δ₀ 0.1", (10, 5), mlp.Rprop(0.1), 0.0, 300, "19 (Riedmiller & Braun)"),
        ("Rprop, Δ₀ 2", (10, 5), mlp.Rprop(2.0), 0.0, 300, ""),
        ("Rprop-, Δ₀ 0.1", (10, 5), mlp.RpropMinus(0.1), 0.0, 300, ""),
        ("iRprop+, Δ₀ 0.1", (10, 5), mlp.IRpropPlus(0.1), 0.0, 300, ""),
        ("iRprop-, Δ₀ 0.1", (10, 5), mlp.IRpropMinus(0.1), 0.0, 300, ""),
        ("gradient descent, η 1.9", (10, 5), mlp.SGD(1.9 * eta), 0.0, 1000, "121-129"),
        ("Rprop", (12, 2), mlp.Rprop(0.1), 0.0, 2000, "2 of 20 (facts)"),
        ("Rprop, flat spot", (12, 2), mlp.Rprop(0.1), 0.1, 2000, "20 of 20 in 219 ± 38 (facts)"),
        ("Rprop, Δmax 0.3", (12, 2), mlp.Rprop(0.1, max_step=0.3), 0.0, 2000, "about 820 (facts)"),
    ]
    print(f"{'':32}{'net':>9}{'solved':>9}{'epochs':>9}{'± sd':>8}   reported")
    for name, (n, m), rule, spot, limit, reported in rows:
        found = epochs_to_solve(*encoder(n, m, spot, seed=0), rule, limit)
        there = found[np.isfinite(found)]
        mean, deviation = (there.mean(), there.std()) if there.size else (np.nan, np.nan)
        solved = f"{100 * there.size / RUNS:.0f} %"
        print(f"{name:32}{f'{n}-{m}-{n}':>9}{solved:>9}{mean:9.1f}{deviation:8.1f}   {reported}")


SINE_RULES: dict[str, mlp.Optimizer] = {
    "Levenberg-Marquardt": mlp.LevenbergMarquardt(),
    "Bayesian regularisation": mlp.BayesianRegularization(),
    "Gauss-Newton": mlp.GaussNewton(),
    "dogleg": mlp.Dogleg(),
    "BFGS": mlp.BFGS(),
    "L-BFGS": mlp.LBFGS(),
    "Newton-CG": mlp.NewtonCG(),
    "trust region": mlp.TrustRegion(),
    "Hessian-free": mlp.HessianFree(),
    "K-FAC": mlp.KFAC(),
    "SCG": mlp.ScaledConjugateGradient(),
    "Powell-Beale": mlp.PowellBeale(),
    "Fletcher-Reeves": mlp.FletcherReeves(),
    "Polak-Ribière": mlp.PolakRibiere(),
    "Hestenes-Stiefel": mlp.HestenesStiefel(),
    "one-step secant": mlp.OneStepSecant(),
    "Rprop": mlp.Rprop(0.07),
    "iRprop+": mlp.IRpropPlus(0.07),
    "Quickprop": mlp.Quickprop(0.1),
    "bold driver, momentum": mlp.BoldDriver(0.1, 0.9),
    "delta-bar-delta": mlp.DeltaBarDelta(0.05, 0.01),
    "Adam": mlp.Adam(0.05),
}


def fitted(rule: mlp.Optimizer, seed: int) -> tuple[float, float, float]:
    """Epochs, gradient evaluations and seconds until ½ mse is 0.001."""
    X = np.linspace(-1, 1, 41)[:, None]
    net = mlp.Network([mlp.Dense(1, 5, "nguyen_widrow"), mlp.Tanh(), mlp.Dense(5, 1)], rng=seed)
    batch = mlp.as_batch(X, np.sin(np.pi * X))
    start = time.process_time()
    for step in mlp.train(net, [batch] * 1000, mlp.SquaredError(), rule):
        if step.loss <= 0.001:
            return step.index, step.state.evaluations, time.process_time() - start
    return np.inf, np.inf, np.inf


def sine() -> None:
    """Every rule, 30 runs each."""
    rows: list[tuple[str, Any]] = [
        (name, np.array([fitted(rule, seed) for seed in range(30)])) for name, rule in SINE_RULES.items()
    ]
    best = np.median(rows[0][1][:, 2])
    print(f"{'':26}{'solved':>9}{'epochs':>9}{'gradients':>11}{'ms':>9}{'/ LM':>8}")
    for name, found in rows:
        epochs, gradients, seconds = np.median(found, axis=0)
        solved = f"{np.isfinite(found[:, 0]).sum()}/30"
        print(f"{name:26}{solved:>9}{epochs:9.0f}{gradients:11.0f}{1000 * seconds:9.1f}{seconds / best:8.2f}")


PARTS = {"encoders": encoders, "sine": sine}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
        print()
