"""Causes in the layers: a gradient that is wrong or lost, an output that cannot answer, too few units, much noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mlp.diagnosis import thresholds as at
from mlp.diagnosis.causes.known_cause import Changes, Experiment, KnownCause, Suspicion
from mlp.diagnosis.evidence import (
    Rest,
    count_inputs,
    frozen_layers,
    gradient_share_at_first_layer,
    has_no_score,
    is_at_rest,
    is_contrary,
    is_without_gradient,
    latest_resting_point,
    uphill,
    wrong_layers,
)
from mlp.diagnosis.reading import Reading

RECTIFIED: Changes = {"network": {"activation": "relu", "init": "auto", "bias": 0.0}}


class SaturatingActivations(KnownCause):
    """A first layer that hardly any gradient reaches, or sums that begin where the activation is flat."""

    name = "saturating_activations"
    meaning = "flat activations hand hardly any gradient back"
    remedy = 'activation = "relu", init = "auto"'
    change = RECTIFIED

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        reaching = gradient_share_at_first_layer(r)
        if reaching < at.VANISHED:
            why = f"the first layer's gradient begins at {reaching:.1g} of the last's"
            yield self.suspect(at.VANISHING(1 / max(reaching, 1e-300)), why)
        flat = max(r.by_layer("initial_saturated_fraction").values(), default=0.0)
        if flat > at.FLAT_AT_START:
            why = f"{100 * flat:.0f} % of the sums begin where the activation is flat"
            yield self.suspect(at.FLAT_WEIGHT(flat), why)


class DeadReLU(KnownCause):
    """Rectifiers that are off for every row, from the start or since a step that was too long."""

    name = "dead_relu"
    meaning = "rectifiers are off for every row and get no gradient"
    remedy = 'activation = "leaky_relu"'

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        began = max(r.by_layer("initial_dead_fraction").values(), default=0.0)
        silent = max(r.by_layer("silent_units").values(), default=0.0)
        if began > at.DEAD_AT_START:
            yield self.suspect(at.DEAD_WEIGHT(began), f"{100 * began:.0f} % of a layer's units are off for every row")
        elif silent > at.DEAD:
            yield self.suspect(
                at.SILENT_WEIGHT(silent), f"{100 * silent:.0f} % of a layer's units went dead on the way"
            )

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        """Units that have a slope everywhere, a start that keeps them on, no step long enough to throw them off."""
        network = {"activation": "leaky_relu", "init": "auto", "bias": 0.0}
        yield {"network": network, "optimizer": experiment.capped_learning_rate}


class LossOutputMismatch(KnownCause):
    """An output that is always the same, cannot reach the targets, squashes twice, or takes classes for numbers."""

    name = "loss_output_mismatch"
    meaning = "loss and last layer do not fit each other"
    remedy = 'output = "auto", loss name = "auto"'

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        far = r.one("out_of_reach", default=0.0)
        if r.one("constant_output", default=0.0) > 0:
            yield self.suspect(at.CONSTANT_OUTPUT, "a softmax of one output is always 1")
        elif far > at.OUT_OF_REACH:
            why = f"{100 * far:.0f} % of the targets lie outside what the last layer can give"
            yield self.suspect(at.UNREACHABLE, why)
        elif r.one("squashed_twice", default=0.0) > 0:
            yield self.suspect(at.SQUASHED_TWICE, "outputs are squashed twice, by a layer and by the loss")
        elif is_without_gradient(r):
            why = "no gradient reaches any layer: the output does not depend on the weights"
            yield self.suspect(at.NO_GRADIENT, why)
        elif r.one("classes_as_numbers", default=0.0) > 0:
            yield self.suspect(at.CLASSES_AS_NUMBERS, "classes are learned as numbers, which saturates")

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        """Output and loss by the task; keys of the loss that was there are taken away with it."""
        own = [key for key in experiment.sections["loss"] if key not in ("name", "l1", "l2")]
        yield {"network": {"output": "auto"}, "loss": {"name": "auto", **dict.fromkeys(own)}}


class DropoutTooHigh(KnownCause):
    """Noise that drowns the signal, or the inputs: most of them left out, or more of it than of them."""

    name = "dropout_too_high"
    meaning = "noise leaves too little of the units or the inputs at each step"
    remedy = "dropout = 0.1"
    repeatable = True

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        rate = r.setting("dropout", 0.0)
        if rate >= at.DROPOUT:
            why = f"dropout keeps only {100 * (1 - rate):.0f} % of the units at each step"
            yield self.suspect(at.DROPOUT_WEIGHT(min(1.0, (rate - at.DROPOUT) / at.DROWNED)), why)
        rate = r.setting("input_dropout", 0.0)
        if rate >= at.INPUT_DROPOUT:
            why = f"input dropout keeps only {100 * (1 - rate):.0f} % of the inputs at each step"
            weight = at.INPUT_DROPOUT_WEIGHT(min(1.0, (rate - at.INPUT_DROPOUT) / at.DROWNED))
            yield self.suspect(weight, why, "input_dropout = 0.1")
        noise = r.setting("input_noise", 0.0)
        if noise >= at.INPUT_NOISE.low:
            why = f"the noise on the inputs has a deviation of {noise:g}, and they have about 1"
            yield self.suspect(at.INPUT_NOISE(noise), why, "input_noise = 0.1")

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        """Noise of 0.1 at most, wherever it is; then none."""
        given = experiment.sections["network"]
        for most in (0.1, 0.0):
            keys = ("dropout", "input_dropout", "input_noise")
            yield {"network": {key: most for key in keys if max(np.ravel(given[key]), default=0.0) > most}}


class TooLittleCapacity(KnownCause):
    """No hidden layer, or one through which hardly anything passes."""

    name = "too_little_capacity"
    meaning = "the network is too small for the answer"
    remedy = "hidden = [64]"

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        narrowest = r.setting("narrowest", 64.0)
        if r.setting("hidden_layers", 1.0) == 0:
            yield self.suspect(at.NO_HIDDEN_LAYER, "there is no hidden layer")
        elif narrowest <= min(at.NARROW, count_inputs(r) or at.NARROW):  # four units are many for two inputs
            why = f"everything has to pass a layer of {narrowest:.0f}"
            weight = at.NARROW_WEIGHT(narrowest - 1)
            if narrowest > 1 and has_no_score(r) and r.skill < at.SHORT:  # two units do better than a constant answer
                weight *= at.NARROW_AND_NOTHING
            yield self.suspect(weight, why)

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        """One layer of 64, as the baseline has: enough for every table of a few dozen columns that we know."""
        network = experiment.sections["network"]
        one: dict[str, Any] = {}
        if isinstance(network["activation"], list):  # one that bends: a wide layer of sums is a sum
            one["activation"] = next((name for name in network["activation"] if name != "identity"), "relu")
        if isinstance(network["dropout"], list):
            one["dropout"] = network["dropout"][0] if network["dropout"] else 0.0
        if isinstance(network["init"], list):
            one["init"] = "auto"
        yield {"network": {"hidden": [64], **one, **({"frozen": []} if network["frozen"] else {})}}


class LocalMinimum(TooLittleCapacity):
    """A network that rests in a poor minimum."""

    name = "local_minimum"
    meaning = "the network is so narrow that its minima are poor"
    remedy = "restarts = 8"
    repeatable = True

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        found = latest_resting_point(r)
        if found is not None and found.kind == "local_minimum":
            yield self.seen(r, found)

    @classmethod
    def seen(cls, r: Reading, found: Rest) -> Suspicion:
        """What a probe saw."""
        why = f"all ways lead up from a loss of {found.loss:.3g}, where {found.floor:.3g} is possible"
        return cls.suspect(at.IN_MINIMUM, why)

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        """Other starts of the same network; then a wider one."""
        if experiment.sections["training"]["restarts"] < 8:
            yield {"training": {"restarts": 8}}
        yield from super().changes(experiment)


class MissingNonlinearity(KnownCause):
    """Hidden layers that are one weighted sum together."""

    name = "missing_nonlinearity"
    meaning = "all layers together are one weighted sum"
    remedy = 'activation = "relu"'
    change = RECTIFIED
    settled_by = {"linear": 0.0}

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        if r.setting("linear", 0.0) == 1:
            yield self.suspect(at.LINEAR, "all hidden layers are weighted sums, so together they are one")


class FrozenLayer(KnownCause):
    """Layers that do not move, or were told not to."""

    name = "frozen_layer"
    meaning = "a layer is left out of the training"
    remedy = "frozen = []"
    change = {"network": {"frozen": []}}

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        if (still := frozen_layers(r)) and not is_at_rest(r):
            yield self.suspect(at.FROZEN_SEEN, f"no step moves {', '.join(still)}")
        elif r.setting("frozen", 0.0) > 0:
            yield self.suspect(at.FROZEN_SET, "layers were told to stay as they are")


class WrongGradient(KnownCause):
    """Backward that disagrees with differences, steps uphill, a loss that does the opposite of what was promised."""

    name = "wrong_gradient"
    meaning = "a layer or loss has a wrong derivative"
    remedy = "mlp.gradcheck(net, loss, X, t), and correct the backward of the layer that it names"

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        if wrong_layers(r) or uphill(r) > at.UPHILL or is_contrary(r):
            yield self.suspect(1.0, "the loss does not change as the gradient says")


class FlatRegion(KnownCause):
    """A loss that is flat around the weights."""

    name = "flat_region"
    meaning = "the loss is flat around the first weights"
    remedy = 'activation = "relu", init = "auto"'
    change = RECTIFIED

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        found = latest_resting_point(r)
        if found is not None and found.kind == "plateau":
            yield self.seen(r, found)

    @classmethod
    def seen(cls, r: Reading, found: Rest) -> Suspicion:
        """What a probe saw."""
        return cls.suspect(at.ON_PLATEAU, f"changes of {', '.join(found.layers)} no longer reach the outputs")


SIGNAL: tuple[KnownCause, ...] = (
    WrongGradient(), FrozenLayer(), LossOutputMismatch(), SaturatingActivations(), DeadReLU(), FlatRegion(),
)  # fmt: skip
CAPACITY: tuple[KnownCause, ...] = (MissingNonlinearity(), TooLittleCapacity(), LocalMinimum(), DropoutTooHigh())
