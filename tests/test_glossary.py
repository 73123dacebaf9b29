"""The words for findings and causes."""

from __future__ import annotations

from histories import typed
from symptoms import FAULTS, SIGNS

import mlp
from mlp.diagnosis import CAUSES, DETECTORS, known_causes
from mlp.diagnosis.glossary import kinds

# As the contract of the project lists them.
CONTRACT_KINDS = """
non_finite_data, unscaled_inputs, constant_features, contradictory_labels, class_imbalance, unscaled_targets,
output_loss_mismatch, symmetric_units, poor_initialization, no_progress, slow_progress, stagnation, oscillation,
divergence, vanishing_gradients, exploding_gradients, dead_units, saturated_units, noisy_gradients, overfitting,
minority_class_ignored, unfinished, overconfident, frozen_parameters, wrong_gradient, saddle_point, local_minimum,
plateau,
leaked_rows, leaked_target, identifier_feature, drifted_inputs, numbers_as_classes, classes_as_numbers
"""
CONTRACT_CAUSES = """
learning_rate_too_high, learning_rate_too_low, momentum_too_high, initialization_too_small, initialization_too_large,
constant_initialization, negative_bias, no_biases, saturating_activations, dead_relu, unscaled_inputs, unscaled_targets,
non_finite_data, constant_features, uninformative_labels, noisy_labels, contradictory_labels, class_imbalance,
loss_output_mismatch, weight_decay_too_high, dropout_too_high, batch_too_small, batch_too_large, too_few_epochs,
too_little_capacity, too_little_regularization, missing_nonlinearity, clipping_too_low, unshuffled_batches,
frozen_layer, wrong_gradient, epsilon_too_large, saddle_point, local_minimum, flat_region, too_few_rows,
leaked_rows, leaked_target, identifier_feature, drifted_inputs, numbers_as_classes, classes_as_numbers
"""


def test_what_the_contract_names_is_there() -> None:
    """No name of it may vanish; a detector or a cause that is new needs no line here."""
    assert set(CONTRACT_KINDS.replace(",", " ").split()) <= set(kinds())
    assert set(CONTRACT_CAUSES.replace(",", " ").split()) <= set(CAUSES)


def test_no_name_means_two_things() -> None:
    """Kinds by detector, and causes: a later one of the same name would take the place of the first."""
    names = [name for detector in DETECTORS for name in detector.kinds]
    assert sorted(set(names)) == sorted(kinds())
    own = [cause for detector in DETECTORS for cause in detector.causes]
    assert not {cause.name for cause in own if CAUSES.get(cause.name, cause) is not cause}
    assert len({cause.name: cause for cause in own}) == len({id(cause) for cause in own})


def test_every_name_in_findings_has_words() -> None:
    for row in (*FAULTS.values(), *SIGNS.values()):
        for finding in mlp.diagnose(typed(**row.columns)):
            assert finding.kind in kinds()
            assert {cause.name for cause in finding.causes} <= set(known_causes())


def test_every_sentence_is_short_enough_for_a_line() -> None:
    words = [*kinds().values(), *(text for cause in known_causes().values() for text in (cause.meaning, cause.remedy))]
    assert max(map(len, words)) <= 100
    assert all(text.strip() == text != "" and not text.endswith(".") for text in words)
