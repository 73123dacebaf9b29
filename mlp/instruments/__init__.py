"""What can be measured at a step: functions that read arrays.

An instrument turns a `Step` into a number, or into one number for each layer; it never writes and never draws, so a run
is the same bit for bit with or without it. The recorder decides when to measure and where the numbers go.

Numbers belong to the step that was just made: the gradient and the nodes are those before the update, the parameters
those after it. For a population every number has a leading axis (R,). `vectors` reads what is as long as the
parameters, `nodes` what stands between layers, `samples` tells samples apart, `epochs` counts over whole epochs,
`start` and `output_layer` look at how it all began, `targets_met` at the targets of the first epoch, and `order_met` at
their order. To add an instrument, write its function and name it in one line below; `tests/test_instruments.py` then
asks for a slow twin of it.
"""

from __future__ import annotations

from operator import attrgetter

import numpy as np

from mlp.instruments import epochs, nodes, order_met, output_layer, samples, start, targets_met, vectors
from mlp.instruments.instrument import Instrument as Instrument
from mlp.instruments.instrument import Measure as Measure
from mlp.instruments.samples import sample_grad_norms as sample_grad_norms
from mlp.training import Step


def _trained_layers(step: Step) -> tuple[str, ...]:
    return step.network.layout.block_names


ESSENTIAL = (
    Instrument("loss", vectors.loss, quiet=True),
    Instrument(
        "grad_norm_by_layer",
        vectors.grad_squares_by_layer,
        labels=_trained_layers,
        finish=np.sqrt,
        quiet=True,
        begin=vectors.squares_along(attrgetter("workspace.grad")),
        gather=vectors.gather_grads,
    ),
)
"""What a run cannot be judged without; 7 % of a step on a 2-4-2 network, 5 % on 64-32-10, 1 % above."""

START = (
    Instrument("weight_std", start.weight_std, period=None, labels=start.dense, shared=True),
    Instrument("bias_mean", start.bias_mean, period=None, labels=start.dense, shared=True),
    Instrument("weight_gain", start.weight_gain, period=None, labels=start.dense, shared=True),
    Instrument("identical_units", start.identical_units, period=None, labels=start.hidden, shared=True),
    Instrument("guess_loss", start.guess_loss, period=None, shared=True),
    Instrument("input_size", start.input_size, period=None, shared=True),
)
"""How the network began: noted once."""

CHECKS = (
    Instrument("target_size", start.target_size, period=None, shared=True),
    Instrument("constant_output", output_layer.constant_output, period=None, shared=True),
    Instrument("squashed_twice", output_layer.squashed_twice, period=None, shared=True),
    Instrument("out_of_reach", output_layer.out_of_reach, period=None, shared=True),
    Instrument("gradient_error", start.gradient_error, period=None, labels=start.foreign, shared=True),
)
"""Noted once too, where there is something to say: targets that are numbers, an odd end, code that is not ours."""

EXPERIMENT = (
    *ESSENTIAL,
    Instrument("step", vectors.index, "steps", shared=True, kept="step", quiet=True),
    Instrument("epoch", vectors.epoch, "epochs", shared=True, kept="changes", quiet=True),
    Instrument("learning_rate", vectors.learning_rate, begin=vectors.learning_rate_along, kept="changes", quiet=True),
    Instrument("grad_norm", vectors.grad_norm, norm_of="grad_norm_by_layer"),
    Instrument(
        "update_norm_by_layer", vectors.update_squares_by_layer, period=vectors.thinned, labels=_trained_layers,
        finish=np.sqrt, begin=vectors.squares_along(attrgetter("update")),
    ),
    Instrument("update_norm", vectors.update_norm, period=vectors.thinned, norm_of="update_norm_by_layer"),
    Instrument(
        "param_norm_by_layer", vectors.param_squares_by_layer, period=vectors.thinned, labels=_trained_layers,
        finish=np.sqrt, begin=vectors.squares_along(attrgetter("network.params")),
    ),
    Instrument("param_norm", vectors.param_norm, period=vectors.thinned, norm_of="param_norm_by_layer"),
    Instrument("descent", vectors.descent, period=vectors.thinned),
    Instrument("grad_cosine", period=vectors.thinned, watch=vectors.GradCosine),
    Instrument(
        "backward_gain", nodes.backward_gain, period=vectors.rare, labels=nodes.name_places(nodes.has_input_gradient),
        begin=nodes.gains_along,
    ),
    Instrument("noise_ratio", samples.noise_ratio, period=vectors.rare, begin=samples.noise_along),
    Instrument(
        "silent_units", period=vectors.counted, labels=nodes.name_places(nodes.rectifying),
        watch=epochs.silent_units,
    ),
    Instrument(
        "saturated_units", period=vectors.counted, labels=nodes.name_places(nodes.squashing),
        watch=epochs.saturated_units,
    ),
    Instrument(
        "saturated_share", period=vectors.counted, labels=nodes.name_places(nodes.squashing),
        watch=epochs.saturated_share,
    ),
    *START,
    *CHECKS,
)  # fmt: skip
"""What an experiment records at every step, or every few. What its rows and settings are it knows already."""

_OF_ROWS = {module.__name__ for module in (epochs, nodes, output_layer, samples, start)}
ON_A_CLUSTER = tuple(i for i in EXPERIMENT if getattr(i.measure or i.watch, "__module__", "") not in _OF_ROWS)
"""What there is to measure where the rows are elsewhere: all that is as long as the parameters."""

BY_HAND = (
    Instrument("constant_loss", watch=targets_met.constant_loss, shared=True),
    Instrument("out_of_reach", watch=targets_met.targets_out_of_reach, shared=True),
    Instrument("classes_as_numbers", watch=targets_met.classes_as_numbers, shared=True),
    Instrument("rarest_class", watch=targets_met.rarest_class, shared=True),
    Instrument("ordered_batches", watch=order_met.ordered_batches, shared=True),
    Instrument("remembered_loss", watch=order_met.remembered_loss, shared=True),
    Instrument("distinct_targets", watch=targets_met.distinct_targets, shared=True),
    Instrument("neighbour_gap", watch=targets_met.target_gap, shared=True),
    Instrument("settings", start.setting_values, period=None, labels=start.setting_names, shared=True),
)
"""What a loop that is driven by hand does not say: read from the targets of its first epoch, and from its layers."""

STANDARD = (*(i for i in EXPERIMENT if i.name not in {own.name for own in BY_HAND}), *BY_HAND)
"""What a recorder records where nothing else is asked for."""

DETAILED = (
    *(instrument._replace(period=1 if instrument.period else None) for instrument in STANDARD),
    Instrument("update_ratio_by_layer", vectors.update_ratio_by_layer, labels=_trained_layers),
    Instrument("activation_mean", nodes.activation_mean, labels=nodes.name_places(nodes.every_layer)),
    Instrument("activation_std", nodes.activation_std, labels=nodes.name_places(nodes.every_layer)),
    Instrument("saturated_fraction", nodes.saturated_fraction, labels=nodes.name_places(nodes.squashing)),
    Instrument("dead_fraction", nodes.dead_fraction, labels=nodes.name_places(nodes.rectifying)),
)
"""Everything there is, at every step; for study. Those that read the nodes cost about as much as a small step."""
