"""Causes in the weights: how they begin, what pulls them down, and where they rest."""

from __future__ import annotations

from collections.abc import Iterator

from mlp.diagnosis import thresholds as at
from mlp.diagnosis.causes.known_cause import Changes, Experiment, KnownCause, Suspicion
from mlp.diagnosis.evidence import Rest, latest_resting_point
from mlp.diagnosis.reading import Reading

USUAL_DECAY = 0.01
"""Weight decay of AdamW, which is times the learning rate, and so is none to speak of."""
FRESH: Changes = {"network": {"init": "auto", "bias": 0.0}}


def _odd_gains(r: Reading) -> tuple[float, float]:
    """The lowest and the highest gain of the first weights; 1 where they were chosen to keep a signal's strength."""
    gains = r.by_layer("weight_gain")
    if not gains or r.setting("automatic_init", 0.0) == 1:
        return 1.0, 1.0
    return min(gains.values()), max(gains.values())


class _Initialization(KnownCause):
    remedy = 'init = "auto"'
    change = FRESH
    settled_by = {"automatic_init": 1.0}


class InitializationTooSmall(_Initialization):
    """Weights that begin too small to keep a signal's strength."""

    name = "initialization_too_small"
    meaning = "first weights let the signal fade from layer to layer"

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        low, _ = _odd_gains(r)
        fades = r.setting("hidden_layers", 1.0) > 0  # a single layer has no signal to keep
        if fades and 0 < low < at.GAIN_TOO_SMALL:
            why = f"weights begin at {low:.2g} times the size that keeps a signal's strength"
            yield self.suspect(at.SMALL_GAIN(1 / low), why)


class InitializationTooLarge(_Initialization):
    """Weights that begin too large."""

    name = "initialization_too_large"
    meaning = "first weights blow the signal up or saturate units"

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        _, high = _odd_gains(r)
        if high > at.GAIN_TOO_LARGE:
            why = f"weights begin at {high:.2g} times the size that keeps a signal's strength"
            is_far = r.start > 5 * r.reference
            yield self.suspect(at.FIRST_LOSS_TOO_LARGE if is_far else at.LARGE_GAIN(high), why)


class ConstantInitialization(_Initialization):
    """Weights of a hidden layer that begin all alike. A last layer may: a regression from zeros is a fine one."""

    name = "constant_initialization"
    meaning = "first weights are all alike, so units learn the same"

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        doubles, spread = r.by_layer("identical_units"), list(r.by_layer("weight_std").values())[:-1]
        if max(doubles.values(), default=0.0) == 1:
            yield self.suspect(at.DOUBLES, "the units of a layer begin all alike")
        elif min(spread, default=1.0) == 0:
            yield self.suspect(at.NO_SPREAD, "the weights of a layer begin all alike")


class NegativeBias(KnownCause):
    """A bias that holds units off."""

    name = "negative_bias"
    meaning = "the first bias holds units off"
    remedy = "bias = 0.0"
    change = {"network": {"bias": 0.0}}
    settled_by = {"bias": 0.0}

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        value = r.setting("bias", min(r.by_layer("bias_mean").values(), default=0.0))
        if value <= at.NEGATIVE_BIAS:
            yield self.suspect(at.BIAS_WEIGHT(-value), f"a bias of {value:g} holds the sums below 0")


class NoBiases(KnownCause):
    """Weighted sums that all are 0 where the inputs are, so that nothing moves what the network answers there."""

    name = "no_biases"
    meaning = "without bias weights every unit's threshold lies at 0"
    remedy = "bias = 0.0"
    change = {"network": {"bias": 0.0}}

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        if r.setting("without_bias", 0.0) == 1:
            yield self.suspect(at.WITHOUT_BIAS, "there are no bias weights: all sums are 0 where the inputs are")


class WeightDecayTooHigh(KnownCause):
    """A penalty that takes the weights away, or a ball too small for the weights into a unit.

    First weights that keep the signal's size have norms of 1 to √2.
    """

    name = "weight_decay_too_high"
    meaning = "the penalty pulls weights to 0 harder than the data away from it"
    remedy = "l1 = 0.0, l2 = 0.0"

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        penalty, decay = max(r.setting("l2"), r.setting("l1")), r.setting("weight_decay")
        given = max(penalty, decay if decay > USUAL_DECAY else 0.0)
        if given > at.PENALTY:
            why = f"a penalty of {given:g} pulls the weights to 0 harder than the data pulls them away"
            yield self.suspect(
                at.PENALTY_WEIGHT(given), why, "" if penalty == given else f"weight_decay = {USUAL_DECAY}"
            )
        elif given != given and "param_norm" in r and len(r["param_norm"]) > 1:
            left = float(r["param_norm"][-1] / r["param_norm"][0])
            if left < at.SHRUNK:
                yield self.suspect(at.SHRUNK_WEIGHT, f"the weights shrank to {left:.1g} of what they were")
        radius = r.setting("max_norm", 0.0)
        if 0 < radius <= at.SMALL_BALL:
            why = f"max_norm = {radius:g} holds the weights into each hidden unit shorter than the signal needs them"
            yield self.suspect(at.BALL_WEIGHT(1 / radius), why, "max_norm = 0.0")

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        """No penalty on the loss, no ball; AdamW's own decay, which is times the rate, no more than its default."""
        decay = experiment.rule.get("weight_decay")
        own = {} if decay is None else {"weight_decay": min(float(decay), USUAL_DECAY)}
        yield {"loss": {"l1": 0.0, "l2": 0.0}, "network": {"max_norm": 0.0}, "optimizer": own}


class SaddlePoint(_Initialization):
    """Training that rests where the loss falls away in some direction."""

    name = "saddle_point"
    meaning = "the first weights lie near a saddle"
    repeatable = True

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        found = latest_resting_point(r)
        if found is not None and found.kind == "saddle":
            yield self.seen(r, found)

    @classmethod
    def seen(cls, r: Reading, found: Rest) -> Suspicion:
        """What a probe saw. First weights that are fine need noise, or longer steps: the way out takes 1/rate steps."""
        why = f"the loss falls away along a direction of curvature {found.least:.1e}"
        remedy = "" if r.setting("automatic_init", 0.0) != 1 else "batch_size = 32, or three times the learning rate"
        return cls.suspect(at.AT_SADDLE, why, remedy)

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        """First weights that are not alike; then noise, and steps three times as long."""
        yield FRESH
        if experiment.sections["training"]["batch_size"] == "full":
            yield {"training": {"batch_size": 32}}
        if experiment.rate > 0:
            yield {"optimizer": {"learning_rate": float(f"{3 * experiment.rate:.3g}")}}


WEIGHTS: tuple[KnownCause, ...] = (
    InitializationTooSmall(), InitializationTooLarge(), ConstantInitialization(), NegativeBias(), NoBiases(),
    WeightDecayTooHigh(),
    SaddlePoint(),
)  # fmt: skip
