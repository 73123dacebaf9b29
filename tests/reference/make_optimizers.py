"""Make optimizers.npz: the ways that other people's optimizers take through the problem of `problem`, in float64.

    python tests/reference/make_optimizers.py           all of them
    python tests/reference/make_optimizers.py NAME ...  these, beside what the file has

Made with torch 2.13.0, optax 0.2.8 (jax 0.10.2) and pytorch_optimizer 4.1.0, which stand in the file as `versions`.
Nothing of mlp computes here. Names are those of `RULE_CASES` in tests/cases.py: a row that has `by` needs no line
here, and the others are below. Where a library computes in less than float64 on purpose (Muon in bfloat16, SOAP's QR,
SAM's norm and QHAdam's weights in float32) it is made to use float64 here: see `in_double`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytorch_optimizer as po
import torch
from optax import contrib
from problem import MATRIX, SEEN, SIZE, STEPS, Problem, drawn

jax.config.update("jax_enable_x64", True)
torch.set_default_dtype(torch.float64)

A, MINIMUM, START = drawn(np.random.default_rng(20260102))
SPLIT = math.prod(MATRIX)
Way = dict[str, np.ndarray]


def kept(name: str, params: list[np.ndarray], average: list[np.ndarray] | None = None) -> Way:
    """What goes into the file: some of the points, and averages."""
    found = {name: np.array([params[t - 1] for t in SEEN])}
    if average is not None:
        found[f"{name}/average"] = np.array([average[t - 1] for t in SEEN])
    return found


def blocks() -> list[torch.Tensor]:
    """The start as a matrix and a vector."""
    w, b = torch.tensor(START[:SPLIT].reshape(MATRIX)), torch.tensor(START[SPLIT:])
    return [w.requires_grad_(), b.requires_grad_()]


def flat(tensors: list[torch.Tensor]) -> np.ndarray:
    return torch.cat([t.detach().ravel() for t in tensors]).numpy().copy()


def loss(tensors: list[torch.Tensor]) -> torch.Tensor:
    d = torch.cat([t.ravel() for t in tensors]) - torch.tensor(MINIMUM)
    return 0.5 * d @ torch.tensor(A) @ d + 0.25 * (d**4).sum()


def with_torch(
    name: str,
    make: Callable[..., Any],
    average: Callable[..., Any] | None = None,
    before: Any = None,
    closure: bool = False,
) -> Way:
    """100 steps of the optimizers that `make(params)` gives: one, or a list for the matrix and the vector."""
    params = blocks()
    made = make(params)
    rules = made if isinstance(made, list) else [made]
    points, averages = [], []

    def again() -> torch.Tensor:
        for p in params:
            p.grad = None
        value = loss(params)
        value.backward()
        return value

    for t in range(STEPS):
        again()
        own = {} if before is None else before(rules[0], params, t)
        for rule in rules:
            rule.step(again) if closure else rule.step(**own)
        points.append(flat(params))
        if average is not None:
            averages.append(average(rules[0], params))
    return kept(name, points, averages if average is not None else None)


def with_optax(name: str, tx: Any, *, start: Any = None, average: Any = None) -> Way:
    """100 steps of an optax transformation."""
    params = {"w": jnp.array(START[:SPLIT].reshape(MATRIX)), "b": jnp.array(START[SPLIT:])}

    def whole(p: Any) -> Any:
        return jnp.concatenate([p["w"].ravel(), p["b"].ravel()])

    def value(p: Any) -> Any:
        d = whole(p) - MINIMUM
        return 0.5 * d @ A @ d + 0.25 * (d**4).sum()

    tx = optax.with_extra_args_support(tx)
    state = tx.init(params)
    state = state if start is None else start(state)
    points, averages = [], []

    @jax.jit
    def step(params: Any, state: Any) -> Any:
        v, g = jax.value_and_grad(value)(params)
        updates, state = tx.update(g, state, params, value=v)
        return optax.apply_updates(params, updates), state

    for _ in range(STEPS):
        params, state = step(params, state)
        points.append(np.array(whole(params)))
        if average is not None:
            averages.append(np.array(whole(average(state, params))))
    return kept(name, points, averages if average is not None else None)


class _Double:
    """torch, but its small floats are float64."""

    float32 = bfloat16 = torch.float64

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


@contextmanager
def in_double() -> Iterator[None]:
    """Full precision where a library chose less."""
    soap = __import__("pytorch_optimizer.optimizer.soap", fromlist=["torch"])
    qhadam = __import__("pytorch_optimizer.optimizer.qhadam", fromlist=["torch"])
    before, modules = (torch.Tensor.bfloat16, torch.Tensor.float), (soap, qhadam)
    torch.Tensor.bfloat16 = torch.Tensor.float = torch.Tensor.double  # type: ignore[method-assign,assignment]
    for module in modules:
        module.torch = _Double()
    yield
    torch.Tensor.bfloat16, torch.Tensor.float = before  # type: ignore[method-assign]
    for module in modules:
        module.torch = torch


def hutchinson(draw: Callable[[np.random.Generator], np.ndarray], every: int) -> Any:
    """z · (H z) as `hessian` of step(), by autograd, every some steps; z from default_rng(0)."""
    rng = np.random.default_rng(0)

    def before(rule: Any, params: Any, t: int) -> dict[str, Any]:
        if t % every:
            return {}
        z = torch.tensor(draw(rng))
        parts = [z[:SPLIT].reshape(MATRIX), z[SPLIT:]]
        grads = torch.autograd.grad(loss(params), params, create_graph=True)
        found = torch.autograd.grad(grads, params, grad_outputs=parts)
        return {"hessian": [f * p for f, p in zip(found, parts, strict=True)]}

    return before


def signs(rng: np.random.Generator) -> np.ndarray:
    return 2.0 * rng.integers(0, 2, SIZE) - 1


def normal(rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal(SIZE)


def of_torch() -> Way:
    """The rules of torch.optim."""
    o = torch.optim
    found: Way = {}
    found |= with_torch(
        "averaged_sgd",
        lambda p: o.ASGD(p, 0.02, lambd=0, alpha=0, t0=10),
        lambda rule, p: flat([rule.state[q]["ax"] for q in p]),
    )

    def averaged(p: list[torch.Tensor]) -> Any:
        module = torch.nn.Module()
        module.params = torch.nn.ParameterList(p)
        for i in range(2):
            p[i] = module.params[i]
        mean = o.swa_utils.AveragedModel(module, multi_avg_fn=o.swa_utils.get_ema_multi_avg_fn(0.9))
        rule = o.SGD(p, 0.02)
        rule.step = _then(rule.step, lambda: mean.update_parameters(module))  # type: ignore[method-assign]
        rule.mean = mean  # type: ignore[attr-defined]
        return rule

    found |= with_torch("moving_average", averaged, lambda rule, p: flat(list(rule.mean.module.params)))
    with in_double():
        found |= with_torch(
            "muon",
            lambda p: [
                o.Muon(p[:1], 0.05, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
                o.AdamW(p[1:], 0.05, weight_decay=0.1),
            ],
        )
    return found


def _then(first: Callable[..., Any], second: Callable[[], Any]) -> Callable[..., Any]:
    def both(*args: Any, **own: Any) -> None:
        first(*args, **own)
        second()

    return both


def of_pytorch_optimizer() -> Way:
    """The rules of pytorch_optimizer."""
    found: Way = {}
    plain: dict[str, Callable[..., Any]] = {
        "ademamix_warm_up": lambda p: po.AdEMAMix(p, 0.01, betas=(0.9, 0.99, 0.999), t_alpha_beta3=50),
        "shampoo": lambda p: [
            po.Shampoo(p[:1], 0.3, matrix_eps=0.1),
            torch.optim.Adagrad(p[1:], 0.3, initial_accumulator_value=0.1, eps=0),
        ],
    }
    for name, make in plain.items():
        found |= with_torch(name, make)
    with in_double():
        found |= with_torch("sam", lambda p: po.SAM(p, torch.optim.SGD, rho=0.1, lr=0.01, momentum=0.9), closure=True)
        found |= with_torch("qhadam", lambda p: po.QHAdam(p, 0.01, betas=(0.9, 0.99), nus=(0.7, 0.9)))
        # the first gradient is diagonal in its own basis, and ε alone decides what becomes of the zeros beside it
        found |= with_torch("soap", lambda p: po.SOAP(p, 0.01, weight_decay=0, eps=1e-3))
    found |= with_torch("adahessian", lambda p: po.AdaHessian(p, 0.1, eps=1e-8), before=hutchinson(signs, 1))
    gamma = 0.05
    found |= with_torch(
        "sophia",
        lambda p: po.SophiaH(p, 0.05 / gamma, p=gamma, eps=1e-12 / gamma, weight_decay=0.1 * gamma),
        before=hutchinson(normal, 10),
    )

    def answer(rule: Any, params: Any) -> np.ndarray:
        return flat([p.lerp(rule.state[p]["z"], 1 - 1 / 0.9) for p in params])

    found |= with_torch("schedule_free_sgd", lambda p: po.ScheduleFreeSGD(p, 0.05, weight_decay=0.01), answer)
    return found


def of_optax() -> Way:
    """The rules of optax."""
    found: Way = {}
    found |= with_optax(
        "yogi",
        optax.yogi(0.03),
        start=lambda s: (s[0]._replace(mu=jax.tree.map(jnp.zeros_like, s[0].mu)), *s[1:]),
    )
    found |= with_optax(
        "schedule_free_adamw",
        contrib.schedule_free_adamw(0.05, weight_decay=0.01),
        average=contrib.schedule_free_eval_params,
    )
    return found


def schedules() -> Way:
    """40 learning rates of the schedules of torch.optim.lr_scheduler; those of no memory."""
    s = torch.optim.lr_scheduler
    made: dict[str, Callable[[Any], Any]] = {
        "step_decay": lambda o: s.StepLR(o, 10),
        "multi_step": lambda o: s.MultiStepLR(o, [10, 15]),
        "exponential": lambda o: s.ExponentialLR(o, 0.1**0.1),
        "polynomial": lambda o: s.PolynomialLR(o, 30, 2.0),
        "cosine_restarts": lambda o: s.CosineAnnealingWarmRestarts(o, 10, 2, 0.01),
        "one_cycle": lambda o: s.OneCycleLR(o, 0.1, 40, cycle_momentum=False),
        "triangular": lambda o: s.CyclicLR(o, 0.025, 0.1, 7, cycle_momentum=False),
        "triangular2": lambda o: s.CyclicLR(o, 0.025, 0.1, 7, mode="triangular2", cycle_momentum=False),
    }
    found: Way = {}
    for name, make in made.items():
        rule = torch.optim.SGD([torch.zeros(1)], 0.1)
        schedule, rates = make(rule), []
        for _ in range(40):
            rates.append(rule.param_groups[0]["lr"])
            rule.step()
            if len(rates) < 40:
                schedule.step()
        found[f"schedule/{name}"] = np.array(rates)
    return found


def of_rows() -> Way:
    """What stands in the rows of tests/cases.py as `by`."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from cases import RULE_CASES

    known = {"torch": torch, "po": po, "optax": optax, "contrib": contrib}
    found: Way = {}
    for name, row in RULE_CASES.items():
        if row.by.startswith(("optax.", "contrib.")):
            found |= with_optax(name, eval(row.by, known))
        elif row.by:
            found |= with_torch(name, eval(f"lambda p: {row.by}", known))
    return found


def write(ways: Way, names: list[str]) -> None:
    """All of the ways, or those called `names` beside what the file holds."""
    file = Path(__file__).with_name("optimizers.npz")
    if names:
        ways = dict(np.load(file)) | {key: way for key, way in ways.items() if key.split("/")[0] in names}
    np.savez_compressed(file, **ways)  # type: ignore[arg-type]


if __name__ == "__main__":
    check = Problem(A, MINIMUM)
    assert np.isclose(check.value(START), loss(blocks()).item(), rtol=1e-14)
    versions = [f"{name} {version(name)}" for name in ("torch", "optax", "jax", "pytorch_optimizer", "numpy")]
    given = {"matrix": A, "minimum": MINIMUM, "start": START, "versions": np.array(versions)}
    write(given | of_torch() | of_pytorch_optimizer() | of_optax() | schedules() | of_rows(), sys.argv[1:])
