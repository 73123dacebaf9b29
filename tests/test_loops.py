"""The verdict on a loop that is driven by hand: what the recorder reads from its rule, its classes and its order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlp
from mlp.arrays import Array
from mlp.diagnosis.causes import suspicions
from mlp.diagnosis.reading import Reading
from mlp.instruments.order_met import share_between

RNG = np.random.default_rng(0)
X = RNG.uniform(-3, 3, (200, 1))
BITS = (np.arange(8)[:, None] >> np.arange(3) & 1).astype(float)
LAYERS = [mlp.Dense(1, 24), mlp.Tanh(), mlp.Dense(24, 1)]


def drive(
    layers: Any, X: Array, t: Array, loss: Any, rule: Any, epochs: int, size: int = 8, rng: Any = 0
) -> mlp.History:
    recorder = mlp.Recorder()
    data = mlp.batches(X, t, size=size, rng=rng, epochs=epochs)
    with np.errstate(all="ignore"):
        for step in recorder.tap(mlp.train(mlp.Network(layers, rng=0), data, loss, rule)):
            if not np.isfinite(step.loss):
                break
    return recorder.history


def alarms(history: mlp.History) -> dict[str, list[str]]:
    return {f.kind: [c.name for c in f.causes] for f in mlp.diagnose(history) if f.severity != "info"}


def weights(history: mlp.History) -> dict[str, float]:
    return {s.cause.name: s.weight for s in reversed(suspicions(Reading(history)))}


def test_a_rule_says_its_numbers_to_the_recorder() -> None:
    """By hand nobody knew which rate is usual for the rule, nor its momentum, its epsilon and where it clips."""
    rule = mlp.ClipNorm(mlp.Adam(0.01, epsilon=0.1), 0.5)
    history = drive(LAYERS, X, np.sin(X), mlp.SquaredError(), rule, 1)
    found = dict(zip(history.labels("settings"), history["settings"][0].tolist(), strict=True))
    expected = {
        "usual_rate": 0.005,
        "momentum": 0.9,
        "usual_momentum": 0.9,
        "beta2": 0.999,
        "epsilon": 0.1,
        "clip_norm": 0.5,
    }
    assert found | expected == found
    assert weights(history)["epsilon_too_large"] > 0.9


def test_a_rule_of_ones_own_says_nothing_that_it_has_not() -> None:
    class Own(mlp.Optimizer):
        def init(self, params: Array) -> None:
            return None

        def update(self, at: Any, state: Any, out: Array) -> None:
            np.multiply(at.grad, -0.01, out=out)

    history = drive(LAYERS, X, np.sin(X), mlp.SquaredError(), Own(), 1)
    assert not {"usual_rate", "momentum", "epsilon"} & set(history.labels("settings"))


def test_a_hard_decay_of_weights_is_no_wrong_gradient() -> None:
    """AdamW may go uphill while it shrinks weights: a recorder that did not know the decay blamed the gradient."""
    start = [
        mlp.Dense(1, 24, mlp.initializers.Normal(3.0)),
        mlp.Tanh(),
        mlp.Dense(24, 1, mlp.initializers.Normal(0.01)),
    ]
    history = drive(start, X, 0.01 * np.sin(X), mlp.SquaredError(), mlp.AdamW(0.001, weight_decay=100.0), 2)
    assert "wrong_gradient" not in alarms(history)
    assert weights(history)["weight_decay_too_high"] > 0.9


def test_few_steps_are_named_though_no_plan_is_known() -> None:
    """Five steps of all rows passed, or were alarmed without a cause: by hand no epochs were known."""
    history = drive(LAYERS, X, np.sin(X), mlp.SquaredError(), mlp.Adam(0.0001), 5, 200)
    causes = alarms(history)["unfinished"]
    assert causes[0] in ("too_few_epochs", "learning_rate_too_low", "batch_too_large")
    assert "too_few_epochs" in causes[:3]


def test_a_rare_class_is_met_by_hand_too() -> None:
    """Nobody counted the classes of a loop: 4 % positives were told as a matter of epochs."""
    rng = np.random.default_rng(1)
    t = (rng.random((600, 1)) < 0.04).astype(float)
    rows = rng.normal(size=(600, 3)) + 1.5 * t
    history = drive(
        [mlp.Dense(3, 8), mlp.ReLU(), mlp.Dense(8, 1)], rows, t, mlp.SigmoidCrossEntropy(), mlp.SGD(0.01), 5, 32
    )
    assert history["rarest_class"][-1] == pytest.approx(t.mean() / (1 - t.mean()))
    assert "class_imbalance" in alarms(history)["no_progress"][:2]


def test_classes_that_were_never_met_are_not_rare() -> None:
    labels = np.arange(200) % 3
    layers = [mlp.Dense(1, 8), mlp.ReLU(), mlp.Dense(8, 10)]
    history = drive(layers, X, labels, mlp.SoftmaxCrossEntropy(), mlp.SGD(0.01), 1)
    assert history["rarest_class"][-1] == pytest.approx(66 / 67)


def test_the_spread_between_batches_is_1_of_sorted_rows_and_0_of_random_ones() -> None:
    labels = np.repeat([0, 1, 2, 3], 16)
    assert share_between(list(labels.reshape(8, 8)), 4) == pytest.approx(1.0)
    assert share_between(list(labels.reshape(64, 1)), 4) == pytest.approx(1.0)  # batches of one, eight put together
    assert share_between([labels[:32], labels[32:]], 4) is None
    mixed = [share_between(list(RNG.permutation(labels).reshape(8, 8)), 4) or 0.0 for _ in range(50)]
    assert abs(np.mean(mixed)) < 0.03  # the mean of 50; a single one has a deviation of about 0.05


def test_rows_that_come_sorted_and_are_forgotten_are_seen() -> None:
    """The loss of a step is measured just after its neighbours were learned: it fell, and the run was healthy."""
    rows = np.sort(X, axis=0)
    history = drive(LAYERS, rows, np.sin(2 * rows), mlp.SquaredError(), mlp.SGD(0.2), 20, rng=None)
    assert history["remembered_loss"][-1] > 0.9 * history["constant_loss"][-1] > 1.2 * history["loss"][-100:].mean()
    assert alarms(history)["oscillation"][0] == "unshuffled_batches"


def test_of_rows_in_random_order_none_are_asked_again() -> None:
    rows = np.sort(X, axis=0)
    history = drive(LAYERS, rows, np.sin(2 * rows), mlp.SquaredError(), mlp.SGD(0.2), 20)
    assert "remembered_loss" not in history or not len(history["remembered_loss"])
    assert "oscillation" not in alarms(history)


def test_rows_that_come_sorted_and_are_learned_all_the_same_are_no_fault() -> None:
    rows = np.sort(X, axis=0)
    history = drive(LAYERS, rows, 0.5 * rows, mlp.SquaredError(), mlp.SGD(0.02), 60, rng=None)
    assert history["ordered_batches"][-1] > 0.9
    assert not alarms(history)


def test_what_is_asked_again_is_the_loss_of_the_rows_of_the_first_epoch() -> None:
    """The twin: a second network, trained alike, asked about all rows after the same step."""
    rows = np.sort(X, axis=0)
    history = drive(LAYERS, rows, np.sin(rows), mlp.SquaredError(), mlp.SGD(0.2), 3, rng=None)
    network, at = mlp.Network(LAYERS, rng=0), history.steps("remembered_loss").tolist()
    found = []
    for step in mlp.train(
        network, mlp.batches(rows, np.sin(rows), 8, rng=None, epochs=3), mlp.SquaredError(), mlp.SGD(0.2)
    ):
        if step.index in at:
            found.append(0.5 * np.square(mlp.predict(network, rows) - np.sin(rows)).mean())
    np.testing.assert_allclose(history["remembered_loss"], found, rtol=1e-12)  # order of summing


@pytest.mark.parametrize(("also", "kinds"), [({}, {"unfinished"}), ({"rarest_class": [1.0]}, set())])
def test_classes_of_which_most_are_right_are_no_unfinished_run(also: Any, kinds: set[str]) -> None:
    """Balanced faults: recall .85, the loss .7 below a guess and still falling a little. It was alarmed."""
    losses = np.interp(np.arange(400), [0, 100, 200, 400], [0.7, 0.35, 0.29, 0.19])
    assert set(alarms(mlp.History({"loss": losses, "constant_loss": [0.693], **also}))) == kinds


def test_yes_or_no_by_a_sigmoid_and_squares_is_a_mismatch_that_slows() -> None:
    t = (BITS.sum(1, keepdims=True) == 2).astype(float)
    layers = [mlp.Dense(3, 4), mlp.Sigmoid(), mlp.Dense(4, 1)]
    squashed = drive([*layers, mlp.Sigmoid()], BITS, t, mlp.SquaredError(), mlp.SGD(0.1), 2, 4)
    straight = drive(layers, BITS, t, mlp.SquaredError(), mlp.SGD(0.1), 2, 4)
    assert "loss_output_mismatch" in weights(squashed)
    assert "loss_output_mismatch" not in weights(straight)


def test_a_first_batch_of_zeros_is_no_small_target() -> None:
    """A full adder, one row at a time: the first target was (0, 0), whose size is 0."""
    t = np.column_stack([BITS.sum(1) % 2, BITS.sum(1) >= 2]).astype(float)
    layers = [mlp.Dense(3, 3), mlp.Sigmoid(), mlp.Dense(3, 2), mlp.Sigmoid()]
    history = drive(layers, BITS, t, mlp.SquaredError(), mlp.SGD(0.01), 200, 1, rng=None)
    found = weights(history)
    assert "unscaled_targets" not in found
    assert found["learning_rate_too_low"] > max(found["batch_too_small"], found["too_little_capacity"])


def test_a_loss_that_stays_where_it_was_for_long_asks_whether_rows_and_targets_belong_together() -> None:
    """Inputs and targets shuffled apart: every setting is usual, and no cause was named."""
    rng = np.random.default_rng(2)
    rows, t = rng.random((200, 4)), rng.normal(size=(200, 1))
    layers = [mlp.Dense(4, 8), mlp.Tanh(), mlp.Dense(8, 1)]
    history = drive(layers, rows, t, mlp.SquaredError(), mlp.Adam(0.003), 16)
    assert alarms(history)["no_progress"][0] == "uninformative_labels"


def test_a_gradient_that_is_no_number_at_a_loss_that_is_one_comes_from_the_data() -> None:
    """ln 0 in a first layer: tanh makes a number of it, its slope does not; it was told as a rate that is too high."""

    class Logarithm(mlp.Activation):
        def forward(self, params: Any, x: Any, y: Any, scratch: Any) -> None:
            np.log(x.values, out=y.values)

        def slope(self, x: Any, y: Any, scratch: Any, out: Any) -> None:
            np.divide(1, x, out=out)

    rows = RNG.uniform(0.5, 2, (200, 3))
    rows[::20, 0] = 0
    layers = [Logarithm(n_in=3), mlp.Dense(3, 8), mlp.Tanh(), mlp.Dense(8, 1)]
    history = drive(layers, rows, rows[:, 1:2], mlp.SquaredError(), mlp.Adam(0.01), 5)
    assert alarms(history)["non_finite_data"][0] == "non_finite_data"


@pytest.mark.parametrize("rule", [mlp.SGD(0.0), mlp.Adam(0.0), mlp.AdamW(0.0)], ids=repr)
def test_a_rate_of_zero_is_too_low_and_freezes_no_layer(rule: mlp.Optimizer) -> None:
    """No layer moves where the rate is 0: each was told to be left out of the training, with frozen = [] to mend it."""
    layers = [mlp.Dense(3, 8), mlp.ReLU(), mlp.Dense(8, 1)]
    rows = RNG.normal(size=(100, 3))
    found = mlp.diagnose(drive(layers, rows, rows[:, :1], mlp.SquaredError(), rule, 5))
    assert {"frozen_parameters"} <= {finding.kind for finding in found}
    for finding in found:
        assert finding.causes[0].name == "learning_rate_too_low"
        assert finding.causes[0].remedy.startswith("learning_rate 0 → ")
        assert "frozen_layer" not in [cause.name for cause in finding.causes]
