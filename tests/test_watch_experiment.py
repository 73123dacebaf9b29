"""Watched loops as experiments: the same network, loss, rule and batches, and what cannot be said is named.

Against real torch: `.ci/run` installs it. Elsewhere these tests are skipped where it is missing.
"""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import RULE_CASES
from test_watch_torch import fit, functional, nn, plain, rows, torch

import mlp
from mlp.exchange.torch_module import read_module
from mlp.experiment.state import begin
from mlp.frameworks.network_section import FirstWeights, describe_weights
from mlp.frameworks.rule_section import describe_rule

EXAMPLE = Path(__file__).parent.parent / "examples" / "16_watch_torch.py"


def sgd(model: Any, **keys: Any) -> Any:
    return torch.optim.SGD(model.parameters(), **{"lr": 0.1, **keys})


def watched(model: Any, loss: Any, rule: Any = sgd, *, data: Any = None, dtype: Any = None, **options: Any) -> Any:
    X, y = data or rows(dtype=dtype or torch.float32)
    watch = mlp.watch_torch(model, rule(model), loss)
    fit(model, watch.loss, watch.optimizer, X, y, **{"epochs": 2, **options})
    return watch


def blocks(width: int = 8) -> Any:
    """A batch norm and dropout in every hidden layer, no biases before a norm."""
    parts = [nn.Linear(6, width, bias=False), nn.BatchNorm1d(width), nn.LeakyReLU(0.2), nn.Dropout(0.1)]
    return nn.Sequential(nn.Flatten(), *parts, nn.Linear(width, 3))


class Sums(nn.Module):
    """A way around the second layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        x = torch.relu(self.first(x))
        return functional.log_softmax(self.last(x + torch.relu(self.second(x))), 1)


def flags() -> Any:
    X, y = rows(classes=2)
    return X, y[:, None].float()


def values(n_out: int) -> Any:
    X, _ = rows()
    return X, torch.sin(X[:, :n_out])


def one(*end: Any) -> Any:
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1), *end)


LOOPS: dict[str, tuple[Any, Any, Any]] = {
    "classes": (plain, nn.CrossEntropyLoss(), None),
    "smoothing": (plain, nn.CrossEntropyLoss(label_smoothing=0.1), None),
    "function": (plain, functional.cross_entropy, None),
    "norms": (blocks, nn.CrossEntropyLoss(), None),
    "sums": (Sums, nn.NLLLoss(), None),
    "softmax too": (lambda: plain().append(nn.Softmax(1)), nn.CrossEntropyLoss(), None),
    "sigmoid": (lambda: one(nn.Sigmoid()), nn.BCELoss(), flags),
    "odds": (one, nn.BCEWithLogitsLoss(), flags),
    "squares": (one, nn.MSELoss(), lambda: values(1)),
    "squares of two": (lambda: nn.Linear(6, 2), nn.MSELoss(), lambda: values(2)),
    "sum of squares": (lambda: nn.Linear(6, 2), nn.MSELoss(reduction="sum"), lambda: values(2)),
    "huber": (lambda: nn.Linear(6, 2), nn.HuberLoss(delta=0.3), lambda: values(2)),
    "smooth": (lambda: nn.Linear(6, 2), nn.SmoothL1Loss(beta=0.3), lambda: values(2)),
    "relu last": (lambda: one(nn.ReLU()), nn.MSELoss(), lambda: values(1)),
}


@pytest.mark.parametrize("name", LOOPS)
def test_the_experiment_makes_the_first_step_of_the_loop(name: str) -> None:
    """A twin: from the loop's first weights and rows, in float64, the experiment's rule makes PyTorch's own step.

    One step of the whole batch: network, loss, its factor and the rate are all in it.
    """
    make, loss, data = LOOPS[name]
    torch.manual_seed(0)
    model = make().double()
    for part in model.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    X, y = (t.double() if t.is_floating_point() else t for t in (data or rows)())
    network = read_module(nn.Sequential(*model[:-1]) if name == "sigmoid" else model).network
    before = [p.detach().clone() for p in model.parameters()]
    watch = watched(model, loss, data=(X, y), size=96, epochs=1)
    moved = torch.cat([(p - q).detach().ravel() for p, q in zip(model.parameters(), before, strict=True)])

    setup, state = begin(watch.experiment(), (X.numpy(), y.numpy()))
    assert state.network.layout.size == network.layout.size
    state.network.params = network.params
    batch = mlp.as_batch(X.numpy(), setup.head.encode(setup.prepared.train.y, np.float64), dtype=np.float64)
    step = next(mlp.train(state.network, [batch], setup.head.loss, setup.rule))
    n_rows = len(X) if getattr(loss, "reduction", "") == "sum" else 1
    factor = 0.1 * n_rows / watch.experiment()["optimizer"]["learning_rate"]
    assert step.loss == pytest.approx(watch.history["loss"][0] * factor, rel=1e-9)
    assert mlp.norm(step.update) == pytest.approx(float(moved.norm()), rel=1e-9)


@pytest.mark.parametrize("name", [name for name, case in RULE_CASES.items() if case.by.startswith("torch.optim.")])
def test_a_rule_of_torch_is_the_rule_that_its_reference_was_made_with(name: str) -> None:
    """The table of references says which optimizer of PyTorch each rule is, with other numbers than the defaults."""
    case = RULE_CASES[name]
    theirs = eval(case.by, {"torch": torch, "p": [nn.Parameter(torch.zeros(2))]})
    keys = describe_rule(type(theirs).__name__, theirs.param_groups).keys
    rule = {**mlp.optimizers.OPTIMIZERS}[keys.pop("name")]
    assert rule(**keys) == case.on_way


def test_weight_decay_is_a_penalty_on_the_same_scale() -> None:
    """The squared error of two outputs is PyTorch's as it stands: the factor is 1; of one output it is twice ours."""
    for n_out, penalty in ((2, 0.01), (1, 0.005)):
        watch = watched(nn.Linear(6, n_out), nn.MSELoss(), lambda m: sgd(m, weight_decay=0.01), data=values(n_out))
        assert watch.experiment()["loss"]["l2"] == pytest.approx(penalty)


def test_gradients_of_several_batches_are_one_batch_and_one_rate() -> None:
    """Four losses a step: a quarter of each is the mean of them, and whole ones are four times the rate."""
    for share, rate in ((0.25, 0.1), (1.0, 0.4)):
        X, y = rows()
        model, loss = plain(), nn.CrossEntropyLoss()
        watch = mlp.watch_torch(model, sgd(model), loss)
        for _ in range(3):
            for i, chosen in enumerate(torch.arange(96).split(12)):
                (share * loss(model(X[chosen]), y[chosen])).backward()
                if i % 4 == 3:
                    watch.optimizer.step()
                    watch.optimizer.zero_grad()
        said = watch.experiment()
        assert (said["training"]["batch_size"], said["training"]["epochs"]) == (48, 3)
        assert said["training"]["shuffle"] is False
        assert said["optimizer"]["learning_rate"] == pytest.approx(rate)
        assert "uncleared_gradients" not in [f.kind for f in watch.findings]


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda w: nn.init.kaiming_normal_(w), "he_normal"),
        (lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu"), "he_uniform"),
        (lambda w: nn.init.xavier_uniform_(w), "glorot_uniform"),
        (lambda w: nn.init.xavier_normal_(w), "glorot_normal"),
        (lambda w: nn.init.zeros_(w), "zeros"),
        (lambda w: nn.init.constant_(w, 0.5), {"name": "constant", "value": 0.5}),
        (lambda w: w, {"name": "uniform", "low": -0.1, "high": 0.1}),  # as PyTorch leaves it: ± 1/√100
    ],
)
def test_first_weights_are_named_after_where_they_came_from(draw: Any, said: Any) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(100, 40)
    with torch.no_grad():
        draw(layer.weight)
    assert describe_weights(FirstWeights.of(layer.weight.detach().numpy(), None)) == said


def test_few_weights_as_pytorch_leaves_them_are_not_taken_for_glorots() -> None:
    """4 inputs and 16 units: ± 0.5 and Glorot's ± 0.55 are both near, and the closer bounds that hold all count."""
    torch.manual_seed(0)
    weights = nn.Linear(4, 16).weight.detach().numpy()
    assert describe_weights(FirstWeights.of(weights, None)) == {"name": "uniform", "low": -0.5, "high": 0.5}


def test_normal_weights_of_another_size_keep_it() -> None:
    w = 3 * np.random.default_rng(0).normal(size=(40, 100))
    assert describe_weights(FirstWeights.of(w, None)) == {"name": "normal", "std": pytest.approx(3.0, rel=0.05)}


class Twice(nn.Module):
    """One layer in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.same, self.last = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        return self.last(torch.relu(self.same(torch.relu(self.same(torch.relu(self.first(x)))))))


def grouped(model: Any) -> Any:
    return torch.optim.SGD([{"params": [p], "lr": 0.1 / (i + 1)} for i, p in enumerate(model.parameters())])


@pytest.mark.parametrize(
    ("make", "loss", "rule", "named"),
    [
        (lambda: nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 3)), None, sgd, "LayerNorm"),
        (lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 3)), None, sgd, "relu1"),
        (lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU6(), nn.Linear(8, 3)), None, sgd, "ReLU6"),
        (Twice, None, sgd, "weights are used twice"),
        (plain, nn.MultiMarginLoss(), sgd, "MultiMarginLoss"),
        (plain, nn.CrossEntropyLoss(weight=torch.tensor([1.0, 9.0, 1.0])), sgd, "weight for each class"),
        (plain, None, lambda m: torch.optim.Rprop(m.parameters()), "Rprop"),
        (plain, None, lambda m: sgd(m, momentum=0.9, dampening=0.5), "dampening"),
        (plain, None, lambda m: sgd(m, maximize=True), "maximize"),
        (plain, None, grouped, "lr = 0.1 and 0.05"),
    ],
)
def test_what_no_experiment_can_say_is_named_in_one_line(make: Any, loss: Any, rule: Any, named: str) -> None:
    watch = watched(make(), loss or nn.CrossEntropyLoss(), rule)
    with pytest.raises(mlp.ConfigError, match=named) as refused:
        watch.experiment()
    assert "\n" not in str(refused.value)


def test_a_schedule_is_named_by_what_it_did() -> None:
    X, y = rows()
    model, loss = plain(), nn.CrossEntropyLoss()
    watch = mlp.watch_torch(model, sgd(model), loss)
    falling = torch.optim.lr_scheduler.ExponentialLR(watch.optimizer, 0.5)
    for _ in range(3):
        fit(model, loss, watch.optimizer, X, y, epochs=1)
        falling.step()
    with pytest.raises(mlp.ConfigError, match=r"learning rate went from 0\.1 to 0\.025"):
        watch.experiment()


def test_layers_that_nobody_trains_are_frozen_in_the_experiment() -> None:
    model = plain()
    for p in model[2].parameters():
        p.requires_grad = False
    watch = watched(model, nn.CrossEntropyLoss())
    assert watch.experiment()["network"]["frozen"] == ["dense2"]


def test_balanced_weights_of_classes_are_said_as_that() -> None:
    X, y = rows()
    watch = watched(plain(), nn.CrossEntropyLoss(weight=len(y) / torch.bincount(y)))
    assert watch.experiment()["data"]["class_weight"] == "balanced"
    X, y = flags()
    weight = (1 - y.mean()) / y.mean()
    watch = watched(one(), nn.BCEWithLogitsLoss(pos_weight=weight), data=(X, y))
    said = watch.experiment()
    assert said["data"]["class_weight"] == "balanced"
    assert said["optimizer"]["learning_rate"] == pytest.approx(0.1 * 2 * (1 - float(y.mean())))


FAULTS_OF_LOOPS = {"targets_that_broadcast", "gradients_that_add_up"}
REPAIRED = {"learning_rate_too_high", "inputs_not_scaled", "relu_at_the_end"}  # one or two seconds each


def expected() -> dict[str, str]:
    """The cause that each loop of the example was written with."""
    return {
        "healthy": "", "softmax_before_cross_entropy": "loss_output_mismatch",
        "targets_that_broadcast": "broadcast_targets", "gradients_that_add_up": "uncleared_gradients",
        "parameters_of_another_model": "frozen_layer", "sigmoid_tower": "saturating_activations",
        "learning_rate_too_high": "learning_rate_too_high", "learning_rate_too_low": "learning_rate_too_low",
        "weights_all_alike": "constant_initialization", "inputs_not_scaled": "unscaled_inputs",
        "relu_at_the_end": "loss_output_mismatch",
    }  # fmt: skip


@pytest.fixture(scope="module")
def example() -> Any:
    spec = importlib.util.spec_from_file_location("watch_torch_example", EXAMPLE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", expected())
def test_each_failing_loop_of_the_example_is_told_its_cause_first_there_and_here(name: str, example: Any) -> None:
    """The experiment of a loop fails for the same cause, and `repair` mends it; a fault of loops alone is named."""
    assert {loop.__name__ for loop in example.LOOPS} == set(expected())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch warns of targets that broadcast
        watch = getattr(example, name)()
    causes = [expected()[name]] if name != "healthy" else []
    assert list_causes(watch) == causes
    if name in FAULTS_OF_LOOPS:
        with pytest.raises(mlp.ConfigError, match="no experiment does what this loop does wrong"):
            watch.experiment()
    elif name in REPAIRED:
        found = mlp.repair(watch.experiment(), watch.rows)
        assert list_causes(found.before) == causes
        assert found.after.healthy
    else:
        assert list_causes(mlp.run(watch.experiment(), watch.rows)) == causes


def list_causes(found: Any) -> list[str]:
    return [f.causes[0].name for f in found.findings if f.severity != "info"][:1]
