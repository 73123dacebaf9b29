"""Modules of PyTorch as networks here: they answer the same, and what has no layer here is named.

Against real torch: `.ci/run` installs it. Elsewhere these tests are skipped where it is missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_page import arrays_of

import mlp

torch: Any = pytest.importorskip("torch")
nn: Any = torch.nn


class Written(nn.Module):
    """Functions between layers, a sum around two of them, flattened at the beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.norm, self.fc2 = nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 8, bias=False)
        self.inner, self.out, self.drop = nn.LayerNorm(8), nn.Linear(8, 3), nn.Dropout(0.2)

    def forward(self, x: Any) -> Any:
        x = torch.relu(self.norm(self.fc1(x.flatten(1))))
        x = x + torch.tanh(self.inner(self.fc2(x)))
        return self.out(self.drop(nn.functional.silu(x)))


def sequence(*parts: Any) -> Any:
    return nn.Sequential(nn.Linear(6, 5), *parts, nn.Linear(5, 2))


MODULES = {
    "written": Written,
    "nested": lambda: nn.Sequential(nn.Flatten(), sequence(nn.ReLU()), nn.Sequential(nn.Tanh(), nn.Linear(2, 2))),
    "norm first": lambda: nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 2), nn.Softmax(1)),
    "dropout first": lambda: nn.Sequential(nn.Dropout(0.1), nn.Linear(6, 2)),
    **{
        type(part).__name__: lambda part=part: sequence(part)
        for part in (
            nn.ReLU(), nn.LeakyReLU(0.2), nn.ELU(0.5), nn.SELU(), nn.SiLU(), nn.GELU("tanh"), nn.Sigmoid(), nn.Tanh(),
            nn.Softsign(), nn.Softplus(), nn.Hardtanh(), nn.Hardsigmoid(), nn.BatchNorm1d(5), nn.LayerNorm(5),
            nn.Dropout(0.3), nn.Identity(),
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_a_module_answers_the_same_as_a_network(name: str) -> None:
    torch.manual_seed(0)
    module = MODULES[name]().double()
    module(torch.randn(40, 6, dtype=torch.float64) * 3 + 1)  # moves the statistics of a batch norm
    was_training = module.training
    network = mlp.from_torch(module)
    assert module.training == was_training
    X = np.random.default_rng(1).normal(size=(20, 6))
    with torch.no_grad():
        expected = module.eval()(torch.tensor(X)).numpy()
    np.testing.assert_allclose(mlp.predict(network, X), expected, rtol=1e-10, atol=1e-12)


def test_it_trains_on_from_the_same_gradient() -> None:
    """The gradient of one batch is PyTorch's, in the layout of the network: batch norm in training mode and a sum."""
    torch.manual_seed(0)
    module = Written().double()
    module.drop.p = 0.0
    network, loss = mlp.from_torch(module), nn.CrossEntropyLoss()
    X, y = torch.randn(32, 6, dtype=torch.float64), torch.arange(32) % 3
    loss(module(X), y).backward()
    workspace = mlp.Workspace(network, 32)
    mlp.value_and_grad(network, mlp.SoftmaxCrossEntropy(), mlp.as_batch(X.numpy(), y.numpy()), workspace)
    mine = workspace.grads[0]
    expected = np.column_stack([module.fc1.weight.grad.numpy(), module.fc1.bias.grad.numpy()])
    np.testing.assert_allclose(mine, expected, rtol=1e-8, atol=1e-12)


class Parallel(nn.Module):
    """Two ways that meet, neither of which is the other's way around."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(6, 2), nn.Linear(6, 2)

    def forward(self, x: Any) -> Any:
        return self.a(x) + self.b(x)


class Looking(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(6, 2)

    def forward(self, x: Any) -> Any:
        return self.a(x) if x.sum() > 0 else x


@pytest.mark.parametrize(
    ("module", "named"),
    [
        (nn.Sequential(nn.Conv1d(1, 1, 3)), "Conv1d"),
        (Parallel(), "x \\+ f\\(x\\)"),
        (Looking(), "cannot be followed"),
        (sequence(nn.ReLU6()), "ReLU6"),
        (sequence(nn.Softplus(beta=3.0)), "otherwise"),
        (sequence(nn.Hardtanh(-2.0, 2.0)), "otherwise"),
        (nn.Bilinear(2, 2, 1), "2 inputs"),
    ],
)
def test_what_has_no_layer_here_is_named(module: Any, named: str) -> None:
    with pytest.raises(mlp.ShapeError, match=named):
        mlp.from_torch(module)


def test_the_microscope_takes_a_module_and_leaves_it_as_it_was() -> None:
    """Its weights are float32; the page trains a copy in float64 from exactly these."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    before = [p.detach().numpy().copy() for p in module.parameters()]
    X, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([[0], [1], [1], [0.0]])
    page = str(mlp.explain(module, X, t, mlp.SquaredError(), mlp.SGD(0.1), steps=5))
    assert all(np.array_equal(a, p.detach().numpy()) for a, p in zip(before, module.parameters(), strict=True))
    first = arrays_of(page)["r0/params0"]
    assert np.array_equal(first, mlp.from_torch(module).params.astype(np.float64))
    same = mlp.explain(
        torch.nn.Sequential(*module), torch.tensor(X), torch.tensor(t), mlp.SquaredError(), mlp.SGD(0.1), 5
    )
    assert same == page
    with pytest.raises(mlp.ShapeError):
        mlp.explain(
            nn.Sequential(nn.Linear(2, 70), nn.Tanh(), nn.Linear(70, 1)), X, t, mlp.SquaredError(), mlp.SGD(0.1)
        )
