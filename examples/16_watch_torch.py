"""Ten PyTorch loops that fail, and one that does not: watch each, read why, and let `repair` mend it.

    python examples/16_watch_torch.py

The loops are written as people write them; the only line that is not theirs is `watch = mlp.watch_torch(...)`. Without
torch nothing is run: pip install torch.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import mlp

try:
    import torch
    from torch import nn
except ImportError:
    print("torch is not installed: there is no loop to watch.")
    raise SystemExit(0) from None

EPOCHS = 12


def load(name: str, scale: bool = True) -> tuple[Any, Any]:
    table = mlp.data.load(name)
    X, y = torch.tensor(table.X, dtype=torch.float32), torch.tensor(table.y)
    return ((X - X.mean(0)) / (X.std(0) + 1e-6) if scale else X), y


def chain(*widths: int, activation: Any = nn.ReLU) -> Any:
    torch.manual_seed(0)
    pairs = list(pairwise(widths))
    parts = [part for n, m in pairs for part in (nn.Linear(n, m), activation())]
    return nn.Sequential(*parts[:-1])


def fit(model: Any, loss: Any, optimizer: Any, X: Any, y: Any, epochs: int = EPOCHS, clear: bool = True) -> Any:
    """A loop as everybody writes it."""
    watch = mlp.watch_torch(model, optimizer, loss)
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(32):
            if clear:
                optimizer.zero_grad()
            loss(model(X[rows]), y[rows]).backward()
            optimizer.step()
    return watch


def healthy() -> Any:
    X, y = load("digits")
    model = chain(64, 64, 10)
    return fit(model, nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), 1e-3), X, y)


def softmax_before_cross_entropy() -> Any:
    X, y = load("digits")
    model = chain(64, 64, 10).append(nn.Softmax(1))
    return fit(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 0.01), X, y)


def targets_that_broadcast() -> Any:
    X, _ = load("wine")
    y = X @ torch.linspace(-1, 1, X.shape[1])  # (n,), and the model gives (n, 1)
    model = chain(X.shape[1], 32, 1)
    return fit(model, nn.MSELoss(), torch.optim.Adam(model.parameters(), 1e-2), X, y)


def gradients_that_add_up() -> Any:
    X, y = load("iris")
    model = chain(4, 16, 3)
    return fit(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 0.1), X, y, 40, clear=False)


def parameters_of_another_model() -> Any:
    X, y = load("digits")
    model, other = chain(64, 64, 10), chain(64, 64, 10)
    return fit(model, nn.CrossEntropyLoss(), torch.optim.Adam(other.parameters(), 1e-3), X, y)


def sigmoid_tower() -> Any:
    X, y = load("digits")
    model = chain(64, *[32] * 7, 10, activation=nn.Sigmoid)
    return fit(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 0.05), X, y)


def learning_rate_too_high() -> Any:
    X, y = load("digits")
    model = chain(64, 64, 10)
    return fit(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 5.0), X, y)


def learning_rate_too_low() -> Any:
    X, y = load("digits")
    model = chain(64, 64, 10)
    return fit(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 1e-5), X, y)


def weights_all_alike() -> Any:
    X, y = load("digits")
    model = chain(64, 32, 10)
    for p in model.parameters():
        nn.init.constant_(p, 0.1)
    return fit(model, nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), 1e-3), X, y)


def inputs_not_scaled() -> Any:
    X, y = load("wine", scale=False)
    model = chain(X.shape[1], 16, 3, activation=nn.Tanh)
    return fit(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 0.01), X, y)


def relu_at_the_end() -> Any:
    X, _ = load("wine")
    y = (X @ torch.linspace(-1, 1, X.shape[1]))[:, None]  # half of the targets are negative
    model = chain(X.shape[1], 32, 1).append(nn.ReLU())
    return fit(model, nn.MSELoss(), torch.optim.Adam(model.parameters(), 1e-2), X, y)


LOOPS: tuple[Callable[[], Any], ...] = (
    healthy, softmax_before_cross_entropy, targets_that_broadcast, gradients_that_add_up, parameters_of_another_model,
    sigmoid_tower, learning_rate_too_high, learning_rate_too_low, weights_all_alike, inputs_not_scaled, relu_at_the_end,
)  # fmt: skip


def alarms(watch: Any) -> Iterator[Any]:
    yield from (finding for finding in watch.findings if finding.severity != "info")


if __name__ == "__main__":
    for loop in LOOPS:
        print(f"\n{loop.__name__.replace('_', ' ')}")
        watch = loop()
        found = list(alarms(watch))
        for finding in found[:2]:
            print(f"  {finding.severity}: {finding.message}")
            for cause in finding.causes[:1]:
                print(f"    {cause.name}: {cause.why}. Remedy: {cause.remedy}")
        if not found:
            print("  no alarm")
            continue
        try:
            repaired = mlp.repair(watch.experiment(), watch.rows)
        except mlp.ConfigError as error:  # a fault that only loops have
            print(f"  not repaired here: {error}")
        else:
            changes = "; ".join(words for change in repaired.changes for words in change.words)
            print(f"  repair: {repaired.outcome}: {changes[:120]}")
