"""Histories that show a fault, each with the sound numbers that do not: one table for detectors, one for causes.

The one place for rows: whoever adds a detector adds a row to `FAULTS`, and whoever adds a cause adds one to `SIGNS`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mlp.curvature import KINDS

# detectors

FLAT = [0.69, 0.70, 0.69, 0.68, 0.69, 0.70, 0.69, 0.68, 0.69, 0.69]
FALLING = [1.0, 0.8, 0.6, 0.5, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15]
SETTLED = [1.0, 0.6, 0.4, 0.4, 0.41, 0.39, 0.4, 0.41, 0.39, 0.4]
LOW = [0.7, 0.3, 0.1, 0.05, 0.04, 0.03, 0.02, 0.02, 0.02, 0.02]
OF_100 = {"planned_steps": 100.0, "epochs": 10.0}
ENDED = {"settings": {"planned_steps": 10.0, "rows": 1000.0, "train_scored": 1000.0, "validation_scored": 500.0}}
BALANCED = {"class_counts": {"no": 500, "yes": 500}}
GRADIENTS = {"dense1": 1e-3, "dense2": 0.1, "dense3": 1.0}


def looked(kind: str) -> dict[str, Any]:
    """What a probe notes of such a point."""
    return {
        "point_kind": {name: float(name == kind) for name in KINDS},
        "point_layers": {"dense1": float(kind == "plateau"), "dense2": 0.0},
        "point_loss": [0.69], "point_floor": [0.0], "point_least": [-0.1], "point_largest": [1.0],
        "point_escape": [300.0], "point_rows": [100.0],
    }  # fmt: skip


class Fault(NamedTuple):
    """A fault: `columns` that have it, and `sound` ones instead that have not."""

    kind: str
    severity: str
    step: int | None
    cause: str
    columns: dict[str, Any]
    sound: dict[str, Any]
    layers: tuple[str, ...] = ()


ABSURD = {
    "loss": [150.0] * 10, "train_loss": [145.0], "reference_loss": [1.6], "class_counts": {"a": 50.0, "b": 50.0},
    "weight_gain": {"dense1": 20.0}, "settings": ENDED["settings"] | {"train_scored": 100.0},
}  # fmt: skip

FAULTS = {
    "the loss is no number": Fault(
        "divergence", "critical", 2, "learning_rate_too_high",
        {"loss": [1.0, 90.0, np.nan], "learning_rate": [0.5] * 3}, {"loss": [1.0, 0.9, 0.8]}),
    "backward disagrees with differences": Fault(
        "wrong_gradient", "critical", 0, "wrong_gradient",
        {"gradient_error": {"mine1": 0.5, "dense1": 1e-9}}, {"gradient_error": {"mine1": 1e-5, "dense1": 1e-9}},
        ("mine1",)),
    "backward is no number": Fault(
        "wrong_gradient", "critical", 0, "wrong_gradient",
        {"gradient_error": {"mine1": np.nan}}, {"gradient_error": {"mine1": 0.0}}, ("mine1",)),
    "steps go uphill": Fault(
        "wrong_gradient", "critical", 0, "wrong_gradient",
        {"loss": [1.0, 1.1, 1.2, 1.4], "descent": [0.1] * 4}, {"loss": FALLING[:4], "descent": [-0.1] * 4}),
    "the loss rises by what it was to fall": Fault(
        "wrong_gradient", "critical", 14, "wrong_gradient",  # of the looks at 20 steps, 15 is the first that can tell
        {"loss": 1 + 0.01 * np.arange(20), "descent": [-0.01] * 20, "param_norm": [1.0] * 20,
         "update_norm": [1e-3] * 20},
        {"loss": 1 - 0.01 * np.arange(20)}),
    "the loss rises by what it was to fall, and rows are in no order": Fault(
        "wrong_gradient", "critical", 14, "wrong_gradient",  # of rows sorted by class, the second class rises so
        {"loss": 1 + 0.01 * np.arange(20), "descent": [-0.01] * 20, "param_norm": [1.0] * 20,
         "update_norm": [1e-3] * 20, "settings": {"shuffle": 0.0}, "ordered_targets": [0.0]},
        {"ordered_targets": [1.0]}),
    "a softmax of one": Fault(
        "output_loss_mismatch", "critical", 0, "loss_output_mismatch",
        {"initial_loss": [0.7], "constant_output": [1.0]}, {"constant_output": None}),
    "targets out of reach": Fault(
        "output_loss_mismatch", "warning", 0, "loss_output_mismatch",
        {"initial_loss": [0.7], "out_of_reach": [0.5]}, {"out_of_reach": [0.01]}),
    "squashed twice": Fault(
        "output_loss_mismatch", "info", 0, "loss_output_mismatch",
        {"initial_loss": [0.7], "squashed_twice": [1.0]}, {"squashed_twice": None}),
    "a layer that no step moves": Fault(
        "frozen_parameters", "warning", 1, "frozen_layer",
        {"loss": FALLING[:3], "update_norm_by_layer": {"dense1": [0.0] * 3, "dense2": [0.1] * 3},
         "grad_norm_by_layer": {"dense1": [1.0] * 3, "dense2": [1.0] * 3}},
        {"update_norm_by_layer": {"dense1": [0.0, 0.0, 0.1], "dense2": [0.1] * 3}}, ("dense1",)),
    "all features constant": Fault(
        "constant_features", "critical", 0, "constant_features",
        {"input_std": {"a": 0.0, "b": 0.0}}, {"input_std": {"a": 1.0, "b": 1.0}}),
    "half of the features constant": Fault(
        "constant_features", "warning", 0, "constant_features",
        {"input_std": {"a": 0.0, "b": 1.0}}, {"input_std": {"a": 1e-9, "b": 1.0}}),
    "one feature of three constant": Fault(
        "constant_features", "info", 0, "constant_features",
        {"input_std": {"a": 0.0, "b": 1.0, "c": 1.0}}, {"input_std": {"a": 1.0, "b": 1.0, "c": 1.0}}),
    "all units alike": Fault(
        "symmetric_units", "critical", 0, "constant_initialization",
        {"identical_units": {"dense1": 1.0, "dense2": 0.0}}, {"identical_units": {"dense1": 0.9, "dense2": 0.0}},
        ("dense1",)),
    "all units off": Fault(
        "dead_units", "critical", 0, "dead_relu",
        {"initial_dead_fraction": {"relu1": 0.0, "relu2": 1.0}},
        {"initial_dead_fraction": {"relu1": 0.0, "relu2": 0.9}}, ("relu2",)),
    "all units off, by the bias": Fault(
        "dead_units", "critical", 0, "negative_bias",
        {"initial_dead_fraction": {"relu1": 1.0}, "settings": {"bias": -10.0}},
        {"initial_dead_fraction": {"relu1": 0.0}}, ("relu1",)),
    "no better than a constant": Fault(
        "no_progress", "warning", 0, "learning_rate_too_low",
        {"loss": FLAT, "reference_loss": [0.6931], "settings": {"learning_rate": 1e-9, "usual_rate": 0.1}},
        {"loss": FALLING}),
    "no gradient at all": Fault(
        "no_progress", "warning", 1, "loss_output_mismatch",
        {"loss": [0.3] * 10, "reference_loss": [0.69], "grad_norm_by_layer": {"dense1": [0.0] * 10}},
        {"grad_norm_by_layer": {"dense1": [0.1] * 10}}),
    "on the way up": Fault(
        "no_progress", "warning", 4, "learning_rate_too_high",
        {"loss": [1.0, 2, 4, 8, 9, 10, 11, 12, 13, 14], "reference_loss": [1.0], "settings": OF_100},
        {"loss": FALLING}),
    "certain to fail": Fault(
        "no_progress", "warning", 0, "missing_nonlinearity",
        {"loss": FALLING[:2], "reference_loss": [1.0], "settings": OF_100 | {"linear": 1.0}},
        {"settings": OF_100 | {"linear": 0.0}}),
    "certain to fail, and did not": Fault(
        "no_progress", "warning", 0, "missing_nonlinearity",
        {"loss": FALLING[:4], "reference_loss": [1.0], "settings": OF_100 | {"linear": 1.0}},
        {"loss": LOW}),
    "steps that promise nothing": Fault(
        "no_progress", "warning", 2, "too_few_epochs",
        {"loss": FLAT, "reference_loss": [0.69], "descent": [-1e-6] * 10,
         "settings": OF_100 | {"learning_rate": 0.02, "usual_rate": 0.1}},
        {"descent": [-1e-2] * 10, "loss": FALLING}),
    "a line that leads nowhere": Fault(
        "no_progress", "warning", 4, "too_few_epochs",
        {"loss": [0.69] * 10, "reference_loss": [0.69],
         "settings": OF_100 | {"learning_rate": 0.02, "usual_rate": 0.1}},
        {"loss": FALLING}),
    "it stood still above what a plain network reaches": Fault(
        "stagnation", "warning", 9, "too_little_capacity",
        {"loss": SETTLED, "reference_loss": [1.0], "train_accuracy": [0.6], "baseline_train_accuracy": [0.95]}
        | {"settings": ENDED["settings"] | {"narrowest": 2.0}},
        {"train_accuracy": [0.94]}),
    "right answers, and absurd errors": Fault(
        "overconfident", "info", 9, "initialization_too_large",
        ABSURD | {"train_accuracy": [0.97]}, {"loss": [1.2] * 10, "train_loss": [1.2]}),
    "absurd errors, and fewer right answers than a plain network gives": Fault(
        "overconfident", "warning", 0, "initialization_too_large",
        ABSURD | {"train_accuracy": [0.8], "baseline_train_accuracy": [0.97]},
        {"loss": [1.2] * 10, "train_loss": [1.2], "train_accuracy": [0.97]}),
    "it was stopped while it fell": Fault(
        "unfinished", "warning", 0, "too_few_epochs",  # ten steps are hopeless from the first
        {"loss": FALLING, "reference_loss": [1.0], "train_accuracy": [0.6], "baseline_train_accuracy": [0.95],
         "settings": ENDED["settings"] | {"epochs": 2.0}},
        {"train_accuracy": [0.94]}),
    "learned by heart": Fault(
        "overfitting", "warning", 9, "too_little_regularization",
        {"loss": LOW, "reference_loss": [0.69], "train_accuracy": [1.0], "validation_accuracy": [0.6],
         "validation_loss": [0.5, 0.4, 1.0], **ENDED},
        {"validation_accuracy": [0.97]}),
    "few rows that do not know each other": Fault(
        "overfitting", "warning", 9, "too_little_regularization",
        {"loss": LOW, "reference_loss": [0.69], "train_accuracy": [1.0], "crossed_accuracy": [0.6],
         "settings": ENDED["settings"] | {"rows": 100.0}},
        {"crossed_accuracy": [0.97]}),
    "few rows that do not know each other, and early stopping": Fault(
        "overfitting", "warning", 9, "too_little_regularization",  # the weights that came back know others no better
        {"loss": LOW, "reference_loss": [0.69], "train_accuracy": [1.0], "crossed_accuracy": [0.6],
         "settings": ENDED["settings"] | {"rows": 100.0, "early_stopping": 1.0}},
        {"crossed_accuracy": [0.97]}),
    "short of what a plain network knows of rows it has not seen": Fault(
        "stagnation", "warning", 9, "too_little_capacity",
        {"loss": SETTLED, "reference_loss": [1.0], "train_accuracy": [0.6], "baseline_train_accuracy": [1.0],
         "crossed_accuracy": [0.9], "settings": ENDED["settings"] | {"narrowest": 2.0}},
        {"crossed_accuracy": [0.62]}),
    "an r² that luck may give": Fault(
        "no_progress", "warning", 9, "uninformative_labels",
        {"loss": LOW, "reference_loss": [0.69], "target_std": [1.0], "validation_r2": [0.15],
         "baseline_validation_r2": [-0.3], "settings": ENDED["settings"] | {"validation_scored": 50.0}},
        {"validation_r2": [0.25]}),
    "a truth table, which can only be got by heart": Fault(
        "stagnation", "warning", 9, "too_little_capacity",
        {"loss": SETTLED, "reference_loss": [1.0], "train_accuracy": [0.6], "baseline_train_accuracy": [1.0],
         "crossed_accuracy": [0.4], "guess_accuracy": [0.5], "settings": ENDED["settings"] | {"narrowest": 2.0}},
        {"train_accuracy": [0.97]}),
    "nothing that holds for other rows": Fault(
        "no_progress", "warning", 9, "uninformative_labels",
        {"loss": LOW, "reference_loss": [0.69], "validation_accuracy": [0.5], "baseline_validation_accuracy": [0.51],
         **BALANCED, **ENDED},
        {"validation_accuracy": [0.97]}),
    "labels that contradict their surroundings": Fault(
        "stagnation", "warning", 9, "noisy_labels",
        {"loss": SETTLED, "reference_loss": [0.69], "label_noise": [0.3], "label_noise_error": [0.02],
         "baseline_validation_accuracy": [0.7]},
        {"label_noise": [0.03]}),
    "labels that a plain network predicts all the same": Fault(
        "stagnation", "warning", 9, "noisy_labels",
        {"loss": SETTLED, "reference_loss": [0.69], "label_noise": [0.3], "label_noise_error": [0.02],
         "baseline_validation_accuracy": [0.7]},
        {"baseline_validation_accuracy": [0.95]}),
    "a class that is never answered": Fault(
        "minority_class_ignored", "warning", 0, "class_imbalance",
        {"class_counts": {"no": 950, "yes": 50}, "recall": {"no": 1.0, "yes": 0.1}},
        {"recall": {"no": 1.0, "yes": 0.9}}),
    "a class of which few rows were held out": Fault(
        "minority_class_ignored", "warning", 0, "class_imbalance",
        {"loss": LOW, "class_counts": {"no": 950, "yes": 50}, "recall": {"no": 1.0, "yes": 1 / 7},
         "settings": ENDED["settings"] | {"validation_scored": 140.0}},
        {"recall": {"no": 1.0, "yes": 3 / 7}}),
    "pretraining that changes nothing": Fault(
        "no_progress", "info", 0, "learning_rate_too_low",
        {"pretraining_error_by_layer": {"dense1": [1.0, 0.4, 0.3], "dense2": [1.0, 0.999, 0.998]}},
        {"pretraining_error_by_layer": {"dense1": [1.0, 0.4, 0.3], "dense2": [1.0, 0.5, 0.4]}}, ("dense2",)),
    "pretraining that diverges": Fault(
        "no_progress", "info", 0, "learning_rate_too_high",
        {"pretraining_error_by_layer": {"dense1": [1.0, 7.0, 9.0]}},
        {"pretraining_error_by_layer": {"dense1": [1.0, 0.7, 0.9]}}, ("dense1",)),
    "most rows contradict others": Fault(
        "contradictory_labels", "warning", 0, "contradictory_labels",
        {"contradictory_rows": [0.6]}, {"contradictory_rows": [0.0]}),
    "some rows contradict others": Fault(
        "contradictory_labels", "info", 0, "contradictory_labels",
        {"contradictory_rows": [0.05]}, {"contradictory_rows": [0.001]}),
    "rows to validate on were trained on": Fault(
        "leaked_rows", "warning", 0, "leaked_rows",
        {"leaked_rows": [0.4], "leaked_scores": {"leaked": 1.0, "leaked_n": 40.0, "clean": 0.7, "clean_n": 60.0}},
        {"leaked_rows": [0.001]}),
    "rows to validate on were trained on, and it does not help": Fault(
        "leaked_rows", "info", 0, "leaked_rows",
        {"leaked_rows": [0.4], "leaked_scores": {"leaked": 0.8, "leaked_n": 40.0, "clean": 0.8, "clean_n": 60.0}},
        {"leaked_rows": [0.4], "expected_twins": [3.0]}),
    "rows to test on were trained on": Fault(
        "leaked_rows", "warning", 0, "leaked_rows", {"leaked_test_rows": [1.0]}, {"leaked_test_rows": [0.0]}),
    "rows to validate on in another unit": Fault(
        "drifted_inputs", "warning", 0, "drifted_inputs", {"drifted_inputs": {"column 'a' is 1e6": 1e5}},
        {"drifted_inputs": {"column 'a' is 1e6": 0.0}}),
    "rows to test on a little beyond": Fault(
        "drifted_inputs", "info", 0, "drifted_inputs", {"drifted_test_inputs": {"column 'a' is 9": 0.5}},
        {"drifted_test_inputs": {"column 'a' is 9": 0.0}}),
    "a column is the target": Fault(
        "leaked_target", "warning", 0, "leaked_target", {"target_copies": {"a": 0.0, "b": 1.0}},
        {"target_copies": {"a": 0.0, "b": 0.0}}),
    "a column numbers the rows": Fault(
        "identifier_feature", "info", 0, "identifier_feature", {"identifiers": {"a": 0.0, "b": 1.0}},
        {"identifiers": {"a": 0.0, "b": 0.0}}),
    "days as classes": Fault(
        "numbers_as_classes", "info", 0, "numbers_as_classes", {"neighbour_gap": [0.2], "n_classes": [300.0]},
        {"neighbour_gap": [0.9]}),
    "digits as a quantity": Fault(
        "classes_as_numbers", "warning", 0, "classes_as_numbers",
        {"neighbour_gap": [0.95], "target_std": [1.0], "target_mean": [0.0], "distinct_targets": [10.0],
         "rounded_accuracy": [0.3], "class_accuracy": [0.95]},
        {"neighbour_gap": [0.3]}),
    "large inputs": Fault(
        "unscaled_inputs", "info", 0, "unscaled_inputs",
        {"input_mean": {"a": 100.0, "b": 0.0}, "input_std": {"a": 1.0, "b": 1.0}}, {"input_mean": {"a": 5.0, "b": 0}}),
    "inputs of odd spreads": Fault(
        "unscaled_inputs", "info", 0, "unscaled_inputs",
        {"input_mean": {"a": 0.0, "b": 0.0}, "input_std": {"a": 1.0, "b": 1e-4}},
        {"input_std": {"a": 1.0, "b": 0.1}}),
    "large targets": Fault(
        "unscaled_targets", "info", 0, "unscaled_targets",
        {"target_mean": [-1000.0], "target_std": [1.0]}, {"target_mean": [-50.0]}),
    "a gradient that fades on its way down": Fault(
        "vanishing_gradients", "info", 0, "saturating_activations",
        {"loss": LOW, "initial_grad_norm_by_layer": GRADIENTS,
         "initial_backward_gain": {"sigmoid1": 0.2, "dense2": 0.9, "sigmoid2": 0.2, "dense3": 0.9}},
        {"initial_grad_norm_by_layer": GRADIENTS | {"dense1": 0.02}}, ("dense1",)),
    "a gradient that small weights take": Fault(
        "vanishing_gradients", "info", 0, "initialization_too_small",
        {"loss": LOW, "initial_grad_norm_by_layer": GRADIENTS,
         "initial_backward_gain": {"tanh1": 1.0, "dense2": 0.03, "tanh2": 1.0, "dense3": 0.03}},
        {"initial_grad_norm_by_layer": GRADIENTS | {"dense1": 0.02},
         "initial_backward_gain": {"tanh1": 1.0, "dense2": 0.3, "tanh2": 1.0, "dense3": 0.3}}, ("dense1",)),
    "a signal that is lost, behind inputs that are not centred": Fault(
        "vanishing_gradients", "info", 0, "saturating_activations",
        {"loss": LOW, "initial_grad_norm_by_layer": GRADIENTS | {"dense1": 0.11},
         "initial_backward_gain": {"tanh1": 0.05, "dense2": 1.0, "tanh2": 0.05, "dense3": 1.0}},
        {"initial_backward_gain": {"tanh1": 0.5, "dense2": 1.0, "tanh2": 0.5, "dense3": 1.0}}, ("dense1",)),
    "a gradient that grows on its way down": Fault(
        "exploding_gradients", "info", 0, "initialization_too_large",
        {"loss": LOW, "initial_grad_norm_by_layer": {"dense1": 1e4, "dense2": 1.0}, "weight_gain": {"dense1": 20.0}},
        {"initial_grad_norm_by_layer": {"dense1": 9.0, "dense2": 1.0}}, ("dense1",)),
    "a gradient that overflows on its way down": Fault(
        "exploding_gradients", "info", 0, "initialization_too_large",
        {"loss": LOW, "initial_grad_norm_by_layer": {"dense1": np.inf, "dense2": 0.0}, "weight_gain": {"dense1": 20.0}},
        {"initial_grad_norm_by_layer": {"dense1": 9.0, "dense2": 1.0}}, ("dense1",)),
    "a gradient smaller than its error": Fault(
        "noisy_gradients", "info", 0, "batch_too_small",
        {"noise_ratio": [9.0] * 8}, {"noise_ratio": [1.0] * 2 + [9.0] * 6}),
    "a loss that falls too slowly": Fault(
        "slow_progress", "warning", 4, "too_few_epochs",
        {"loss": 0.69 - 1e-4 * np.arange(10), "reference_loss": [0.69],
         "settings": OF_100 | {"learning_rate": 0.02, "usual_rate": 0.1}},
        {"loss": FALLING}),
    "a loss that swings to the end": Fault(
        "oscillation", "warning", 9, "momentum_too_high",
        {"loss": [1.0, 0.2] * 5, "reference_loss": [1.0], "train_accuracy": [0.6], "baseline_train_accuracy": [0.95],
         "settings": ENDED["settings"] | {"momentum": 0.99}},
        {"loss": SETTLED}),
    "large weights": Fault(
        "poor_initialization", "info", 0, "initialization_too_large",
        {"weight_gain": {"dense1": 10.0, "dense2": 1.0}, "initial_loss": [70.0], "reference_loss": [0.69]},
        {"weight_gain": {"dense1": 1.1, "dense2": 1.0}}, ("dense1",)),
    "small weights": Fault(
        "poor_initialization", "info", 0, "initialization_too_small",
        {"weight_gain": {"dense1": 0.01, "dense2": 0.1}, "initial_loss": [0.69], "reference_loss": [0.69]},
        {"weight_gain": {"dense1": 0.5, "dense2": 1.0}}, ("dense1", "dense2")),
    "sums where the activation is flat": Fault(
        "saturated_units", "info", 0, "saturating_activations",
        {"loss": LOW, "initial_saturated_fraction": {"tanh1": 0.9, "tanh2": 0.1}},
        {"initial_saturated_fraction": {"tanh1": 0.4, "tanh2": 0.1}}, ("tanh1",)),
    "half of the units dead": Fault(
        "dead_units", "info", 0, "learning_rate_too_high",
        {"silent_units": {"relu1": 0.6, "relu2": 0.0}}, {"silent_units": {"relu1": 0.4, "relu2": 0.0}}, ("relu1",)),
    "all units dead on the way": Fault(
        "dead_units", "critical", 1, "learning_rate_too_high",
        {"loss": LOW[:3], "silent_units": {"relu1": [0.0, 1.0, 1.0]}}, {"silent_units": {"relu1": [0.0, 0.4, 0.4]}},
        ("relu1",)),
    "a rare class": Fault(
        "class_imbalance", "info", 0, "class_imbalance",
        {"class_counts": {"no": 990, "yes": 10}}, {"class_counts": {"no": 600, "yes": 400}}),
    "a look at a saddle": Fault(
        "saddle_point", "info", 9, "saddle_point",
        {"loss": LOW, **looked("saddle")}, looked("descending")),
    "a look at a minimum": Fault(
        "local_minimum", "info", 9, "local_minimum", {"loss": LOW, **looked("local_minimum")}, looked("undecided")),
    "a look at a plateau": Fault(
        "plateau", "info", 9, "flat_region", {"loss": LOW, **looked("plateau")}, looked("noise_floor"), ("dense1",)),
}  # fmt: skip

# causes

UPWARD = [1.0, 2.0, 4.0, 8.0, 10.0, 11.0, 12.0, 13.0]
SMALL = {"input_mean": {"a": 0.0, "b": 0.0}, "input_std": {"a": 1.0, "b": 1.0}}
MEMORISED = {"train_accuracy": [1.0], "validation_accuracy": [0.6], "settings": {"rows": 60.0}}
MEANINGLESS = {"class_counts": {"a": 50, "b": 50}, "validation_accuracy": [0.5], "baseline_validation_accuracy": [0.5]}
ALONG = {"0.0": 1.0, "0.1": 0.98, "1.0": 0.9, "10.0": 3.0}  # the loss along a step, in its lengths
STEADY = {"update_norm": [0.01] * 3, "param_norm": [1.0] * 3}
NORMS = {"dense1": 1e-3, "dense2": 0.1, "dense3": 1.0}


class Sign(NamedTuple):
    """`columns` that speak for `cause`, and `sound` ones in their place that do not."""

    cause: str
    columns: dict[str, Any]
    sound: dict[str, Any]
    certain: bool = False


def chosen(**numbers: float) -> dict[str, Any]:
    return {"settings": {"x": 0.0, **numbers}}


def set_to(cause: str, bad: dict[str, float], good: dict[str, float], certain: bool = False) -> Sign:
    """A row that differs in settings alone."""
    return Sign(cause, chosen(**bad), chosen(**good), certain)


USUAL = {"usual_rate": 0.1}
SIGNS = {
    "a saddle was seen": Sign("saddle_point", looked("saddle"), looked("descending")),
    "a minimum was seen": Sign("local_minimum", looked("local_minimum"), looked("global_minimum")),
    "a plateau was seen": Sign("flat_region", looked("plateau"), looked("valley")),
    "bouncing was seen": Sign("learning_rate_too_high", looked("bouncing"), looked("descending")),
    "a noise floor was seen": Sign("learning_rate_too_high", looked("noise_floor"), looked("undecided")),
    "gradients that differ": Sign(
        "wrong_gradient", {"gradient_error": {"mine": 0.1}}, {"gradient_error": {"mine": 1e-6}}, True),
    "uphill": Sign("wrong_gradient", {"descent": [1.0] * 5}, {"descent": [-1.0] * 5}, True),
    "uphill, and nothing else shrinks the weights": Sign(
        "wrong_gradient", {"descent": [1.0] * 5, **chosen(weight_decay=0.01)},
        chosen(weight_decay=3.0), True),
    "still": Sign(
        "frozen_layer",
        {"update_norm_by_layer": {"a": [0.0, 0.0]}, "grad_norm_by_layer": {"a": [1.0, 1.0]}},
        {"update_norm_by_layer": {"a": [0.0, 0.1]}}, True),
    "told to be still": set_to("frozen_layer", {"frozen": 1.0}, {"frozen": 0.0}, True),
    "softmax of one": Sign(
        "loss_output_mismatch", {"constant_output": [1.0]}, {"constant_output": [0.0]}, True),
    "out of reach": Sign(
        "loss_output_mismatch", {"out_of_reach": [0.5]}, {"out_of_reach": [0.01]}, True),
    "squashed twice": Sign(
        "loss_output_mismatch", {"squashed_twice": [1.0]}, {"squashed_twice": [0.0]}, True),
    "without gradient": Sign(
        "loss_output_mismatch",
        {"loss": [0.7, 0.7], "grad_norm_by_layer": {"a": [0.0, 0.0]}}, {"grad_norm_by_layer": {"a": [0.0, 0.1]}}, True),
    "classes as numbers": Sign(
        "loss_output_mismatch", {"classes_as_numbers": [1.0]}, {"classes_as_numbers": [0.0]}),
    "vanishing": Sign(
        "saturating_activations",
        {"initial_grad_norm_by_layer": NORMS}, {"initial_grad_norm_by_layer": NORMS | {"dense1": 0.1}}),
    "flat at the start": Sign(
        "saturating_activations",
        {"initial_saturated_fraction": {"tanh1": 0.8}}, {"initial_saturated_fraction": {"tanh1": 0.1}}),
    "dead at the start": Sign(
        "dead_relu", {"initial_dead_fraction": {"relu1": 1.0}}, {"initial_dead_fraction": {"relu1": 0}}),
    "dead on the way": Sign(
        "learning_rate_too_high", {"silent_units": {"relu1": 0.9}}, {"silent_units": {"relu1": 0.2}}),
    "rate of 20 times the usual": set_to(
        "learning_rate_too_high", USUAL | {"learning_rate": 2.0}, USUAL | {"learning_rate": 0.1}, True),
    "steps of half the weights": Sign(
        "learning_rate_too_high",
        {"update_norm": [0.5] * 4, "param_norm": [1.0] * 4}, {"update_norm": [0.01] * 4}),
    "a loss that rises": Sign(
        "learning_rate_too_high", {"loss": UPWARD}, {"loss": UPWARD[::-1]}),
    "rate of a hundredth": set_to(
        "learning_rate_too_low", USUAL | {"learning_rate": 1e-3}, USUAL | {"learning_rate": 0.1}, True),
    "a schedule that ends at nothing": set_to(
        "learning_rate_too_low", USUAL | {"learning_rate": 0.1, "mean_rate": 1e-3},
        USUAL | {"learning_rate": 0.1, "mean_rate": 0.05}, True),
    "tiny steps": Sign(
        "learning_rate_too_low",
        {"update_norm": [1e-7] * 4, "param_norm": [1.0] * 4}, {"update_norm": [1e-2] * 4}),
    "a loss that rises along the step": Sign(
        "learning_rate_too_high", {"loss_along": ALONG | {"1.0": 2.0}}, {"loss_along": ALONG}),
    "a loss that falls ten times as far": Sign(
        "learning_rate_too_low", {"loss_along": ALONG | {"0.1": 0.9999, "1.0": 0.999, "10.0": 0.99}},
        {"loss_along": ALONG}),
    "no number out of the blue": Sign(
        "non_finite_data", {"loss": [0.7, 0.6, np.nan], **STEADY}, {"loss": [0.7, 0.6, 0.5]}),
    "no number after a rise": Sign(
        "non_finite_data", {"loss": [0.7, 0.6, np.nan], **STEADY}, {"loss": [0.7, 90.0, np.nan]}),
    "momentum": set_to("momentum_too_high", {"momentum": 0.999}, {"momentum": 0.9}, True),
    "epsilon": set_to("epsilon_too_large", {"epsilon": 1.0}, {"epsilon": 1e-8}, True),
    "clipping": Sign(
        "clipping_too_low", {"grad_norm": [1.0] * 4, **chosen(clip_norm=1e-3, clip_value=0.0)},
        chosen(clip_norm=5.0, clip_value=0.0), True),
    "clipping that nobody tells": Sign(
        "clipping_too_low",
        {"grad_norm": [1.0, 2.0, 3.0, 2.0], "learning_rate": [0.1] * 4, "update_norm": [1e-4] * 4},
        {"update_norm": [0.1, 0.2, 0.3, 0.2]}, True),
    "one row a step": set_to("batch_too_small", {"batch_size": 1.0}, {"batch_size": 32.0}),
    "batch norm of two": set_to(
        "batch_too_small", {"batch_size": 2.0, "batch_norm": 1.0},
        {"batch_size": 32.0, "batch_norm": 1.0}, True),
    "all rows a step": set_to(
        "batch_too_large",
        {"planned_steps": 20.0, "epochs": 20.0, "rows": 500.0, "batch_size": 500.0},
        {"planned_steps": 800.0, "epochs": 20.0, "rows": 500.0, "batch_size": 32.0}, True),
    "stopped by its patience": Sign(
        "too_few_epochs", {"loss": [1.0] * 10, "ended": [10.0], **chosen(early_stopping=1.0, planned_steps=600.0)},
        chosen(early_stopping=0.0, planned_steps=600.0)),
    "one order": set_to("unshuffled_batches", {"shuffle": 0.0}, {"shuffle": 1.0}, True),
    "large inputs": Sign(
        "unscaled_inputs", SMALL | {"input_mean": {"a": 200.0, "b": 0.0}}, SMALL, True),
    "tiny inputs": Sign(
        "unscaled_inputs", SMALL | {"input_std": {"a": 1e-3, "b": 1e-3}}, SMALL, True),
    "odd inputs": Sign(
        "unscaled_inputs", SMALL | {"input_std": {"a": 1.0, "b": 1e-3}}, SMALL, True),
    "outliers": Sign("unscaled_inputs", {"input_tail": [50.0]}, {"input_tail": [1.1]}, True),
    "outliers of the target": Sign(
        "unscaled_targets", {"target_tail": [50.0]}, {"target_tail": [1.1]}, True),
    "large targets": Sign(
        "unscaled_targets",
        {"target_mean": [1e4], "target_std": [1e3]}, {"target_mean": [1.0], "target_std": [1.0]}, True),
    "tiny targets": Sign(
        "unscaled_targets",
        {"target_mean": [0.0], "target_std": [1e-6]}, {"target_mean": [1.0], "target_std": [1.0]}, True),
    "constant": Sign(
        "constant_features", {"input_std": {"a": 0.0, "b": 0.0}}, {"input_std": {"a": 1.0, "b": 1.0}},
        True),
    "contradictory": Sign(
        "contradictory_labels", {"contradictory_rows": [0.6]}, {"contradictory_rows": [0.0]}, True),
    "few rows": Sign(
        "too_few_rows",
        {"train_accuracy": [1.0], "validation_accuracy": [0.6], **chosen(rows=70.0, inputs=40.0)},
        {"validation_accuracy": [0.98]}, True),
    "days as classes": Sign(
        "numbers_as_classes", {"neighbour_gap": [0.2], "n_classes": [300.0]}, {"neighbour_gap": [0.9]}, True),
    "digits as a quantity": Sign(
        "classes_as_numbers",
        {"neighbour_gap": [0.95], "distinct_targets": [10.0], "rounded_accuracy": [0.3], "class_accuracy": [0.95]},
        {"neighbour_gap": [0.3]}, True),
    "meaningless": Sign(
        "uninformative_labels", MEANINGLESS, {"baseline_validation_accuracy": [0.9]}, True),
    "noisy": Sign(
        "noisy_labels", {"label_noise": [0.3], "baseline_validation_accuracy": [0.7], "train_accuracy": [0.7]},
        {"label_noise": [0.02]}, True),
    "by heart": Sign("too_little_regularization", MEMORISED, {"validation_accuracy": [0.98]}, True),
    "by heart, as halves tell": Sign(
        "too_little_regularization",
        {"train_accuracy": [1.0], "crossed_accuracy": [0.6], **chosen(rows=60.0)}, {"crossed_accuracy": [0.98]}, True),
    "imbalance": Sign(
        "class_imbalance", {"class_counts": {"a": 990, "b": 10}}, {"class_counts": {"a": 9, "b": 8}}),
    "all alike": Sign(
        "constant_initialization", {"identical_units": {"dense1": 1.0}},
        {"identical_units": {"dense1": 0.1}}, True),
    "weights without spread": Sign(
        "constant_initialization", {"weight_std": {"dense1": 0.0, "dense2": 0.1}},
        {"weight_std": {"dense1": 0.1, "dense2": 0.0}}, True),
    "too small": Sign(
        "initialization_too_small", {"weight_gain": {"dense1": 0.01}}, {"weight_gain": {"dense1": 0.9}},
        True),
    "too large": Sign(
        "initialization_too_large", {"weight_gain": {"dense1": 20.0}}, {"weight_gain": {"dense1": 1.1}},
        True),
    "bias": set_to("negative_bias", {"bias": -10.0}, {"bias": 0.1}, True),
    "no bias": set_to("no_biases", {"without_bias": 1.0}, {"without_bias": 0.0}),
    "bias as it was measured": Sign(
        "negative_bias", {"bias_mean": {"dense1": -10.0}}, {"bias_mean": {"dense1": 0.0}}, True),
    "l2": set_to(
        "weight_decay_too_high", {"l2": 1.0, "l1": 0.0, "weight_decay": 0.0},
        {"l2": 1e-4, "l1": 0.0, "weight_decay": 0.0}, True),
    "weights that shrank": Sign(
        "weight_decay_too_high", {"param_norm": [10.0, 0.1]}, {"param_norm": [10.0, 9.0]}, True),
    "linear": set_to("missing_nonlinearity", {"linear": 1.0}, {"linear": 0.0}, True),
    "width 1": set_to("too_little_capacity", {"narrowest": 1.0}, {"narrowest": 32.0}, True),
    "no hidden layer": set_to(
        "too_little_capacity", {"hidden_layers": 0.0, "narrowest": 0.0},
        {"hidden_layers": 1.0, "narrowest": 32.0}),
    "input dropout": set_to(
        "dropout_too_high", {"input_dropout": 0.95}, {"input_dropout": 0.2, "input_noise": 0.0}, True),
    "input noise": set_to(
        "dropout_too_high", {"input_noise": 10.0}, {"input_noise": 0.1, "input_dropout": 0.0}, True),
    "a small ball": set_to("weight_decay_too_high", {"max_norm": 0.01}, {"max_norm": 3.0}, True),
    "dropout": set_to("dropout_too_high", {"dropout": 0.9}, {"dropout": 0.3}, True),
}  # fmt: skip
