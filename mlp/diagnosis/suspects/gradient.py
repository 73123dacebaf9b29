"""A gradient that is none, parameters that do not move, an end that cannot answer."""

from __future__ import annotations

from collections.abc import Iterator

from mlp.diagnosis.evidence import frozen_layers, is_contrary, is_without_gradient, uphill, wrong_layers
from mlp.diagnosis.finding import Cause
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.suspicion import Suspicion, between, suspect

AUTOMATIC = 'output = "auto" and loss name = "auto"'
WRONG_GRADIENT = Cause(
    "wrong_gradient", "the loss does not change as the gradient says", "mlp.gradcheck(net, loss, X, t)"
)


def wrong(r: Reading) -> Iterator[Suspicion]:
    """Backward that disagrees with differences, steps uphill, a loss that does the opposite of what was promised."""
    if wrong_layers(r) or uphill(r) > 0.9 or is_contrary(r):
        yield Suspicion(1.0, WRONG_GRADIENT)


def frozen(r: Reading) -> Iterator[Suspicion]:
    """Layers that do not move, or were told not to."""
    if still := frozen_layers(r):
        yield suspect(0.98, "frozen_layer", f"no step moves {', '.join(still)}", "frozen = []")
    elif r.setting("frozen", 0.0) > 0:
        yield suspect(0.95, "frozen_layer", "layers were told to stay as they are", "frozen = []")


def mismatch(r: Reading) -> Iterator[Suspicion]:
    """An end that is always the same, cannot reach the targets, squashes twice, or takes classes for numbers."""
    unreachable = r.one("out_of_reach", default=0.0)
    signs = (
        (r.one("constant_output", default=0.0) > 0, 1.0, "a softmax of one output is always 1"),
        (
            unreachable > 0.05,
            0.97,
            f"{100 * unreachable:.0f} % of the targets lie outside what the last layer can give",
        ),
        (r.one("squashed_twice", default=0.0) > 0, 0.94, "outputs are squashed twice, by a layer and by the loss"),
        (is_without_gradient(r), 0.9, "no gradient reaches any layer: the output does not depend on the weights"),
        (r.one("classes_as_numbers", default=0.0) > 0, 0.5, "classes are learned as numbers, which saturates"),
    )
    for seen, weight, why in signs:
        if seen:
            yield suspect(weight, "loss_output_mismatch", why, AUTOMATIC)
            return


def vanishing(r: Reading) -> Iterator[Suspicion]:
    """A first layer that hardly any gradient reaches, or sums that begin where the activation is flat."""
    norms = list(r.at_start("grad_norm_by_layer").values())
    if len(norms) > 2 and norms[-1] > 0 and norms[0] < 1e-2 * norms[-1]:
        why = f"the first layer's gradient begins at {norms[0] / norms[-1]:.1g} of the last's"
        weight = 0.5 + 0.3 * between(norms[-1] / max(norms[0], 1e-300), 1e2, 1e4)
        yield suspect(weight, "saturating_activations", why, 'activation = "relu", or batch_norm = true')
    flat = max(r.by_layer("initial_saturated_fraction").values(), default=0.0)
    if flat > 0.3:
        why = f"{100 * flat:.0f} % of the sums begin where the activation is flat"
        yield suspect(0.3 + 0.3 * flat, "saturating_activations", why, 'init = "auto", activation = "relu"')


def dead(r: Reading) -> Iterator[Suspicion]:
    """Rectifiers that are off for every row, from the start or since a step that was too long."""
    began = max(r.by_layer("initial_dead_fraction").values(), default=0.0)
    if began > 0.3:
        why = f"{100 * began:.0f} % of a layer's units are off for every row"
        yield suspect(0.3 + 0.4 * began, "dead_relu", why, 'activation = "leaky_relu"')
        return
    silent = max(r.by_layer("silent_units").values(), default=0.0)
    if silent > 0.5:
        why = f"{100 * silent:.0f} % of a layer's units went dead on the way"
        yield suspect(0.4 + 0.2 * silent, "learning_rate_too_high", why, "a tenth of the learning rate")
        yield suspect(0.35 + 0.2 * silent, "dead_relu", why, 'activation = "leaky_relu"')


GRADIENT = (wrong, frozen, mismatch, vanishing, dead)
