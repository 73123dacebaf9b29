"""What the names in findings mean: every kind and every cause in a sentence, and what to do about a cause.

The one place where these words stand. A finding's own message and remedy are more precise, since they know the run;
these are for whoever looks a name up, and for a fault that no setting mends.
"""

from __future__ import annotations

from typing import NamedTuple

KINDS: dict[str, str] = {
    "non_finite_data": "cells of the data are missing or infinite",
    "unscaled_inputs": "inputs are large, tiny, far from 0 or on very different scales",
    "constant_features": "columns have the same value in every row",
    "contradictory_labels": "equal rows have different targets",
    "class_imbalance": "a class is much rarer than another",
    "unscaled_targets": "numbers to predict are far larger or smaller than outputs begin",
    "output_loss_mismatch": "the last layer cannot give what the loss asks for",
    "symmetric_units": "units of a layer are doubles of each other, and stay so",
    "poor_initialization": "first weights are too small or too large for the signal to keep its strength",
    "no_progress": "the loss is no better than that of a constant answer",
    "slow_progress": "the loss falls, too slowly for the steps that are planned",
    "stagnation": "the loss stopped above what these rows allow",
    "oscillation": "the loss goes up and down instead of falling",
    "divergence": "the loss is no number any more, or a million times what it was",
    "vanishing_gradients": "the gradient of the first layers is far weaker than that of the last",
    "exploding_gradients": "the gradient of the first layers is far stronger than that of the last",
    "dead_units": "units are off for every row",
    "saturated_units": "units sit where their activation is flat",
    "noisy_gradients": "batches disagree so much that steps cancel each other",
    "overfitting": "rows are learned by heart: training goes on to improve while validation gets worse",
    "minority_class_ignored": "a rare class is hardly ever found, and accuracy hides it",
    "unfinished": "the loss was still falling when the run ended",
    "frozen_parameters": "a layer never moves",
    "wrong_gradient": "the loss does not change as the gradient says",
    "saddle_point": "training rests where the loss falls away in some direction, too gently to get there in time",
    "local_minimum": "training rests in a minimum that is not a good one",
    "plateau": "the loss is flat all around",
}
"""By name: what is seen."""


class Meaning(NamedTuple):
    """What a cause is, and what to do about it."""

    means: str
    remedy: str


CAUSES: dict[str, Meaning] = {
    "learning_rate_too_high": Meaning("steps are longer than the curvature of the loss allows", "lower learning_rate"),
    "learning_rate_too_low": Meaning("steps are too short to arrive within the run", "raise learning_rate"),
    "momentum_too_high": Meaning("a step goes on for hundreds more", "momentum = 0.9"),
    "initialization_too_small": Meaning("first weights let the signal fade from layer to layer", 'init = "auto"'),
    "initialization_too_large": Meaning("first weights blow the signal up or saturate units", 'init = "auto"'),
    "constant_initialization": Meaning("first weights are all alike, so units learn the same", 'init = "auto"'),
    "negative_bias": Meaning("the first bias holds units off", "bias = 0.0"),
    "saturating_activations": Meaning("flat activations hand hardly any gradient back", 'activation = "relu"'),
    "dead_relu": Meaning("rectifiers are off for every row and get no gradient", 'activation = "leaky_relu"'),
    "unscaled_inputs": Meaning("inputs are not on one scale around 0", 'scale = "standard"'),
    "unscaled_targets": Meaning("numbers to predict are far from deviation 1", 'scale_target = "standard"'),
    "non_finite_data": Meaning("cells are missing or infinite", "fill them, or delete their rows"),
    "constant_features": Meaning("columns say nothing", "find out why they do not vary, and give columns that do"),
    "uninformative_labels": Meaning(
        "inputs say nothing of the targets", "check that rows and labels belong together, or find better features"
    ),
    "noisy_labels": Meaning("many targets are wrong", "correct them; early_stopping = true keeps the harm small"),
    "contradictory_labels": Meaning(
        "equal rows have different targets", "decide which is right, and delete the others"
    ),
    "class_imbalance": Meaning("one class outweighs the others in the loss", 'class_weight = "balanced"'),
    "loss_output_mismatch": Meaning("loss and last layer do not fit each other", 'output = "auto", loss name = "auto"'),
    "weight_decay_too_high": Meaning("the penalty pulls weights to 0 harder than the data away from it", "l1 = l2 = 0"),
    "dropout_too_high": Meaning("too few units are left at each step", "dropout = 0.1"),
    "batch_too_small": Meaning("each step follows the noise of a few rows", "batch_size = 32"),
    "batch_too_large": Meaning("an epoch is only a few steps", "batch_size = 32"),
    "too_few_epochs": Meaning("training ended before it had arrived", "more epochs"),
    "too_little_capacity": Meaning("the network is too small for the answer", "hidden = [64]"),
    "too_little_regularization": Meaning(
        "nothing keeps the network from learning rows by heart", "early_stopping, l2, dropout, or more rows"
    ),
    "missing_nonlinearity": Meaning("all layers together are one weighted sum", 'activation = "relu"'),
    "clipping_too_low": Meaning("gradients are cut to almost nothing", "clip_norm = 0.0"),
    "unshuffled_batches": Meaning("batches are of one class after another", "shuffle = true"),
    "frozen_layer": Meaning("a layer is left out of the training", "frozen = []"),
    "wrong_gradient": Meaning(
        "a layer or loss has a wrong derivative", "mlp.gradcheck(net, loss, X, t) names the layer; correct its backward"
    ),
    "epsilon_too_large": Meaning("epsilon is larger than the gradients it should guard", "epsilon = 1e-8"),
    "saddle_point": Meaning("the first weights lie near a saddle", 'init = "auto"'),
    "local_minimum": Meaning("the network is so narrow that its minima are poor", "hidden = [64]"),
    "flat_region": Meaning("the loss is flat around the first weights", 'activation = "relu", init = "auto"'),
}
"""By name: why it is so."""
