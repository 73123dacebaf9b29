"""Make torch.npz: what PyTorch computes, in float64, for the networks, losses and rules of `specs`.

    python tests/reference/make.py      (needs torch; made with 2.13.0)

It does not import mlp. Run it again only to add a row to `specs`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (as all of torch calls it)
from specs import LOSSES, NETWORKS, RULES, RULES_NETWORK, RULES_STEPS, n_params
from torch import nn

torch.set_default_dtype(torch.float64)

PLAIN = {
    "Sigmoid": nn.Sigmoid, "Tanh": nn.Tanh, "ReLU": nn.ReLU, "LeakyReLU": nn.LeakyReLU, "ELU": nn.ELU,
    "SELU": nn.SELU, "GELU": lambda: nn.GELU(approximate="tanh"), "SiLU": nn.SiLU, "Softplus": nn.Softplus,
    "Softsign": nn.Softsign, "HardSigmoid": lambda: HardSigmoid(), "HardTanh": nn.Hardtanh, "Identity": nn.Identity,
}  # fmt: skip


class HardSigmoid(nn.Module):
    """nn.Hardsigmoid, but for its backward: that multiplies by ⅙ rounded to float32 (3e-8 off) in float64 too."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu6(x + 3) / 6


class Maxout(nn.Module):
    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(1, (-1, self.pieces)).max(dim=2).values


class RBF(nn.Module):
    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.empty(n_out, n_in))
        self.log_widths = nn.Parameter(torch.empty(n_out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        squares = ((x[:, None, :] - self.centres[None]) ** 2).sum(2)
        return torch.exp(-0.5 * squares / torch.exp(self.log_widths) ** 2)


class Residual(nn.Module):
    def __init__(self, inside: list[Any]) -> None:
        super().__init__()
        self.inside = build(inside)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.inside(x)


def build(specs: list[Any]) -> nn.Sequential:
    """The modules of `specs`."""
    made: list[nn.Module] = []
    for spec in specs:
        match spec:
            case ("Dense", n_in, n_out):
                made.append(nn.Linear(n_in, n_out))
            case ("RBF", n_in, n_out):
                made.append(RBF(n_in, n_out))
            case ("BatchNorm", n):
                made.append(nn.BatchNorm1d(n))
            case ("LayerNorm", n):
                made.append(nn.LayerNorm(n))
            case ("Maxout", pieces):
                made.append(Maxout(pieces))
            case ("Residual", inside):
                made.append(Residual(inside))
            case (name,):
                made.append(PLAIN[name]())
    return nn.Sequential(*made)


def leaves(net: nn.Module) -> list[nn.Module]:
    """Modules that own parameters, in order."""
    return [m for m in net.modules() if list(m.parameters(recurse=False))]


def flat(net: nn.Module, of: Any) -> np.ndarray:
    """The parameters, or `of` each of them, as one vector in the layout of `specs`."""
    parts = []
    for m in leaves(net):
        first, second = (of(p) for p in m.parameters(recurse=False))
        parts.append(
            torch.cat([first, second[:, None]], 1) if isinstance(m, nn.Linear) else torch.cat([first.ravel(), second])
        )
    return torch.cat([p.ravel() for p in parts]).detach().numpy().copy()


def put(net: nn.Module, vector: np.ndarray) -> None:
    """Set the parameters from such a vector."""
    rest = torch.from_numpy(vector)
    with torch.no_grad():
        for m in leaves(net):
            first, second = m.parameters(recurse=False)
            size = first.numel() + second.numel()
            mine, rest = rest[:size], rest[size:]
            if isinstance(m, nn.Linear):
                rows = mine.reshape(m.out_features, m.in_features + 1)
                first.copy_(rows[:, :-1])
                second.copy_(rows[:, -1])
            else:
                first.copy_(mine[: first.numel()].reshape(first.shape))
                second.copy_(mine[first.numel() :])
    assert not len(rest)


def running(net: nn.Module) -> np.ndarray:
    """Running mean, then variance, of each batch norm."""
    parts = [torch.cat([m.running_mean, m.running_var]) for m in net.modules() if isinstance(m, nn.BatchNorm1d)]
    return torch.cat(parts).numpy().copy() if parts else np.empty(0)


def networks(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Two training batches and one in use: outputs, gradients, running statistics."""
    found = {}
    for name, specs in NETWORKS.items():
        theta = 0.7 * rng.standard_normal(sum(n_params(s) for s in specs))
        X, T = rng.standard_normal((2, 9, 5)), rng.standard_normal((2, 9, 3))
        net = build(specs)
        put(net, theta)
        for k in range(2):
            x = torch.from_numpy(X[k]).requires_grad_()
            net.zero_grad()
            output = net(x)
            ((output - torch.from_numpy(T[k])) ** 2).sum().div(2 * len(x)).backward()
            found |= {
                f"{name}/output{k}": output.detach().numpy(), f"{name}/d_x{k}": x.grad.numpy(),
                f"{name}/grad{k}": flat(net, lambda p: p.grad), f"{name}/running{k}": running(net),
            }  # fmt: skip
        net.eval()
        found |= {f"{name}/theta": theta, f"{name}/X": X, f"{name}/T": T}
        found[f"{name}/infer"] = net(torch.from_numpy(X[0])).detach().numpy()
    return found


def per_sample(name: str, z: torch.Tensor, t: torch.Tensor, h: dict[str, float]) -> torch.Tensor:
    """ℓ for each sample: torch's own loss where it has one, else the definition, differentiated by autograd."""
    match name:
        case "SoftmaxCrossEntropy":
            return F.cross_entropy(z, t, reduction="none", **h)
        case "SigmoidCrossEntropy":
            return F.binary_cross_entropy_with_logits(z, t, reduction="none").sum(1)
        case "SquaredError":
            return F.mse_loss(z, t, reduction="none").sum(1) / 2
        case "AbsoluteError":
            return F.l1_loss(z, t, reduction="none").sum(1)
        case "Huber":
            return F.huber_loss(z, t, reduction="none", **h).sum(1)
        case "LogCosh":
            return torch.log(torch.cosh(z - t)).sum(1)
        case "Quantile":
            q = h["quantile"]
            return torch.where(z <= t, q * (t - z), (1 - q) * (z - t)).sum(1)
        case "Poisson":
            return F.poisson_nll_loss(z, t, log_input=True, full=False, reduction="none").sum(1)
        case "Focal":
            p = torch.softmax(z, 1)[torch.arange(len(z)), t]
            return -((1 - p) ** h["gamma"]) * torch.log(p)
        case "SigmoidFocal":
            p = torch.sigmoid(z)
            q = t * p + (1 - t) * (1 - p)
            return (-((1 - q) ** h["gamma"]) * torch.log(q)).sum(1)
        case "Hinge":
            right = z[torch.arange(len(z)), t]
            rivals = z.masked_fill(F.one_hot(t, z.shape[1]).bool(), -torch.inf)
            return torch.relu(1 + rivals.max(1).values - right)
        case "BinaryHinge":
            return torch.relu(1 - (2 * t - 1) * z).sum(1)
    raise KeyError(name)


def targets(kind: str, rng: np.random.Generator, n: int, n_out: int) -> np.ndarray:
    """Targets for n samples."""
    match kind:
        case "labels":
            return rng.integers(0, n_out, n)
        case "probabilities":
            return rng.dirichlet(np.ones(n_out), n)
        case "yes_or_no":
            return rng.integers(0, 2, (n, n_out)).astype(float)
        case "fractions":
            return rng.random((n, n_out))
        case "counts":
            return rng.poisson(2.0, (n, n_out)).astype(float)
    return rng.standard_normal((n, n_out))


def losses(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Value and gradient, plain and weighted."""
    found = {}
    for name, (kind, h, target) in LOSSES.items():
        z, t, w = 2 * rng.standard_normal((11, 4)), targets(target, rng, 11, 4), rng.random(11)
        found |= {f"loss/{name}/z": z, f"loss/{name}/t": t, f"loss/{name}/w": w}
        for weights, suffix in ((np.ones(11), ""), (w, "_weighted")):
            output = torch.from_numpy(z).requires_grad_()
            weight = torch.from_numpy(weights)
            value = (per_sample(kind, output, torch.from_numpy(t), h) * weight).sum() / weight.sum()
            value.backward()
            found[f"loss/{name}/value{suffix}"] = value.detach().numpy()
            found[f"loss/{name}/grad{suffix}"] = output.grad.numpy()
    return found


def optimizer(name: str, params: Any, h: dict[str, float]) -> torch.optim.Optimizer:
    """Torch's rule."""
    lr = h["learning_rate"]
    match name:
        case "SGD":
            return torch.optim.SGD(params, lr)
        case "Momentum":
            return torch.optim.SGD(params, lr, momentum=h["momentum"])
        case "Nesterov":
            return torch.optim.SGD(params, lr, momentum=h["momentum"], nesterov=True)
        case "AdamW":
            return torch.optim.AdamW(params, lr, weight_decay=h["weight_decay"])
    return getattr(torch.optim, name)(params, lr)


def rules(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Parameters after 1 and after RULES_STEPS updates of softmax cross-entropy, three batches in turn."""
    specs = NETWORKS[RULES_NETWORK]
    theta = 0.5 * rng.standard_normal(sum(n_params(s) for s in specs))
    X, t = rng.standard_normal((3, 10, 5)), rng.integers(0, 3, (3, 10))
    found = {"rules/theta": theta, "rules/X": X, "rules/t": t}
    for name, (kind, h) in RULES.items():
        net = build(specs)
        put(net, theta)
        rule = optimizer(kind, net.parameters(), h)
        for k in range(RULES_STEPS):
            rule.zero_grad()
            F.cross_entropy(net(torch.from_numpy(X[k % 3])), torch.from_numpy(t[k % 3])).backward()
            rule.step()
            if k == 0:
                found[f"rules/{name}/first"] = flat(net, lambda p: p)
        found[f"rules/{name}/last"] = flat(net, lambda p: p)
    return found


if __name__ == "__main__":
    rng = np.random.default_rng(20260101)
    np.savez_compressed(Path(__file__).with_name("torch.npz"), **networks(rng), **losses(rng), **rules(rng))
