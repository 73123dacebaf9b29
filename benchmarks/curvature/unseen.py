"""Points with known answers that were written down before the procedure was built, to be scored once.

    python benchmarks/curvature/unseen.py [--float32] [--list]

Every family is one mechanism. What kind a point is, is known from how it was made, and checked here by means that
`mlp.curvature` has no part in: dense Hessians by differences of gradients, and long trainings. An instance that fails
its check is left out and counted. The kinds, for steps of rate s, a batch of B rows and a budget of T steps, with
G = loss - floor and the reference the best constant answer:

    global_minimum   G is at most 1e-3 of what the best constant answer leaves; or the model has no other minima
    local_minimum    no direction goes down, and other points of the same network lie lower
    saddle           the gradient is next to nothing, and there is a way down from here
    plateau          a layer passes nothing on, dead or saturated, so that no step within T gains anything
    valley           all rows are right; the loss falls for ever as the weights grow, and has no minimum
    descending       the run's own steps, or larger ones, go on lowering the loss
    noise_floor      minibatches hold the loss up; a lower rate would lower it
    bouncing         the rate holds the loss up, also with all rows; a lower one would lower it
"""

from __future__ import annotations

import argparse
import collections
import time
import warnings
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Any, NamedTuple

import numpy as np

import mlp
from mlp import initializers

SE, CE, BCE = mlp.SquaredError(), mlp.SoftmaxCrossEntropy(), mlp.SigmoidCrossEntropy()
XOR_X = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
XOR_T = np.array([[0], [1], [1], [0.0]])


class Instance(NamedTuple):
    """A point, its right answer, and what `classify_point` is told."""

    family: str
    kind: str
    network: mlp.Network
    loss: mlp.Loss
    X: Any
    t: Any
    told: dict[str, Any]


# what the checks are made of


def copy(net: mlp.Network) -> mlp.Network:
    return net.at(net.params.copy())


def level(net: mlp.Network, loss: mlp.Loss, X: Any, t: Any) -> float:
    """The loss on all rows, penalties included."""
    return float(gradient(copy(net), loss, X, t)[0])


def gradient(net: mlp.Network, loss: mlp.Loss, X: Any, t: Any) -> tuple[Any, Any]:
    workspace = mlp.Workspace(net, len(X))
    value = mlp.value_and_grad(net, loss, mlp.as_batch(X, t), workspace)
    return value, workspace.grad


def hessian(net: mlp.Network, loss: mlp.Loss, X: Any, t: Any, h: float = 1e-5) -> Any:
    """By central differences of exact gradients, all of them at once as a population."""
    eye = h * np.eye(net.layout.size)
    around = gradient(net.at(np.concatenate([net.params + eye, net.params - eye])), loss, X, t)[1]
    found = (around[: len(eye)] - around[len(eye) :]) / (2 * h)
    return (found + found.T) / 2


def run(net: mlp.Network, loss: mlp.Loss, X: Any, t: Any, rule: Any, steps: int, size: Any = None, rng: int = 0,
        state: Any = None) -> tuple[list[float], Any]:  # fmt: skip
    """Train in place; the losses of the steps, and the rule's memory."""
    data = mlp.batches(X, t, size, rng=rng, epochs=10**9)
    losses = []
    for step in islice(mlp.train(net, data, loss, rule, state=state), steps):
        losses.append(float(step.loss))
        state = step.state
    return losses, state


def settle(net: mlp.Network, loss: mlp.Loss, X: Any, t: Any, steps: int = 400) -> None:
    """To a stationary point of all rows."""
    run(net, loss, X, t, mlp.LBFGS(), steps)


def newton(net: mlp.Network, loss: mlp.Loss, X: Any, t: Any, steps: int = 12) -> None:
    """The last digits: Newton steps within the directions that curve."""
    for _ in range(steps):
        values, vectors = np.linalg.eigh(hessian(net, loss, X, t))
        keep = np.abs(values) > 1e-6 * np.abs(values).max()
        step = (vectors[:, keep] / values[keep]) @ (vectors[:, keep].T @ gradient(copy(net), loss, X, t)[1])
        if np.linalg.norm(step) < 0.1 * np.linalg.norm(net.params):
            net.params -= step


def spectrum(net: mlp.Network, loss: mlp.Loss, X: Any, t: Any) -> tuple[float, float, float]:
    """‖g‖, the least and the largest eigenvalue."""
    values = np.linalg.eigvalsh(hessian(net, loss, X, t))
    return float(np.linalg.norm(gradient(copy(net), loss, X, t)[1])), float(values[0]), float(values[-1])


def lower_after_push(net: mlp.Network, loss: mlp.Loss, X: Any, t: Any, push: float, steps: int = 4000) -> float:
    """The share of the loss that Adam takes away after a random push of `push` times ‖θ‖/√P (at least 0.3)."""
    here, found = level(net, loss, X, t), 0.0
    for seed in range(3):
        other = copy(net)
        size = push * max(float(np.sqrt(np.mean(net.params**2))), 0.3)
        other.params += size * np.random.default_rng(seed).standard_normal(net.params.shape)
        run(other, loss, X, t, mlp.Adam(0.01), steps)
        found = max(found, (here - level(other, loss, X, t)) / max(here, 1e-300))
    return found


def is_minimum(net: mlp.Network, loss: mlp.Loss, X: Any, t: Any) -> bool:
    """At rest, no negative curvature, and what is pushed a little does not come out lower."""
    rest, least, largest = spectrum(net, loss, X, t)
    return rest < 1e-6 * largest and least > -1e-7 * largest and lower_after_push(net, loss, X, t, 0.02) < 0.01


def blobs(n: int, classes: int, features: int, seed: int, spread: float = 1.0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return 2 * rng.standard_normal((classes, features))[y] + spread * rng.standard_normal((n, features)), y


def wave(n: int, seed: int, noise: float = 0.2) -> tuple[Any, Any]:
    """cos 2x of two inputs that say the same in other words."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, n)
    return np.column_stack([x, x**2 / 2 - 1]), (np.cos(2 * x) + noise * rng.standard_normal(n))[:, None]


def counts(n: int, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 3))
    return X, rng.poisson(np.exp(0.8 * np.sin(X[:, :1]) + 0.5 * X[:, 1:2])).astype(float)


def labels_of_two(n: int, seed: int, noise: float = 0.0) -> tuple[Any, Any]:
    """Two yes-or-no questions about three numbers."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 3))
    asked = np.column_stack([X[:, 0] * X[:, 1] > 0, X[:, 2] > 0.3])
    return X, np.where(rng.random((n, 2)) < noise, ~asked, asked).astype(float)


WINE = mlp.data.load("wine")
WINE_X, WINE_Y = (WINE.X - WINE.X.mean(0)) / WINE.X.std(0), WINE.y


# the families


def autoencoders() -> Iterator[Instance]:
    """A linear autoencoder that keeps other principal components than the leading: Baldi & Hornik (1989), saddles."""
    X = WINE_X[:, :6]
    vectors = np.linalg.eigh(X.T @ X)[1][:, ::-1]
    for kept, depth, push in [
        ((0, 2), 2, 0), ((1, 2), 2, 0), ((0, 3), 2, 1e-5), ((1, 3), 3, 0), ((0, 4), 3, 1e-5),
        ((2, 3), 3, 1e-4), ((0,), 2, 1e-6), ((1,), 2, 0), ((0, 1), 2, 0), ((0, 1), 3, 0),
    ]:  # fmt: skip
        widths = [6, *[2] * (depth - 1), 6]
        net = mlp.Network([mlp.Dense(a, b) for a, b in pairwise(widths)])
        net.params[...] = 0
        k = len(kept)
        net.views[0][:k, :-1] = vectors[:, kept].T
        net.views[-1][:, :k] = vectors[:, kept]
        if depth == 3:
            net.views[1][:, :-1] = np.eye(2)
        net.params += push * np.random.default_rng(depth).standard_normal(net.params.shape)
        told = {"rate": 0.02, "batch_size": None, "budget": 2000}
        yield Instance("autoencoder", "global_minimum" if kept == (0, 1) else "saddle", net, SE, X, X, told)


def tied_pairs() -> Iterator[Instance]:
    """Units that began in equal pairs stay equal: where they come to rest, exchanging two of them changes nothing."""
    acts = [mlp.SiLU(), mlp.Softplus(), mlp.Tanh(), mlp.Sigmoid(), mlp.GELU(), mlp.Softsign()]
    tasks = [(mlp.Huber(0.5), wave, 0.05), (BCE, labels_of_two, 0.0), (mlp.LogCosh(), wave, 0.05)]
    for i in range(12):
        loss, draw, noise = tasks[i % 3]
        X, t = draw(50, i, noise)
        hidden, head = mlp.Dense(X.shape[1], 4, l2=1e-4), mlp.Dense(4, t.shape[1], l2=1e-4)
        net = mlp.Network([hidden, acts[i % 6], head], rng=i)
        net.views[0][2:] = net.views[0][:2]
        net.views[-1][:, 2:4] = net.views[-1][:, :2]
        run(net, loss, X, t, mlp.Adam(mlp.schedules.Exponential(0.02, 1000)), 3000)
        settle(net, loss, X, t)
        rest, least, largest = spectrum(net, loss, X, t)
        if rest < 1e-4 * largest and least < -1e-4 * largest and lower_after_push(net, loss, X, t, 0.1) > 0.1:
            yield Instance("tied_pairs", "saddle", net, loss, X, t, {"rate": 0.05, "batch_size": None, "budget": 3000})


def dead_layers() -> Iterator[Instance]:
    """A hidden layer whose units give one constant each, exactly; the rest has found the best constant."""
    X, y = WINE_X[:, :5], WINE_Y
    far = X + 40.0
    two = np.column_stack([y == 0, y == 1]).astype(float)
    for i, (act, loss, t, given) in enumerate([
        (mlp.HardTanh(), BCE, two, far), (mlp.HardSigmoid(), SE, two, far), (mlp.ReLU(), mlp.Huber(), two, far),
        (mlp.HardTanh(), CE, y, far), (mlp.ReLU(), BCE, two, X), (mlp.ReLU(), mlp.Focal(), y, X),
    ]):  # fmt: skip
        n_out = 3 if np.ndim(t) == 1 else 2
        net = mlp.Network([mlp.Dense(5, 7), act, mlp.Dense(7, 6), mlp.Tanh(), mlp.Dense(6, n_out)], rng=i)
        net.views[0][:, :-1] = -np.abs(net.views[0][:, :-1]) * (1 if given is far else 0.1)
        net.views[0][:, -1] = -20.0
        yield from _at_best_constant("dead_layer", net, loss, given, t)
    for seed in range(2):
        net = mlp.Network([mlp.RBF(5, 8, width=0.2), mlp.Dense(8, 3)], rng=seed)
        yield from _at_best_constant("dead_layer", net, CE, far, y)


def _at_best_constant(family: str, net: mlp.Network, loss: mlp.Loss, X: Any, t: Any) -> Iterator[Instance]:
    """With the last bias trained alone, by Newton's method on the constants."""
    told = {"rate": 0.1, "batch_size": None, "budget": 1000}
    head = net.layout.slices[-1]
    part = slice(head.start, head.stop)
    for _ in range(40):
        columns = np.arange(part.start, part.stop).reshape(net.n_out, -1)[:, -1]
        bend = hessian(net, loss, X, t)[np.ix_(columns, columns)]
        net.params[columns] -= np.linalg.pinv(bend, rcond=1e-6) @ gradient(copy(net), loss, X, t)[1][columns]
    steps, _ = run(copy(net), loss, X, t, mlp.SGD(0.1), 1000)
    if steps[-1] > 0.995 * steps[0]:
        yield Instance(family, "plateau", net, loss, X, t, told)


def saturated_outputs() -> Iterator[Instance]:
    """Squared error behind sigmoids that are sure and wrong: y(1 - y) is next to nothing, and the loss is large."""
    X, y = WINE_X[:, :5], WINE_Y
    t = np.eye(3)[y]
    for i, (wrong, act) in enumerate(
        [(14.0, mlp.Sigmoid()), (-16.0, mlp.Sigmoid()), (18.0, mlp.Tanh()), (15.0, mlp.Sigmoid())]
    ):
        net = mlp.Network([mlp.Dense(5, 6), mlp.Tanh(), mlp.Dense(6, 3), act], rng=i)
        net.views[2][:, -1] = wrong * (1 if i < 3 else np.array([1, -1, 1]))
        steps, _ = run(copy(net), SE, X, t, mlp.SGD(0.5), 1000)
        if steps[-1] > 0.99 * steps[0]:
            yield Instance(
                "saturated_output", "plateau", net, SE, X, t, {"rate": 0.5, "batch_size": None, "budget": 1000}
            )


def interpolations() -> Iterator[Instance]:
    """More parameters than rows, fitted: a valley floor of global minima, of other architectures and losses."""
    for i in range(8):
        X, t = wave(7, 20 + i, 0.3)
        wide = [
            [mlp.Dense(2, 12), mlp.Residual([mlp.Dense(12, 12), mlp.Tanh()]), mlp.Dense(12, 1)],
            [mlp.Dense(2, 16), mlp.LayerNorm(), mlp.GELU(), mlp.Dense(16, 1)],
            [mlp.RBF(2, 20), mlp.Dense(20, 1)],
            [mlp.Dense(2, 24), mlp.Maxout(2), mlp.Dense(12, 1)],
        ][i % 4]
        loss = [SE, mlp.LogCosh(), mlp.Huber()][i % 3]
        net = mlp.Network(wide, rng=i)
        run(net, loss, X, t, mlp.Adam(0.01), 3000)
        settle(net, loss, X, t, 300)
        if level(net, loss, X, t) < 1e-6:
            yield Instance(
                "interpolation", "global_minimum", net, loss, X, t, {"rate": 0.05, "batch_size": None, "budget": 1000}
            )


def contradictions() -> Iterator[Instance]:
    """Rows that repeat with other answers: nothing can be better than the best constant for each group of rows."""
    for i, loss in enumerate([SE, BCE, mlp.Poisson(), mlp.Quantile(0.7), mlp.Huber(0.5), SE]):
        rng = np.random.default_rng(30 + i)
        X = np.repeat(rng.standard_normal((5, 3)), 8, 0)
        t = rng.random((40, 2)) if loss is not mlp.Poisson() else rng.poisson(2.0, (40, 2)).astype(float)
        if loss is BCE:
            t = (t < 0.4).astype(float)
        net = mlp.Network([mlp.Dense(3, 20), mlp.Tanh(), mlp.Dense(20, 2)], rng=i)
        falling = mlp.schedules.Exponential(0.02, 400)
        run(net, loss, X, t, mlp.Adam(falling), 6000)
        best = _group_floor(loss, X, t)
        reference = _group_floor(loss, 0 * X, t)
        if level(net, loss, X, t) - best < 5e-4 * (reference - best):
            yield Instance(
                "contradiction", "global_minimum", net, loss, X, t, {"rate": 0.02, "batch_size": None, "budget": 1000}
            )


def _group_floor(loss: mlp.Loss, X: Any, t: Any) -> float:
    """The mean over groups of equal rows of the loss of the group's best constant, on a fine grid."""
    total = 0.0
    for row in np.unique(X, axis=0):
        mine = t[(row == X).all(1)].T
        grid = np.linspace(-8, 8, 64001)[:, None]
        total += sum(
            float(np.min(np.mean(loss.point(grid, mine[j][None]), -1))) * mine.shape[1] for j in range(len(mine))
        )
    return total / len(X)


def valleys() -> Iterator[Instance]:
    """Linear classifiers of rows that a plane divides: the weights grow for ever (Soudry et al. 2018)."""
    for i, steps in enumerate([3000, 6000, 3000, 8000, 4000, 5000]):
        rng = np.random.default_rng(40 + i)
        if i % 2:
            X = rng.standard_normal((50, 3))
            side = X @ np.array([1.0, -2.0, 0.5])
            X += 0.2 * np.sign(side)[:, None] * np.array([1.0, -2.0, 0.5]) / 5.25**0.5
            loss, t, net = BCE, (side > 0).astype(float)[:, None], mlp.Network([mlp.Dense(3, 1)], rng=i)
        else:
            X, t = blobs(60, 3, 4, 50 + i, 0.5)
            loss, net = CE, mlp.Network([mlp.Dense(4, 3)], rng=i)
        run(net, loss, X, t, mlp.SGD(0.3), steps)
        right = (mlp.predict(net, X).argmax(1) == t).all() if loss is CE else ((mlp.predict(net, X) > 0) == t).all()
        if right and 1.5e-3 < level(net, loss, X, t) < 0.15:
            yield Instance("valley", "valley", net, loss, X, t, {"rate": 0.3, "batch_size": None, "budget": 1000})


def noise_floors() -> Iterator[Instance]:
    """Steps on a few rows at a time, at several rates, long after the loss ceased to fall."""
    cases = [(mlp.Huber(0.5), wave(120, 60, 0.3), 1, 0.6), (BCE, labels_of_two(150, 61, 0.05), 1, 1.0),
             (CE, blobs(150, 3, 2, 62, 1.2), 1, 0.5), (mlp.Poisson(), counts(120, 63), 1, 0.06),
             (SE, wave(120, 64, 0.3), 2, 0.5), (CE, blobs(150, 3, 2, 65, 1.2), 2, 1.2),
             (BCE, labels_of_two(150, 66, 0.05), 4, 2.0), (mlp.Huber(0.5), wave(120, 67, 0.3), 3, 1.2)]  # fmt: skip
    for i, (loss, (X, t), size, rate) in enumerate(cases):
        n_out = 3 if t.ndim == 1 else t.shape[1]
        net = mlp.Network([mlp.Dense(X.shape[1], 6), mlp.Tanh(), mlp.Dense(6, n_out)], rng=i)
        losses, _ = run(net, loss, X, t, mlp.SGD(rate), 15000, size, i)
        if _held_up_by_noise(net, loss, X, t, mlp.SGD(rate), mlp.SGD(rate / 20), size):
            told = {"rate": rate, "batch_size": size, "budget": 2000, "losses": losses if i % 2 else None}
            yield Instance("noise_floor", "noise_floor", net, loss, X, t, told)


def adam_floors() -> Iterator[Instance]:
    """The same for Adam and momentum, whose memory is handed over."""
    cases = [(CE, blobs(150, 3, 2, 70, 1.2), 2, mlp.Adam(0.08), mlp.Adam(0.004)),
             (mlp.Huber(0.5), wave(120, 71, 0.3), 2, mlp.Adam(0.04), mlp.Adam(0.002)),
             (BCE, labels_of_two(150, 72, 0.05), 2, mlp.Momentum(0.15), mlp.Momentum(0.0075)),
             (SE, wave(120, 73, 0.3), 2, mlp.Momentum(0.05), mlp.Momentum(0.0025)),
             (BCE, labels_of_two(150, 74, 0.05), 4, mlp.Adam(0.08), mlp.Adam(0.004)),
             (mlp.Huber(0.5), wave(120, 75, 0.3), 1, mlp.Momentum(0.06), mlp.Momentum(0.003))]  # fmt: skip
    for i, (loss, (X, t), size, rule, lower) in enumerate(cases):
        n_out = 3 if t.ndim == 1 else t.shape[1]
        net = mlp.Network([mlp.Dense(X.shape[1], 6), mlp.Tanh(), mlp.Dense(6, n_out)], rng=i)
        losses, state = run(net, loss, X, t, rule, 15000, size, i)
        if _held_up_by_noise(net, loss, X, t, rule, lower, size):
            told = {
                "rate": rule.learning_rate,
                "batch_size": size,
                "budget": 2000,
                "rule": rule,
                "state": state,
                "losses": losses,
            }
            yield Instance("adam_floor", "noise_floor", net, loss, X, t, told)


def _held_up_by_noise(net: mlp.Network, loss: mlp.Loss, X: Any, t: Any, rule: Any, lower: Any, size: int) -> bool:
    """The level stays over 2 × 3,000 more steps; at a twentieth of the rate, or with all rows, it ends 15 % lower."""
    other, levels = copy(net), []
    for part in range(2):
        found = []
        for k in range(30):
            run(other, loss, X, t, rule, 100, size, 1000 + 100 * part + k)
            found.append(level(other, loss, X, t))
        levels.append((np.mean(found), np.std(found) / 30**0.5))
    calm = copy(net)
    run(calm, loss, X, t, lower, 6000, size, 7)
    (before, e1), (after, e2) = levels
    whole = copy(net)
    run(whole, loss, X, t, rule, 2000)
    now = min(before, after, level(net, loss, X, t))
    stays = before - after < 2 * (e1 + e2) + 0.02 * before
    return stays and max(level(calm, loss, X, t), level(whole, loss, X, t)) < 0.85 * now


def ravines() -> Iterator[Instance]:
    """Full batches across a ravine whose walls throw the steps back: Huber and logistic losses bound the throw."""
    for i in range(8):
        rng = np.random.default_rng(80 + i)
        Z = rng.standard_normal((60, 3)) @ np.diag([6.0, 1.0, 0.3])
        if i % 4 == 0:
            loss, t, net, rate = (
                mlp.Huber(0.3),
                (Z @ [[0.3], [1.0], [2.0]]) + 0.02 * rng.standard_normal((60, 1)),
                mlp.Network([mlp.Dense(3, 1)], rng=i),
                0.4,
            )
        elif i % 4 == 1:
            loss, t, rate = BCE, (Z @ [0.3, 1.0, 2.0] + 0.5 * rng.standard_normal(60) > 0).astype(float)[:, None], 4.0
            net = mlp.Network([mlp.Dense(3, 1)], rng=i)
        elif i % 4 == 2:
            loss, t, rate = mlp.LogCosh(), np.sin(Z[:, :1]) + Z[:, 1:2], 1.5
            net = mlp.Network([mlp.Dense(3, 8), mlp.Tanh(), mlp.Dense(8, 1)], rng=i)
        else:
            loss, t, rate = CE, (Z[:, 0] * Z[:, 1] > 0).astype(int), 12.0
            net = mlp.Network([mlp.Dense(3, 8), mlp.SiLU(), mlp.Dense(8, 2)], rng=i)
        losses, _ = run(net, loss, Z, t, mlp.SGD(rate), 1500)
        on, _ = run(copy(net), loss, Z, t, mlp.SGD(rate), 1000)
        slow, _ = run(copy(net), loss, Z, t, mlp.SGD(rate / 10), 1000)
        stays = np.isfinite(on).all() and np.mean(on[500:]) > 0.93 * np.mean(on[:500])
        if stays and np.mean(slow[-50:]) < 0.6 * np.mean(on):
            told = {"rate": rate, "batch_size": None, "budget": 1000, "losses": losses if i % 2 else None}
            yield Instance("ravine", "bouncing", net, loss, Z, t, told)


def single_neurons() -> Iterator[Instance]:
    """One sigmoid and squared error: many minima on well chosen rows (Auer, Herbster & Warmuth 1996)."""
    for seed in range(30):
        rng = np.random.default_rng(90 + seed)
        X = np.concatenate([rng.normal(0, 1, (6, 1)), rng.normal(0, 20, (6, 1))])
        t = rng.uniform(0.1, 0.9, (12, 1))
        starts = rng.normal(0, 3, (200, 2)) * [1, 3]
        many = mlp.Network([mlp.Dense(1, 1), mlp.Sigmoid()], population=(200,))
        many.params[...] = starts
        for _ in islice(mlp.train(many, mlp.batches(X, t, None, epochs=10**9), SE, mlp.RpropMinus()), 600):
            pass
        ends = gradient(copy(many), SE, X, t)[0]
        for k in np.argsort(-ends):
            net = many.member(int(k))
            if np.abs(net.params).max() < 12 and ends[k] > 1.1 * ends.min() + 1e-3:
                net = mlp.Network([mlp.Dense(1, 1), mlp.Sigmoid()]).at(net.params.copy())
                newton(net, SE, X, t)
                _, least, largest = spectrum(net, SE, X, t)
                if least > 1e-3 * largest and is_minimum(net, SE, X, t):
                    yield Instance(
                        "single_neuron",
                        "local_minimum",
                        net,
                        SE,
                        X,
                        t,
                        {"rate": 0.2, "batch_size": None, "budget": 2000},
                    )
                    break


def all_active() -> Iterator[Instance]:
    """ReLU units that are on for every row, at the best linear answer (Yun, Sra & Jadbabaie 2019, theorem 1)."""
    for seed in range(4):
        X, t = wave(40, 100 + seed)
        A = np.column_stack([X, np.ones(len(X))])
        best = np.linalg.lstsq(A, t, rcond=None)[0][:, 0]
        act = [mlp.ReLU(), mlp.LeakyReLU(0.1)][seed % 2]
        net = mlp.Network([mlp.Dense(2, 3), act, mlp.Dense(3, 1)], rng=seed)
        size = np.random.default_rng(seed).uniform(0.5, 1.0, 3)
        net.views[0][:, :-1] = size[:, None] * best[:2]
        net.views[0][:, -1] = 8.0
        net.views[-1][0, :3] = 1 / (3 * size)
        net.views[-1][0, -1] = best[2] - 8.0 * (1 / (3 * size)).sum()
        if lower_after_push(net, SE, X, t, 0.02) < 0.01:
            yield Instance(
                "all_active", "local_minimum", net, SE, X, t, {"rate": 0.005, "batch_size": None, "budget": 2000}
            )


def penalised_xor() -> Iterator[Instance]:
    """XOR 2-2-1 with a little weight decay, which brings the minima at infinity to where they can be reached."""
    found = 0
    for seed in range(60):
        net = mlp.Network([mlp.Dense(2, 2, l2=1e-3), mlp.Tanh(), mlp.Dense(2, 1, l2=1e-3)], rng=seed)
        loss, t = (BCE, XOR_T) if seed % 2 else (mlp.LogCosh(), XOR_T)
        run(net, loss, XOR_X, t, mlp.Adam(0.05), 1500)
        settle(net, loss, XOR_X, t, 200)
        newton(net, loss, XOR_X, t)
        high = 0.2 if loss is BCE else 0.03
        if level(net, loss, XOR_X, t) > high and is_minimum(net, loss, XOR_X, t):
            found += 1
            yield Instance(
                "penalised_xor", "local_minimum", net, loss, XOR_X, t, {"rate": 0.1, "batch_size": None, "budget": 2000}
            )
        if found == 6:
            return


def mid_descent() -> Iterator[Instance]:
    """On the way down, of other architectures and losses, with all rows or a few."""
    for i in range(12):
        X, t, loss = [(*wave(80, 110 + i), mlp.Huber()), (WINE_X, WINE_Y, CE), (*counts(80, 110 + i), mlp.Poisson()),
                      (*labels_of_two(100, 110 + i), mlp.SigmoidFocal())][i % 4]  # fmt: skip
        n_in, n_out = X.shape[1], 3 if t.ndim == 1 else t.shape[1]
        hidden: list[mlp.Layer] = [
            [mlp.Residual([mlp.Dense(8, 8), mlp.SiLU()])], [mlp.LayerNorm(), mlp.ReLU()], [mlp.Maxout(2)],
            [mlp.BatchNorm(), mlp.Tanh()], [mlp.Softplus()],
        ][i % 5]  # fmt: skip
        net = mlp.Network([mlp.Dense(n_in, 8), *hidden, mlp.Dense(4 if i % 5 == 2 else 8, n_out)], rng=i)
        size, rate = (16 if i % 2 else None), 0.03
        losses, _ = run(net, loss, X, t, mlp.SGD(rate), 60, size)
        here, other = level(net, loss, X, t), copy(net)
        run(other, loss, X, t, mlp.SGD(rate), 500, size)
        half = level(other, loss, X, t)
        run(other, loss, X, t, mlp.SGD(rate), 500, size)
        if half < 0.9 * here and level(other, loss, X, t) < 0.8 * here:
            told = {"rate": rate, "batch_size": size, "budget": 1000, "losses": losses if i % 3 else None}
            yield Instance("mid_descent", "descending", net, loss, X, t, told)


def too_low() -> Iterator[Instance]:
    """Rates so low that nothing moves, where a sane one would go down."""
    for i, loss in enumerate([mlp.Huber(), BCE, CE, mlp.LogCosh()]):
        X, t = [wave(60, 130), labels_of_two(60, 131), blobs(60, 3, 4, 132), wave(60, 133)][i]
        n_out = 3 if t.ndim == 1 else t.shape[1]
        net = mlp.Network(
            [mlp.Dense(X.shape[1], 8), mlp.Residual([mlp.Tanh(), mlp.Dense(8, 8)]), mlp.Dense(8, n_out)], rng=i
        )
        rule = mlp.SGD(1e-7) if i % 2 else mlp.Adam(1e-9)
        losses, state = run(net, loss, X, t, rule, 300)
        sane = copy(net)
        run(sane, loss, X, t, mlp.SGD(0.05), 1000)
        if level(sane, loss, X, t) < 0.8 * level(net, loss, X, t):
            told = {
                "rate": rule.learning_rate,
                "batch_size": None,
                "budget": 1000,
                "rule": rule,
                "state": state,
                "losses": losses,
            }
            yield Instance("too_low", "descending", net, loss, X, t, told)


def zero_starts() -> Iterator[Instance]:
    """All or next to all weights zero: strict saddles where a row says something on average, degenerate ones else."""
    zeros = initializers.Zeros()
    cases = [(mlp.Poisson(), counts(60, 140), 0.0), (BCE, labels_of_two(60, 141), 1e-5),
             (mlp.Huber(), wave(60, 142), 1e-6), (mlp.LogCosh(), wave(60, 143), 1e-4),
             (BCE, (XOR_X - 0.5, XOR_T), 1e-4), (SE, (XOR_X - 0.5, XOR_T), 1e-3),
             (mlp.Poisson(), counts(60, 144), 1e-3), (mlp.Focal(), blobs(60, 3, 4, 145), 1e-5)]  # fmt: skip
    for i, (loss, (X, t), size) in enumerate(cases):
        n_out = 3 if t.ndim == 1 else t.shape[1]
        net = mlp.Network([mlp.Dense(X.shape[1], 6, weights=zeros), mlp.Tanh(), mlp.Dense(6, n_out, weights=zeros)])
        head = np.arange(net.layout.size)[net.layout.slices[-1]].reshape(n_out, -1)[:, -1]
        net.params += size * np.random.default_rng(i).standard_normal(net.params.shape)
        for _ in range(30):
            bend = hessian(net, loss, X, t)[np.ix_(head, head)]
            net.params[head] -= np.linalg.pinv(bend, rcond=1e-6) @ gradient(copy(net), loss, X, t)[1][head]
        if lower_after_push(net, loss, X, t, 1.0, 6000) > 0.1:
            yield Instance("zero_start", "saddle", net, loss, X, t, {"rate": 0.02, "batch_size": None, "budget": 2000})


def normalised_minima() -> Iterator[Instance]:
    """Too small for the task, with batch norm or layer norm: minima along whose scales nothing changes."""
    found = 0
    for seed in range(24):
        X, t = blobs(90, 3, 2, 150 + seed, 2.5)
        norm = [mlp.BatchNorm(), mlp.LayerNorm()][seed % 2]
        net = mlp.Network([mlp.Dense(2, 2, l2=1e-3), norm, mlp.Tanh(), mlp.Dense(2, 3, l2=1e-2)], rng=seed)
        run(net, CE, X, t, mlp.Adam(0.02), 2500)
        settle(net, CE, X, t, 400)
        newton(net, CE, X, t, 6)
        if is_minimum(net, CE, X, t):
            found += 1
            yield Instance(
                "normalised_minimum", "local_minimum", net, CE, X, t, {"rate": 0.1, "batch_size": None, "budget": 1000}
            )
        if found == 6:
            return


def collapsed() -> Iterator[Instance]:
    """Penalties so strong that zero weights are best: minima, though every hidden layer is silent."""
    for seed in range(4):
        X, t = blobs(80, 3, 4, 170 + seed)
        act = [mlp.GELU(), mlp.Tanh(), mlp.SiLU(), mlp.Softsign()][seed]
        net = mlp.Network(
            [mlp.Dense(4, 6, l2=4.0), act, mlp.Dense(6, 6, l2=4.0), act, mlp.Dense(6, 3, l2=4.0)], rng=seed
        )
        run(net, CE, X, t, mlp.SGD(0.05), 3000)
        if is_minimum(net, CE, X, t):
            yield Instance(
                "collapsed", "local_minimum", net, CE, X, t, {"rate": 0.05, "batch_size": None, "budget": 1000}
            )


def remembered() -> Iterator[Instance]:
    """Momentum and Adam on their way, or thrown about, with their memory handed over."""
    for i in range(4):
        X, t = wave(60, 180 + i, 0.05)
        net = mlp.Network([mlp.Dense(2, 10), mlp.Tanh(), mlp.Dense(10, 1)], rng=i)
        rule = [mlp.Momentum(0.005), mlp.Adam(0.002)][i % 2]
        losses, state = run(net, SE, X, t, rule, 150)
        told = {
            "rate": rule.learning_rate,
            "batch_size": None,
            "budget": 1000,
            "rule": rule,
            "state": state,
            "losses": losses,
        }
        after, _ = run(copy(net), SE, X, t, rule, 1000)
        if after[-1] < 0.7 * losses[-1]:
            yield Instance("remembered", "descending", net, SE, X, t, told)
    for i, rate in enumerate([1.5, 0.8, 0.5, 0.4]):
        X, t = wave(60, 190 + i, 0.02)
        net = mlp.Network([mlp.Dense(2, 10), mlp.Tanh(), mlp.Dense(10, 1)], rng=i)
        rule = mlp.Momentum(rate, 0.5) if i % 2 else mlp.Adam(rate)
        losses, state = run(net, mlp.Huber(0.2), X, t, rule, 1500)
        on, _ = run(copy(net), mlp.Huber(0.2), X, t, rule, 1000)
        slow, _ = run(copy(net), mlp.Huber(0.2), X, t, type(rule)(rate / 16), 1000)
        if (
            np.isfinite(on).all()
            and np.mean(on[500:]) > 0.93 * np.mean(on[:500])
            and np.mean(slow[-50:]) < 0.6 * np.mean(on)
        ):
            told = {"rate": rate, "batch_size": None, "budget": 1000, "rule": rule, "state": state, "losses": losses}
            yield Instance("remembered", "bouncing", net, mlp.Huber(0.2), X, t, told)


FAMILIES = [autoencoders, tied_pairs, dead_layers, saturated_outputs, interpolations, contradictions, valleys,
            noise_floors, adam_floors, ravines, single_neurons, all_active, penalised_xor, mid_descent,
            too_low, zero_starts, normalised_minima, collapsed, remembered]  # fmt: skip


def single(instance: Instance) -> Instance:
    """The same point in float32."""
    net = mlp.Network(instance.network.layers, dtype=np.float32)
    net.params[...], net.statistics[...] = instance.network.params, instance.network.statistics
    told, t = dict(instance.told), np.asarray(instance.t)
    if told.get("state") is not None:
        told["state"] = _narrow(told["state"])
    t = t if t.dtype.kind in "iu" else t.astype(np.float32)
    return instance._replace(network=net, X=instance.X.astype(np.float32), t=t, told=told)


def _narrow(state: Any) -> Any:
    """The memory of a rule, its arrays in float32."""
    other = type(state)(**vars(state))
    for name, value in vars(state).items():
        if isinstance(value, np.ndarray):
            setattr(other, name, value.astype(np.float32))
    return other


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--float32", action="store_true")
    parser.add_argument("--list", action="store_true", help="make and check the instances, and classify none")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    tally: dict[str, collections.Counter[str]] = {}
    for family in FAMILIES:
        start = time.time()
        instances = list(family())
        print(f"{family.__name__:20} {len(instances):3} instances made in {time.time() - start:5.1f} s", flush=True)
        for instance in [] if arguments.list else instances:
            q = single(instance) if arguments.float32 else instance
            start = time.time()
            try:
                point = mlp.curvature.classify_point(q.network, q.loss, q.X, q.t, **q.told)
                kind, why = point.kind, point.why
            except Exception as error:
                kind, why = type(error).__name__, str(error)
            tally.setdefault(q.family, collections.Counter())[f"{q.kind} -> {kind}"] += 1
            mark = "ok " if kind == q.kind else "BAD"
            print(f"{mark} {q.family:20} {q.kind:15} -> {kind:15} {time.time() - start:5.2f} s  {why}", flush=True)
    right = sum(n for found in tally.values() for row, n in found.items() if len(set(row.split(" -> "))) == 1)
    total = sum(sum(found.values()) for found in tally.values())
    for name, found in tally.items():
        print(f"{name:20}", dict(found))
    print(f"{right} of {total} right" if total else "")


if __name__ == "__main__":
    main()
