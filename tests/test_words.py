"""The words for findings and causes."""

from __future__ import annotations

import ast
from pathlib import Path

import mlp
from mlp.diagnosis.words import CAUSES, KINDS

# As the contract of the project lists them.
CONTRACT_KINDS = """
non_finite_data, unscaled_inputs, constant_features, contradictory_labels, class_imbalance, unscaled_targets,
output_loss_mismatch, symmetric_units, poor_initialization, no_progress, slow_progress, stagnation, oscillation,
divergence, vanishing_gradients, exploding_gradients, dead_units, saturated_units, noisy_gradients, overfitting,
minority_class_ignored, unfinished, frozen_parameters, wrong_gradient, saddle_point, local_minimum, plateau
"""
CONTRACT_CAUSES = """
learning_rate_too_high, learning_rate_too_low, momentum_too_high, initialization_too_small, initialization_too_large,
constant_initialization, negative_bias, saturating_activations, dead_relu, unscaled_inputs, unscaled_targets,
non_finite_data, constant_features, uninformative_labels, noisy_labels, contradictory_labels, class_imbalance,
loss_output_mismatch, weight_decay_too_high, dropout_too_high, batch_too_small, batch_too_large, too_few_epochs,
too_little_capacity, too_little_regularization, missing_nonlinearity, clipping_too_low, unshuffled_batches,
frozen_layer, wrong_gradient, epsilon_too_large, saddle_point, local_minimum, flat_region
"""


def test_there_are_words_for_exactly_what_the_contract_names() -> None:
    assert [*KINDS] == CONTRACT_KINDS.replace(",", " ").split()
    assert [*CAUSES] == CONTRACT_CAUSES.replace(",", " ").split()


def test_every_name_in_the_detectors_has_words() -> None:
    """What a detector writes as the first argument of Cause or Finding."""
    folder = Path(mlp.__file__).parent / "diagnosis"
    calls = [
        node
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args
    ]
    named = {
        kind: {c.args[0].value for c in calls if c.func.id == kind and isinstance(c.args[0], ast.Constant)}  # type: ignore[attr-defined]
        for kind in ("Cause", "Finding")
    }
    assert named["Cause"]
    assert named["Cause"] - set(CAUSES) == set()
    assert named["Finding"] - set(KINDS) == set()


def test_every_sentence_is_short_enough_for_a_line() -> None:
    words = [*KINDS.values(), *(text for meaning in CAUSES.values() for text in meaning)]
    assert max(map(len, words)) <= 100
    assert all(text.strip() == text != "" and not text.endswith(".") for text in words)
