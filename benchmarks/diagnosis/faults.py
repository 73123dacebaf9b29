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
from dataclasses import dataclass, replace

import numpy as np
import sabotage
from case import BASES, SGD, Case, Change, base, changed, epochs_times, having, tampered
from data_sets import HELD_OUT, Problem

from mlp import data
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


def two(problem: Problem) -> bool:
    """Two classes."""
    return problem.classes == 2


def many(problem: Problem) -> bool:
    """Three classes or more."""
    return problem.classes > 2


def classes(problem: Problem) -> bool:
    """Any classes."""
    return problem.classes > 0


def numbers(problem: Problem) -> bool:
    """Regression."""
    return not problem.classes


def curved(problem: Problem) -> bool:
    """No straight line does it."""
    return problem.curved


def normal(std: float) -> Change:
    """First weights from N(0, std²)."""
    return having(network={"init": {"name": "normal", "std": std}})


def layers(activation: str, *hidden: int) -> Change:
    """Hidden layers of these widths."""
    return having(network={"activation": activation, "hidden": list(hidden)})


def rule(name: str, learning_rate: float, **own: float) -> Change:
    """Another rule."""
    return having(optimizer={"name": name, "learning_rate": learning_rate, **own})


def changes(*each: Change) -> Change:
    """Several as one."""
    return lambda case: changed(case, each)


def among(name: str, *changes: Change) -> Change:
    """One of several changes, by the case's seed."""
    return lambda case: changes[int(case.rng(name).integers(len(changes)))](case)


UNSCALED = having(data={"scale": "none"})
SGD_RULE = having(optimizer=SGD)


Affine = tuple[np.ndarray | float, np.ndarray | float]
"""A factor and an offset for each column."""


def inputs(fit: Callable[[np.ndarray], Affine]) -> Change:
    """Inputs times a factor plus an offset, those held out likewise: how a feature is measured, not an error in a row.

    `fit` finds both from the rows that the run gets.
    """

    def change(case: Case) -> Case:
        factor, offset = fit(case.X)
        return replace(case, X=case.X * factor + offset, X_held=case.X_held * factor + offset)

    return change


def targets(factor: float, offset: float = 0.0) -> Change:
    """Likewise targets."""
    return lambda case: replace(case, y=case.y * factor + offset, y_held=case.y_held * factor + offset)


def standard(X: np.ndarray) -> Affine:
    """Mean 0 and deviation 1."""
    factor = 1 / np.where(X.std(0) > 0, X.std(0), 1)
    return factor, -X.mean(0) * factor


def spread_over(width: float) -> Callable[[np.ndarray], Affine]:
    """From 0 to `width`."""

    def fit(X: np.ndarray) -> Affine:
        span = np.ptp(X, axis=0)
        factor = width / np.where(span > 0, span, 1)
        return factor, -X.min(0) * factor

    return fit


def mixed(X: np.ndarray) -> Affine:
    """Features in units from 1 to 10⁴."""
    factor, offset = standard(X)
    units = np.logspace(0, 4, X.shape[1])
    return factor * units, offset * units


def far(X: np.ndarray) -> Affine:
    """Deviation 1 around 100."""
    factor, offset = standard(X)
    return factor, offset + 100


def shuffled(case: Case) -> Case:
    """Targets that belong to other rows."""
    return replace(case, y=case.rng("shuffled").permutation(case.y))


def off_by_one(case: Case) -> Case:
    """Targets that belong to the row before, the rows being in no order."""
    return replace(case, y=np.roll(case.y, 1))


def outliers(share: float, factor: float) -> Change:
    """Some cells of the inputs far too large: a missing decimal point."""

    def change(case: Case) -> Case:
        hit = case.rng("outliers").random(case.X.shape) < share
        return replace(case, X=np.where(hit, factor * (case.X + 1), case.X))

    return change


def target_outliers(share: float, factor: float) -> Change:
    """Likewise some targets."""

    def change(case: Case) -> Case:
        hit = case.rng("outliers").random(len(case.y)) < share
        return replace(case, y=np.where(hit, factor * (case.y + 1), case.y))

    return change


def noisy(share: float) -> Change:
    """A share of the targets replaced by those of other rows."""

    def change(case: Case) -> Case:
        rng = case.rng("noisy")
        hit = rng.random(len(case.y)) < share
        return replace(case, y=np.where(hit, rng.permutation(case.y), case.y))

    return change


def numbers_noisy(deviation: float) -> Change:
    """Normal noise on numbers of deviation 1."""
    return lambda case: replace(case, y=case.y + deviation * case.rng("noise").standard_normal(len(case.y)))


def contradictory(case: Case) -> Case:
    """Three rows for each of a third of the inputs, two of them with targets of other rows."""
    rng = case.rng("contradictory")
    kept = rng.permutation(len(case.X))[: len(case.X) // 3]
    y = np.concatenate([case.y[kept], rng.permutation(case.y[kept]), rng.permutation(case.y[kept])])
    return replace(case, X=np.tile(case.X[kept], (3, 1)), y=y)


def meaningless(case: Case) -> Case:
    """Inputs that are pure noise."""
    return replace(case, X=case.rng("meaningless").standard_normal(case.X.shape))


def constant_columns(share: float) -> Change:
    """The columns with most spread hold one number, a share of all of them."""

    def change(case: Case) -> Case:
        n_lost = max(1, round(share * case.X.shape[1]))
        lost = np.argsort(-case.X.std(0))[:n_lost]
        X, X_held = case.X.copy(), case.X_held.copy()
        X[:, lost] = X_held[:, lost] = 1.0
        return replace(case, X=X, X_held=X_held)

    return change


def imbalanced(case: Case) -> Case:
    """Class 0 left with one row in a hundred, three at least."""
    rare = np.flatnonzero(case.y == 0)
    n_rare = max(3, round(0.01 * (len(case.y) - len(rare))))
    kept = np.sort(np.concatenate([np.flatnonzero(case.y != 0), rare[:n_rare]]))
    return replace(case, X=case.X[kept], y=case.y[kept])


def few_rows(n: int) -> Change:
    """Only n rows to train on; as many again to validate on."""

    def change(case: Case) -> Case:
        kept = case.rng("few").permutation(len(case.X))[: 2 * n]
        return having(data={"validation": 0.5})(replace(case, X=case.X[kept], y=case.y[kept]))

    return change


def by_class(case: Case) -> Case:
    """Rows sorted by target."""
    order = np.argsort(case.y, kind="stable")
    return replace(case, X=case.X[order], y=case.y[order])


def parity(n_bits: int) -> Change:
    """Random rows of bits, the class whether an odd number is set."""

    def change(case: Case) -> Case:
        rng = case.rng("parity")
        X = rng.integers(0, 2, (len(case.X) + HELD_OUT, n_bits)).astype(float)
        y, n = X.astype(int).sum(1) % 2, len(case.X)
        return replace(case, X=X[:n], y=y[:n], X_held=X[n:], y_held=y[n:])

    return change


def xor(case: Case) -> Case:
    """The four rows of exclusive or, all of them to train and to score on."""
    X, y = data.synthetic.xor().X, data.synthetic.xor().y
    start = having(data={"validation": 0.0, "test": 0.0}, training={"batch_size": "full", "epochs": 1500})
    return start(replace(case, X=X, y=y, X_held=X, y_held=y))


def some_frozen(case: Case) -> Case:
    """All hidden layers frozen, as in a network whose head alone is to be tuned."""
    return having(network={"frozen": [f"dense{i + 1}" for i in range(len(case.hidden))]})(case)


def all_frozen(case: Case) -> Case:
    """Nothing may move."""
    return having(network={"frozen": [f"dense{i + 1}" for i in range(len(case.hidden) + 1)]})(case)


def first(n: int) -> slice:
    """The first layer."""
    return slice(0, 1)


def second(n: int) -> slice:
    """The second layer."""
    return slice(1, 2)


def last(n: int) -> slice:
    """The output layer."""
    return slice(n - 1, n)


def every(n: int) -> slice:
    """All layers."""
    return slice(0, n)


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
        Fault("overfitting", ("too_little_regularization",), ("overfitting",),
              (few_rows(40), layers("relu", 256, 256)), measure="gap"),
        Fault("xor_stuck", ("local_minimum", "saddle_point", "flat_region", "too_little_capacity", "dead_relu"),
              ("local_minimum", "plateau", "saddle_point"),
              (xor, among("units", changes(layers("tanh", 2), rule("sgd", 0.5)),
                          changes(layers("relu", 2), rule("sgd", 0.1)))), on=classes),
    )
}  # fmt: skip
"""By name."""
