"""What can be measured at a step: functions that read arrays.

An instrument turns a `Step` into a number, or into one number for each layer; it never writes and never draws, so a
run is the same bit for bit with or without it. When to measure and where it goes is the recorder's business.

Numbers belong to the step that was just made: the gradient and the nodes are those before the update, the parameters
those after it. For a population every number has a leading axis (R,). `vectors` reads what is as long as the
parameters, `nodes` what stands between layers, `samples` tells samples apart, `epochs` counts over whole epochs, and
`start` and
`ending` look at how it all began.
"""

from __future__ import annotations

from operator import attrgetter

import numpy as np

from mlp.instruments.epochs import saturated_share, saturated_units, silent_units
from mlp.instruments.instrument import Instrument, Measure
from mlp.instruments.nodes import (
    activation_mean,
    activation_std,
    anywhere,
    backward_gain,
    dead_fraction,
    gains_along,
    handing_back,
    named,
    rectifying,
    saturated_fraction,
    squashing,
)
from mlp.instruments.output_layer import constant_output, out_of_reach, squashed_twice
from mlp.instruments.samples import noise_along, noise_ratio, sample_grad_norms
from mlp.instruments.start import (
    bias_mean,
    dense,
    foreign,
    gradient_error,
    guess_loss,
    hidden,
    identical_units,
    input_size,
    target_size,
    weight_gain,
    weight_std,
)
from mlp.instruments.vectors import (
    GradCosine,
    descent,
    epoch,
    grad_norm,
    grad_squares_by_layer,
    index,
    learning_rate,
    learning_rate_along,
    loss,
    param_norm,
    param_squares_by_layer,
    rare,
    squares_along,
    thinned,
    update_norm,
    update_ratio_by_layer,
    update_squares_by_layer,
)
from mlp.training import Step


def _trained(step: Step) -> tuple[str, ...]:
    return step.network.layout.block_names


ESSENTIAL = (
    Instrument("loss", loss),
    Instrument("grad_norm_by_layer", grad_squares_by_layer, labels=_trained, finish=np.sqrt),
)
"""What a run cannot be judged without; 7 % of a step on a 2-4-2 network, 5 % on 64-32-10, 1 % above."""

START = (
    Instrument("weight_std", weight_std, period=None, labels=dense, shared=True),
    Instrument("bias_mean", bias_mean, period=None, labels=dense, shared=True),
    Instrument("weight_gain", weight_gain, period=None, labels=dense, shared=True),
    Instrument("identical_units", identical_units, period=None, labels=hidden, shared=True),
    Instrument("guess_loss", guess_loss, period=None, shared=True),
    Instrument("input_size", input_size, period=None, shared=True),
)
"""How the network began: noted once."""

CHECKS = (
    Instrument("target_size", target_size, period=None, shared=True),
    Instrument("constant_output", constant_output, period=None, shared=True),
    Instrument("squashed_twice", squashed_twice, period=None, shared=True),
    Instrument("out_of_reach", out_of_reach, period=None, shared=True),
    Instrument("gradient_error", gradient_error, period=None, labels=foreign, shared=True),
)
"""Noted once too, where there is something to say: targets that are numbers, an odd end, code that is not ours."""

STANDARD = (
    *ESSENTIAL,
    Instrument("step", index, "steps", shared=True),
    Instrument("epoch", epoch, "epochs", shared=True),
    Instrument("learning_rate", learning_rate, begin=learning_rate_along),
    Instrument("grad_norm", grad_norm, norm_of="grad_norm_by_layer"),
    Instrument(
        "update_norm_by_layer", update_squares_by_layer, period=thinned, labels=_trained, finish=np.sqrt,
        begin=squares_along(attrgetter("update")),
    ),
    Instrument("update_norm", update_norm, period=thinned, norm_of="update_norm_by_layer"),
    Instrument(
        "param_norm_by_layer", param_squares_by_layer, period=thinned, labels=_trained, finish=np.sqrt,
        begin=squares_along(attrgetter("network.params")),
    ),
    Instrument("param_norm", param_norm, period=thinned, norm_of="param_norm_by_layer"),
    Instrument("descent", descent, period=thinned),
    Instrument("grad_cosine", period=thinned, watch=GradCosine),
    Instrument("backward_gain", backward_gain, period=rare, labels=named(handing_back), begin=gains_along),
    Instrument("noise_ratio", noise_ratio, period=rare, begin=noise_along),
    Instrument("silent_units", period=150, labels=named(rectifying), watch=silent_units),
    Instrument("saturated_units", period=150, labels=named(squashing), watch=saturated_units),
    Instrument("saturated_share", period=150, labels=named(squashing), watch=saturated_share),
    *START,
    *CHECKS,
)  # fmt: skip
"""What an experiment records at every step, or every few."""

DETAILED = (
    *(instrument._replace(period=1 if instrument.period else None) for instrument in STANDARD),
    Instrument("update_ratio_by_layer", update_ratio_by_layer, labels=_trained),
    Instrument("activation_mean", activation_mean, labels=named(anywhere)),
    Instrument("activation_std", activation_std, labels=named(anywhere)),
    Instrument("saturated_fraction", saturated_fraction, labels=named(squashing)),
    Instrument("dead_fraction", dead_fraction, labels=named(rectifying)),
)
"""Everything there is, at every step; for study. Those that read the nodes cost about as much as a small step."""

__all__ = [
    "CHECKS",
    "DETAILED",
    "ESSENTIAL",
    "STANDARD",
    "START",
    "Instrument",
    "Measure",
    "activation_mean",
    "activation_std",
    "backward_gain",
    "dead_fraction",
    "descent",
    "epoch",
    "grad_norm",
    "grad_squares_by_layer",
    "index",
    "learning_rate",
    "loss",
    "noise_ratio",
    "param_norm",
    "param_squares_by_layer",
    "sample_grad_norms",
    "saturated_fraction",
    "saturated_share",
    "saturated_units",
    "silent_units",
    "update_norm",
    "update_ratio_by_layer",
    "update_squares_by_layer",
]
