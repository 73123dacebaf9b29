"""Points with known answers that the procedure was built beside: what trains to where, and why the answer is known.

Every family is made from seeds, so that more of it can be had; `unseen.py` has families that were written down before.
What a kind means stands there, too. `seen(seeds)` makes them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from unseen import (
    BCE,
    CE,
    SE,
    XOR_T,
    XOR_X,
    Instance,
    blobs,
    copy,
    gradient,
    hessian,
    level,
    lower_after_push,
    run,
    settle,
    spectrum,
)  # fmt: skip

import mlp
from mlp import initializers

Layers = list[mlp.Layer]
IRIS = mlp.data.load("iris")
IRIS_X, IRIS_Y = (IRIS.X - IRIS.X.mean(0)) / IRIS.X.std(0), IRIS.y
IRIS_T = np.eye(3)[IRIS_Y]
ACTS: dict[str, Callable[[], mlp.Layer]] = {
    "tanh": mlp.Tanh, "sigmoid": mlp.Sigmoid, "relu": mlp.ReLU, "gelu": mlp.GELU, "softsign": mlp.Softsign,
    "elu": mlp.ELU, "softplus": mlp.Softplus, "identity": mlp.Identity,
}  # fmt: skip
XOR_Y = np.array([0, 1, 1, 0])


def chain(widths: list[int], act: str, rng: int = 0, norm: bool = False, **dense: Any) -> mlp.Network:
    layers: Layers = []
    for n_in, n_out in pairwise(widths):
        layers.append(mlp.Dense(n_in, n_out, **dense))
        layers += [mlp.BatchNorm()] if norm else []
        layers.append(ACTS[act]())
    return mlp.Network(layers[: -2 if norm else -1], rng=rng)


def circles(n: int, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    radius, angle = np.where(y == 1, 1.0, 0.5) + 0.1 * rng.standard_normal(n), rng.uniform(0, 2 * np.pi, n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1), y


def sine(n: int, seed: int, noise: float = 0.0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-3, 3, n))[:, None]
    return x, np.sin(x) + noise * rng.standard_normal((n, 1))


def point(family: str, kind: str, net: mlp.Network, loss: mlp.Loss, X: Any, t: Any, **told: Any) -> Instance:
    told = {"rate": None, "batch_size": None, "budget": 1000} | told
    return Instance(family, kind, net, loss, X, t, told)


def fit_head(net: mlp.Network, loss: mlp.Loss, X: Any, t: Any) -> None:
    """The last dense layer alone to its optimum, by damped Newton steps: a convex problem."""
    part = [s for s in net.layout.slices if s.stop > s.start][-1]
    for _ in range(30):
        value, grad = gradient(copy(net), loss, X, t)
        bend = hessian(net, loss, X, t)[part, part]
        ridge = 1e-10 * max(float(np.trace(bend)) / len(bend), 1e-12)
        step = np.linalg.lstsq(bend + ridge * np.eye(len(bend)), grad[part], rcond=1e-9)[0]
        old, length = net.params[part].copy(), 1.0
        while length > 1e-6:
            net.params[part] = old - length * step
            if level(net, loss, X, t) <= value + 1e-15:
                break
            length /= 2
        if np.linalg.norm(grad[part]) < 1e-12:
            return


def priors(net: mlp.Network, loss: mlp.Loss, t: Any) -> None:
    """The biases of the head at the best constant answer."""
    net.views[-1][..., -1] = np.log(np.bincount(t) / len(t)) if np.ndim(t) == 1 else np.mean(t, 0)


# saddles


def zero_init(seed: int) -> Iterator[Instance]:
    act, loss, t = [("tanh", CE, IRIS_Y), ("identity", SE, IRIS_T), ("tanh", SE, IRIS_T), ("gelu", CE, IRIS_Y)][
        seed % 4
    ]
    net = chain([4, 6, 3], act, weights=initializers.Zeros())
    fit_head(net, loss, IRIS_X, t)
    yield point("zero_init", "saddle", net, loss, IRIS_X, t, rate=[0.05, 0.02, 0.1][seed % 3])


def tiny_init(seed: int) -> Iterator[Instance]:
    for size in (1e-4, 1e-3, 1e-2):
        act, (loss, t) = ["tanh", "gelu", "softsign", "identity"][seed % 4], [(CE, IRIS_Y), (SE, IRIS_T)][seed % 2]
        net = chain([4, 6, 3], act, seed, weights=initializers.Normal(size))
        priors(net, loss, t)
        yield point("tiny_init", "saddle", net, loss, IRIS_X, t, rate=0.05)


def tiny_init_rules(seed: int) -> Iterator[Instance]:
    """The same under momentum and Adam, some steps on the way, and with minibatches."""
    rule = [mlp.Momentum(0.005), mlp.Adam(1e-4), mlp.Nesterov(0.003)][seed % 3]
    net = chain([4, 6, 3], ["tanh", "softsign"][seed % 2], seed, weights=initializers.Normal(1e-3))
    priors(net, CE, IRIS_Y)
    _, state = run(net, CE, IRIS_X, IRIS_Y, rule, 20)
    yield point("tiny_init_rules", "saddle", net, CE, IRIS_X, IRIS_Y, rate=rule.learning_rate, rule=rule, state=state)
    net = chain([4, 6, 3], "tanh", seed, weights=initializers.Normal(1e-4))
    priors(net, CE, IRIS_Y)
    yield point("tiny_init_rules", "saddle", net, CE, IRIS_X, IRIS_Y, rate=0.02, batch_size=16)


def deep_linear(seed: int) -> Iterator[Instance]:
    """Optimal maps of a lower rank, in factors (Baldi & Hornik 1989); of rank 0 at depth 3 none is negative."""
    W = np.linalg.lstsq(IRIS_X, IRIS_T - IRIS_T.mean(0), rcond=None)[0].T
    U = np.linalg.svd(W @ np.linalg.cholesky(IRIS_X.T @ IRIS_X / 150))[0]
    rank, push, depth = seed % 2, [0.0, 1e-6, 1e-4, 1e-3][seed // 2 % 4], [2, 3][seed // 8 % 2]
    u, s, v = np.linalg.svd(U[:, :rank] @ U[:, :rank].T @ W)
    root = s[:3] ** (1 / depth)
    first, middle, last = np.zeros((6, 4)), np.zeros((6, 6)), np.zeros((3, 6))
    first[:rank], middle[:rank, :rank], last[:, :rank] = (
        (root[:, None] * v[:3])[:rank],
        np.diag(root[:rank]),
        (u * root)[:, :rank],
    )
    net = chain([4, *[6] * (depth - 1), 3], "identity")
    net.params[...] = 0
    for i, matrix in zip(range(0, 2 * depth, 2), [first, middle, last] if depth == 3 else [first, last], strict=True):
        net.views[i][:, :-1] = matrix
    net.views[-1][:, -1] = IRIS_T.mean(0)
    net.params += push * np.random.default_rng(seed).standard_normal(net.params.shape)
    yield point("deep_linear", "saddle", net, SE, IRIS_X, IRIS_T, rate=0.05)


def equal_units(seed: int) -> Iterator[Instance]:
    """A unit of a trained network split in two, where that makes a saddle (Fukumizu & Amari 2000)."""
    X, t = sine(30, seed)
    small = chain([1, 1, 1], "tanh", seed)
    settle(small, SE, X, t, 300)
    for share in (0.5, 0.3):
        net = chain([1, 2, 1], "tanh")
        net.views[0][...] = small.views[0][0]
        a, b = small.views[-1][0]
        net.views[-1][0] = [share * a, (1 - share) * a, b]
        _, least, largest = spectrum(net, SE, X, t)
        if least < -1e-6 * largest:
            yield point("equal_units", "saddle", net, SE, X, t, rate=0.1)


def constant_init(seed: int) -> Iterator[Instance]:
    """Units that began equal stay equal, and rest where the network with one unit rests."""
    X, t = circles(200, 500 + seed) if seed % 2 else (IRIS_X, IRIS_Y)
    net = chain(
        [X.shape[1], 6, 2 if seed % 2 else 3], ["tanh", "sigmoid", "gelu"][seed % 3], weights=initializers.Constant(0.3)
    )
    run(net, CE, X, t, mlp.Adam(0.02), 3000)
    settle(net, CE, X, t, 300)
    rest, least, largest = spectrum(net, CE, X, t)
    still = rest < 1e-4 * largest and least < -1e-7 * largest
    if still and lower_after_push(net, CE, X, t, 0.1) > 0.1:
        yield point("constant_init", "saddle", net, CE, X, t, rate=0.1)


def tiny_deep(seed: int) -> Iterator[Instance]:
    """Three layers of next to no weights: a degenerate saddle."""
    size = 1e-2 if seed % 2 else 1e-3
    net = chain([4, 6, 6, 3], ["tanh", "softsign", "gelu", "relu"][seed % 4], seed, weights=initializers.Normal(size))
    net.views[-1][..., -1] = 0
    yield point("tiny_deep", "saddle", net, CE, IRIS_X, IRIS_Y, rate=0.1)


# minima


def xor_minima(seed: int) -> Iterator[Instance]:
    """XOR with two hidden units, stuck where two of the four points are answered by one half."""
    for k in range(10 * seed, 10 * seed + 10):
        net = chain([2, 2, 1] if k % 2 else [2, 2, 2], "tanh", k)
        loss, t = (BCE, XOR_T) if k % 2 else (CE, XOR_Y)
        run(net, loss, XOR_X, t, mlp.Adam(0.05), 4000)
        if abs(level(net, loss, XOR_X, t) - np.log(2) / 2) < 0.01:
            yield point("xor_minimum", "local_minimum", net, loss, XOR_X, t, rate=0.1)
            return


def xor_squared(seed: int) -> Iterator[Instance]:
    for k in range(500 + 20 * seed, 520 + 20 * seed):
        net = chain([2, 2, 1], "sigmoid" if k % 2 else "tanh", k)
        run(net, SE, XOR_X, XOR_T, mlp.Adam(0.05), 4000)
        _, least, largest = spectrum(net, SE, XOR_X, XOR_T)
        if level(net, SE, XOR_X, XOR_T) > 0.02 and least > -1e-7 * largest:
            yield point("xor_squared", "local_minimum", net, SE, XOR_X, XOR_T, rate=0.1)
            return


def settled(seed: int) -> Iterator[Instance]:
    """Too small for the task, at rest, without negative curvature, and nothing lower after a small push."""
    task = seed % 5
    if task == 0:
        (X, t), loss, net = circles(200, seed), CE, chain([2, 2, 2], "tanh", seed)
    elif task == 1:
        (X, t), loss, net = sine(40, seed, 0.1), SE, chain([1, 2, 1], "tanh", seed)
    elif task == 2:
        (X, t), loss, net = sine(40, seed, 0.1), SE, chain([2, 2, 1], "sigmoid", seed)
        X = np.column_stack([X, X**2])
    elif task == 3:
        (X, t), loss, net = (mlp.data.parity(4).X, mlp.data.parity(4).y), CE, chain([4, 3, 2], "tanh", seed)
    else:
        (X, t), loss, net = circles(200, seed), CE, chain([2, 2, 2], "tanh", seed, norm=True)
    run(net, loss, X, t, mlp.Adam(0.02), 2500)
    settle(net, loss, X, t, 500)
    rest, least, largest = spectrum(net, loss, X, t)
    still = least > -1e-7 * largest and rest < 1e-4 * largest and lower_after_push(net, loss, X, t, 0.01) < 0.02
    if level(net, loss, X, t) > 0.01 and still:
        yield point("settled", "local_minimum", net, loss, X, t, rate=[None, 0.1, 0.02][seed % 3])


def penalised(seed: int) -> Iterator[Instance]:
    """Weight decay makes minima above the floor; a strong one makes zero the best."""
    if seed % 2:
        net = chain([4, 8, 3], "tanh", seed, l2=1.0)
        run(net, CE, IRIS_X, IRIS_Y, mlp.SGD(0.1), 2000)
        yield point("penalised", "local_minimum", net, CE, IRIS_X, IRIS_Y, rate=0.1)
        return
    (X, t), net = circles(200, seed), chain([2, 16, 2], "tanh", seed, l2=0.003)
    run(net, CE, X, t, mlp.Adam(0.02), 4000)
    settle(net, CE, X, t, 500)
    _, least, largest = spectrum(net, CE, X, t)
    if least > -1e-6 * largest:
        yield point("penalised", "local_minimum", net, CE, X, t, rate=0.1)


def relu_regression(seed: int) -> Iterator[Instance]:
    (X, t), net = sine(40, seed, 0.2), chain([1, 4, 1], "relu", seed)
    run(net, SE, X, t, mlp.Adam(0.01), 4000)
    losses, _ = run(copy(net), SE, X, t, mlp.SGD(0.02), 20001)
    if losses[0] - losses[1000] > 0.05 * losses[0]:
        yield point("relu_regression", "descending", net, SE, X, t, rate=0.02)
    elif losses[-1] > 0.98 * losses[0] and lower_after_push(net, SE, X, t, 0.01) < 0.02:
        yield point("relu_regression", "local_minimum", net, SE, X, t, rate=0.02)


def converged(seed: int) -> Iterator[Instance]:
    task = seed % 4
    if task == 0:
        net = chain([2, 4, 1], "tanh", seed)
        run(net, SE, XOR_X, XOR_T, mlp.Adam(0.05), 2000)
        if level(net, SE, XOR_X, XOR_T) < 1e-6:
            yield point("converged", "global_minimum", net, SE, XOR_X, XOR_T)
    elif task == 1:
        (X, t), net = sine(6, seed), chain([1, 20, 1], "tanh", seed)
        settle(net, SE, X, t, 300)
        yield point("converged", "global_minimum", net, SE, X, t)
    elif task == 2:
        (X, t), net = circles(100, seed), chain([2, 16, 2], "relu", seed, norm=seed % 8 > 3)
        run(net, CE, X, t, mlp.Adam(0.02), 3000)
        if level(net, CE, X, t) < 3e-4:
            yield point("converged", "global_minimum", net, CE, X, t)
    else:
        rng = np.random.default_rng(seed)
        X, t = np.repeat(rng.standard_normal((8, 2)), 10, 0), rng.integers(0, 2, 80)
        net = chain([2, 16, 2], "tanh", seed)
        run(net, CE, X, t, mlp.Adam(0.02), 2000)
        settle(net, CE, X, t, 300)
        yield point("label_noise", "global_minimum", net, CE, X, t)


def best_linear(seed: int) -> Iterator[Instance]:
    """A model without other minima, at its own: linear regression, logistic regression of what no plane divides."""
    rng = np.random.default_rng(seed)
    if seed % 2:
        X, t = rng.standard_normal((60, 3)), rng.standard_normal((60, 2))
        net = chain([3, 5, 2] if seed % 4 == 1 else [3, 2], "identity", seed)
        run(net, SE, X, t, mlp.Adam(0.02), 3000)
        settle(net, SE, X, t, 200)
        yield point("best_linear", "global_minimum", net, SE, X, t, rate=0.1)
        return
    X, t = blobs(80, 3, 2, seed, 2.5)
    net = chain([2, 3], "identity", seed)
    settle(net, CE, X, t, 200)
    yield point("best_linear", "global_minimum", net, CE, X, t, rate=0.1)


# flat places


def deep_sigmoid(seed: int) -> Iterator[Instance]:
    X, t = circles(200, seed) if seed % 2 else (IRIS_X, IRIS_Y)
    net = chain([X.shape[1], *[16] * (6 + seed % 8 // 2), 2 if seed % 2 else 3], "sigmoid", seed)
    run(net, CE, X, t, mlp.SGD(0.1), 500)
    yield point("deep_sigmoid", "plateau", net, CE, X, t, rate=0.1)


def dead_relu(seed: int) -> Iterator[Instance]:
    X, t = circles(200, seed) if seed % 2 else (IRIS_X, IRIS_Y)
    net = chain([X.shape[1], 16, 16, 2 if seed % 2 else 3], "relu", seed, bias=-10.0 if seed % 6 < 4 else 0.0)
    net.views[-1][..., -1] = 0
    if seed % 6 >= 4:
        net.views[2][..., -1] = -50
    fit_head(net, CE, X, t)
    yield point("dead_relu", "plateau", net, CE, X, t, rate=0.1, batch_size=[None, 16][seed // 6 % 2])


def saturated(seed: int) -> Iterator[Instance]:
    X, t = circles(200, seed) if seed % 2 else (IRIS_X, IRIS_Y)
    net = chain([X.shape[1], 6, 6, 2 if seed % 2 else 3], "tanh", seed, weights=initializers.Normal(60.0))
    net.views[-1][...] *= 0.001
    run(net, CE, X, t, mlp.Momentum(0.3), 6000)
    yield point("saturated", "plateau", net, CE, X, t, rate=0.1)


# on the way


def descending(seed: int) -> Iterator[Instance]:
    task, (X, t) = seed % 6, circles(200, seed)
    if task == 0:
        net = chain([2, 16, 2], "tanh", seed)
        run(net, CE, X, t, mlp.SGD(0.1), 150)
        yield point("descending", "descending", net, CE, X, t, rate=0.1)
    elif task == 1:
        net = chain([2, 16, 2], "relu", seed)
        run(net, CE, X, t, mlp.SGD(0.1), 100, 20)
        yield point("descending", "descending", net, CE, X, t, rate=0.1, batch_size=20)
    elif task == 2:
        net = chain([4, 8, 3], "tanh", seed)
        run(net, CE, IRIS_X, IRIS_Y, mlp.SGD(1e-6), 200)
        yield point("low_rate", "descending", net, CE, IRIS_X, IRIS_Y, rate=1e-6)
    elif task == 3:
        net = chain([4, 10, 10, 3], ["softplus", "relu", "elu"][seed % 3], seed)
        run(net, CE, IRIS_X, IRIS_Y, mlp.SGD(0.05), 60, 16)
        yield point("descending", "descending", net, CE, IRIS_X, IRIS_Y, rate=0.05, batch_size=16)
    elif task == 4:
        (X, t), net = circles(100, seed), chain([2, 16, 16, 2], "tanh", seed)
        run(net, CE, X, t, mlp.SGD(1.0), 400)
        yield point("edge_of_stability", "descending", net, CE, X, t, rate=1.0)
    else:
        net, rule = chain([2, 16, 2], "gelu", seed), [mlp.Adam(0.002), mlp.Momentum(0.02)][seed // 6 % 2]
        losses, state = run(net, CE, X, t, rule, 120, 25)
        told: dict[str, Any] = {"rate": rule.learning_rate, "batch_size": 25, "rule": rule, "state": state}
        yield point("descending_rules", "descending", net, CE, X, t, losses=losses, **told)


def separable(seed: int) -> Iterator[Instance]:
    """Logistic regression of what a plane divides: no minimum (Soudry et al. 2018)."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((60, 2))
    side = X @ np.array([1.0, 2.0])
    X += 0.3 * np.sign(side)[:, None] * np.array([1, 2.0]) / 5**0.5
    net = chain([2, 2], "identity", seed)
    run(net, CE, X, (side > 0).astype(int), mlp.SGD(0.5), [800, 4000][seed % 2])
    yield point("separable", "valley", net, CE, X, (side > 0).astype(int), rate=0.5)


# held up by the steps


def noise_floor(seed: int) -> Iterator[Instance]:
    rng, task = np.random.default_rng(seed), seed % 3
    if task == 0:
        X = rng.standard_normal((200, 5))
        t, loss, net = (
            X @ rng.standard_normal((5, 1)) + rng.standard_normal((200, 1)),
            SE,
            chain([5, 1], "identity", seed),
        )
        rate = 0.1
    elif task == 1:
        (X, t), loss, net, rate = sine(100, seed, 0.3), SE, chain([1, 8, 1], "tanh", seed), 0.1
    else:
        (X, t), loss, net, rate = circles(200, seed), CE, chain([2, 6, 2], "tanh", seed), 0.8
        t = np.where(rng.random(200) < 0.2, 1 - t, t)
    losses, _ = run(net, loss, X, t, mlp.SGD(rate), 8000, 2, seed)
    calm, after = copy(net), []
    run(calm, loss, X, t, mlp.SGD(rate / 20), 6000, 2, seed)
    other = copy(net)
    for k in range(30):
        run(other, loss, X, t, mlp.SGD(rate), 100, 2, 1000 * seed + k)
        after.append(level(other, loss, X, t))
    told: dict[str, Any] = {"losses": losses} if seed % 2 else {}
    if level(calm, loss, X, t) < 0.97 * min(float(np.mean(after)), level(net, loss, X, t)):
        yield point("noise_floor", "noise_floor", net, loss, X, t, rate=rate, batch_size=2, **told)


def bouncing(seed: int) -> Iterator[Instance]:
    loss = [CE, SE][seed % 2]
    for rate in (100, 30, 10, 5) if loss is CE else (2.0, 1.4, 1.0, 0.7, 0.5):
        (X, t), net = (
            (circles(200, seed), chain([2, 8, 2], "tanh", seed))
            if loss is CE
            else (sine(40, seed), chain([1, 8, 1], "tanh", seed))
        )
        with np.errstate(all="ignore"):
            run(net, loss, X, t, mlp.SGD(rate), 700)
            on, _ = run(copy(net), loss, X, t, mlp.SGD(rate), 1001)
            slow, _ = run(copy(net), loss, X, t, mlp.SGD(rate / 8), 1001)
        stays = np.isfinite(on).all() and np.mean(on[500:]) >= 0.9 * np.mean(on[:500])
        if stays and np.mean(slow[-50:]) < 0.7 * np.mean(on[:500]):
            yield point("bouncing", "bouncing", net, loss, X, t, rate=rate)
            return


def kink(seed: int) -> Iterator[Instance]:
    """Absolute error and steps of one length."""
    rng = np.random.default_rng(seed)
    X, loss = rng.standard_normal((41, 2)), mlp.AbsoluteError()
    net = chain([2, 1], "identity", seed)
    t = X @ np.array([[1.0], [2.0]])
    run(net, loss, X, t, mlp.SGD(0.3), 400)
    yield point("kink", "bouncing", net, loss, X, t, rate=0.3)


FAMILIES: list[tuple[Callable[[int], Iterator[Instance]], int]] = [  # and how many seeds of it make a suite of 350
    (zero_init, 4), (tiny_init, 8), (tiny_init_rules, 6), (deep_linear, 16), (equal_units, 14), (constant_init, 24),
    (tiny_deep, 8), (xor_minima, 14), (xor_squared, 8), (settled, 55), (penalised, 12), (relu_regression, 12),
    (converged, 28), (best_linear, 8), (deep_sigmoid, 16), (dead_relu, 18), (saturated, 12), (descending, 36),
    (separable, 8), (noise_floor, 24), (bouncing, 32), (kink, 6),
]  # fmt: skip


def seen(offset: int = 0) -> Iterator[Instance]:
    """The suite; another `offset` makes another of the same families."""
    for family, count in FAMILIES:
        for seed in range(offset, offset + count):
            yield from family(seed)
