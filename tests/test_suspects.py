"""Every suspect: what raises it, the sound value that does not, and that no history upsets it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from histories import typed
from hypothesis import given, settings
from hypothesis import strategies as st

import mlp
from mlp.diagnosis import DETECTORS, judge
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.suspects import CERTAIN, SUSPECTS, gradient, pace, ranked, rows, shape, suspicions, weights
from mlp.diagnosis.suspicion import between

UPWARD = [1.0, 2.0, 4.0, 8.0, 10.0, 11.0, 12.0, 13.0]
SMALL = {"input_mean": {"a": 0.0, "b": 0.0}, "input_std": {"a": 1.0, "b": 1.0}}
HEART = {"train_accuracy": [1.0], "validation_accuracy": [0.6], "settings": {"rows": 60.0}}
MEANINGLESS = {"class_counts": {"a": 50, "b": 50}, "validation_accuracy": [0.5], "baseline_validation_accuracy": [0.5]}
ALONG = {"0.0": 1.0, "0.1": 0.98, "1.0": 0.9, "10.0": 3.0}  # the loss along a step, in its lengths
STEADY = {"update_norm": [0.01] * 3, "param_norm": [1.0] * 3}
NORMS = {"dense1": 1e-3, "dense2": 0.1, "dense3": 1.0}


class Row(NamedTuple):
    """`columns` that make `suspect` name `cause`, and `sound` ones in their place that do not."""

    suspect: Any
    cause: str
    columns: dict[str, Any]
    sound: dict[str, Any]
    certain: bool = False


def chosen(**numbers: float) -> dict[str, Any]:
    return {"settings": {"x": 0.0, **numbers}}


def set_to(suspect: Any, cause: str, bad: dict[str, float], good: dict[str, float], certain: bool = False) -> Row:
    """A row that differs in settings alone."""
    return Row(suspect, cause, chosen(**bad), chosen(**good), certain)


USUAL = {"usual_rate": 0.1}
TABLE = {
    "gradients that differ": Row(
        gradient.wrong, "wrong_gradient", {"gradient_error": {"mine": 0.1}}, {"gradient_error": {"mine": 1e-6}}, True),
    "uphill": Row(gradient.wrong, "wrong_gradient", {"descent": [1.0] * 5}, {"descent": [-1.0] * 5}, True),
    "uphill, and nothing else shrinks the weights": Row(
        gradient.wrong, "wrong_gradient", {"descent": [1.0] * 5, **chosen(weight_decay=0.01)},
        chosen(weight_decay=3.0), True),
    "still": Row(
        gradient.frozen, "frozen_layer",
        {"update_norm_by_layer": {"a": [0.0, 0.0]}, "grad_norm_by_layer": {"a": [1.0, 1.0]}},
        {"update_norm_by_layer": {"a": [0.0, 0.1]}}, True),
    "told to be still": set_to(gradient.frozen, "frozen_layer", {"frozen": 1.0}, {"frozen": 0.0}, True),
    "softmax of one": Row(
        gradient.mismatch, "loss_output_mismatch", {"constant_output": [1.0]}, {"constant_output": [0.0]}, True),
    "out of reach": Row(
        gradient.mismatch, "loss_output_mismatch", {"out_of_reach": [0.5]}, {"out_of_reach": [0.01]}, True),
    "squashed twice": Row(
        gradient.mismatch, "loss_output_mismatch", {"squashed_twice": [1.0]}, {"squashed_twice": [0.0]}, True),
    "without gradient": Row(
        gradient.mismatch, "loss_output_mismatch",
        {"loss": [0.7, 0.7], "grad_norm_by_layer": {"a": [0.0, 0.0]}}, {"grad_norm_by_layer": {"a": [0.0, 0.1]}}, True),
    "classes as numbers": Row(
        gradient.mismatch, "loss_output_mismatch", {"classes_as_numbers": [1.0]}, {"classes_as_numbers": [0.0]}),
    "vanishing": Row(
        gradient.vanishing, "saturating_activations",
        {"initial_grad_norm_by_layer": NORMS}, {"initial_grad_norm_by_layer": NORMS | {"dense1": 0.1}}),
    "flat at the start": Row(
        gradient.vanishing, "saturating_activations",
        {"initial_saturated_fraction": {"tanh1": 0.8}}, {"initial_saturated_fraction": {"tanh1": 0.1}}),
    "dead at the start": Row(
        gradient.dead, "dead_relu", {"initial_dead_fraction": {"relu1": 1.0}}, {"initial_dead_fraction": {"relu1": 0}}),
    "dead on the way": Row(
        gradient.dead, "learning_rate_too_high", {"silent_units": {"relu1": 0.9}}, {"silent_units": {"relu1": 0.2}}),
    "rate of 20 times the usual": set_to(
        pace.too_high, "learning_rate_too_high", USUAL | {"learning_rate": 2.0}, USUAL | {"learning_rate": 0.1}, True),
    "steps of half the weights": Row(
        pace.too_high, "learning_rate_too_high",
        {"update_norm": [0.5] * 4, "param_norm": [1.0] * 4}, {"update_norm": [0.01] * 4}),
    "a loss that rises": Row(
        pace.too_high, "learning_rate_too_high", {"loss": UPWARD}, {"loss": UPWARD[::-1]}),
    "rate of a hundredth": set_to(
        pace.too_low, "learning_rate_too_low", USUAL | {"learning_rate": 1e-3}, USUAL | {"learning_rate": 0.1}, True),
    "a schedule that ends at nothing": set_to(
        pace.too_low, "learning_rate_too_low", USUAL | {"learning_rate": 0.1, "mean_rate": 1e-3},
        USUAL | {"learning_rate": 0.1, "mean_rate": 0.05}, True),
    "tiny steps": Row(
        pace.too_low, "learning_rate_too_low",
        {"update_norm": [1e-7] * 4, "param_norm": [1.0] * 4}, {"update_norm": [1e-2] * 4}),
    "a loss that rises along the step": Row(
        pace.along, "learning_rate_too_high", {"loss_along": ALONG | {"1.0": 2.0}}, {"loss_along": ALONG}),
    "a loss that falls ten times as far": Row(
        pace.along, "learning_rate_too_low", {"loss_along": ALONG | {"0.1": 0.9999, "1.0": 0.999, "10.0": 0.99}},
        {"loss_along": ALONG}),
    "no number out of the blue": Row(
        pace.not_numbers, "non_finite_data", {"loss": [0.7, 0.6, np.nan], **STEADY}, {"loss": [0.7, 0.6, 0.5]}),
    "no number after a rise": Row(
        pace.not_numbers, "non_finite_data", {"loss": [0.7, 0.6, np.nan], **STEADY}, {"loss": [0.7, 90.0, np.nan]}),
    "momentum": set_to(pace.momentum, "momentum_too_high", {"momentum": 0.999}, {"momentum": 0.9}, True),
    "epsilon": set_to(pace.epsilon, "epsilon_too_large", {"epsilon": 1.0}, {"epsilon": 1e-8}, True),
    "clipping": Row(
        pace.clipping, "clipping_too_low", {"grad_norm": [1.0] * 4, **chosen(clip_norm=1e-3, clip_value=0.0)},
        chosen(clip_norm=5.0, clip_value=0.0), True),
    "clipping that nobody tells": Row(
        pace.clipping, "clipping_too_low",
        {"grad_norm": [1.0, 2.0, 3.0, 2.0], "learning_rate": [0.1] * 4, "update_norm": [1e-4] * 4},
        {"update_norm": [0.1, 0.2, 0.3, 0.2]}, True),
    "one row a step": set_to(pace.small_batch, "batch_too_small", {"batch_size": 1.0}, {"batch_size": 32.0}),
    "batch norm of two": set_to(
        pace.small_batch, "batch_too_small", {"batch_size": 2.0, "batch_norm": 1.0},
        {"batch_size": 32.0, "batch_norm": 1.0}, True),
    "all rows a step": set_to(
        pace.length, "batch_too_large",
        {"planned_steps": 20.0, "epochs": 20.0, "rows": 500.0, "batch_size": 500.0},
        {"planned_steps": 800.0, "epochs": 20.0, "rows": 500.0, "batch_size": 32.0}, True),
    "one order": set_to(pace.order, "unshuffled_batches", {"shuffle": 0.0}, {"shuffle": 1.0}, True),
    "large inputs": Row(
        rows.unscaled_inputs, "unscaled_inputs", SMALL | {"input_mean": {"a": 200.0, "b": 0.0}}, SMALL, True),
    "tiny inputs": Row(
        rows.unscaled_inputs, "unscaled_inputs", SMALL | {"input_std": {"a": 1e-3, "b": 1e-3}}, SMALL, True),
    "odd inputs": Row(
        rows.unscaled_inputs, "unscaled_inputs", SMALL | {"input_std": {"a": 1.0, "b": 1e-3}}, SMALL, True),
    "outliers": Row(rows.outliers, "unscaled_inputs", {"input_tail": [50.0]}, {"input_tail": [1.1]}, True),
    "outliers of the target": Row(
        rows.outliers, "unscaled_targets", {"target_tail": [50.0]}, {"target_tail": [1.1]}, True),
    "large targets": Row(
        rows.unscaled_targets, "unscaled_targets",
        {"target_mean": [1e4], "target_std": [1e3]}, {"target_mean": [1.0], "target_std": [1.0]}, True),
    "tiny targets": Row(
        rows.unscaled_targets, "unscaled_targets",
        {"target_mean": [0.0], "target_std": [1e-6]}, {"target_mean": [1.0], "target_std": [1.0]}, True),
    "constant": Row(
        rows.constant, "constant_features", {"input_std": {"a": 0.0, "b": 0.0}}, {"input_std": {"a": 1.0, "b": 1.0}},
        True),
    "contradictory": Row(
        rows.contradictory, "contradictory_labels", {"contradictory_rows": [0.6]}, {"contradictory_rows": [0.0]}, True),
    "meaningless": Row(
        rows.meaning, "uninformative_labels", MEANINGLESS, {"baseline_validation_accuracy": [0.9]}, True),
    "noisy": Row(
        rows.meaning, "noisy_labels", {"label_noise": [0.3], "baseline_validation_accuracy": [0.7]},
        {"label_noise": [0.02]}, True),
    "by heart": Row(rows.by_heart, "too_little_regularization", HEART, {"validation_accuracy": [0.98]}, True),
    "by heart, as halves tell": Row(
        rows.by_heart, "too_little_regularization",
        {"train_accuracy": [1.0], "crossed_accuracy": [0.6], **chosen(rows=60.0)}, {"crossed_accuracy": [0.98]}, True),
    "imbalance": Row(
        rows.imbalance, "class_imbalance", {"class_counts": {"a": 990, "b": 10}}, {"class_counts": {"a": 9, "b": 8}}),
    "all alike": Row(
        weights.alike, "constant_initialization", {"identical_units": {"dense1": 1.0}},
        {"identical_units": {"dense1": 0.1}}, True),
    "weights without spread": Row(
        weights.alike, "constant_initialization", {"weight_std": {"dense1": 0.0, "dense2": 0.1}},
        {"weight_std": {"dense1": 0.1, "dense2": 0.0}}, True),
    "too small": Row(
        weights.size, "initialization_too_small", {"weight_gain": {"dense1": 0.01}}, {"weight_gain": {"dense1": 0.9}},
        True),
    "too large": Row(
        weights.size, "initialization_too_large", {"weight_gain": {"dense1": 20.0}}, {"weight_gain": {"dense1": 1.1}},
        True),
    "bias": set_to(weights.bias, "negative_bias", {"bias": -10.0}, {"bias": 0.1}, True),
    "bias as it was measured": Row(
        weights.bias, "negative_bias", {"bias_mean": {"dense1": -10.0}}, {"bias_mean": {"dense1": 0.0}}, True),
    "l2": set_to(
        weights.decay, "weight_decay_too_high", {"l2": 1.0, "l1": 0.0, "weight_decay": 0.0},
        {"l2": 1e-4, "l1": 0.0, "weight_decay": 0.0}, True),
    "weights that shrank": Row(
        weights.decay, "weight_decay_too_high", {"param_norm": [10.0, 0.1]}, {"param_norm": [10.0, 9.0]}, True),
    "linear": set_to(shape.linear, "missing_nonlinearity", {"linear": 1.0}, {"linear": 0.0}, True),
    "width 1": set_to(shape.narrow, "too_little_capacity", {"narrowest": 1.0}, {"narrowest": 32.0}, True),
    "no hidden layer": set_to(
        shape.narrow, "too_little_capacity", {"hidden_layers": 0.0, "narrowest": 0.0},
        {"hidden_layers": 1.0, "narrowest": 32.0}),
    "input dropout": set_to(
        shape.inputs, "dropout_too_high", {"input_dropout": 0.95}, {"input_dropout": 0.2, "input_noise": 0.0}, True),
    "input noise": set_to(
        shape.inputs, "dropout_too_high", {"input_noise": 10.0}, {"input_noise": 0.1, "input_dropout": 0.0}, True),
    "a small ball": set_to(weights.ball, "weight_decay_too_high", {"max_norm": 0.01}, {"max_norm": 3.0}, True),
    "dropout": set_to(shape.dropout, "dropout_too_high", {"dropout": 0.9}, {"dropout": 0.3}, True),
}  # fmt: skip


def raised(suspect: Any, columns: dict[str, Any]) -> dict[str, float]:
    """The weight of each cause that the suspect names."""
    with np.errstate(all="ignore"):
        return {found.cause.name: found.weight for found in suspect(Reading(typed(**columns)))}


@pytest.mark.parametrize("name", TABLE)
def test_a_suspect_names_its_cause_and_is_silent_where_the_value_is_sound(name: str) -> None:
    row = TABLE[name]
    found = raised(row.suspect, row.columns)
    assert 0 < found[row.cause] <= 1
    assert (found[row.cause] >= CERTAIN) == row.certain
    assert row.cause not in raised(row.suspect, row.columns | row.sound)


@pytest.mark.parametrize("name", TABLE)
def test_what_a_suspect_says_is_made_of_numbers_and_has_a_remedy(name: str) -> None:
    row = TABLE[name]
    for suspicion in row.suspect(Reading(typed(**row.columns))):
        assert suspicion.cause.why
        assert "nan" not in suspicion.cause.why.split()
        assert suspicion.cause.remedy


def test_every_suspect_is_in_the_table() -> None:
    assert {row.suspect for row in TABLE.values()} == set(SUSPECTS)


def test_too_few_epochs_weigh_more_the_fewer_there_are() -> None:
    """It is always among the suspects, and comes first only where it is likely."""

    def weight(epochs: float) -> float:
        return raised(pace.length, chosen(planned_steps=8 * epochs, epochs=epochs, rows=250.0, batch_size=32.0))[
            "too_few_epochs"
        ]

    assert weight(1) > CERTAIN > weight(10) > weight(100)
    assert weight(20) == weight(100) < 0.2  # 160 steps of 20 epochs are usual


def test_the_ranking_is_by_weight_and_names_each_cause_once() -> None:
    columns = HEART | MEANINGLESS | {"settings": {"rows": 60.0, "momentum": 0.999, "dropout": 0.6, "batch_size": 1.0}}
    reading = Reading(typed(**columns))
    weights = [suspicion.weight for suspicion in suspicions(reading)]
    assert weights == sorted(weights, reverse=True)
    names = [cause.name for cause in ranked(reading)]
    assert len(names) == len(set(names)) >= 5
    assert next(s.cause for s in suspicions(reading)) == ranked(reading)[0]


@pytest.mark.parametrize(("value", "expected"), [(1.0, 0), (10.0, 0.5), (100.0, 1), (0.0, 0), (np.nan, 0), (np.inf, 1)])
def test_between_counts_decades(value: float, expected: float) -> None:
    assert between(value, 1.0, 100.0) == expected


# whatever the history


COLUMNS: dict[str, tuple[str, ...]] = {}
for _row in TABLE.values():
    for _name, _value in (_row.columns | _row.sound).items():
        COLUMNS[_name] = tuple(dict.fromkeys((*COLUMNS.get(_name, ()), *(_value if isinstance(_value, dict) else ()))))
COLUMNS |= dict.fromkeys(
    ("initial_loss", "reference_loss", "guess_loss", "train_loss", "validation_loss", "grad_cosine", "ended",
     "train_r2", "validation_r2", "baseline_train_accuracy", "baseline_train_r2", "label_noise_error",
     "baseline_validation_r2", "crossed_r2", "n_classes"), ())  # fmt: skip
COLUMNS |= {"recall": ("a", "b"), "saturated_share": ("tanh1",), "initial_backward_gain": ("tanh1", "dense2")}
assert len(COLUMNS) > 45


def filled(value: float, n: int = 6, population: tuple[int, ...] = ()) -> mlp.History:
    """Every column there is, with that number throughout."""
    shapes = {name: (n, *population, len(labels)) if labels else (n, *population) for name, labels in COLUMNS.items()}
    return mlp.History({name: np.full(shape, value) for name, shape in shapes.items()}, labels=COLUMNS)


FILLED = {
    "empty": mlp.History(),
    "no records": filled(1.0, 0),
    "one record": filled(0.7, 1),
    "zeros": filled(0.0),
    "ones": filled(1.0),
    "minus one": filled(-1.0),
    "NaN": filled(np.nan),
    "inf": filled(np.inf),
    "-inf": filled(-np.inf),
    "huge": filled(1e300),
    "tiny": filled(1e-300),
    "population": filled(0.7, 6, (2,)),
    "nested population": filled(0.7, 6, (2, 3)),
}


@pytest.mark.parametrize("name", FILLED)
def test_no_history_upsets_a_suspect_a_detector_or_the_whole_diagnosis(name: str) -> None:
    history = FILLED[name]
    reading = Reading(history)
    with np.errstate(all="ignore"):
        for suspect in SUSPECTS:
            assert all(0 <= found.weight <= 1 for found in suspect(reading)), suspect.__name__
        for detector in DETECTORS:
            if all(need in reading for need in detector.needs):
                list(detector(reading))
    mlp.diagnose(history)


NUMBERS = st.sampled_from([0.0, -1.0, 1e-9, 0.1, 0.5, 0.69, 1.0, 3.0, 100.0, 1e30, np.nan, np.inf, -np.inf])


@given(st.data())
@settings(max_examples=100)
def test_no_mixture_of_numbers_upsets_the_diagnosis(data: st.DataObject) -> None:
    """Some columns, with some records each, of which some are no numbers."""
    names = data.draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=12, unique=True))
    columns = {}
    for name in names:
        n, width = data.draw(st.integers(0, 7)), len(COLUMNS[name])
        values = np.array(data.draw(st.lists(NUMBERS, min_size=n * max(width, 1), max_size=n * max(width, 1))))
        columns[name] = values.reshape(n, width) if width else values
    history = mlp.History(columns, labels={name: COLUMNS[name] for name in names})
    for found in mlp.diagnose(history):
        assert found.message
        assert mlp.diagnosis.Finding.from_json(found.to_json()) == found or "nan" in str(found)
    with np.errstate(all="ignore"):
        assert all(0 <= suspicion.weight <= 1 for suspicion in suspicions(Reading(history)))
    assert judge(Reading(history)) is not None
