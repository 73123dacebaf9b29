"""More points with known answers: other widths, data, losses, activations and rules, written when all else was done.

Every family is drawn from a seed, so there is always one that nobody has looked at: `run.py --strangers --offset 9`.
What is known is known from how points are made, and checked by dense Hessians and long trainings, as in `unseen`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from unseen import (
    BCE,
    CE,
    SE,
    Instance,
    blobs,
    copy,
    counts,
    hessian,
    is_minimum,
    labels_of_two,
    level,
    lower_after_push,
    newton,
    run,
    settle,
    spectrum,
    wave,
)  # fmt: skip

import mlp
from mlp import initializers

ACTS = (mlp.Tanh, mlp.Softplus, mlp.SiLU, mlp.GELU, mlp.Sigmoid, mlp.ELU, mlp.Softsign, mlp.SELU)


def stack(widths: list[int], act: Any, seed: int, **dense: Any) -> mlp.Network:
    layers: list[mlp.Layer] = []
    for n_in, n_out in pairwise(widths):
        layers += [mlp.Dense(n_in, n_out, **dense), act()]
    return mlp.Network(layers[:-1], rng=seed)


def told(rate: float | None, budget: int = 1000, **more: Any) -> dict[str, Any]:
    return {"rate": rate, "batch_size": None, "budget": budget} | more


def task(k: int, seed: int, n: int = 70) -> tuple[mlp.Loss, Any, Any, int]:
    """A loss with rows and targets that suit it, and how many outputs it needs."""
    kind = k % 6
    if kind == 0:
        return (CE, *blobs(n, 4, 5, seed, 1.0), 4)
    if kind == 1:
        return (mlp.Huber(0.7), *wave(n, seed, 0.05), 1)
    if kind == 2:
        return (BCE, *labels_of_two(n, seed), 2)
    if kind == 3:
        return (mlp.LogCosh(), *wave(n, seed, 0.05), 1)
    if kind == 4:
        return (mlp.Poisson(), *counts(n, seed), 1)
    return (SE, *wave(n, seed, 0.05), 1)


def split_units(seed: int) -> Iterator[Instance]:
    """A unit of a small network at rest, split into three, at shares that make it a saddle (Fukumizu & Amari 2000)."""
    for k in range(6):
        loss, X, t, n_out = task(k, 7000 + 10 * seed + k)
        act = ACTS[(seed + k) % len(ACTS)]
        small = stack([X.shape[1], 1, n_out], act, seed)
        run(small, loss, X, t, mlp.Adam(0.02), 1500)
        settle(small, loss, X, t, 400)
        net = stack([X.shape[1], 3, n_out], act, seed)
        net.views[0][...], net.views[-1][:, -1] = small.views[0][0], small.views[-1][:, -1]
        net.views[-1][:, :3] = small.views[-1][:, :1] * [(0.5, 0.3, 0.2), (1.4, -0.6, 0.2)][k % 2]
        rest, least, largest = spectrum(net, loss, X, t)
        if rest < 1e-4 * largest and least < -1e-5 * largest and lower_after_push(net, loss, X, t, 0.1) > 0.1:
            yield Instance("split_units", "saddle", net, loss, X, t, told(0.02, 2000))


def nothing_yet(seed: int) -> Iterator[Instance]:
    """Next to no weights and the best constant in the last bias, under a rule with its memory, some steps on."""
    rules = [
        mlp.RMSprop(1e-4),
        mlp.Adam(3e-4),
        mlp.Momentum(0.01),
        mlp.SGD(0.05),
        mlp.Nesterov(0.005),
        mlp.Adagrad(1e-3),
    ]
    for k in range(6):
        loss, X, t, n_out = task(k, 7100 + 10 * seed + k)
        net = stack([X.shape[1], 9, n_out], (mlp.Tanh, mlp.Softsign)[k % 2], seed, weights=initializers.Normal(1e-4))
        head = np.arange(net.layout.size)[net.layout.slices[-1]].reshape(n_out, -1)[:, -1]
        for _ in range(30):
            bend = hessian(net, loss, X, t)[np.ix_(head, head)]
            mlp.value_and_grad(net, loss, mlp.as_batch(X, t), workspace := mlp.Workspace(net, len(X)))
            net.params[head] -= np.linalg.pinv(bend, rcond=1e-6) @ workspace.grad[head]
        rule, here = rules[k], level(net, loss, X, t)
        losses, state = run(net, loss, X, t, rule, 12)
        _, least, largest = spectrum(net, loss, X, t)
        still = level(net, loss, X, t) > 0.99 * here and least < -1e-4 * largest
        if still and lower_after_push(net, loss, X, t, 0.5) > 0.1:
            more = told(rule.learning_rate, 3000, rule=rule, state=state, losses=losses if k % 2 else None)
            yield Instance("nothing_yet", "saddle", net, loss, X, t, more)


def too_small(seed: int) -> Iterator[Instance]:
    """One or two units for a task that takes more: minima, above those that other starts reach."""
    for k in range(6):
        loss, X, t, n_out = task(k, 7200 + 10 * seed + k, 50)
        act = ACTS[(3 * seed + k) % len(ACTS)]
        ends = []
        for start in range(4):
            net = stack([X.shape[1], 2, n_out], act, 10 * seed + start, l2=[0.0, 1e-3][k % 2])
            run(net, loss, X, t, mlp.Adam(0.02), 2000)
            settle(net, loss, X, t, 400)
            newton(net, loss, X, t, 6)
            ends.append((level(net, loss, X, t), net))
        for value, net in ends:
            if value > 0.02 and is_minimum(net, loss, X, t):
                yield Instance("too_small", "local_minimum", net, loss, X, t, told([None, 0.05, 0.01][k % 3]))
                break


def cut_in_the_middle(seed: int) -> Iterator[Instance]:
    """A layer in the middle that gives the same for every row, and the best constant after it."""
    for k in range(6):
        loss, X, t, n_out = task(k, 7300 + 10 * seed + k)
        act = (mlp.ReLU, mlp.HardTanh, mlp.HardSigmoid)[k % 3]
        layers = [mlp.Dense(X.shape[1], 11), mlp.SiLU(), mlp.Dense(11, 9), act(), mlp.Dense(9, n_out)]
        net = mlp.Network(layers, rng=seed)
        net.views[2][:, -1] = -30.0 - 5 * k
        for _ in range(40):
            head = np.arange(net.layout.size)[net.layout.slices[-1]].reshape(n_out, -1)[:, -1]
            bend = hessian(net, loss, X, t)[np.ix_(head, head)]
            mlp.value_and_grad(net, loss, mlp.as_batch(X, t), workspace := mlp.Workspace(net, len(X)))
            net.params[head] -= np.linalg.pinv(bend, rcond=1e-6) @ workspace.grad[head]
        rule = [mlp.SGD(0.1), mlp.Momentum(0.02), mlp.Adam(1e-3)][k % 3]
        losses, _ = run(copy(net), loss, X, t, rule, 1000)
        if losses[-1] > 0.995 * losses[0]:
            more = told(rule.learning_rate, rule=rule, batch_size=[None, 14][k // 3])
            yield Instance("cut_in_the_middle", "plateau", net, loss, X, t, more)


def deep_and_flat(seed: int) -> Iterator[Instance]:
    """Many layers of sigmoids, some hundred steps on: nothing comes through."""
    for k in range(4):
        loss, X, t, n_out = task(k, 7400 + 10 * seed + k)
        net = stack([X.shape[1], *[7 + 2 * k] * (7 + k), n_out], mlp.Sigmoid, seed)
        run(net, loss, X, t, mlp.SGD(0.1), 600)
        on, _ = run(copy(net), loss, X, t, mlp.SGD(0.1), 1000)
        if on[-1] > 0.99 * on[0]:
            yield Instance("deep_and_flat", "plateau", net, loss, X, t, told(0.1))


def on_the_way(seed: int) -> Iterator[Instance]:
    """Trainings that go on falling, under several rules, on all rows or a few."""
    rules = [mlp.RMSprop(1e-3), mlp.NAdam(2e-3), mlp.Momentum(3e-3), mlp.AdamW(2e-3), mlp.SGD(0.02), mlp.Adagrad(0.02)]
    for k in range(6):
        loss, X, t, n_out = task(k, 7500 + 10 * seed + k, 120)
        net, rule, size = stack([X.shape[1], 14, 10, n_out], ACTS[k], seed), rules[(k + seed) % 6], [None, 24][k % 2]
        losses, state = run(net, loss, X, t, rule, 80, size)
        here, other = level(net, loss, X, t), copy(net)
        run(other, loss, X, t, rule, 400, size, state=None)
        half = level(other, loss, X, t)
        run(other, loss, X, t, rule, 600, size)
        if half < 0.85 * here and level(other, loss, X, t) < 0.75 * here:
            more = told(rule.learning_rate, rule=rule, state=state, batch_size=size, losses=losses if k % 3 else None)
            yield Instance("on_the_way", "descending", net, loss, X, t, more)


def hardly_moving(seed: int) -> Iterator[Instance]:
    """Rates that are a millionth of what would do."""
    for k in range(4):
        loss, X, t, n_out = task(k + seed, 7600 + 10 * seed + k)
        net = stack([X.shape[1], 12, n_out], ACTS[(k + seed) % 8], seed)
        rule = [mlp.SGD(1e-7), mlp.Momentum(1e-8), mlp.Adam(1e-9), mlp.RMSprop(1e-9)][k]
        losses, state = run(net, loss, X, t, rule, 200)
        sane = copy(net)
        run(sane, loss, X, t, mlp.SGD(0.03), 1000)
        if level(sane, loss, X, t) < 0.8 * level(net, loss, X, t):
            more = told(rule.learning_rate, rule=rule, state=state, losses=losses)
            yield Instance("hardly_moving", "descending", net, loss, X, t, more)


def few_rows_a_step(seed: int) -> Iterator[Instance]:
    """Long trainings on one to four rows a step at a rate that holds the loss up; a twentieth of it lowers it."""
    rules = [mlp.SGD(0.3), mlp.RMSprop(0.03), mlp.Momentum(0.05), mlp.Adam(0.05)]
    for k in range(6):
        loss, X, t, n_out = task(k, 7700 + 10 * seed + k, 120)
        t = t if k % 6 not in (1, 3, 5) else t + 0.3 * np.random.default_rng(seed).standard_normal(t.shape)
        net, rule = stack([X.shape[1], 8, n_out], (mlp.Tanh, mlp.SiLU)[k % 2], seed), rules[(k + seed) % 4]
        if isinstance(loss, mlp.Poisson):
            rule = mlp.SGD(0.05)
        size = 1 + k % 4
        losses, state = run(net, loss, X, t, rule, 8000, size, seed)
        here = np.mean([_later(net, loss, X, t, rule, state, size, n) for n in (200, 500, 900)])
        slow = copy(net)
        run(slow, loss, X, t, type(rule)(rule.learning_rate / 20), 8000, size, seed)
        on = copy(net)
        run(on, loss, X, t, rule, 4000, size, seed + 1, state=None)
        if level(slow, loss, X, t) < 0.8 * here and level(on, loss, X, t) > 0.85 * here:
            more = told(rule.learning_rate, 2000, rule=rule, state=state, batch_size=size, losses=losses[-1000:])
            yield Instance("few_rows_a_step", "noise_floor", net, loss, X, t, more)


def _later(net: mlp.Network, loss: mlp.Loss, X: Any, t: Any, rule: Any, state: Any, size: int, steps: int) -> float:
    other = copy(net)
    run(other, loss, X, t, rule, steps, size, 77)
    return level(other, loss, X, t)


def thrown_about(seed: int) -> Iterator[Instance]:
    """All rows, and a rate that throws the steps about; a tenth of it descends."""
    for k in range(6):
        loss, X, t, n_out = task(k, 7800 + 10 * seed + k)
        if isinstance(loss, mlp.Poisson):
            continue
        net = stack([X.shape[1], 10, n_out], (mlp.Tanh, mlp.Sigmoid, mlp.Softsign)[k % 3], seed)
        for rate in (1.0, 2.0, 4.0, 8.0, 16.0):
            rule = [mlp.SGD(rate), mlp.Adam(rate / 8), mlp.Momentum(rate / 4, 0.7)][(k + seed) % 3]
            other = copy(net)
            losses, state = run(other, loss, X, t, rule, 1200)
            if not np.isfinite(losses[-1]):
                break
            on, _ = run(copy(other), loss, X, t, rule, 1000)
            lower = [mlp.SGD(rate / 10), mlp.Adam(rate / 80), mlp.Momentum(rate / 40, 0.7)][(k + seed) % 3]
            slow, _ = run(copy(other), loss, X, t, lower, 1000)
            stays = np.isfinite(on).all() and np.mean(on[500:]) > 0.95 * np.mean(on[:500])
            if stays and np.mean(slow[-50:]) < 0.6 * np.mean(on) and np.mean(on) > 1.5 * min(slow):
                more = told(rule.learning_rate, rule=rule, state=state, losses=losses[-500:] if k % 2 else None)
                yield Instance("thrown_about", "bouncing", other, loss, X, t, more)
                break


def learned_by_heart(seed: int) -> Iterator[Instance]:
    """More parameters than rows, or equal rows with other targets: nothing is left to gain."""
    for k in range(5):
        loss, X, t, n_out = task(k, 7900 + 10 * seed + k, 12)
        if k % 2 == 0:  # every row three times, with targets of its own
            rng = np.random.default_rng(seed)
            X, t = np.repeat(X[:6], 3, 0), t[rng.integers(0, len(t), 18)]
        net = stack([X.shape[1], 24, n_out], (mlp.Tanh, mlp.SiLU, mlp.ELU)[k % 3], seed)
        run(net, loss, X, t, mlp.Adam(0.02), 3000)
        settle(net, loss, X, t, 400)
        if k % 2 == 0 or level(net, loss, X, t) < 1e-6:
            if k % 2 == 0 and not _at_group_means(net, loss, X, t):
                continue
            yield Instance("learned_by_heart", "global_minimum", net, loss, X, t, told(0.05))


def _at_group_means(net: mlp.Network, loss: mlp.Loss, X: Any, t: Any) -> bool:
    """Whether no answer to any of the distinct rows would be better: ∂L/∂output sums to 0 over equal rows."""
    outputs = mlp.predict(net, X).T.astype(float)
    slope = np.empty_like(outputs)
    loss.value_and_grad(outputs, t if np.ndim(t) == 1 else np.asarray(t, float).T, None, slope)
    return bool(np.abs(slope.reshape(len(slope), 6, 3).sum(-1)).max() < 1e-4)


def no_end(seed: int) -> Iterator[Instance]:
    """Classes that planes divide, linear models: the weights grow for ever."""
    for k in range(4):
        rng = np.random.default_rng(8000 + 10 * seed + k)
        X = rng.standard_normal((50, 4))
        W = rng.standard_normal((3 if k % 2 else 1, 4))
        scores = X @ W.T
        margin = np.diff(np.sort(scores, 1)[:, -2:], axis=1)[:, 0] if k % 2 else np.abs(scores[:, 0])
        X = X[margin > 0.4]
        scores = X @ W.T
        loss, t = (CE, scores.argmax(1)) if k % 2 else (BCE, (scores > 0).astype(float))
        net = mlp.Network([mlp.Dense(4, len(W))], rng=seed)
        run(net, loss, X, t, mlp.Momentum(0.1) if k > 1 else mlp.SGD(0.5), [1500, 3000][k % 2])
        answers = mlp.predict(net, X)
        right = (answers.argmax(1) == t).all() if k % 2 else ((answers > 0) == t).all()
        if right and 2e-3 < level(net, loss, X, t) < 0.2:
            yield Instance("no_end", "valley", net, loss, X, t, told(0.5))


FAMILIES = (split_units, nothing_yet, too_small, cut_in_the_middle, deep_and_flat, on_the_way, hardly_moving,
            few_rows_a_step, thrown_about, learned_by_heart, no_end)  # fmt: skip
