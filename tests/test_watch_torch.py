"""PyTorch loops that are watched: the same bits as without, the numbers our own instruments give, the right verdict.

Against real torch: `.ci/run` installs it. Elsewhere these tests are skipped where it is missing.
"""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_page import Parts, arrays_of

import mlp
from mlp.frameworks.rows import RowsMet
from mlp.frameworks.targets import best_constant_loss

torch: Any = pytest.importorskip("torch")
nn: Any = torch.nn
functional: Any = torch.nn.functional
torch.set_num_threads(1)


def rows(n: int = 96, n_in: int = 6, classes: int = 3, dtype: Any = torch.float32) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_in))
    y = np.digitize(X[:, 0] + X[:, 1], [-0.7, 0.7]) if classes == 3 else (X[:, 0] > 0).astype(int)
    return torch.tensor(X, dtype=dtype), torch.tensor(y)


class Written(nn.Module):
    """A module as people write them: functions between layers, a sum around two of them, a batch norm, dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.norm, self.fc2, self.out = nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 8), nn.Linear(8, 3)
        self.drop = nn.Dropout(0.2)

    def forward(self, x: Any) -> Any:
        x = torch.relu(self.norm(self.fc1(x)))
        return self.out(self.drop(x + functional.relu(self.fc2(x))))


def plain(*, seed: int = 0, inplace: bool = False) -> Any:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(inplace=inplace), nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, 3))


def fit(model: Any, loss: Any, optimizer: Any, X: Any, y: Any, epochs: int = 6, size: int = 16) -> None:
    torch.manual_seed(1)
    for _ in range(epochs):
        for chosen in torch.randperm(len(X)).split(size):
            optimizer.zero_grad()
            loss(model(X[chosen]), y[chosen]).backward()
            optimizer.step()


@pytest.mark.parametrize("make", [Written, plain, lambda: plain(inplace=True)], ids=["written", "plain", "inplace"])
@pytest.mark.parametrize("rule", ["SGD", "Adam", "RMSprop"])
def test_training_is_the_same_bit_for_bit(make: Any, rule: str) -> None:
    X, y = rows()
    ends = []
    for watched in (False, True):
        torch.manual_seed(0)
        model, loss = make(), nn.CrossEntropyLoss()
        optimizer = getattr(torch.optim, rule)(model.parameters(), lr=0.01)
        watch = mlp.watch_torch(model, optimizer, loss) if watched else None
        fit(model, loss, optimizer, X, y)
        if watch:
            assert watch.findings == watch.findings  # asking is no part of the training either
            assert model.training
        fit(model, loss, optimizer, X, y, epochs=2)
        ends.append([t.clone() for t in (*model.state_dict().values(), torch.get_rng_state())])
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


def test_the_columns_are_those_of_our_own_recorder() -> None:
    """A twin: the same network, rows and rule, here and in PyTorch, in float64; each column where both have it."""
    X, y = rows(n=80, dtype=torch.float64)
    model, loss = plain().double(), nn.CrossEntropyLoss()
    state = {k: v.clone() for k, v in model.state_dict().items()}
    watch = mlp.watch_torch(model, torch.optim.SGD(model.parameters(), lr=0.1), loss)
    order = [torch.arange(80).split(16)[i % 5] for i in range(120)]
    for chosen in order:
        watch.optimizer.zero_grad()
        loss(model(X[chosen]), y[chosen]).backward()
        watch.optimizer.step()

    net = mlp.from_torch({k: v.numpy() for k, v in state.items()}, ["relu", "tanh"])
    recorder = mlp.Recorder([i._replace(period=1 if i.period else None) for i in mlp.DETAILED])
    data = [mlp.as_batch(X[chosen].numpy(), y[chosen].numpy(), dtype=np.float64) for chosen in order]
    for _ in recorder.tap(mlp.train(net, data, mlp.SoftmaxCrossEntropy(), mlp.SGD(0.1))):
        pass
    ours, theirs = recorder.history, watch.history
    same = (
        "loss", "grad_norm", "grad_norm_by_layer", "update_norm_by_layer", "update_norm", "param_norm_by_layer",
        "descent", "grad_cosine", "backward_gain", "noise_ratio", "activation_mean", "activation_std", "weight_std",
        "weight_gain", "bias_mean", "identical_units", "input_size",
    )  # fmt: skip
    for name in same:
        at = np.isin(ours.steps(name), theirs.steps(name))
        assert at.any(), name
        mine = ours[name][at]
        given = theirs[name][np.isin(theirs.steps(name), ours.steps(name))]
        if name.startswith("activation"):  # of dense layers and activations, which are all there are
            assert mine.shape == given.shape
        np.testing.assert_allclose(given, mine, rtol=1e-9, atol=1e-12, err_msg=name)


N = 60
COUNTS = np.bincount(np.arange(N) % 7 % 3, minlength=3) / N
FLAGS = (np.arange(N) % 4 == 0).astype(float)[:, None]
VALUES = np.random.default_rng(3).normal(size=(N, 2)) ** 3
EVENTS = np.random.default_rng(4).poisson(2.0, (N, 1)).astype(float)


def smoothed() -> float:
    share = 0.9 * COUNTS + 0.1 / 3
    return float(-(share * np.log(share)).sum())


def weighted() -> float:
    w = np.array([1.0, 2.0, 5.0]) * COUNTS
    return float(-(w * np.log(w / w.sum())).sum() / w.sum())


def positive() -> float:
    m = FLAGS.mean()
    q = 3 * m / (3 * m + 1 - m)
    return float(-(3 * m * np.log(q) + (1 - m) * np.log(1 - q)))


def entropy(share: Any) -> float:
    return float(-(share * np.log(share)).sum())


@pytest.mark.parametrize(
    ("loss", "target", "n_out", "best"),
    [
        (nn.CrossEntropyLoss(), np.arange(N) % 7 % 3, 3, entropy(COUNTS)),
        (nn.CrossEntropyLoss(label_smoothing=0.1), np.arange(N) % 7 % 3, 3, smoothed()),
        (nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 5.0])), np.arange(N) % 7 % 3, 3, weighted()),
        (functional.cross_entropy, np.arange(N) % 7 % 3, 3, entropy(COUNTS)),
        (nn.NLLLoss(), np.arange(N) % 7 % 3, 3, entropy(COUNTS)),
        (nn.BCELoss(), FLAGS, 1, entropy(np.array([0.25, 0.75]))),
        (nn.BCEWithLogitsLoss(), FLAGS, 1, entropy(np.array([0.25, 0.75]))),
        (nn.BCEWithLogitsLoss(pos_weight=torch.tensor([3.0])), FLAGS, 1, positive()),
        (nn.MSELoss(), VALUES, 2, float(VALUES.var(0).mean())),
        (nn.MSELoss(reduction="sum"), VALUES, 2, float(VALUES.var(0).sum())),
        (nn.L1Loss(), VALUES, 2, float(np.abs(VALUES - np.median(VALUES, 0)).mean())),
        (nn.PoissonNLLLoss(), EVENTS, 1, float(EVENTS.mean() - EVENTS.mean() * np.log(EVENTS.mean()))),
    ],
)  # fmt: skip
def test_the_best_constant_answer_is_that_of_the_formula(loss: Any, target: Any, n_out: int, best: float) -> None:
    found = best_constant_loss(loss, torch.as_tensor(target), n_out)
    assert found == pytest.approx(best, rel=2e-4)  # smoothing, weights and Huber are searched for, the others exact


def test_the_best_constant_answer_of_huber_is_the_lowest_of_a_fine_grid() -> None:
    target, loss = torch.as_tensor(VALUES[:, :1]), nn.HuberLoss(delta=0.3)
    grid = min(float(loss(torch.full_like(target, c), target)) for c in np.linspace(-2, 2, 4001))
    assert best_constant_loss(loss, target, 1) == pytest.approx(grid, rel=1e-5)


def test_a_loss_that_is_not_known_is_said_and_has_no_reference() -> None:
    X, y = rows()
    model, loss = plain(), nn.MultiMarginLoss()
    optimizer = torch.optim.Adam(model.parameters())
    watch = mlp.watch_torch(model, optimizer, loss)
    fit(model, loss, optimizer, X, y)
    assert isinstance(watch.findings, tuple)
    assert "reference_loss" not in watch.history
    assert any("MultiMarginLoss" in said for said in watch.unknown)


def test_the_page_of_the_manual_runs(capsys: Any) -> None:
    page = (Path(mlp.__file__).parent / "manual" / "watch.md").read_text(encoding="utf-8")
    exec(page.split("```python")[1].split("```")[0], {})
    assert "squashed twice" in capsys.readouterr().out


def test_a_function_for_a_loss_is_watched_where_it_is_called_through_the_watch() -> None:
    X, y = rows()
    model = Written()
    watch = mlp.watch_torch(model, torch.optim.Adam(model.parameters(), 0.01), functional.cross_entropy)
    fit(model, watch.loss, watch.optimizer, X, y)
    assert len(watch.history["loss"]) == watch.steps == 36
    assert watch.findings is not None
    assert watch.history["reference_loss"][0] == pytest.approx(float(functional.cross_entropy(
        torch.log(torch.bincount(y) / len(y)).expand(len(y), 3), y)))  # fmt: skip
    assert watch.history.labels("silent_units") == ("ReLU before fc2",)  # the other stands inside of a sum


def test_what_is_evaluated_without_gradients_counts_as_validation_if_it_is_not_trained_on() -> None:
    X, y = rows(n=120)
    model, loss = plain(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    watch = mlp.watch_torch(model, optimizer, loss)
    for _ in range(3):
        fit(model, loss, optimizer, X[:80], y[:80], epochs=1)
        with torch.no_grad():
            held_out = float(loss(model(X[80:]), y[80:]))
            right = float((model(X[80:]).argmax(1) == y[80:]).float().mean())
            loss(model(X[:80]), y[:80])
    assert watch.findings is not None
    assert len(watch.history["validation_loss"]) == 3
    assert watch.history["validation_loss"][-1] == pytest.approx(held_out)
    assert watch.history["validation_accuracy"][-1] == pytest.approx(right)
    assert len(watch.history["loss"]) == 15


def closure(model: Any, loss: Any, optimizer: Any, X: Any, y: Any) -> Any:
    """What a step asks for its gradients."""

    def ask() -> Any:
        optimizer.zero_grad()
        value = loss(model(X), y)
        value.backward()
        return value

    return ask


def test_a_closure_is_recorded_as_one_step() -> None:
    X, y = rows()
    model, loss = plain(), nn.CrossEntropyLoss()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)
    watch = mlp.watch_torch(model, optimizer, loss)

    for _ in range(5):
        optimizer.step(closure(model, loss, optimizer, X, y))
    assert len(watch.history["loss"]) == len(watch.history["grad_norm"]) == 5


def test_a_report_holds_what_was_recorded_and_the_verdict(tmp_path: Path) -> None:
    X, y = rows()
    model, loss = plain(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    watch = mlp.watch_torch(model, optimizer, loss)
    fit(model, loss, optimizer, X, y)
    text = watch.report()
    head, arrays = json.loads(Parts(text).scripts["head"]), arrays_of(text)
    assert np.array_equal(arrays["loss/0/values"], watch.history["loss"])
    assert np.array_equal(arrays["grad_norm_by_layer/greatest"].T, watch.history["grad_norm_by_layer"].astype("f4"))
    assert [found["kind"] for found in head["findings"]] == [found.kind for found in watch.findings]
    assert head["network"] == f"Sequential, {sum(p.numel() for p in model.parameters())} parameters"
    assert head["unknown"] == list(watch.unknown)
    written = json.loads(Parts(watch.report(tmp_path / "loop.html").read_text(encoding="utf-8")).scripts["head"])
    assert (written["verdict"], written["state"]) == (head["verdict"], "recorded")
    assert "connect-src" not in text.partition("<title>")[0]


def test_a_loop_without_steps_has_a_report_that_says_so() -> None:
    model = plain()
    watch = mlp.watch_torch(model, torch.optim.SGD(model.parameters(), 0.1), nn.CrossEntropyLoss())
    assert json.loads(Parts(watch.report()).scripts["head"])["unknown"] == list(watch.unknown)


def test_a_loop_without_steps_is_told_so() -> None:
    X, y = rows()
    model, loss = plain(), nn.CrossEntropyLoss()
    watch = mlp.watch_torch(model, torch.optim.Adam(model.parameters()), loss)
    for _ in range(5):
        loss(model(X), y).backward()
    assert watch.findings[0].kind == "no_updates"


def test_layers_that_cannot_be_read_are_named() -> None:
    model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
    loss = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters())
    watch = mlp.watch_torch(model, optimizer, loss)
    X, y = rows()
    fit(model, loss, optimizer, X[:, None], y)
    assert watch.unread == ("0 (Conv1d)",)
    assert watch.history.labels("grad_norm_by_layer") == ("0 (Conv1d)", "3 (Linear)")
    assert isinstance(watch.findings, tuple)


def test_close_takes_every_hook_off() -> None:
    model, loss = plain(), nn.CrossEntropyLoss()
    watch = mlp.watch_torch(model, torch.optim.Adam(model.parameters()), loss)
    watch.close()
    X, y = rows()
    fit(model, loss, watch.optimizer, X, y)
    assert watch.steps == 0
    assert not any(module._forward_hooks for module in (*model.modules(), loss))


@pytest.mark.parametrize("wrong", ["model", "optimizer", "loss", "rows"])
def test_what_cannot_be_watched_is_refused(wrong: str) -> None:
    model = plain()
    given: dict[str, Any] = {"model": model, "optimizer": torch.optim.Adam(model.parameters()), "loss": nn.MSELoss()}
    with pytest.raises(mlp.HyperparameterError, match=wrong):
        mlp.watch_torch(**{**given, wrong: "x"})


def test_the_package_does_not_import_torch() -> None:
    code = "import sys, mlp; mlp.watch_torch, mlp.run; import mlp.frameworks; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# rows, without torch


def test_an_epoch_ends_when_its_rows_come_again_in_any_order() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 5)).astype(np.float32)
    met = RowsMet()
    for _ in range(2):
        for part in np.array_split(rng.permutation(100), 7):
            met.add_batch(X[part], np.zeros(len(part)))
    assert met.n_rows == 100
    assert not met.is_open
    kept = met.kept()
    assert kept is not None and len(kept[0]) == 100
    assert met.share_known(X) == 1
    assert met.share_known(X + 1) == 0


def test_rows_that_never_come_again_have_no_epoch() -> None:
    rng, met = np.random.default_rng(0), RowsMet()
    for _ in range(200):
        met.add_batch(rng.normal(size=(64, 3)), np.zeros(64))
    assert met.n_rows is None
    kept = met.kept()
    assert kept is not None and 512 <= len(kept[0]) <= 2048


def test_who_asks_twice_gets_the_same_and_is_told_what_could_not_be_seen() -> None:
    """Asking notes the score of the rows that were kept: a second record of one step made the history longer."""
    X, y = rows()
    model, loss = plain(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    watch = mlp.watch_torch(model, optimizer, loss)
    fit(model, loss, optimizer, X, y)
    first, seal = watch.findings, watch.history.seal()
    assert watch.findings == first and watch.history.seal() == seal
    assert any("held out" in what for what in first.unseen)


# what people do


def steps(model: Any, loss: Any, optimizer: Any, order: str, n: int = 12) -> Any:
    """A watched loop that calls backward (b), zero_grad (z) and step (s) in this order."""
    X, y = rows()
    watch = mlp.watch_torch(model, optimizer, loss)
    for _ in range(n):
        value = loss(model(X), y)
        for what in order:
            {"b": lambda value=value: value.backward(retain_graph=True), "z": optimizer.zero_grad,
             "s": optimizer.step}[what]()  # fmt: skip
    return watch


@pytest.mark.parametrize(
    ("order", "kind"), [("zs", "missing_gradients"), ("bzs", "missing_gradients"), ("bs", "uncleared_gradients")]
)
def test_a_step_in_the_wrong_order_is_told(order: str, kind: str) -> None:
    model = plain()
    watch = steps(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 0.1), order)
    assert kind in [found.kind for found in watch.findings]


def test_a_loss_that_goes_backward_twice_is_said() -> None:
    model = plain()
    watch = steps(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 0.1), "zbbs")
    assert any("went backward 2 times" in said for said in watch.unknown)


def test_a_step_that_asks_for_its_gradients_moves_its_layers() -> None:
    """Weights were copied after the step of a closure: the update was 0, and every layer looked frozen."""
    X, y = rows()
    model, loss = plain(), nn.CrossEntropyLoss()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)
    watch = mlp.watch_torch(model, optimizer, loss)

    first = float(loss(model(X), y).detach())
    for _ in range(8):
        optimizer.step(closure(model, loss, optimizer, X, y))
    assert (watch.history["update_norm"] > 0).all()
    assert watch.history["loss"][0] == pytest.approx(first)  # and not the mean over what the closure was asked
    assert "frozen_parameters" not in [found.kind for found in watch.findings]


def test_one_loss_of_two_models_is_heard_by_each_for_its_own_model() -> None:
    X, y = rows()
    loss, models = nn.CrossEntropyLoss(), [plain(seed=seed) for seed in (0, 1)]
    rules = [torch.optim.SGD(model.parameters(), 0.1) for model in models]
    watches = [mlp.watch_torch(model, rule, loss) for model, rule in zip(models, rules, strict=True)]
    for _ in range(4):
        for model, rule in zip(models, rules, strict=True):
            rule.zero_grad()
            out = model(X)
            (loss(out, y) + loss(2 * out, y)).backward()  # two losses of one pass are both its own
            rule.step()
    for seed, watch in enumerate(watches):
        out = plain(seed=seed)(X).detach()
        assert watch.history["loss"][0] == pytest.approx(float(loss.forward(out, y) + loss.forward(2 * out, y)) / 2)
        assert watch._losses.passes == 8


def test_a_copy_of_the_model_has_no_hooks_that_record() -> None:
    """A copy of a hook was a copy of the whole watch, and tensors of a pass cannot be copied at all."""
    X, y = rows()
    model, loss = plain(), nn.CrossEntropyLoss()
    watch = mlp.watch_torch(model, torch.optim.SGD(model.parameters(), 0.1), loss)
    fit(model, loss, watch.optimizer, X, y, epochs=1)
    loss(model(X), y)  # its tensors are held by the look
    copied = copy.deepcopy(model)
    stored = pickle.loads(pickle.dumps(model))
    for other in (copied, stored):
        assert torch.equal(other(X), model(X))
    before = watch._losses.passes
    nn.functional.cross_entropy(copied(X), y).backward()
    assert watch._losses.passes == before


def test_modes_that_do_not_fit_are_told_as_information() -> None:
    X, y = rows()
    for is_training, kind in ((False, "evaluation_mode"), (True, "training_mode")):
        model, loss = Written(), nn.CrossEntropyLoss()
        model.train(is_training)
        watch = mlp.watch_torch(model, torch.optim.SGD(model.parameters(), 0.1), loss)
        fit(model, loss, watch.optimizer, X[:64], y[:64], epochs=2)
        with torch.no_grad():
            loss(model(X[64:]), y[64:])
        modes = [(found.kind, found.severity) for found in watch.findings if found.kind.endswith("_mode")]
        assert modes == [(kind, "info")]


def test_rows_that_are_no_numbers_come_before_the_learning_rate() -> None:
    X, y = rows()
    X[7, 2] = torch.nan
    model, loss = plain(), nn.CrossEntropyLoss()
    watch = mlp.watch_torch(model, torch.optim.Adam(model.parameters(), 0.01), loss)
    fit(model, loss, watch.optimizer, X, y)
    assert watch.findings[0].causes[0].name == "non_finite_data"


def test_another_optimizer_is_not_taken_for_none() -> None:
    X, y = rows()
    model, loss = plain(), nn.CrossEntropyLoss()
    watch = mlp.watch_torch(model, torch.optim.SGD(model.parameters(), 0.1), loss)
    fit(model, loss, torch.optim.SGD(model.parameters(), 0.1), X, y)
    assert "no_updates" not in [found.kind for found in watch.findings]
    assert any("not by the optimizer that was given" in said for said in watch.unknown)


def test_a_watch_ends_with_its_block() -> None:
    model, loss = plain(), nn.CrossEntropyLoss()
    with mlp.watch_torch(model, torch.optim.SGD(model.parameters(), 0.1), loss) as watch:
        pass
    fit(model, loss, watch.optimizer, *rows())
    assert watch.steps == 0 and not any(module._forward_hooks for module in (*model.modules(), loss))


def test_a_compiled_model_trains_the_same_and_is_said_not_to_be_read() -> None:
    X, y = rows()
    ends = []
    for watched in (False, True):
        model, loss = plain(), nn.CrossEntropyLoss()
        fast, rule = torch.compile(model, backend="eager"), torch.optim.SGD(model.parameters(), 0.1)
        watch = mlp.watch_torch(fast, rule, loss) if watched else None
        fit(fast, loss, rule, X, y, epochs=2)
        ends.append([p.detach().clone() for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))
    assert watch is not None and watch.unknown == ("The model is compiled: its nodes are not read, its gradients are.",)
    assert watch.experiment()["network"]["hidden"] == [8, 5]
