"""Every detector: a history that has the fault, and the same history with the sound number in its place."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from histories import typed

import mlp
from mlp.diagnosis import DETECTORS, EXPLAINING, PROGRESS
from mlp.diagnosis.reading import Reading

FLAT = [0.69, 0.70, 0.69, 0.68, 0.69, 0.70, 0.69, 0.68, 0.69, 0.69]
FALLING = [1.0, 0.8, 0.6, 0.5, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15]
SETTLED = [1.0, 0.6, 0.4, 0.4, 0.41, 0.39, 0.4, 0.41, 0.39, 0.4]
LOW = [0.7, 0.3, 0.1, 0.05, 0.04, 0.03, 0.02, 0.02, 0.02, 0.02]
OF_100 = {"planned_steps": 100.0, "epochs": 10.0}
ENDED = {"settings": {"planned_steps": 10.0, "rows": 1000.0, "train_scored": 1000.0, "validation_scored": 500.0}}
BALANCED = {"class_counts": {"no": 500, "yes": 500}}
GRADIENTS = {"dense1": 1e-3, "dense2": 0.1, "dense3": 1.0}


class Row(NamedTuple):
    """A fault: `columns` that have it, and `sound` ones instead that have not."""

    kind: str
    severity: str
    step: int | None
    cause: str
    columns: dict[str, Any]
    sound: dict[str, Any]
    layers: tuple[str, ...] = ()


ROWS = {
    "the loss is no number": Row(
        "divergence", "critical", 2, "learning_rate_too_high",
        {"loss": [1.0, 90.0, np.nan], "learning_rate": [0.5] * 3}, {"loss": [1.0, 0.9, 0.8]}),
    "backward disagrees with differences": Row(
        "wrong_gradient", "critical", 0, "wrong_gradient",
        {"gradient_error": {"mine1": 0.5, "dense1": 1e-9}}, {"gradient_error": {"mine1": 1e-5, "dense1": 1e-9}},
        ("mine1",)),
    "backward is no number": Row(
        "wrong_gradient", "critical", 0, "wrong_gradient",
        {"gradient_error": {"mine1": np.nan}}, {"gradient_error": {"mine1": 0.0}}, ("mine1",)),
    "steps go uphill": Row(
        "wrong_gradient", "critical", 0, "wrong_gradient",
        {"loss": [1.0, 1.1, 1.2, 1.4], "descent": [0.1] * 4}, {"loss": FALLING[:4], "descent": [-0.1] * 4}),
    "the loss rises by what it was to fall": Row(
        "wrong_gradient", "critical", 14, "wrong_gradient",  # of the looks at 20 steps, 15 is the first that can tell
        {"loss": 1 + 0.01 * np.arange(20), "descent": [-0.01] * 20, "param_norm": [1.0] * 20,
         "update_norm": [1e-3] * 20},
        {"loss": 1 - 0.01 * np.arange(20)}),
    "a softmax of one": Row(
        "output_loss_mismatch", "critical", 0, "loss_output_mismatch",
        {"initial_loss": [0.7], "constant_output": [1.0]}, {"constant_output": None}),
    "targets out of reach": Row(
        "output_loss_mismatch", "warning", 0, "loss_output_mismatch",
        {"initial_loss": [0.7], "out_of_reach": [0.5]}, {"out_of_reach": [0.01]}),
    "squashed twice": Row(
        "output_loss_mismatch", "info", 0, "loss_output_mismatch",
        {"initial_loss": [0.7], "squashed_twice": [1.0]}, {"squashed_twice": None}),
    "a layer that no step moves": Row(
        "frozen_parameters", "warning", 1, "frozen_layer",
        {"loss": FALLING[:3], "update_norm_by_layer": {"dense1": [0.0] * 3, "dense2": [0.1] * 3},
         "grad_norm_by_layer": {"dense1": [1.0] * 3, "dense2": [1.0] * 3}},
        {"update_norm_by_layer": {"dense1": [0.0, 0.0, 0.1], "dense2": [0.1] * 3}}, ("dense1",)),
    "all features constant": Row(
        "constant_features", "critical", 0, "constant_features",
        {"input_std": {"a": 0.0, "b": 0.0}}, {"input_std": {"a": 1.0, "b": 1.0}}),
    "half of the features constant": Row(
        "constant_features", "warning", 0, "constant_features",
        {"input_std": {"a": 0.0, "b": 1.0}}, {"input_std": {"a": 1e-9, "b": 1.0}}),
    "one feature of three constant": Row(
        "constant_features", "info", 0, "constant_features",
        {"input_std": {"a": 0.0, "b": 1.0, "c": 1.0}}, {"input_std": {"a": 1.0, "b": 1.0, "c": 1.0}}),
    "all units alike": Row(
        "symmetric_units", "critical", 0, "constant_initialization",
        {"identical_units": {"dense1": 1.0, "dense2": 0.0}}, {"identical_units": {"dense1": 0.9, "dense2": 0.0}},
        ("dense1",)),
    "all units off": Row(
        "dead_units", "critical", 0, "dead_relu",
        {"initial_dead_fraction": {"relu1": 0.0, "relu2": 1.0}},
        {"initial_dead_fraction": {"relu1": 0.0, "relu2": 0.9}}, ("relu2",)),
    "all units off, by the bias": Row(
        "dead_units", "critical", 0, "negative_bias",
        {"initial_dead_fraction": {"relu1": 1.0}, "settings": {"bias": -10.0}},
        {"initial_dead_fraction": {"relu1": 0.0}}, ("relu1",)),
    "no better than a constant": Row(
        "no_progress", "warning", 0, "learning_rate_too_low",
        {"loss": FLAT, "reference_loss": [0.6931], "settings": {"learning_rate": 1e-9, "usual_rate": 0.1}},
        {"loss": FALLING}),
    "no gradient at all": Row(
        "no_progress", "warning", 1, "loss_output_mismatch",
        {"loss": [0.3] * 10, "reference_loss": [0.69], "grad_norm_by_layer": {"dense1": [0.0] * 10}},
        {"grad_norm_by_layer": {"dense1": [0.1] * 10}}),
    "on the way up": Row(
        "no_progress", "warning", 4, "learning_rate_too_high",
        {"loss": [1.0, 2, 4, 8, 9, 10, 11, 12, 13, 14], "reference_loss": [1.0], "settings": OF_100},
        {"loss": FALLING}),
    "certain to fail": Row(
        "no_progress", "warning", 0, "missing_nonlinearity",
        {"loss": FALLING[:2], "reference_loss": [1.0], "settings": OF_100 | {"linear": 1.0}},
        {"settings": OF_100 | {"linear": 0.0}}),
    "certain to fail, and did not": Row(
        "no_progress", "warning", 0, "missing_nonlinearity",
        {"loss": FALLING[:4], "reference_loss": [1.0], "settings": OF_100 | {"linear": 1.0}},
        {"loss": LOW}),
    "steps that promise nothing": Row(
        "no_progress", "warning", 2, "too_few_epochs",
        {"loss": FLAT, "reference_loss": [0.69], "descent": [-1e-6] * 10,
         "settings": OF_100 | {"learning_rate": 0.02, "usual_rate": 0.1}},
        {"descent": [-1e-2] * 10, "loss": FALLING}),
    "a line that leads nowhere": Row(
        "no_progress", "warning", 4, "too_few_epochs",
        {"loss": [0.69] * 10, "reference_loss": [0.69],
         "settings": OF_100 | {"learning_rate": 0.02, "usual_rate": 0.1}},
        {"loss": FALLING}),
    "it stood still above what a plain network reaches": Row(
        "stagnation", "warning", 9, "too_little_capacity",
        {"loss": SETTLED, "reference_loss": [1.0], "train_accuracy": [0.6], "baseline_train_accuracy": [0.95]}
        | {"settings": ENDED["settings"] | {"narrowest": 2.0}},
        {"train_accuracy": [0.94]}),
    "it was stopped while it fell": Row(
        "unfinished", "warning", 0, "too_few_epochs",  # ten steps are hopeless from the first
        {"loss": FALLING, "reference_loss": [1.0], "train_accuracy": [0.6], "baseline_train_accuracy": [0.95],
         "settings": ENDED["settings"] | {"epochs": 2.0}},
        {"train_accuracy": [0.94]}),
    "learned by heart": Row(
        "overfitting", "warning", 9, "too_little_regularization",
        {"loss": LOW, "reference_loss": [0.69], "train_accuracy": [1.0], "validation_accuracy": [0.6],
         "validation_loss": [0.5, 0.4, 1.0], **ENDED},
        {"validation_accuracy": [0.97]}),
    "few rows that do not know each other": Row(
        "overfitting", "warning", 9, "too_little_regularization",
        {"loss": LOW, "reference_loss": [0.69], "train_accuracy": [1.0], "crossed_accuracy": [0.6],
         "settings": ENDED["settings"] | {"rows": 100.0}},
        {"crossed_accuracy": [0.97]}),
    "short of what a plain network knows of rows it has not seen": Row(
        "stagnation", "warning", 9, "too_little_capacity",
        {"loss": SETTLED, "reference_loss": [1.0], "train_accuracy": [0.6], "baseline_train_accuracy": [1.0],
         "crossed_accuracy": [0.9], "settings": ENDED["settings"] | {"narrowest": 2.0}},
        {"crossed_accuracy": [0.62]}),
    "an r² that luck may give": Row(
        "no_progress", "warning", 9, "uninformative_labels",
        {"loss": LOW, "reference_loss": [0.69], "target_std": [1.0], "validation_r2": [0.15],
         "baseline_validation_r2": [-0.3], "settings": ENDED["settings"] | {"validation_scored": 50.0}},
        {"validation_r2": [0.25]}),
    "a truth table, which can only be got by heart": Row(
        "stagnation", "warning", 9, "too_little_capacity",
        {"loss": SETTLED, "reference_loss": [1.0], "train_accuracy": [0.6], "baseline_train_accuracy": [1.0],
         "crossed_accuracy": [0.4], "guess_accuracy": [0.5], "settings": ENDED["settings"] | {"narrowest": 2.0}},
        {"train_accuracy": [0.97]}),
    "nothing that holds for other rows": Row(
        "no_progress", "warning", 9, "uninformative_labels",
        {"loss": LOW, "reference_loss": [0.69], "validation_accuracy": [0.5], "baseline_validation_accuracy": [0.51],
         **BALANCED, **ENDED},
        {"validation_accuracy": [0.97]}),
    "labels that contradict their surroundings": Row(
        "stagnation", "warning", 9, "noisy_labels",
        {"loss": SETTLED, "reference_loss": [0.69], "label_noise": [0.3], "label_noise_error": [0.02],
         "baseline_validation_accuracy": [0.7]},
        {"label_noise": [0.03]}),
    "labels that a plain network predicts all the same": Row(
        "stagnation", "warning", 9, "noisy_labels",
        {"loss": SETTLED, "reference_loss": [0.69], "label_noise": [0.3], "label_noise_error": [0.02],
         "baseline_validation_accuracy": [0.7]},
        {"baseline_validation_accuracy": [0.95]}),
    "a class that is never answered": Row(
        "minority_class_ignored", "warning", 0, "class_imbalance",
        {"class_counts": {"no": 950, "yes": 50}, "recall": {"no": 1.0, "yes": 0.1}},
        {"recall": {"no": 1.0, "yes": 0.9}}),
    "a class of which few rows were held out": Row(
        "minority_class_ignored", "warning", 0, "class_imbalance",
        {"loss": LOW, "class_counts": {"no": 950, "yes": 50}, "recall": {"no": 1.0, "yes": 1 / 7},
         "settings": ENDED["settings"] | {"validation_scored": 140.0}},
        {"recall": {"no": 1.0, "yes": 3 / 7}}),
    "pretraining that changes nothing": Row(
        "no_progress", "info", 0, "learning_rate_too_low",
        {"pretraining_error_by_layer": {"dense1": [1.0, 0.4, 0.3], "dense2": [1.0, 0.999, 0.998]}},
        {"pretraining_error_by_layer": {"dense1": [1.0, 0.4, 0.3], "dense2": [1.0, 0.5, 0.4]}}, ("dense2",)),
    "pretraining that diverges": Row(
        "no_progress", "info", 0, "learning_rate_too_high",
        {"pretraining_error_by_layer": {"dense1": [1.0, 7.0, 9.0]}},
        {"pretraining_error_by_layer": {"dense1": [1.0, 0.7, 0.9]}}, ("dense1",)),
    "most rows contradict others": Row(
        "contradictory_labels", "warning", 0, "contradictory_labels",
        {"contradictory_rows": [0.6]}, {"contradictory_rows": [0.0]}),
    "some rows contradict others": Row(
        "contradictory_labels", "info", 0, "contradictory_labels",
        {"contradictory_rows": [0.05]}, {"contradictory_rows": [0.001]}),
    "large inputs": Row(
        "unscaled_inputs", "info", 0, "unscaled_inputs",
        {"input_mean": {"a": 100.0, "b": 0.0}, "input_std": {"a": 1.0, "b": 1.0}}, {"input_mean": {"a": 5.0, "b": 0}}),
    "inputs of odd spreads": Row(
        "unscaled_inputs", "info", 0, "unscaled_inputs",
        {"input_mean": {"a": 0.0, "b": 0.0}, "input_std": {"a": 1.0, "b": 1e-4}},
        {"input_std": {"a": 1.0, "b": 0.1}}),
    "large targets": Row(
        "unscaled_targets", "info", 0, "unscaled_targets",
        {"target_mean": [-1000.0], "target_std": [1.0]}, {"target_mean": [-50.0]}),
    "a gradient that fades on its way down": Row(
        "vanishing_gradients", "info", 0, "saturating_activations",
        {"loss": LOW, "initial_grad_norm_by_layer": GRADIENTS,
         "initial_backward_gain": {"sigmoid1": 0.2, "dense2": 0.9, "sigmoid2": 0.2, "dense3": 0.9}},
        {"initial_grad_norm_by_layer": GRADIENTS | {"dense1": 0.02}}, ("dense1",)),
    "a gradient that small weights take": Row(
        "vanishing_gradients", "info", 0, "initialization_too_small",
        {"loss": LOW, "initial_grad_norm_by_layer": GRADIENTS,
         "initial_backward_gain": {"tanh1": 1.0, "dense2": 0.03, "tanh2": 1.0, "dense3": 0.03}},
        {"initial_grad_norm_by_layer": GRADIENTS | {"dense1": 0.02}}, ("dense1",)),
    "a gradient that grows on its way down": Row(
        "exploding_gradients", "info", 0, "initialization_too_large",
        {"loss": LOW, "initial_grad_norm_by_layer": {"dense1": 1e4, "dense2": 1.0}, "weight_gain": {"dense1": 20.0}},
        {"initial_grad_norm_by_layer": {"dense1": 9.0, "dense2": 1.0}}, ("dense1",)),
    "a gradient that overflows on its way down": Row(
        "exploding_gradients", "info", 0, "initialization_too_large",
        {"loss": LOW, "initial_grad_norm_by_layer": {"dense1": np.inf, "dense2": 0.0}, "weight_gain": {"dense1": 20.0}},
        {"initial_grad_norm_by_layer": {"dense1": 9.0, "dense2": 1.0}}, ("dense1",)),
    "a gradient smaller than its error": Row(
        "noisy_gradients", "info", 0, "batch_too_small",
        {"noise_ratio": [9.0] * 8}, {"noise_ratio": [1.0] * 2 + [9.0] * 6}),
    "a loss that falls too slowly": Row(
        "slow_progress", "warning", 4, "too_few_epochs",
        {"loss": 0.69 - 1e-4 * np.arange(10), "reference_loss": [0.69],
         "settings": OF_100 | {"learning_rate": 0.02, "usual_rate": 0.1}},
        {"loss": FALLING}),
    "a loss that swings to the end": Row(
        "oscillation", "warning", 9, "momentum_too_high",
        {"loss": [1.0, 0.2] * 5, "reference_loss": [1.0], "train_accuracy": [0.6], "baseline_train_accuracy": [0.95],
         "settings": ENDED["settings"] | {"momentum": 0.99}},
        {"loss": SETTLED}),
    "large weights": Row(
        "poor_initialization", "info", 0, "initialization_too_large",
        {"weight_gain": {"dense1": 10.0, "dense2": 1.0}, "initial_loss": [70.0], "reference_loss": [0.69]},
        {"weight_gain": {"dense1": 1.1, "dense2": 1.0}}, ("dense1",)),
    "small weights": Row(
        "poor_initialization", "info", 0, "initialization_too_small",
        {"weight_gain": {"dense1": 0.01, "dense2": 0.1}, "initial_loss": [0.69], "reference_loss": [0.69]},
        {"weight_gain": {"dense1": 0.5, "dense2": 1.0}}, ("dense1", "dense2")),
    "sums where the activation is flat": Row(
        "saturated_units", "info", 0, "saturating_activations",
        {"loss": LOW, "initial_saturated_fraction": {"tanh1": 0.9, "tanh2": 0.1}},
        {"initial_saturated_fraction": {"tanh1": 0.4, "tanh2": 0.1}}, ("tanh1",)),
    "half of the units dead": Row(
        "dead_units", "info", 0, "learning_rate_too_high",
        {"silent_units": {"relu1": 0.6, "relu2": 0.0}}, {"silent_units": {"relu1": 0.4, "relu2": 0.0}}, ("relu1",)),
    "all units dead on the way": Row(
        "dead_units", "critical", 1, "learning_rate_too_high",
        {"loss": LOW[:3], "silent_units": {"relu1": [0.0, 1.0, 1.0]}}, {"silent_units": {"relu1": [0.0, 0.4, 0.4]}},
        ("relu1",)),
    "a rare class": Row(
        "class_imbalance", "info", 0, "class_imbalance",
        {"class_counts": {"no": 990, "yes": 10}}, {"class_counts": {"no": 600, "yes": 400}}),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_a_fault_is_found_and_the_sound_twin_is_not_accused(name: str) -> None:
    row = ROWS[name]
    found = mlp.diagnose(typed(**row.columns))
    finding = next(finding for finding in found if finding.kind == row.kind)
    assert finding.severity == row.severity
    assert finding.step == row.step
    assert finding.layers == row.layers
    assert finding.causes[0].name == row.cause
    assert row.kind not in {finding.kind for finding in mlp.diagnose(typed(**row.columns | row.sound))}


@pytest.mark.parametrize("name", ROWS)
def test_a_message_is_a_sentence_with_numbers_that_are_numbers(name: str) -> None:
    for finding in mlp.diagnose(typed(**ROWS[name].columns)):
        assert finding.message.endswith(".")
        assert "nan" not in finding.message or name.endswith("is no number")
        assert all(cause.why and cause.remedy for cause in finding.causes)


def test_every_detector_and_every_kind_that_explains_or_lacks_progress_is_in_the_table() -> None:
    found = {type(d).__name__ for row in ROWS.values() for d in DETECTORS for f in judged(d, row) if f.kind == row.kind}
    assert found == {type(detector).__name__ for detector in DETECTORS}
    assert not (EXPLAINING | PROGRESS) - {row.kind for row in ROWS.values()}


def judged(detector: mlp.diagnosis.Detector, row: Row) -> list[mlp.Finding]:
    reading = Reading(typed(**row.columns))
    return list(detector(reading)) if all(need in reading for need in detector.needs) else []


EXPLANATIONS = [name for name, row in ROWS.items() if row.kind in EXPLAINING and row.severity == "info"]


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_what_explains_alarms_only_where_progress_lacks(name: str) -> None:
    row = ROWS[name]
    for loss, severity in ((FLAT, "warning"), (LOW, "info")):
        found = mlp.diagnose(typed(**row.columns | {"loss": loss, "reference_loss": [0.69]}))
        assert [f.severity for f in found if f.kind == row.kind] == [severity]
        assert ("no_progress" in {f.kind for f in found}) == (severity == "warning")


def test_all_findings_are_told_and_not_the_first_alone() -> None:
    """Tools of this kind stop at the first alarm; three faults at once are three findings, the worst first."""
    columns = {"loss": FLAT, "reference_loss": [0.69]}
    for name in ("all units alike", "half of the features constant", "large weights", "a rare class"):
        columns |= ROWS[name].columns
    found = mlp.diagnose(typed(**columns | {"reference_loss": [0.69], "initial_loss": [0.69]}))
    severities = [finding.severity for finding in found]
    kinds = {"symmetric_units", "constant_features", "no_progress", "class_imbalance"}
    assert kinds <= {finding.kind for finding in found}
    assert severities == sorted(severities, key=["critical", "warning", "info"].index)
