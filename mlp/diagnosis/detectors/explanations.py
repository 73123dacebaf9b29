"""What explains a lack of progress: rows on odd scales, a gradient that fades or grows, units that stand still.

Most of it is information by itself: it only makes training harder. It alarms where a lack of progress asks why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlp.arrays import Array
from mlp.diagnosis import thresholds as at
from mlp.diagnosis.causes import rank, rows
from mlp.diagnosis.causes.layers import SaturatingActivations
from mlp.diagnosis.causes.steps import BatchTooSmall, LearningRateTooHigh, LearningRateTooLow
from mlp.diagnosis.causes.weights import InitializationTooLarge, InitializationTooSmall
from mlp.diagnosis.detectors.detector import Detector
from mlp.diagnosis.finding import Cause, Finding
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.rows_in_words import list_names, passed, scanned


@dataclass(frozen=True)
class ContradictoryLabels(Detector):
    """Rows with the same inputs and other targets: a warning from the share `warn` on, information from `tell`."""

    kinds = {"contradictory_labels": "equal rows have different targets"}
    warn: float = at.CONTRADICTIONS[1]
    tell: float = at.CONTRADICTIONS[0]
    needs: tuple[str, ...] = ("contradictory_rows",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding."""
        share = float(r["contradictory_rows"][0])
        if share >= self.tell:
            yield Finding(
                "contradictory_labels",
                "warning" if share >= self.warn else "info",
                f"{100 * share:.1f} % of {scanned(r)} have the same inputs as another of them and a different target. "
                "No network can be right on all of them.",
                (),
                0,
                {"contradictory_rows": share, "warning_from": self.warn, "information_from": self.tell},
                (rows.ContradictoryLabels.because("equal inputs, different targets"),),
            )


@dataclass(frozen=True)
class UnscaledInputs(Detector):
    """Information where inputs are far from mean 0 and deviation 1: root mean square above `large`, or odd spreads."""

    kinds = {"unscaled_inputs": "inputs are large, tiny, far from 0 or on very different scales"}
    explains = True
    large: float = at.INPUT_SIZE
    apart: float = at.SPREADS
    needs: tuple[str, ...] = ("input_mean", "input_std")

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding."""
        mean, spread = r["input_mean"][0], r["input_std"][0]
        size = float(np.sqrt(np.mean(mean**2 + spread**2)))
        varying = spread[spread > 0]
        ratio = float(varying.max() / varying.min()) if varying.size else 1.0
        if size > self.large or ratio > self.apart:
            yield Finding(
                "unscaled_inputs",
                "info",
                f"The inputs have a root mean square of {size:.3g}, and the widest feature varies {ratio:.3g} times as "
                "much as the narrowest. Gradients then differ as much, and one learning rate cannot suit all weights.",
                (),
                0,
                {"root_mean_square": size, "large": self.large, "spread_ratio": ratio, "apart": self.apart},
                (rows.UnscaledInputs.because("features are on different scales"),),
            )


@dataclass(frozen=True)
class UnscaledTargets(Detector):
    """Information where numbers to predict have a mean or a deviation above `large`: weights begin near 1."""

    kinds = {"unscaled_targets": "numbers to predict are far larger or smaller than outputs begin"}
    explains = True
    large: float = at.TARGET_SIZE
    needs: tuple[str, ...] = ("target_mean", "target_std")

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding."""
        mean, spread = np.abs(r["target_mean"][0]).max(), r["target_std"][0].max()
        if max(mean, spread) > self.large:
            yield Finding(
                "unscaled_targets",
                "info",
                f"The targets have a mean of up to {mean:.3g} and a deviation of up to {spread:.3g}; a network begins "
                "with outputs near 1 and has far to go.",
                (),
                0,
                {"mean": float(mean), "deviation": float(spread), "large": self.large},
                (rows.UnscaledTargets.because("outputs begin near 1"),),
            )


@dataclass(frozen=True)
class VanishingAtStart(Detector):
    """Information where the first layer's gradient is below `share` of the last's, before anything has moved.

    Who loses it is read from the gains: those of the activations, or those of the weights. Glorot & Bengio (2010).
    """

    kinds = {"vanishing_gradients": "the gradient of the first layers is far weaker than that of the last"}
    explains = True
    share: float = at.VANISHED
    needs: tuple[str, ...] = ("loss",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding."""
        reaching, handed = r.at_start("grad_norm_by_layer"), r.at_start("backward_gain")
        layers, norms = list(reaching), list(reaching.values())
        if len(norms) < 3 or not norms[0] < self.share * norms[-1]:
            return
        gains = np.array(list(handed.values()))
        is_weights = np.array([name.split(".")[-1].startswith("dense") for name in handed], bool)
        weights, others = _typical(gains[is_weights]), _typical(gains[~is_weights])
        causes: tuple[Cause, ...] = (
            SaturatingActivations.because(f"each activation hands back {others:.2g} of the signal"),
            InitializationTooSmall.because(f"each weight matrix hands back {weights:.2g} of it"),
        )
        if weights > 0.8:  # about all: nothing that other weights could mend
            causes = causes[:1]
        yield Finding(
            "vanishing_gradients",
            "info",
            f"The gradient of {layers[0]} is {norms[0] / norms[-1]:.1g} times that of {layers[-1]}: on "
            f"its way down an activation hands back {others:.2g} of the signal and a weight matrix {weights:.2g} "
            "(typical values). The first layers will learn last, or never.",
            (layers[0],),
            0,
            {"first_to_last": float(norms[0] / norms[-1]), "threshold": self.share},
            causes if others <= weights else causes[::-1],
        )


def _typical(gains: np.ndarray) -> float:
    """The geometric mean; 1 where there are none."""
    positive = gains[gains > 0]
    return float(np.exp(np.log(positive).mean())) if positive.size else 1.0


@dataclass(frozen=True)
class PoorInitialization(Detector):
    """Information where the first loss is far above that of a constant answer, or weights have an odd size."""

    kinds = {"poor_initialization": "first weights are too small or too large for the signal to keep its strength"}
    explains = True
    excess: float = at.RISEN
    apart: float = at.WEIGHT_GAIN
    needs: tuple[str, ...] = ("weight_gain", "initial_loss", "reference_loss")

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding."""
        gains = r.by_layer("weight_gain")
        odd = tuple(name for name, gain in gains.items() if gain > self.apart or 0 < gain < 1 / self.apart)
        ratio = r.start / r.reference if r.reference > 0 else 1.0
        if not odd or (ratio < self.excess and max(gains.values()) > self.apart and len(odd) < 2):
            return
        worst = max(odd, key=lambda name: abs(np.log(gains[name])))
        large = gains[worst] > 1
        cause = InitializationTooLarge if large else InitializationTooSmall
        yield Finding(
            "poor_initialization",
            "info",
            f"The weights of {worst} begin at {gains[worst]:.2g} times the size that keeps a signal's strength, and "
            f"the loss on {passed(r)} begins at {ratio:.2g} times that of a constant answer.",
            odd,
            0,
            {"weight_gain": gains[worst], "apart": self.apart, "first_loss_ratio": ratio},
            (cause.because(f"weights begin at {gains[worst]:.2g} times their healthy size"),),
        )


@dataclass(frozen=True)
class ExplodingGradients(Detector):
    """Information where the first layer's gradient begins at `times` the last's, or one of them at no number.

    The healthy profile is flat (Glorot & Bengio 2010, He et al. 2015); ReLU networks from their own start stay within
    a factor of ten of it.
    """

    kinds = {"exploding_gradients": "the gradient of the first layers is far stronger than that of the last"}
    explains = True
    times: float = at.EXPLODING
    needs: tuple[str, ...] = ("loss",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding."""
        norms = r.at_start("grad_norm_by_layer")
        layers, values = list(norms), list(norms.values())
        if len(values) < 2 or not (values[0] > self.times * values[-1] > 0 or not np.isfinite(values).all()):
            return
        gains = [gain for gain in r.at_start("backward_gain").values() if gain > 0]
        grown = float(np.exp(np.mean(np.log(gains)))) if gains else 1.0
        how = f": a typical layer hands back {grown:.2g} times the error signal it gets" if gains else ""
        ratio = values[0] / values[-1] if values[-1] > 0 else float("inf")
        yield Finding(
            "exploding_gradients",
            "info",
            f"The gradient of {layers[0]} begins at {ratio:.2g} times that of {layers[-1]}{how}.",
            (layers[0],),
            0,
            {"first_to_last": ratio, "threshold": self.times},
            rank(r) or (InitializationTooLarge.because("each layer hands back more than it gets"),),
        )


@dataclass(frozen=True)
class NoisyGradients(Detector):
    """Information where a batch's gradient is `times` smaller than its own standard error from the start.

    The norm test of Byrd et al. (2012): far above 1 a step goes where its few rows happen to point. Near a minimum
    that is as it should be, so only the first quarter of the records is asked.
    """

    kinds = {"noisy_gradients": "batches disagree so much that steps cancel each other"}
    explains = True
    times: float = at.NOISE_RATIO
    needs: tuple[str, ...] = ("noise_ratio",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding."""
        ratios = r["noise_ratio"]
        early = ratios[: max(1, len(ratios) // 4)]
        noise = float(np.median(early[np.isfinite(early)])) if np.isfinite(early).any() else 0.0
        if noise > self.times:
            yield Finding(
                "noisy_gradients",
                "info",
                f"From the start the gradient of a batch is {noise:.2g} times smaller than its own error: a step goes "
                "where its few rows happen to point.",
                (),
                0,
                {"noise_ratio": noise, "threshold": self.times},
                (
                    BatchTooSmall.because("a step sees too few rows"),
                    rows.NoisyLabels.because("or the rows contradict each other"),
                ),
            )


@dataclass(frozen=True)
class SaturatedUnits(Detector):
    """Information where `share` of the pre-activations of a squashing layer lie where it is flat.

    Tested before the squashing: an output of 0.99 may be a good answer, a sum of 30 is a unit that cannot learn.
    """

    kinds = {"saturated_units": "units sit where their activation is flat"}
    explains = True
    share: float = at.SATURATED
    needs: tuple[str, ...] = ("loss",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding, for all such layers."""
        column = "saturated_share" if "saturated_share" in r else "initial_saturated_fraction"
        shares = r.by_layer(column)
        layers = tuple(name for name, share in shares.items() if share > self.share)
        if layers:
            step = int(r.steps(column)[-1])
            seen = f"on {passed(r)}, before the first step" if column.startswith("initial") else "over a whole epoch"
            yield Finding(
                "saturated_units",
                "info",
                f"{100 * max(shares.values()):.0f} % of the sums that go into {', '.join(layers)} lie where the "
                f"activation is flat ({seen}): hardly any error signal passes.",
                layers,
                step,
                {"share": max(shares.values()), "threshold": self.share},
                (
                    SaturatingActivations.because("the activation is flat there"),
                    InitializationTooLarge.because("weights that are too large push sums out"),
                ),
            )


@dataclass(frozen=True)
class DeadUnits(Detector):
    """Information where `share` of a rectifying layer's units were off for a whole epoch; critical where all are."""

    share: float = at.DEAD
    needs: tuple[str, ...] = ("silent_units",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding, for all such layers."""
        shares = r.by_layer("silent_units")
        layers = tuple(name for name, share in shares.items() if share > self.share)
        if not layers or max(r.by_layer("initial_dead_fraction").values(), default=0.0) == 1:
            return
        worst = max(shares.values())
        whole = worst == 1
        yield Finding(
            "dead_units",
            "critical" if whole else "info",
            f"{100 * worst:.0f} % of the units of {', '.join(layers)} were not on for a single row of the last epoch. "
            "A rectifier that is never on gets no gradient and stays off.",
            layers,
            int(r.steps("silent_units")[-1]),
            {"share": worst, "threshold": self.share},
            rank(r),
        )


@dataclass(frozen=True)
class ClassImbalance(Detector):
    """Information where the rarest class has less than `ratio` of the rows of the most frequent."""

    kinds = {"class_imbalance": "a class is much rarer than another"}
    ratio: float = at.RARE
    needs: tuple[str, ...] = ("class_counts",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding."""
        counts = r["class_counts"][0]
        names = r.labels("class_counts") or tuple(str(i) for i in range(len(counts)))
        rarest, most = int(np.argmin(counts)), int(np.argmax(counts))
        if counts[rarest] < self.ratio * counts[most]:
            yield Finding(
                "class_imbalance",
                "info",
                f"Of {scanned(r)}, {counts[rarest]:.0f} are of class {names[rarest]} and {counts[most]:.0f} of "
                f"{names[most]}. A network may do well by never answering the rare class: look at each class, not at "
                "accuracy alone.",
                (),
                0,
                {"fewest": float(counts[rarest]), "most": float(counts[most]), "ratio": self.ratio},
                (rows.ClassImbalance.because("one class outweighs the others"),),
            )


@dataclass(frozen=True)
class PretrainingStalled(Detector):
    """Layers that describe what they are fed no better after pretraining than before it."""

    needs: tuple[str, ...] = ("pretraining_error_by_layer",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding, for all such layers."""
        errors = r["pretraining_error_by_layer"]
        first, best = errors[0], np.fmin.reduce(errors[1:], 0)
        stalled = ~(best < at.PRETRAINING * first)
        layers = tuple(name for name, s in zip(r.labels("pretraining_error_by_layer"), stalled, strict=True) if s)
        if layers:
            worst = float(np.max(np.where(np.isfinite(best), best / first, np.inf)))
            yield Finding(
                "no_progress",
                "info",
                f"Pretraining taught {list_names(layers)} nothing: what goes in can be got back from what comes out "
                "no better than before.",
                layers,
                0,
                {"best_to_first": worst, "threshold": at.PRETRAINING},
                (_why(errors[:, stalled]),),
            )


def _why(errors: Array) -> Cause:
    """Steps too long, if the error rises at once or is no number; else too short."""
    first, second = errors[0], errors[1]
    if not np.isfinite(errors).all() or (second > 1.02 * first).any():
        remedy = "pretrain = {learning_rate = ...} with a tenth of it"
        return LearningRateTooHigh.because("the reconstruction gets worse with the first steps", remedy)
    remedy = "pretrain = {learning_rate = ...} with ten times as much, or more of its epochs"
    return LearningRateTooLow.because("the reconstruction hardly changes", remedy)


EXPLANATIONS: tuple[Detector, ...] = (
    ContradictoryLabels(), UnscaledInputs(), UnscaledTargets(), VanishingAtStart(), PoorInitialization(),
    ExplodingGradients(), NoisyGradients(), SaturatedUnits(), DeadUnits(), ClassImbalance(), PretrainingStalled(),
)  # fmt: skip
