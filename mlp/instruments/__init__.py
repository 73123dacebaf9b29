"""What can be measured at a step: functions that read arrays.

An instrument turns a `Step` into a number, or into one number for each layer; it never writes and never draws, so a
run is the same bit for bit with or without it. When to measure and where it goes is the recorder's business.

Numbers belong to the step that was just made: the gradient and the nodes are those before the update, the parameters
those after it. For a population every number has a leading axis (R,). `vectors` reads what is as long as the
parameters, `nodes` what stands between layers, `samples` tells samples apart, and `epochs` counts over whole epochs.
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
from mlp.instruments.samples import noise_along, noise_ratio, sample_grad_norms
from mlp.instruments.vectors import (
    GradCosine,
    descent,
    epoch,
    grad_norm,
    grad_squares_by_layer,
    index,
    learning_rate,
    loss,
    param_norm,
    param_squares_by_layer,
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

STANDARD = (
    *ESSENTIAL,
    Instrument("step", index, "steps", shared=True),
    Instrument("epoch", epoch, "epochs", shared=True),
    Instrument("learning_rate", learning_rate),
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
    Instrument("grad_cosine", period=thinned, begin=GradCosine),
    Instrument("backward_gain", backward_gain, period=7, labels=named(handing_back), begin=gains_along),
    Instrument("noise_ratio", noise_ratio, period=17, begin=noise_along),
    Instrument("silent_units", period=16, labels=named(rectifying), begin=silent_units),
    Instrument("saturated_units", period=16, labels=named(squashing), begin=saturated_units),
    Instrument("saturated_share", period=16, labels=named(squashing), begin=saturated_share),
)  # fmt: skip
"""What an experiment records at every step, or every few."""

DETAILED = (
    *(instrument._replace(period=1) for instrument in STANDARD),
    Instrument("update_ratio_by_layer", update_ratio_by_layer, labels=_trained),
    Instrument("activation_mean", activation_mean, labels=named(anywhere)),
    Instrument("activation_std", activation_std, labels=named(anywhere)),
    Instrument("saturated_fraction", saturated_fraction, labels=named(squashing)),
    Instrument("dead_fraction", dead_fraction, labels=named(rectifying)),
)
"""Everything there is, at every step; for study. Those that read the nodes cost about as much as a small step."""

__all__ = [
    "DETAILED",
    "ESSENTIAL",
    "STANDARD",
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
