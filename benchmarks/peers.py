"""A step here, in PyTorch, in JAX and in scikit-learn: same data, weights, batches and rule, one process each.

    python benchmarks/peers.py [--rounds 11] [--threads 1] [--nets 64-32-10/32,...] [--python jax=/path/to/python]
    python benchmarks/peers.py --before TREE     and another version of this package, whose tree lies there

A step is: gather a minibatch, forward, loss, backward, Adam, float32. Each peer is a child of this process. They take
turns, and only the one whose turn it is computes. Ratios are medians over rounds, with the lowest and the highest;
under 1 this package is faster. The loss after the same steps must agree, but that of scikit-learn, which draws weights
and batches of its own. `128x64-32-10/32` is a population of 128, beside JAX's vmap. Then come answers and fits beside
scikit-learn, and commands as processes. A peer that is not installed is left out; `--python` names an interpreter that
has it. `--cpu` counts the processor's time of all threads, where the machine is shared with others.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from typing import Any

import numpy as np

NETS = (
    "2-4-2/4,64-32-10/32,64-64-64-64-64-64-64-64-64-10/32,784-128-10/128,784-512-512-10/128,784-1024-1024-10/512,"
    "128x64-32-10/32"
)
CPU = "MLP_PEERS_CPU"
HELD = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""What holds OpenBLAS to another processor's code, and no peer: left out of the children's environment."""
LARGE = 300_000  # parameters from which on fewer steps are taken


def count_compared(net: str) -> int:
    """Steps after which losses are compared."""
    _, widths, _ = read_net(net)
    return 20 if sum(a * b for a, b in pairwise(widths)) > LARGE else 200


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


def here(widths: list[int], size: int, members: int = 0, *, recorded: bool = False) -> Iterator[float]:
    """Losses of this package."""
    import mlp

    X, y, weights = problem(widths, size)
    layers: list[Any] = [mlp.Dense(*widths[:2])]
    for n_in, n_out in pairwise(widths[1:]):
        layers += [mlp.ReLU(), mlp.Dense(n_in, n_out)]
    network = mlp.Network(layers, dtype=np.float32, population=(members,) if members else ())
    network.params = np.broadcast_to(np.concatenate([W.ravel() for W in weights]), network.params.shape)
    data = mlp.batches(X, y, size, rng=0, epochs=10**9)
    steps = mlp.train(network, data, mlp.SoftmaxCrossEntropy(), mlp.Adam(0.001))
    for step in mlp.Recorder().tap(steps) if recorded else steps:
        yield float(np.ravel(step.loss)[0]) if members else step.loss


def torched(widths: list[int], size: int, members: int = 0) -> Iterator[float]:
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


def jitted(widths: list[int], size: int, members: int = 0) -> Iterator[float]:
    """Losses of JAX: one compiled function does a whole step, of a population by vmap."""
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

    mapped = jax.vmap(step, (0, 0, 0, None, None, None)) if members else step
    compiled = jax.jit(mapped, donate_argnums=(0, 1, 2))
    theta = [jnp.asarray(np.repeat(W[None], members, 0) if members else W) for W in weights]
    m, v = [jnp.zeros_like(W) for W in theta], [jnp.zeros_like(W) for W in theta]
    for k, rows in enumerate(rows_of_batches(len(X), size), 1):
        loss, theta, m, v = compiled(theta, m, v, np.float32(k), X[rows], y[rows])
        yield float(loss.ravel()[0])


def fitted(widths: list[int], size: int, members: int = 0) -> Iterator[float]:
    """Losses of scikit-learn; a `fit` of some epochs is shared out over its steps by whoever measures."""
    from sklearn.neural_network import MLPClassifier

    X, y, _ = problem(widths, size)
    how = {"batch_size": size, "max_iter": FITTED // 8, "tol": 0.0, "n_iter_no_change": 10**9, "alpha": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while True:
            loss = MLPClassifier(widths[1:-1], **how).fit(X, y).loss_
            for _ in range(FITTED):
                yield loss


FITTED = 400
"""Steps of one `fit` of scikit-learn."""

PEERS: dict[str, Callable[[list[int], int, int], Iterator[float]]] = {
    "recorded": lambda widths, size, members: here(widths, size, members, recorded=True),
    "bare": here,
    "before": lambda widths, size, members: here(widths, size, members, recorded=True),
    "before bare": here,
    "torch": torched,
    "jax": jitted,
    "sklearn": fitted,
}


def peers_of(net: str, before: str) -> list[str]:
    """Who can do it: populations and large networks are not for all."""
    members, widths, _ = read_net(net)
    is_large = sum(a * b for a, b in pairwise(widths)) > LARGE
    left_out = {"torch", "sklearn"} if members else {"sklearn"} if is_large else set()
    return [name for name in PEERS if name not in left_out and (before or not name.startswith("before"))]


def answer(name: str, net: str) -> None:
    """A child: say the loss after some steps; then, for each line that comes, the µs of a step."""
    if net in ANSWERS:
        answer_task(ANSWERS[net][name])
        return
    members, widths, size = read_net(net)
    steps = PEERS[name](widths, size, members)
    print(list(islice(steps, count_compared(net)))[-1], flush=True)
    count = FITTED if name == "sklearn" else 10
    while sys.stdin.readline():
        start = clock()
        for _ in range(count):
            next(steps)
        took = clock() - start
        print(took / count * 1e6, flush=True)
        if name != "sklearn":
            count = max(10, int(0.1 / (took / count)))


def clock() -> float:
    """Seconds on the wall, or of the processor."""
    return time.process_time() if os.environ.get(CPU) else time.perf_counter()


def read_net(net: str) -> tuple[int, list[int], int]:
    """Members, 0 for a single network, widths and rows of a batch, as 128x64-32-10/32."""
    members, _, rest = net.rpartition("x")
    widths, size = rest.split("/")
    return int(members or 0), [int(width) for width in widths.split("-")], int(size)


# answers and fits


def rows_of(n: int, n_features: int) -> tuple[Any, Any]:
    """Rows of float32, and five classes that a line could part."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, n_features)).astype(np.float32)
    return X, (X[:, :10] @ rng.standard_normal((10, 5))).argmax(1)


def our_fit(X: Any, y: Any, epochs: int) -> Any:
    """Our classifier with the settings of scikit-learn's."""
    import mlp

    how: Any = {"activation": "relu", "learning_rate": 0.001, "l2": 0.0, "batch_size": 200, "random_state": 0}
    return mlp.MLPClassifier((100,), epochs=epochs, loss="cross_entropy", **how).fit(X, y)


def their_fit(X: Any, y: Any, epochs: int) -> Any:
    """That of scikit-learn; both take 200 rows a batch."""
    from sklearn.neural_network import MLPClassifier

    how: Any = {"batch_size": 200, "tol": 0.0, "n_iter_no_change": 10**9, "alpha": 0.0, "random_state": 0}
    return MLPClassifier((100,), max_iter=epochs, **how).fit(X, y)


def answer_rows(fit: Callable[..., Any], n: int) -> Callable[[], Any]:
    """predict_proba of n rows of 64."""
    X, y = rows_of(max(n, 2000), 64)
    fitted = fit(X[:2000], y[:2000], 2)
    rows = X[:n].copy()
    return lambda: fitted.predict_proba(rows)


def answer_one() -> Callable[[], Any]:
    """mlp.predict of one row."""
    import mlp

    network = mlp.Network([mlp.Dense(64, 32), mlp.ReLU(), mlp.Dense(32, 10)], dtype=np.float32)
    row = rows_of(1, 64)[0]
    return lambda: mlp.predict(network, row)


def fit_epochs(fit: Callable[..., Any]) -> Callable[[], Any]:
    """A fit of five epochs."""
    X, y = rows_of(100_000, 50)
    return lambda: fit(X, y, 5)


ANSWERS: dict[str, dict[str, Callable[[], Callable[[], Any]]]] = {
    "mlp.predict, 1 row of 64-32-10": {"here": answer_one},
    "predict_proba, 1 row": {
        "here": lambda: answer_rows(our_fit, 1),
        "sklearn": lambda: answer_rows(their_fit, 1),
    },
    "predict_proba, 100,000 rows": {
        "here": lambda: answer_rows(our_fit, 100_000),
        "sklearn": lambda: answer_rows(their_fit, 100_000),
    },
    "fit of 100,000 x 50, 5 epochs": {"here": lambda: fit_epochs(our_fit), "sklearn": lambda: fit_epochs(their_fit)},
}
"""What is asked beside steps, and who is asked; each makes a function to be timed."""


def answer_task(make: Callable[[], Callable[[], Any]]) -> None:
    """A child: the µs of one call, for each line that comes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        act = make()
        for _ in range(3):
            act()
        start = clock()
        act()
        count = max(1, int(0.1 / max(clock() - start, 1e-6)))
        print(0.0, flush=True)
        while sys.stdin.readline():
            start = clock()
            for _ in range(count):
                act()
            print((clock() - start) / count * 1e6, flush=True)


COMMANDS = {"mlp --help": ["--help"], "mlp train digits": ["train", "digits", "-q"]}
"""What is timed as a process."""


def time_command(arguments: list[str], rounds: int) -> str:
    """Seconds on the wall and of the processor, the median of some rounds in a new folder."""
    walls, cpus = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            before, start = os.times(), time.perf_counter()
            subprocess.run([sys.executable, "-m", "mlp", *arguments], cwd=folder, capture_output=True, check=False)
            walls.append(time.perf_counter() - start)
            after = os.times()
            cpus.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return f"{statistics.median(walls) * 1e3:8.0f} ms, {statistics.median(cpus) * 1e3:.0f} ms of processor"


def start(name: str, net: str, python: str, threads: int, tree: str = "") -> subprocess.Popen[str]:
    """A child that measures one peer."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    more = {} if threads > 1 else {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}
    if tree:
        more["PYTHONPATH"] = tree
    free = {name: value for name, value in os.environ.items() if name not in HELD}
    environment = {**free, **dict.fromkeys(names, str(threads)), **more}
    command = [python, __file__, "--child", name, "--net", net, "--threads", str(threads)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environment)


def take_turns(
    children: dict[str, subprocess.Popen[str]], rounds: int
) -> tuple[dict[str, str], dict[str, list[float]]]:
    """What each child said first, and its times, round by round; without those that could not begin."""
    first = {name: child.stdout.readline() for name, child in children.items() if child.stdout}
    alive = {name: child for name, child in children.items() if first[name]}
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
    return first, times


def compare(net: str, given: argparse.Namespace, pythons: dict[str, str]) -> str:
    """A line of the table."""
    who = list(ANSWERS[net]) if net in ANSWERS else peers_of(net, given.before)
    children = {
        name: start(
            name, net, pythons.get(name, sys.executable), given.threads, given.before if "before" in name else ""
        )
        for name in who
    }
    first, times = take_turns(children, given.rounds)
    mine = times[who[0]]
    cells = [f"{net:42}"]
    for name, found in times.items():
        ratios = sorted(a / b for a, b in zip(mine, found, strict=True))
        spread = f"{statistics.median(ratios):5.3f} [{ratios[0]:.3f}, {ratios[-1]:.3f}]"
        cells.append(f"{name} {statistics.median(found):9.1f}" + ("" if name == who[0] else f" {spread}"))
    agreeing = [float(first[name]) for name in times if name != "sklearn"]
    return "  ".join(cells) + ("" if net in ANSWERS else f"  losses within {max(agreeing) - min(agreeing):.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--nets", default=NETS)
    parser.add_argument("--steps-only", action="store_true", help="no answers, fits and commands")
    parser.add_argument("--before", default="", metavar="TREE", help="the tree of another version, measured beside")
    parser.add_argument("--cpu", action="store_true", help="processor time, not the clock on the wall")
    parser.add_argument("--python", action="append", default=[], help="PEER=PATH, again and again")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--net", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        if given.threads == 1 and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # JAX 0.10 takes all cores in spite of XLA_FLAGS
        answer(given.child, given.net)
        return
    if given.cpu:
        os.environ[CPU] = "1"  # children inherit it
    pythons = dict(pair.split("=", 1) for pair in given.python)
    print(f"µs, {given.threads} thread(s); behind each peer: the first / that peer, median [lowest, highest]")
    for name in filter(os.environ.get, HELD):
        print(f"{name}={os.environ[name]} is not used here")
    print("recorded / bare is what recording costs: 1.12 is 12 %")
    for net in given.nets.split(","):
        print(compare(net, given, pythons), flush=True)
    if given.steps_only:
        return
    for task in ANSWERS:
        print(compare(task, given, pythons), flush=True)
    for name, arguments in COMMANDS.items():
        print(f"{name:42}{time_command(arguments, given.rounds)}", flush=True)


if __name__ == "__main__":
    main()
