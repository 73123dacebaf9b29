"""Make classic.npz: where PyTorch's and SciPy's full-batch rules go, in float64, on two functions.

    python tests/reference/classic.py      (needs torch and scipy; made with torch 2.13.0)

It does not import mlp. `valley` is Rosenbrock's function of six numbers, `bowl` a quadratic of ten with curvatures from
1 to 10⁴ along axes that are not the parameters'. Each path holds the parameters after every step.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import torch
from scipy import optimize

AXES = np.linalg.qr(np.random.default_rng(0).standard_normal((10, 10)))[0]
BOWL = AXES @ np.diag(np.logspace(0, 4, 10)) @ AXES.T
START = {"valley": np.array([1.3, 0.7, 0.8, 1.9, 1.2, 0.5]), "bowl": np.ones(10)}
STEPS = {"valley": 20, "bowl": 100}


def valley(x: torch.Tensor) -> torch.Tensor:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def bowl(x: torch.Tensor) -> torch.Tensor:
    return 0.5 * x @ (torch.from_numpy(BOWL) @ x)


FUNCTIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {"valley": valley, "bowl": bowl}


def torch_path(name: str, kind: Any, steps: int, **keys: Any) -> np.ndarray:
    x = torch.tensor(START[name], requires_grad=True)
    rule, path = kind([x], **keys), []

    def closure() -> torch.Tensor:
        rule.zero_grad()
        loss = FUNCTIONS[name](x)
        loss.backward()
        return loss

    for _ in range(steps):
        rule.step(closure)
        path.append(x.detach().numpy().copy())
    return np.array(path)


def scipy_path(steps: int) -> np.ndarray:
    path: list[np.ndarray] = []
    optimize.minimize(
        optimize.rosen, START["valley"], jac=optimize.rosen_der, hessp=optimize.rosen_hess_prod, method="trust-ncg",
        callback=lambda intermediate_result: path.append(intermediate_result.x.copy()),
        options={"maxiter": steps, "gtol": 0},
    )  # fmt: skip
    return np.array(path)


def scipy_cost(method: str) -> list[float]:
    """Loss and evaluations where SciPy's rule stops in the valley."""
    options = {
        "CG": {"gtol": 1e-6},
        "BFGS": {"gtol": 1e-6},
        "L-BFGS-B": {"gtol": 1e-6, "ftol": 0},
        "Newton-CG": {"xtol": 1e-8},
    }
    found = optimize.minimize(
        optimize.rosen, START["valley"], jac=optimize.rosen_der, method=method, options=options[method]
    )
    return [found.fun, found.nfev]


def main() -> None:
    wolfe = {"line_search_fn": "strong_wolfe", "max_iter": 1, "max_eval": 26, "tolerance_grad": 0.0, "history_size": 10}
    found: dict[str, Any] = {"versions": np.array([torch.__version__, scipy.__version__]), "bowl_matrix": BOWL}
    for name in FUNCTIONS:
        found[f"start_{name}"] = START[name]
        found[f"rprop_{name}"] = torch_path(name, torch.optim.Rprop, 100, lr=0.1)
        found[f"lbfgs_{name}"] = torch_path(name, torch.optim.LBFGS, STEPS[name], tolerance_change=0.0, **wolfe)
    found["trust_valley"] = scipy_path(12)
    for method in ("CG", "BFGS", "L-BFGS-B", "Newton-CG"):
        found[f"cost_{method}"] = np.array(scipy_cost(method))
    np.savez_compressed(Path(__file__).with_name("classic.npz"), **found)


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    main()
