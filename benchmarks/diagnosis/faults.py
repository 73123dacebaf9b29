"""The faults: what goes wrong in training, one row each.

A fault is a chain of changes to a base experiment. Where it shows only in a certain setting (eight layers of sigmoid,
say), the `setting` comes first, for the faulty run and for its repaired twin alike; the twin of a fault without a
setting is the base itself. `causes` is the published table of equivalence: the seeded cause first, then causes whose
remedy repairs the run as well. `kinds` are the symptoms one would expect; they are shown and do not count.

Sources: the catalogue of the project's notes on diagnosis, which names for each the Stack Overflow post or the
benchmark it comes from (AutoTrainer, DeepFD, DeepDiagnosis, TheDeepChecker, NeuraLint, UMLAUT, DeepCrime).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import sabotage
from case import BASES, Case, Change, base, changed, epochs_times, having, tampered
from changes import (
    SGD_RULE,
    UNSCALED,
    all_frozen,
    all_of,
    among,
    by_class,
    constant_columns,
    contradictory,
    far,
    few_rows,
    imbalanced,
    inputs,
    layers,
    meaningless,
    mixed,
    noisy,
    normal,
    numbers_noisy,
    off_by_one,
    outliers,
    parity,
    rule,
    shuffled,
    some_frozen,
    spread_over,
    target_outliers,
    targets,
    xor,
)
from data_sets import Problem, classes, curved, many, numbers, two
from sabotage import every, last, second

from mlp.layers import ReLU, Sigmoid, Softmax, Tanh


@dataclass(frozen=True)
class Fault:
    """One class. `on`: the problems it can befall. `measure`: how a run of it is seen to have failed (`verdict.py`)."""

    name: str
    causes: tuple[str, ...]
    kinds: tuple[str, ...]
    fault: tuple[Change, ...]
    setting: tuple[Change, ...] = ()
    on: Callable[[Problem], bool] = lambda problem: True
    measure: str = "score"

    def variant(self, problem: Problem, seed: int) -> int:
        """Which base it is made from."""
        return (zlib.crc32(f"{self.name} {problem.name}".encode()) + seed) % len(BASES)

    def twin(self, problem: Problem, seed: int) -> Case:
        """The repaired run."""
        return changed(base(problem, seed, self.variant(problem, seed)), self.setting)

    def faulty(self, problem: Problem, seed: int) -> Case:
        """The run with the fault."""
        return changed(self.twin(problem, seed), self.fault)


SMALL = ("initialization_too_small", "saddle_point")
LARGE = ("initialization_too_large",)
FAST = ("learning_rate_too_high",)
SLOW = ("learning_rate_too_low",)
SHORT = ("too_few_epochs",)
MISMATCH = ("loss_output_mismatch",)
WRONG = ("wrong_gradient",)
STILL = ("no_progress", "slow_progress", "stagnation")

FAULTS = {
    row.name: row
    for row in (
        # first weights
        Fault("deep_sigmoid", ("saturating_activations", "initialization_too_small", "flat_region"),
              ("vanishing_gradients", "plateau"), (layers("sigmoid", *[24] * 8),), (layers("relu", *[24] * 8),)),
        Fault("deep_sigmoid_tiny_init", ("initialization_too_small", "saturating_activations", "flat_region"),
              ("vanishing_gradients", "poor_initialization"), (layers("sigmoid", *[24] * 6), normal(0.01)),
              (layers("relu", *[24] * 6),)),
        Fault("deep_tanh_large_init", ("initialization_too_large", "saturating_activations"),
              ("saturated_units", "poor_initialization"), (normal(1.0),), (layers("tanh", *[32] * 6),)),
        Fault("tanh_huge_init", ("initialization_too_large", "saturating_activations"),
              ("saturated_units", "poor_initialization"), (normal(10.0),), (layers("tanh", *[32] * 3),)),
        Fault("tanh_saddle", (*SMALL, "flat_region"), ("saddle_point", "poor_initialization"), (normal(1e-3),),
              (layers("tanh", 24, 24), SGD_RULE)),
        Fault("deep_relu_tiny_init", (*SMALL, "flat_region"), ("vanishing_gradients", "poor_initialization"),
              (normal(0.01),), (layers("relu", *[32] * 4), SGD_RULE)),
        Fault("deep_relu_large_init", LARGE, ("exploding_gradients", "divergence"), (normal(1.0),),
              (layers("relu", *[32] * 8),)),
        Fault("positive_init", LARGE, ("exploding_gradients", "poor_initialization"),
              (having(network={"init": {"name": "uniform", "low": 0.0, "high": 1.0}}),), (layers("relu", *[32] * 4),)),
        Fault("zero_init", ("constant_initialization", "initialization_too_small"), ("symmetric_units",),
              (having(network={"init": "zeros"}),)),
        Fault("constant_init", ("constant_initialization",), ("symmetric_units",),
              (among("constant", *(having(network={"init": {"name": "constant", "value": v}}) for v in (0.01, 0.3))),)),
        Fault("negative_bias", ("negative_bias", "dead_relu"), ("dead_units",),
              (having(network={"bias": -10.0}),), (layers("relu", 32, 32),)),
        Fault("saturating_bias", ("negative_bias", "saturating_activations", "initialization_too_large"),
              ("saturated_units",), (having(network={"bias": -12.0}),),
              (among("squash", layers("sigmoid", 32), layers("tanh", 32)),)),
        # rules
        Fault("sgd_far_too_fast", FAST, ("divergence", "oscillation"),
              (among("rate", rule("sgd", 10.0), rule("sgd", 25.0), rule("sgd", 50.0)),)),
        Fault("relu_killed", (*FAST, "dead_relu"), ("dead_units", "divergence"),
              (among("rate", rule("sgd", 2.0), rule("sgd", 5.0)),), (layers("relu", 32, 32, 16),)),
        Fault("momentum_too_fast", (*FAST, "momentum_too_high"), ("divergence", "oscillation"),
              (rule("momentum", 1.0),)),
        Fault("adam_too_fast", FAST, ("divergence", "oscillation"),
              (among("rate", rule("adam", 1.0), rule("adam", 5.0)),)),
        Fault("adam_rather_too_fast", FAST, ("oscillation", "dead_units"), (rule("adam", 0.3),)),
        Fault("rmsprop_too_fast", FAST, ("divergence", "oscillation"), (rule("rmsprop", 1.0),)),
        Fault("heavy_momentum", ("momentum_too_high", *FAST), ("oscillation", "divergence"),
              (rule("momentum", 0.1, momentum=0.999),)),
        Fault("sgd_too_slow", SLOW, STILL, (rule("sgd", 1e-6),)),
        Fault("sgd_rather_too_slow", SLOW, ("slow_progress", "unfinished"), (rule("sgd", 3e-4),)),
        Fault("adam_too_slow", SLOW, STILL, (rule("adam", 1e-7),)),
        Fault("momentum_too_slow", SLOW, STILL, (rule("momentum", 1e-7),)),
        Fault("adagrad_too_slow", SLOW, ("slow_progress", "unfinished"), (rule("adagrad", 1e-4),)),
        Fault("rate_decays_at_once", SLOW, ("stagnation", "slow_progress"),
              (having(optimizer={"schedule": {"name": "exponential", "every": 5, "factor": 0.1}}),)),
        Fault("endless_warm_up", SLOW, ("slow_progress", "unfinished"),
              (having(optimizer={"schedule": {"name": "warmup", "steps": 10**7}}),), (SGD_RULE,)),
        Fault("epsilon_too_large", ("epsilon_too_large", *SLOW), STILL,
              (among("epsilon", rule("adam", 0.001, epsilon=1.0), rule("adam", 0.005, epsilon=100.0)),)),
        Fault("clipped_away", ("clipping_too_low",), STILL, (having(optimizer={"clip_norm": 1e-6}),), (SGD_RULE,)),
        Fault("values_clipped_away", ("clipping_too_low",), STILL, (having(optimizer={"clip_value": 1e-7}),),
              (SGD_RULE,)),
        Fault("batch_of_one", ("batch_too_small", *FAST), ("noisy_gradients", "divergence"),
              (rule("sgd", 1.0), having(training={"batch_size": 1}), epochs_times(0.25))),
        Fault("batch_norm_of_two", ("batch_too_small",), ("noisy_gradients",),
              (having(training={"batch_size": 2}), epochs_times(0.25)), (having(network={"batch_norm": True}),)),
        Fault("full_batch_few_epochs", ("batch_too_large", *SHORT), ("unfinished", "slow_progress"),
              (having(training={"batch_size": "full"}), epochs_times(0.1)), (SGD_RULE,)),
        Fault("two_epochs", SHORT, ("unfinished",), (having(training={"epochs": 2}),), (SGD_RULE,)),
        Fault("one_epoch_of_adam", SHORT, ("unfinished",), (having(training={"epochs": 1}),),
              (rule("adam", 0.001), epochs_times(2))),
        # gradients that are not those of the loss
        Fault("flipped_rule", WRONG, ("divergence", "wrong_gradient"), (tampered(rule=sabotage.ascending),)),
        Fault("gradients_accumulate", (*WRONG, "momentum_too_high", *FAST), ("oscillation", "divergence"),
              (tampered(rule=sabotage.accumulating),)),
        Fault("flipped_loss", WRONG, ("divergence", "wrong_gradient"),
              (tampered(head=sabotage.loss_scaled(sabotage.one, sabotage.minus)),)),
        Fault("flipped_dense", WRONG, ("wrong_gradient",),
              (tampered(layers=sabotage.dense_replaced(sabotage.FlippedDense, last)),)),
        Fault("dense_uphill", WRONG, ("wrong_gradient",),
              (tampered(layers=sabotage.dense_replaced(sabotage.DescendingDense, last)),)),
        Fault("wrong_slope", WRONG, ("wrong_gradient",), (tampered(layers=sabotage.slopes_wrong),)),
        Fault("weights_without_gradient", (*WRONG, "frozen_layer"), ("wrong_gradient", "frozen_parameters"),
              (tampered(layers=sabotage.dense_replaced(sabotage.ForgetfulDense, every)),)),
        Fault("detached", (*WRONG, "frozen_layer"), ("wrong_gradient", "frozen_parameters"),
              (tampered(layers=sabotage.dense_replaced(sabotage.DetachedDense, second)),), (layers("relu", 8, 8),)),
        Fault("summed_gradient", (*WRONG, *FAST), ("wrong_gradient", "divergence"),
              (tampered(head=sabotage.loss_scaled(sabotage.one, float)),), (SGD_RULE,)),
        Fault("summed_loss", (*FAST, "loss_output_mismatch"), ("divergence", "oscillation"),
              (tampered(head=sabotage.loss_scaled(float, float)),), (SGD_RULE,)),
        # parameters that stay
        Fault("frozen_hidden", ("frozen_layer",), ("frozen_parameters",), (some_frozen,), (layers("relu", 8, 8, 8),)),
        Fault("frozen_all", ("frozen_layer",), ("frozen_parameters",), (all_frozen,)),
        Fault("rule_misses_output", ("frozen_layer",), ("frozen_parameters",),
              (tampered(rule=sabotage.forgetting(slice(-1, None))),), (layers("tanh", 8),)),
        Fault("rule_misses_all_but_output", ("frozen_layer",), ("frozen_parameters",),
              (tampered(rule=sabotage.forgetting(slice(0, -1))),), (layers("tanh", 6, 6),)),
        Fault("rule_misses_all", ("frozen_layer",), ("frozen_parameters",),
              (tampered(rule=sabotage.forgetting(slice(None))),)),
        # outputs and losses
        Fault("one_unit_softmax", MISMATCH, ("output_loss_mismatch",),
              (tampered(head=sabotage.ending_in(Softmax)),),
              (having(network={"output": "identity"}, loss={"name": "squared_error"}),), on=two),
        Fault("softmax_twice", MISMATCH, ("output_loss_mismatch",), (tampered(head=sabotage.ending_in(Softmax)),),
              (SGD_RULE, layers("sigmoid", 32)), on=many),
        Fault("sigmoid_twice", MISMATCH, ("output_loss_mismatch",), (tampered(head=sabotage.ending_in(Sigmoid)),),
              on=two),
        Fault("softmax_squared_error", MISMATCH, ("output_loss_mismatch", "slow_progress"),
              (having(network={"output": "softmax"}, loss={"name": "squared_error"}),),
              (rule("momentum", 0.03), layers("sigmoid", 32, 32)), on=many),
        Fault("relu_before_loss", (*MISMATCH, "dead_relu"), ("output_loss_mismatch", "dead_units"),
              (tampered(head=sabotage.ending_in(ReLU)),), (SGD_RULE,), on=many),
        Fault("relu_output", (*MISMATCH, "dead_relu"), ("output_loss_mismatch",),
              (tampered(head=sabotage.ending_in(ReLU)),), on=numbers),
        Fault("sigmoid_output", (*MISMATCH, "unscaled_targets"), ("output_loss_mismatch",),
              (having(network={"output": "sigmoid"}),), on=numbers),
        Fault("tanh_output", (*MISMATCH, "unscaled_targets", "saturating_activations"), ("output_loss_mismatch",),
              (tampered(head=sabotage.ending_in(Tanh)),), (targets(3),), on=numbers),
        # data
        Fault("pixels", ("unscaled_inputs",), ("unscaled_inputs",), (UNSCALED,), (inputs(spread_over(255)),)),
        Fault("mixed_scales", ("unscaled_inputs",), ("unscaled_inputs",), (UNSCALED,), (inputs(mixed),)),
        Fault("far_from_zero", ("unscaled_inputs",), ("unscaled_inputs",), (UNSCALED,),
              (inputs(far),)),
        Fault("scaled_twice", ("unscaled_inputs", *SLOW, "initialization_too_small"), ("unscaled_inputs", *STILL),
              (UNSCALED,), (inputs(spread_over(1 / 255)), SGD_RULE)),
        Fault("large_targets", ("unscaled_targets",), ("unscaled_targets",), (targets(1e5),), on=numbers),
        Fault("targets_far_from_zero", ("unscaled_targets",), ("unscaled_targets",),
              (targets(10, 1e3),), on=numbers),
        Fault("all_constant", ("constant_features",), ("constant_features",), (constant_columns(1.0),)),
        Fault("half_constant", ("constant_features",), ("constant_features",), (constant_columns(0.5),)),
        Fault("outliers", ("unscaled_inputs",), ("unscaled_inputs",), (outliers(0.02, 1e4),)),
        Fault("target_outliers", ("unscaled_targets", "noisy_labels"), ("unscaled_targets",),
              (target_outliers(0.02, 1e3),), on=numbers),
        Fault("shuffled_targets", ("uninformative_labels", "noisy_labels"), (*STILL, "overfitting"),
              (among("how", shuffled, off_by_one),)),
        Fault("meaningless_inputs", ("uninformative_labels", "noisy_labels"), (*STILL, "overfitting"), (meaningless,)),
        Fault("parity_of_many_bits", ("uninformative_labels", "flat_region"), (*STILL, "overfitting"), (parity(24),),
              on=classes),
        Fault("noisy_classes", ("noisy_labels", "uninformative_labels", "too_little_regularization"),
              ("overfitting", "noisy_gradients"), (noisy(0.5),), (layers("relu", 64, 64),), on=classes),
        Fault("noisy_numbers", ("noisy_labels", "uninformative_labels", "too_little_regularization"),
              ("overfitting", "noisy_gradients"), (numbers_noisy(2.0),), on=numbers),
        Fault("contradictory_rows", ("contradictory_labels", "noisy_labels"), ("contradictory_labels",),
              (contradictory,)),
        Fault("imbalance", ("class_imbalance",), ("class_imbalance", "minority_class_ignored"), (imbalanced,),
              on=classes, measure="minority"),
        Fault("sorted_rows", ("unshuffled_batches",), ("oscillation",), (by_class, having(training={"shuffle": False})),
              (rule("momentum", 0.05), layers("relu", 32, 32), having(training={"batch_size": 8}))),
        # too little, too much
        Fault("l2_of_1", ("weight_decay_too_high",), STILL, (having(loss={"l2": 1.0}),)),
        Fault("l2_of_a_tenth", ("weight_decay_too_high",), STILL, (having(loss={"l2": 0.1}),)),
        Fault("l1_of_a_tenth", ("weight_decay_too_high",), STILL, (having(loss={"l1": 0.1}),)),
        Fault("adamw_decay", ("weight_decay_too_high",), STILL, (rule("adamw", 0.005, weight_decay=20.0),)),
        Fault("dropout", ("dropout_too_high",), ("noisy_gradients", "slow_progress"),
              (among("rate", *(having(network={"dropout": rate}) for rate in (0.9, 0.95))),)),
        Fault("bottleneck", ("too_little_capacity", "local_minimum"), ("local_minimum", "stagnation"),
              (layers("relu", 32, 1, 32),)),
        Fault("too_small", ("too_little_capacity", "local_minimum"), ("local_minimum", "stagnation"),
              (among("units", layers("tanh", 1), layers("tanh", 2), layers("relu", 2)),)),
        Fault("no_activations", ("missing_nonlinearity", "too_little_capacity"), ("local_minimum", "stagnation"),
              (having(network={"activation": "identity"}),), on=curved),
        Fault("overfitting", ("too_little_regularization", "too_few_rows"), ("overfitting",),
              (few_rows(40), layers("relu", 256, 256)), measure="gap"),
        Fault("xor_stuck", ("local_minimum", "saddle_point", "flat_region", "too_little_capacity", "dead_relu"),
              ("local_minimum", "plateau", "saddle_point"),
              (xor, among("units", all_of(layers("tanh", 2), rule("sgd", 0.5)),
                          all_of(layers("relu", 2), rule("sgd", 0.1)))), on=classes),
    )
}  # fmt: skip
"""By name."""
