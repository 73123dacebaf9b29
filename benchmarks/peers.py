"""A step here, in PyTorch, in JAX and in scikit-learn: same data, weights, batches and rule, one process each.

    python benchmarks/peers.py [--rounds 11] [--threads 1] [--nets 64-32-10/32,...] [--python jax=/path/to/python]

A step is: gather a minibatch, forward, loss, backward, Adam, float32. Each peer is a child of this process. They take
turns, and only the one whose turn it is computes. Ratios are medians over rounds, with the lowest and the highest;
under 1 this package is faster. The loss after the same 200 steps must agree, but that of scikit-learn, which draws
weights and batches of its own. A peer that is not installed is left out; `--python` names an interpreter that has it.
`--cpu` counts the processor's time of all threads, where the machine is shared with others.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from typing import Any

import numpy as np

NETS = "2-4-2/4,64-32-10/32,64-64-64-64-64-64-64-64-64-10/32,784-128-10/128,784-512-512-10/128"
CPU = "MLP_PEERS_CPU"
COMPARED = 200
"""Steps after which losses are compared."""


def problem(widths: list[int], size: int) -> tuple[Any, Any, list[Any]]:
    """Eight batches of noise, and first weights (n_out, n_in + 1) of each layer."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((8 * size, widths[0])).astype(np.float32)
    y = rng.integers(0, widths[-1], 8 * size)
    weights = []
    for n_in, n_out in pairwise(widths):
        W = rng.standard_normal((n_out, n_in + 1)) * (2 / n_in) ** 0.5
        W[:, -1] = 0
        weights.append(W.astype(np.float32))
    return X, y, weights


def rows_of_batches(n: int, size: int) -> Iterator[Any]:
    """Which rows each batch has: a new order for each epoch."""
    rng = np.random.default_rng(0)
    while True:
        order = rng.permutation(n)
        for start in range(0, n, size):
            yield order[start : start + size]


def here(widths: list[int], size: int, *, recorded: bool = False) -> Iterator[float]:
    """Losses of this package."""
    import mlp

    X, y, weights = problem(widths, size)
    layers: list[Any] = [mlp.Dense(*widths[:2])]
    for n_in, n_out in pairwise(widths[1:]):
        layers += [mlp.ReLU(), mlp.Dense(n_in, n_out)]
    network = mlp.Network(layers, dtype=np.float32)
    network.params = np.concatenate([W.ravel() for W in weights])
    data = mlp.batches(X, y, size, rng=0, epochs=10**9)
    steps = mlp.train(network, data, mlp.SoftmaxCrossEntropy(), mlp.Adam(0.001))
    for step in mlp.Recorder().tap(steps) if recorded else steps:
        yield step.loss


def torched(widths: list[int], size: int) -> Iterator[float]:
    """Losses of PyTorch, eager, with its fused Adam."""
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    X, y, weights = problem(widths, size)
    inputs, labels = torch.as_tensor(X), torch.as_tensor(y)
    layers: list[Any] = []
    for W in weights:
        dense = torch.nn.Linear(W.shape[1] - 1, W.shape[0])
        dense.weight.data[...] = torch.as_tensor(W[:, :-1])
        dense.bias.data[...] = 0
        layers += [torch.nn.ReLU(), dense] if layers else [dense]
    network, criterion = torch.nn.Sequential(*layers), torch.nn.CrossEntropyLoss()
    rule = torch.optim.Adam(network.parameters(), lr=0.001, fused=True)
    for rows in rows_of_batches(len(X), size):
        rule.zero_grad()
        index = torch.as_tensor(rows)
        loss = criterion(network(inputs[index]), labels[index])
        loss.backward()
        rule.step()
        yield loss.item()


def jitted(widths: list[int], size: int) -> Iterator[float]:
    """Losses of JAX: one compiled function does a whole step."""
    import jax
    import jax.numpy as jnp

    X, y, weights = problem(widths, size)

    def cost(theta: Any, x: Any, t: Any) -> Any:
        for i, W in enumerate(theta):
            x = (x if i == 0 else jax.nn.relu(x)) @ W[:, :-1].T + W[:, -1]
        return -jnp.take_along_axis(jax.nn.log_softmax(x), t[:, None], 1).mean()

    def step(theta: Any, m: Any, v: Any, k: Any, x: Any, t: Any) -> Any:
        loss, g = jax.value_and_grad(cost)(theta, x, t)
        m = [0.9 * a + 0.1 * b for a, b in zip(m, g, strict=True)]
        v = [0.999 * a + 0.001 * b * b for a, b in zip(v, g, strict=True)]
        rates = 1 - 0.9**k, 1 - 0.999**k
        moved = [
            p - 0.001 * (a / rates[0]) / (jnp.sqrt(b / rates[1]) + 1e-8) for p, a, b in zip(theta, m, v, strict=True)
        ]
        return loss, moved, m, v

    compiled = jax.jit(step, donate_argnums=(0, 1, 2))
    theta = [jnp.asarray(W) for W in weights]
    m, v = [jnp.zeros_like(W) for W in theta], [jnp.zeros_like(W) for W in theta]
    for k, rows in enumerate(rows_of_batches(len(X), size), 1):
        loss, theta, m, v = compiled(theta, m, v, np.float32(k), X[rows], y[rows])
        yield float(loss)


def fitted(widths: list[int], size: int) -> Iterator[float]:
    """Losses of scikit-learn; a `fit` of 50 epochs is shared out over its steps by whoever measures."""
    from sklearn.neural_network import MLPClassifier

    X, y, _ = problem(widths, size)
    how = {"batch_size": size, "max_iter": 50, "tol": 0.0, "n_iter_no_change": 10**9, "alpha": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while True:
            loss = MLPClassifier(widths[1:-1], **how).fit(X, y).loss_
            for _ in range(50 * 8):
                yield loss


PEERS: dict[str, Callable[[list[int], int], Iterator[float]]] = {
    "recorded": lambda widths, size: here(widths, size, recorded=True),
    "bare": here,
    "torch": torched,
    "jax": jitted,
    "sklearn": fitted,
}


def answer(name: str, net: str) -> None:
    """A child: say the loss after some steps; then, for each line that comes, the µs of a step."""
    widths, size = read_net(net)
    steps = PEERS[name](widths, size)
    print(list(islice(steps, COMPARED))[-1], flush=True)
    count, clock = 400, time.process_time if os.environ.get(CPU) else time.perf_counter
    while sys.stdin.readline():
        start = clock()
        for _ in range(count):
            next(steps)
        took = clock() - start
        print(took / count * 1e6, flush=True)
        if name != "sklearn":  # which has its own 400
            count = max(10, int(0.1 / (took / count)))


def read_net(net: str) -> tuple[list[int], int]:
    """Widths and rows of a batch, as 64-32-10/32."""
    widths, size = net.split("/")
    return [int(width) for width in widths.split("-")], int(size)


def start(name: str, net: str, python: str, threads: int) -> subprocess.Popen[str]:
    """A child that measures one peer."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    more = {} if threads > 1 else {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}
    environment = {**os.environ, **dict.fromkeys(names, str(threads)), **more}
    command = [python, __file__, "--child", name, "--nets", net]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environment)


def compare(net: str, pythons: dict[str, str], rounds: int, threads: int) -> str:
    """A line of the table."""
    children = {name: start(name, net, pythons.get(name, sys.executable), threads) for name in PEERS}
    losses = {name: child.stdout.readline() for name, child in children.items() if child.stdout}
    alive = {name: child for name, child in children.items() if losses[name]}
    times: dict[str, list[float]] = {name: [] for name in alive}
    for turn in range(rounds + 1):
        for name, child in alive.items():
            assert child.stdin and child.stdout
            child.stdin.write("\n")
            child.stdin.flush()
            took = float(child.stdout.readline())
            if turn:  # the first is a warm-up
                times[name].append(took)
    for child in children.values():
        child.communicate()
    cells = [f"{net:42}"]
    for name, found in times.items():
        ratios = sorted(mine / theirs for mine, theirs in zip(times["recorded"], found, strict=True))
        spread = f"{statistics.median(ratios):5.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}]"
        cells.append(f"{name} {statistics.median(found):9.1f}" + ("" if name == "recorded" else f" {spread}"))
    agreeing = [float(losses[name]) for name in alive if name != "sklearn"]
    return "  ".join(cells) + f"  losses within {max(agreeing) - min(agreeing):.1e}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--nets", default=NETS)
    parser.add_argument("--cpu", action="store_true", help="processor time, not the clock on the wall")
    parser.add_argument("--python", action="append", default=[], help="PEER=PATH, again and again")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        answer(given.child, given.nets)
        return
    if given.cpu:
        os.environ[CPU] = "1"  # children inherit it
    pythons = dict(pair.split("=", 1) for pair in given.python)
    print(f"µs a step, {given.threads} thread(s); behind each peer: recorded / peer, median [lowest, highest]")
    for net in given.nets.split(","):
        print(compare(net, pythons, given.rounds, given.threads), flush=True)


if __name__ == "__main__":
    main()
