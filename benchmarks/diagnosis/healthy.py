"""Runs that are well, and look as if they were not.

The base experiments of `case.py` are healthy and plain. The rows here are healthy and odd: each has a feature that
some published rule takes for a fault. Which of them really came out well is measured run by run.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from case import BASES, Case, Change, base, changed, epochs_times, having
from changes import UNSCALED, inputs, layers, noisy, normal, numbers_noisy, rule, spread_over, standard
from data_sets import Problem, classes, many, numbers, two


@dataclass(frozen=True)
class LookAlike:
    """One kind of healthy run. `on`: the problems it makes sense on."""

    name: str
    changes: tuple[Change, ...]
    on: Callable[[Problem], bool] = lambda problem: True

    def case(self, problem: Problem, seed: int) -> Case:
        """The run."""
        start = base(problem, seed, (zlib.crc32(f"{self.name} {problem.name}".encode()) + seed) % len(BASES))
        return changed(start, self.changes)

    def drawn(self, problem: Problem, seed: int) -> bool:
        """Whether this kind is tried on that problem and seed: one in three is, to save time."""
        return self.on(problem) and (zlib.crc32(f"{problem.name} {self.name}".encode()) + seed // 2) % 3 == 0


def linear(problem: Problem) -> bool:
    """Problems that need no hidden layer."""
    return not problem.curved and problem.name != "friedman"


def scheduled(name: str, **keys: float) -> Change:
    """A learning rate that changes."""
    return having(optimizer={"schedule": {"name": name, **keys}})


def network(**keys: object) -> Change:
    """Keys of the network."""
    return having(network=keys)


def training(**keys: object) -> Change:
    """Keys of the training."""
    return having(training=keys)


def one_constant(case: Case) -> Case:
    """One more column, which holds one number: a pixel at the edge."""
    X, X_held = (np.column_stack([X, np.ones(len(X))]) for X in (case.X, case.X_held))
    return replace(case, X=X, X_held=X_held)


def repeated_rows(case: Case) -> Case:
    """A tenth of the rows twice, with the same target."""
    again = np.arange(0, len(case.X), 10)
    return replace(case, X=np.concatenate([case.X, case.X[again]]), y=np.concatenate([case.y, case.y[again]]))


def rather_rare(case: Case) -> Case:
    """Class 0 with a third of its rows."""
    lost = np.flatnonzero(case.y == 0)
    kept = np.setdiff1d(np.arange(len(case.y)), lost[len(lost) // 3 :])
    return replace(case, X=case.X[kept], y=case.y[kept])


LOOK_ALIKES = {
    row.name: row
    for row in (
        LookAlike("long_after_convergence", (epochs_times(3),)),
        LookAlike("sparse_relu_by_bias", (layers("relu", 64, 32), network(bias=-0.5), rule("adam", 0.005))),
        LookAlike("sparse_relu_by_l1", (layers("relu", 64, 32), having(loss={"l1": 1e-4}))),
        LookAlike("sgd_of_a_tenth", (rule("sgd", 0.1), training(batch_size=16))),
        LookAlike("sgd_of_three_tenths", (rule("sgd", 0.3), layers("tanh", 32))),
        LookAlike("small_batches", (rule("sgd", 0.03), training(batch_size=4))),
        LookAlike("small_batches_of_adam", (rule("adam", 0.002), training(batch_size=8))),
        LookAlike("plateau_then_drop", (layers("sigmoid", 24, 24, 24), rule("adam", 0.02), epochs_times(1.5))),
        LookAlike("labels_5_percent_wrong", (noisy(0.05), layers("relu", 16, 16)), on=classes),
        LookAlike("labels_10_percent_wrong", (noisy(0.1), layers("tanh", 16), rule("sgd", 0.1)), on=classes),
        LookAlike("numbers_with_noise", (numbers_noisy(0.3),), on=numbers),
        LookAlike("dropout_of_a_tenth", (layers("relu", 64, 64), network(dropout=0.1))),
        LookAlike("dropout_of_three_tenths", (layers("relu", 64, 64), network(dropout=0.3))),
        LookAlike("cosine", (scheduled("cosine"),)),
        LookAlike("step_decay", (scheduled("step"),)),
        LookAlike("warm_up", (scheduled("warmup"),)),
        LookAlike("warm_up_and_cosine", (scheduled("warmup", then="cosine"),)),
        LookAlike("rate_falls_on_plateaus", (scheduled("plateau"),)),
        LookAlike("batch_norm", (network(batch_norm=True),)),
        LookAlike("residual", (layers("relu", 32, 32, 32), network(residual=True))),
        LookAlike("mild_l2", (having(loss={"l2": 1e-4}),)),
        LookAlike("some_l2", (having(loss={"l2": 1e-3}),)),
        LookAlike("float64", (training(dtype="float64"),)),
        LookAlike("momentum_of_95", (rule("momentum", 0.01, momentum=0.95),)),
        LookAlike("nesterov", (rule("nesterov", 0.02),)),
        LookAlike("rmsprop", (rule("rmsprop", 0.003),)),
        LookAlike("adagrad", (rule("adagrad", 0.05),)),
        LookAlike("adamw", (rule("adamw", 0.005, weight_decay=0.01),)),
        LookAlike("adam_of_a_fiftieth", (rule("adam", 0.02),)),
        LookAlike("clipped", (having(optimizer={"clip_norm": 1.0}),)),
        LookAlike("tanh_normal_init", (layers("tanh", 32), normal(0.3))),
        LookAlike("small_normal_init", (layers("relu", 32), normal(0.05), rule("adam", 0.005))),
        LookAlike("relu_positive_bias", (layers("relu", 32, 32), network(bias=0.1))),
        LookAlike("minmax", (having(data={"scale": "minmax"}), rule("adam", 0.01))),
        LookAlike("standardised_by_hand", (inputs(standard), UNSCALED)),
        LookAlike("from_0_to_1_by_hand", (inputs(spread_over(1)), UNSCALED, rule("adam", 0.01))),
        LookAlike("early_stopping", (training(early_stopping=True),)),
        LookAlike("class_weights", (having(data={"class_weight": "balanced"}),), on=classes),
        LookAlike("mild_imbalance", (rather_rare,), on=classes),
        LookAlike("leaky_relu", (network(activation="leaky_relu"),)),
        LookAlike("elu", (network(activation="elu"),)),
        LookAlike("gelu", (network(activation="gelu"),)),
        LookAlike("silu", (network(activation="silu"),)),
        LookAlike("wide", (layers("relu", 128, 128), rule("adam", 0.002))),
        LookAlike("no_hidden_layer", (network(hidden=[]),), on=linear),
        LookAlike("full_batch", (training(batch_size="full"), rule("adam", 0.02), epochs_times(6))),
        LookAlike("rows_in_fixed_order", (training(shuffle=False),)),
        LookAlike("huber", (having(loss={"name": "huber"}),), on=numbers),
        LookAlike("absolute_error", (having(loss={"name": "absolute_error"}),), on=numbers),
        LookAlike("label_smoothing", (having(loss={"label_smoothing": 0.1}),), on=classes),
        LookAlike("focal", (having(loss={"name": "focal"}),), on=classes),
        LookAlike("squared_error_of_two", (having(network={"output": "identity"}),), on=two),
        LookAlike("softmax_of_many_squared", (having(network={"output": "softmax"}, loss={"name": "squared_error"}),
                                              rule("adam", 0.01)), on=many),
        LookAlike("one_constant_column", (one_constant,)),
        LookAlike("repeated_rows", (repeated_rows,)),
        LookAlike("orthogonal_init", (network(init="orthogonal"),)),
        LookAlike("glorot_relu", (layers("relu", 32, 32), network(init="glorot_uniform"))),
        LookAlike("deep_relu", (layers("relu", *[24] * 6),)),
        LookAlike("restarts", (training(restarts=3),)),
    )
}  # fmt: skip
"""By name."""
