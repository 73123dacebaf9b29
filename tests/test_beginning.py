"""What is known before the first step, what is said of it, and whether a run got anywhere in the end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlp
from mlp.config import parse
from mlp.data.batches import as_batch
from mlp.experiment import begin
from mlp.experiment.before_training import note_before_training, reference_loss
from mlp.experiment.trial import standardise
from mlp.instruments.start import identical_units
from mlp.model import build_output_head
from mlp.preprocessing.data_facts import find_twins, tail_weight

DIGITS: dict[str, Any] = {"data": {"source": "digits"}, "training": {"epochs": 3}}
RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 4))


def run(xy: Any = None, **sections: dict[str, Any]) -> mlp.Run:
    config = ({} if xy is not None else DIGITS) | sections
    return mlp.run(config, xy)


def kinds(found: mlp.Run, severity: str) -> set[str]:
    return {finding.kind for finding in found.findings if finding.severity == severity}


def causes(found: mlp.Run, kind: str) -> list[str]:
    return [cause.name for finding in found.findings if finding.kind == kind for cause in finding.causes]


def test_the_reference_of_classes_is_their_entropy() -> None:
    """Shares ½, ¼, ¼: ½ ln 2 + ½ ln 4 = 1.5 ln 2."""
    found = reference_loss(build_output_head(parse({}), "classification", 3), np.array([0, 0, 1, 2]))
    assert found == pytest.approx(1.5 * np.log(2), rel=1e-12)


def test_the_reference_of_two_classes_through_one_output_is_their_entropy() -> None:
    found = reference_loss(build_output_head(parse({}), "classification", 2), np.array([0.0, 0, 0, 1]))
    assert found == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25), rel=1e-12)


def test_the_reference_of_numbers_is_that_of_their_best_constant() -> None:
    """0, 2, 1, 9 have mean 3: ½ (9 + 1 + 4 + 36) / 4. 0, 2, 5, 9 lie 3 from their medians, 2 to 5, on average."""
    squared, absolute = (
        build_output_head(parse({"loss": {"name": name}}), "regression", 1)
        for name in ("squared_error", "absolute_error")
    )
    assert reference_loss(squared, np.array([0.0, 2, 1, 9])) == pytest.approx(6.25, rel=1e-12)
    assert reference_loss(absolute, np.array([0.0, 2, 5, 9])) == pytest.approx(3.0, rel=1e-12)


def test_the_reference_of_weighed_rows_is_that_of_repeated_ones() -> None:
    target, weights = np.array([0.0, 2, 1, 9, 4]), np.array([1.0, 3, 0, 2, 1])
    repeated = target.repeat(weights.astype(int))
    for name in ("squared_error", "absolute_error", "huber", "quantile", "poisson"):
        ending = build_output_head(parse({"loss": {"name": name}}), "regression", 1)
        found = reference_loss(ending, target, weights)
        assert found == pytest.approx(reference_loss(ending, repeated), rel=1e-12), name
    classes = build_output_head(parse({}), "classification", 3)
    found = reference_loss(classes, np.array([0, 0, 1, 2]), np.array([1.0, 1, 2, 2]))
    assert found == pytest.approx(np.log(3), rel=1e-12)


def test_a_balanced_run_is_held_to_a_balanced_guess() -> None:
    """The training loss weighed the classes, and that of the constant answer did not: 0.5 was no better than 0.2."""
    y = np.arange(600) % 20 == 0
    rows = RNG.standard_normal((600, 3)) + 1.5 * y[:, None]
    found = mlp.run({"data": {"class_weight": "balanced"}, "training": {"epochs": 20}}, (rows, y.astype(int)))
    assert found.history["reference_loss"][0] == pytest.approx(np.log(2), abs=1e-3)  # of the training part
    assert found.healthy, found.findings


def test_contradictory_rows_are_those_that_stand_elsewhere_with_another_target() -> None:
    rows = np.array([[1.0, 2], [1, 2], [2, 1], [2, 1], [3, 3]])
    assert find_twins(rows, np.array([0, 1, 1, 1, 0])).share == pytest.approx(2 / 5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_rows_are_known_wherever_they_stand(dtype: Any) -> None:
    """Every row stands twice, with another label, at places that a floating-point product may round differently."""
    rows = np.random.default_rng(1).standard_normal((1001, 37)).astype(dtype)
    order = np.random.default_rng(2).permutation(2002)
    twice, y = np.concatenate([rows, rows])[order], np.repeat([0, 1], 1001)[order]
    assert find_twins(twice, y).share == 1
    assert find_twins(rows, y[:1001]).share == 0


def test_a_survey_changes_no_bit_of_the_run() -> None:
    """Dropout draws from the network's generator and batch norm keeps statistics: the dry pass must touch neither."""
    setup, state = begin(DIGITS | {"network": {"dropout": 0.5, "batch_norm": True}})
    note_before_training(setup, state)
    fresh = mlp.Network(state.network.layers, np.random.default_rng(0).spawn(3)[1], dtype=np.float32)
    assert (state.network.params == fresh.params).all()
    assert (state.network.statistics == fresh.statistics).all()
    assert state.network.rng.bit_generator.state == fresh.rng.bit_generator.state


def test_the_first_loss_is_that_of_the_first_rows() -> None:
    setup, state = begin(DIGITS)
    part = setup.prepared.train
    note_before_training(setup, state)
    batch = as_batch(part.X[:512], part.y[:512])
    workspace = mlp.Workspace(state.network, 512)
    value = mlp.value_and_grad(state.network, setup.head.loss, batch, workspace)
    assert state.history["initial_loss"][0] == pytest.approx(float(value), rel=1e-6)  # float32


def test_steps_are_counted_from_0_after_a_survey() -> None:
    assert run().history.steps("loss")[0] == 0


def test_a_healthy_run_is_told_what_is_worth_knowing_and_nothing_else() -> None:
    found = mlp.run({"data": {"source": "digits"}})
    assert found.healthy
    assert kinds(found, "info") == {"constant_features"}  # three pixels at the edge


@pytest.mark.parametrize("init", ["zeros", {"name": "constant", "value": 0.01}], ids=str)
def test_equal_units_are_critical_before_the_first_step(init: Any) -> None:
    found = run(network={"init": init})
    assert "symmetric_units" in kinds(found, "critical")
    assert causes(found, "symmetric_units") == ["constant_initialization"]


def test_one_layer_of_equal_weights_is_fine_if_the_next_reads_its_units_differently() -> None:
    """Only units that are fed alike *and* read alike get the same gradient."""
    network = mlp.Network([mlp.Dense(4, 3, "zeros"), mlp.Tanh(), mlp.Dense(3, 2)])
    (step,) = mlp.train(network, mlp.batches(X, X[:, :2], None), mlp.SquaredError(), mlp.SGD(0.1))
    assert identical_units(step) == [0.0]


def test_units_that_no_row_switches_on_are_critical_before_the_first_step() -> None:
    found = run(network={"bias": -100.0})
    assert "dead_units" in kinds(found, "critical")
    assert causes(found, "dead_units")[0] == "negative_bias"


def test_columns_that_are_all_constant_are_critical_and_one_is_not() -> None:
    y = RNG.integers(0, 2, 300)
    assert "constant_features" in kinds(run((np.ones((300, 2)), y)), "critical")
    assert "constant_features" in kinds(run((np.hstack([X, np.ones((300, 1))]), X[:, 0] > 0)), "info")


@pytest.mark.parametrize("scale", ["standard", "minmax", "none"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_column_that_is_constant_but_for_rounding_is_named(scale: str, dtype: str) -> None:
    """Shares that sum to 1 do so to a bit or two. Scaled, what is left looks like a column of 1e-16 that varies."""
    shares = np.random.default_rng(0).dirichlet([1, 1, 1], 300)
    rows = np.column_stack([shares[:, :2], shares.sum(1)])
    assert len(np.unique(rows[:, 2])) > 1
    given = {"data": {"scale": scale}, "training": {"dtype": dtype, "epochs": 5}}
    found = mlp.run(given, (rows, shares[:, 0] > shares[:, 1]))
    named = [finding.message for finding in found.findings if finding.kind == "constant_features"]
    assert len(named) == 1 and "1 of 3" in named[0] and "(x2)" in named[0]
    assert "unscaled_inputs" not in kinds(found, "info")


def test_what_rounding_left_is_no_outlier() -> None:
    """The middle two thirds differ by 1e-16 and one row in a hundred by 0.1: not 1e15 times as far out."""
    values = 1 + np.random.default_rng(0).integers(0, 2, (300, 2)) * 2.0**-52
    values[::100, 1] += 0.1
    assert tail_weight(values, values.std(0)).tolist() == [1, 1]


def test_the_baseline_does_not_stretch_what_rounding_left() -> None:
    shares = np.random.default_rng(0).dirichlet([1, 1, 1], 300)
    rows = np.column_stack([shares[:, :2], shares.sum(1)])
    for y in (shares[:, 0] > shares[:, 1], shares.sum(1)):
        setup, _ = begin({"training": {"dtype": "float64"}}, (rows, y))
        found = standardise(setup.prepared, np.float64).train
        assert np.abs(found.X[:, 2]).max() < 1e-14
        assert y.dtype == bool or np.abs(found.y).max() < 1e-14


def test_equal_rows_with_different_labels_are_a_warning_if_they_are_most() -> None:
    rows = np.repeat(X[:150], 2, axis=0)
    assert "contradictory_labels" in kinds(run((rows, np.tile([0, 1], 150))), "warning")


def test_rare_classes_are_information() -> None:
    rare = (X[:, 0] > 2).astype(int)
    assert kinds(run((X, rare)), "info") == {"class_imbalance"}


def test_targets_far_from_1_alarm_where_nothing_is_learned() -> None:
    assert "unscaled_targets" in kinds(run((X, 1e4 * X[:, 0] + 3e4), data={"scale_target": "none"}), "warning")


def test_inputs_on_odd_scales_alarm_where_nothing_is_learned_and_are_information_elsewhere() -> None:
    """The class is told by the narrow feature, or by the wide one."""
    wide, plain = X * [1, 1, 1, 1e4], {"scale": "none"}
    assert "unscaled_inputs" in kinds(run((wide, X[:, 0] > 0), data=plain), "warning")
    assert "unscaled_inputs" in kinds(run((wide, X[:, 3] > 0), data=plain), "info")


def test_deep_sigmoids_are_said_to_lose_the_gradient_and_the_activations_to_be_why() -> None:
    found = run(network={"hidden": [32] * 6, "activation": "sigmoid"})
    assert {"vanishing_gradients", "unfinished"} <= kinds(found, "warning")  # what explains alarms too
    assert causes(found, "vanishing_gradients")[0] == "saturating_activations"


def test_small_weights_are_said_to_lose_it_where_they_do() -> None:
    found = run(network={"hidden": [32] * 5, "activation": "tanh", "init": {"name": "normal", "std": 0.01}})
    assert causes(found, "vanishing_gradients")[0] == "initialization_too_small"


@pytest.mark.parametrize(
    ("sections", "cause"),
    [
        ({"optimizer": {"name": "sgd", "learning_rate": 1e-9}}, "learning_rate_too_low"),
        ({"network": {"frozen": ["dense1", "dense2"]}}, "frozen_layer"),
        ({"network": {"hidden": [32] * 40, "activation": "sigmoid"}}, "saturating_activations"),
        ({"loss": {"l2": 1e3}, "training": {"epochs": 40}}, "weight_decay_too_high"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_run_that_got_nowhere_says_so_and_names_the_cause_first(sections: dict[str, Any], cause: str) -> None:
    found = run(**sections)
    assert "no_progress" in kinds(found, "warning")
    assert causes(found, "no_progress")[0] == cause


def test_a_rate_that_leaves_right_answers_and_an_absurd_loss_is_named() -> None:
    """Nine answers in ten are right, and the loss is thousands of times that of a constant answer."""
    found = run(optimizer={"learning_rate": 10.0})
    assert causes(found, "overconfident")[0] == "learning_rate_too_high"


def test_the_verdict_from_a_file_is_the_verdict_of_the_run(tmp_path: Any) -> None:
    found = run(network={"init": "zeros"})
    found.save(tmp_path / "run")
    assert mlp.diagnose(mlp.load_run(tmp_path / "run").history) == found.findings


def test_a_history_typed_by_hand_is_judged() -> None:
    """Ten steps at a loss of 0.69 where always answering the more frequent class would give 0.6931."""
    history = mlp.History({"loss": [0.69] * 10, "reference_loss": [0.6931]})
    assert [finding.kind for finding in mlp.diagnose(history)] == ["no_progress"]
    assert not mlp.diagnose(mlp.History({"loss": [0.69, 0.4, 0.2], "reference_loss": [0.6931]}))


def test_members_of_a_population_are_surveyed_as_one_network() -> None:
    found = run(training={"epochs": 2, "restarts": 3})
    assert found.history["input_std"].shape == (1, 64)
    assert found.history["loss"].ndim == 1
