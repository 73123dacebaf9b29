"""Rules of other libraries in our table, and ours in a loop of PyTorch. Skipped where the library is missing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.errors import HyperparameterError, MissingExtraError, UnknownNameError
from mlp.optimizer_bench import parse_bench_settings
from mlp.optimizer_bench.bench_trial import train_members
from mlp.optimizer_bench.other_rules import FromOptax, FromTorch, find_other_rule
from mlp.optimizers import Optimizer
from mlp.problems import OBSTACLES

PAIRS: list[tuple[Optimizer, str, dict[str, Any]]] = [
    (mlp.SGD(0.01), "SGD", {}),
    (mlp.Momentum(0.01, 0.9), "SGD", {"momentum": 0.9}),
    (mlp.Adam(0.01), "Adam", {}),
    (mlp.AMSGrad(0.01), "Adam", {"amsgrad": True}),
    (mlp.Adamax(0.01), "Adamax", {}),
    (mlp.Adagrad(0.1), "Adagrad", {}),
    (
        mlp.AveragedSGD(0.1),
        "ASGD",
        {"lambd": 0.0, "alpha": 0.0, "t0": -1.0},
    ),  # a constant rate, and a mean from the start
    (mlp.IRpropMinus(0.01), "Rprop", {}),
]
OPTAX: list[tuple[Optimizer, str]] = [(mlp.SGD(0.01), "sgd"), (mlp.Adam(0.01), "adam"), (mlp.SignSGD(0.01), "sign_sgd")]
CELLS = ["saddle", "turned_ravine", "gradient_noise", "sparse_gradients", "broken_symmetry", "xor_minima"]


def needed(name: str, rule: Optimizer, rates: list[Any] | None = None) -> list[float]:
    """Gradients that each of six starts needs, and the loss of those that do not get past."""
    found = train_members(OBSTACLES[name], rule, rates or [None] * 6, list(range(6)), 0, False)
    return [run["reached"]["gradients"] if run["reached"] else -run["final"]["train_loss"] for run in found]


def agree(name: str, ours: Optimizer, theirs: Optimizer) -> None:
    """The same starts get past, and the counts differ by less than those of the seeds do."""
    mine, others = np.array(needed(name, ours)), np.array(needed(name, theirs))
    assert ((mine > 0) == (others > 0)).all(), (mine, others)
    assert np.abs(mine - others).max() <= max(np.std(mine), 1e-6), (mine, others)  # 1e-6: all seeds need as many


@pytest.mark.parametrize(("ours", "name", "keys"), PAIRS, ids=lambda part: getattr(part, "name", str(part)))
@pytest.mark.parametrize("obstacle", CELLS)
def test_ours_and_torchs_rule_of_one_name_differ_by_less_than_their_seeds(
    ours: Any, name: str, keys: dict[str, Any], obstacle: str
) -> None:
    pytest.importorskip("torch")
    agree(obstacle, ours, FromTorch(name, ours.learning_rate, keys))


@pytest.mark.parametrize(("ours", "name"), OPTAX, ids=lambda part: getattr(part, "name", str(part)))
@pytest.mark.parametrize("obstacle", ["saddle", "gradient_noise"])
def test_ours_and_optaxs_rule_of_one_name_differ_by_less_than_their_seeds(ours: Any, name: str, obstacle: str) -> None:
    pytest.importorskip("optax")
    agree(obstacle, ours, FromOptax(name, ours.learning_rate))


def test_a_rule_of_torch_follows_a_schedule() -> None:
    """Its learning rate was set once, at the beginning; now each step has that of the schedule."""
    pytest.importorskip("torch")
    rate = mlp.schedules.Cosine(0.1, steps=100)
    ours, theirs = (
        train_members(OBSTACLES["ravine"], rule, [None], [0], 0) for rule in (mlp.Adam(rate), FromTorch("Adam", rate))
    )
    assert ours[0]["final"] == pytest.approx(theirs[0]["final"], rel=1e-6)  # two roundings of one formula


def test_the_defaults_of_torch_are_those_of_its_classes_and_optax_has_none() -> None:
    torch = pytest.importorskip("torch")
    for name in ("SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD"):
        theirs = getattr(torch.optim, name)([torch.zeros(1, requires_grad=True)]).defaults["lr"]
        assert find_other_rule(f"torch.{name}").learning_rate == theirs  # type: ignore[union-attr]
    settings = parse_bench_settings({"bench": {"optimizers": ["optax.adam", "torch.Adam"]}})
    assert settings.own_setting("optax.adam") is None and settings.own_setting("torch.Adam") == 0.001


def test_keys_of_a_table_reach_a_rule_of_another_library() -> None:
    """A rule that is an object took no keys: those of [optimizers.NAME] were read, and forgotten."""
    table = {"torch.SGD": {"keys": {"momentum": 0.9}}}
    settings = parse_bench_settings({"bench": {"optimizers": ["torch.SGD"]}, "optimizers": table})
    assert settings.make_rule("torch.SGD") == FromTorch("SGD", 0.001, {"momentum": 0.9})


def test_members_of_a_population_have_their_own_rates_in_torch() -> None:
    pytest.importorskip("torch")
    rates = [0.001, 0.01, 0.1] * 2
    np.testing.assert_allclose(
        needed("saddle", FromTorch("Adam"), rates), needed("saddle", mlp.Adam(), rates), rtol=1e-6
    )


def test_a_rule_of_torch_stands_in_the_table_by_its_name() -> None:
    pytest.importorskip("torch")
    found = mlp.bench(["adam", "torch.Adam"], ["saddle"], seeds=3, tuning_seeds=2, rates=3)
    ours, theirs = sorted(found.obstacles(), key=lambda row: row.rule)
    assert (ours.past, ours.gradients, ours.rate) == (theirs.past, theirs.gradients, theirs.rate)


def test_other_rules_are_known_by_their_library() -> None:
    assert find_other_rule("torch.SGD") == FromTorch("SGD") and find_other_rule("optax.lion") == FromOptax("lion")
    assert find_other_rule("adam") is None and find_other_rule("tensorflow.Adam") is None
    with pytest.raises(UnknownNameError, match=r"no optimizer 'tensorflow\.Adam'"):
        parse_bench_settings({"bench": {"optimizers": ["tensorflow.Adam"]}})


def test_what_torch_does_not_have_is_named() -> None:
    pytest.importorskip("torch")
    with pytest.raises(UnknownNameError, match="Did you mean 'Adam'"):
        FromTorch("Adaam").init(np.zeros(2))
    with pytest.raises(HyperparameterError, match="no closure"):
        FromTorch("LBFGS").init(np.zeros(2))


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    for call in (lambda: FromTorch().init(np.zeros(2)), lambda: mlp.TorchRule([], mlp.Adam())):
        with pytest.raises(MissingExtraError, match=r"mlp\[bench\]"):
            call()


# ours in a loop of PyTorch


def model_and_rows(torch: Any, dtype: Any = None) -> Any:
    """A small network of torch, and rows to fit."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
    model = model.to(dtype or torch.float64)
    X = torch.linspace(-1, 1, 60, dtype=dtype or torch.float64).reshape(20, 3)
    return model, X, torch.sin(3 * X[:, :1])


def loop(torch: Any, make: Any, closure: bool = False, cleared: bool = True) -> tuple[list[float], Any]:
    """Losses of 30 steps with the optimizer that `make` makes of the parameters, and the optimizer."""
    model, X, t = model_and_rows(torch)
    optimizer, losses = make(model.parameters()), []

    def evaluate() -> Any:
        (optimizer if cleared else model).zero_grad()
        loss = ((model(X) - t) ** 2).mean()
        loss.backward()
        return loss

    for _ in range(30):
        losses.append(evaluate().item())
        optimizer.step(evaluate) if closure else optimizer.step()
    return losses, optimizer


@pytest.mark.parametrize("cleared", [True, False], ids=["optimizer.zero_grad", "model.zero_grad"])
def test_our_adam_in_a_loop_of_torch_does_what_torchs_does(cleared: bool) -> None:
    torch = pytest.importorskip("torch")
    ours, _ = loop(torch, lambda params: mlp.TorchRule(params, mlp.Adam(0.01)), cleared=cleared)
    theirs, _ = loop(torch, lambda params: torch.optim.Adam(params, 0.01))
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)  # two roundings of one formula


def test_parameters_and_gradients_are_views_and_no_copies() -> None:
    torch = pytest.importorskip("torch")
    model, X, t = model_and_rows(torch, torch.float32)
    before = [p.detach().clone() for p in model.parameters()]
    driven = mlp.TorchRule(model.parameters(), mlp.SGD(0.1))
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert driven.params.dtype == np.float32
    driven.params[0] = 7.0
    assert float(next(model.parameters())[0, 0].detach()) == 7.0
    ((model(X) - t) ** 2).mean().backward()
    np.testing.assert_array_equal(driven.grad, np.concatenate([p.grad.numpy().ravel() for p in model.parameters()]))
    assert np.shares_memory(driven.grad, next(model.parameters()).grad.numpy())


def test_a_rule_that_searches_asks_the_closure() -> None:
    torch = pytest.importorskip("torch")
    searched, driven = loop(torch, lambda params: mlp.TorchRule(params, mlp.LBFGS()), closure=True)
    walked, _ = loop(torch, lambda params: mlp.TorchRule(params, mlp.SGD(0.1)))
    assert all(later <= sooner for sooner, later in pairwise(searched))
    assert searched[-1] < walked[-1] and driven.state.evaluations >= 30


def test_tensors_that_share_no_type_are_refused() -> None:
    torch = pytest.importorskip("torch")
    mixed = [torch.zeros(2, dtype=torch.float32), torch.zeros(2, dtype=torch.float64)]
    whole = torch.zeros(2)
    for wrong in ([], mixed, [whole, whole], [np.zeros(2)], [torch.zeros(2, dtype=torch.int64)]):
        with pytest.raises(HyperparameterError, match="distinct tensors on the CPU"):
            mlp.TorchRule(wrong, mlp.SGD(0.1))
