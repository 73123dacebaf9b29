"""What explains a lack of progress: rows on odd scales, a gradient that fades or grows, units that stand still.

Most of it is information by itself: it only makes training harder. It alarms where a lack of progress asks why.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlp.arrays import Array
from mlp.diagnosis import thresholds as at
from mlp.diagnosis.causes import rank, rows
from mlp.diagnosis.causes.layers import SaturatingActivations
from mlp.diagnosis.causes.steps import BatchTooSmall, LearningRateTooHigh, LearningRateTooLow
from mlp.diagnosis.causes.weights import InitializationTooLarge, InitializationTooSmall
from mlp.diagnosis.detectors.progress import Progress
from mlp.diagnosis.evidence import gradient_share_at_first_layer, has_coarse_rows, lost_to_twins
from mlp.diagnosis.finding import Cause, Detector, Finding, Severity
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.rows_in_words import list_names, passed, scanned


class ContradictoryLabels(Detector):
    """Rows with the same inputs and other targets: information, and a warning where too much is lost by them.

    What counts is how much they forbid any network to explain. Where few columns have few values, rows are equal by
    chance: that is the nature of the table, and information.
    """

    kinds = {"contradictory_labels": "equal rows have different targets"}
    needs = ("contradictory_rows",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        tell, warn = at.CONTRADICTIONS
        share, lost = float(r["contradictory_rows"][0]), lost_to_twins(r)
        if share >= tell and lost >= tell:
            message = (
                f"{100 * share:.1f} % of {scanned(r)} have the same inputs as another of them and a different target. "
                f"No network can explain {100 * lost:.0f} % of what a constant answer leaves open."
            )
            coarse = "few columns have few values, so that many rows are equal by chance"
            why = rows.ContradictoryLabels.by_chance(coarse) if has_coarse_rows(r) else None
            seen = {"contradictory_rows": share, "lost": lost, "warning_from": warn, "information_from": tell}
            seen |= {"expected_twins": r.one("expected_twins", default=0.0)}
            alarms = share >= warn and lost >= at.LOST and why is None
            why = why or rows.ContradictoryLabels.because("equal inputs, different targets")
            yield self.finding("warning" if alarms else "info", message, seen, why)


class UnscaledInputs(Detector):
    """Information where inputs are far from mean 0 and deviation 1: a large root mean square, or odd spreads."""

    kinds = {"unscaled_inputs": "inputs are large, tiny, far from 0 or on very different scales"}
    needs = ("input_mean", "input_std")
    explains = True

    def __call__(self, r: Reading) -> Iterator[Finding]:
        mean, spread = r["input_mean"][0], r["input_std"][0]
        size = float(np.sqrt(np.mean(mean**2 + spread**2)))
        varying = spread[spread > 0]
        ratio = float(varying.max() / varying.min()) if varying.size else 1.0
        if size > at.INPUT_SIZE or ratio > at.SPREADS:
            message = (
                f"The inputs have a root mean square of {size:.3g}, and the widest feature varies {ratio:.3g} times as "
                "much as the narrowest. Gradients then differ as much, and one learning rate cannot suit all weights."
            )
            why = rows.UnscaledInputs.because("features are on different scales")
            seen = {"root_mean_square": size, "large": at.INPUT_SIZE, "spread_ratio": ratio, "apart": at.SPREADS}
            yield self.finding("info", message, seen, why)


class UnscaledTargets(Detector):
    """Information where numbers to predict have a large mean or deviation: weights begin near 1."""

    kinds = {"unscaled_targets": "numbers to predict are far larger or smaller than outputs begin"}
    needs = ("target_mean", "target_std")
    explains = True

    def __call__(self, r: Reading) -> Iterator[Finding]:
        mean, spread = float(np.abs(r["target_mean"][0]).max()), float(r["target_std"][0].max())
        if max(mean, spread) > at.TARGET_SIZE:
            message = (
                f"The targets have a mean of up to {mean:.3g} and a deviation of up to {spread:.3g}; a network begins "
                "with outputs near 1 and has far to go."
            )
            why = rows.UnscaledTargets.because("outputs begin near 1")
            yield self.finding("info", message, {"mean": mean, "deviation": spread, "large": at.TARGET_SIZE}, why)


class VanishingAtStart(Detector):
    """Information where the first layer's gradient is a small share of the last's, before anything has moved.

    Who loses it is read from the gains: those of the activations, or those of the weights. Glorot & Bengio (2010).
    """

    kinds = {"vanishing_gradients": "the gradient of the first layers is far weaker than that of the last"}
    needs = ("loss",)
    explains = True

    def __call__(self, r: Reading) -> Iterator[Finding]:
        norms, handed = r.at_start("grad_norm_by_layer"), r.at_start("backward_gain")
        layers = list(norms)
        reaching = gradient_share_at_first_layer(r)
        if not reaching < at.VANISHED:
            return
        gains = np.array(list(handed.values()))
        dense = r.labels("weight_gain") if "weight_gain" in r else ()
        is_weights = np.array([name in dense or name.split(".")[-1].startswith("dense") for name in handed], bool)
        weights, others = _typical(gains[is_weights]), _typical(gains[~is_weights])
        causes = [SaturatingActivations.because(f"each activation hands back {others:.2g} of the signal")]
        if not weights > 0.8:  # else about all: nothing that other weights could mend
            why = f"each weight matrix hands back {weights:.2g} of it"
            causes.insert(1 if others <= weights else 0, InitializationTooSmall.because(why))
        message = (
            f"The gradient of {layers[0]} is {reaching:.1g} times that of {layers[-1]}: on "
            f"its way down an activation hands back {others:.2g} of the signal and a weight matrix {weights:.2g} "
            "(typical values). The first layers will learn last, or never."
        )
        seen = {"first_to_last": reaching, "threshold": at.VANISHED}
        yield self.finding("info", message, seen, *causes, layers=(layers[0],))


def _typical(gains: Array) -> float:
    """The geometric mean; 1 where there are none."""
    positive = gains[gains > 0]
    return float(np.exp(np.log(positive).mean())) if positive.size else 1.0


class PoorInitialization(Detector):
    """Information where the first loss is far above that of a constant answer, or weights have an odd size."""

    kinds = {"poor_initialization": "first weights are too small or too large for the signal to keep its strength"}
    needs = ("weight_gain", "initial_loss", "reference_loss")
    explains = True

    def __call__(self, r: Reading) -> Iterator[Finding]:
        gains, most = r.by_layer("weight_gain"), at.WEIGHT_GAIN
        odd = tuple(name for name, gain in gains.items() if gain > most or 0 < gain < 1 / most)
        ratio = r.start / r.reference if r.reference > 0 else 1.0
        if not odd or (ratio < at.RISEN and max(gains.values()) > most and len(odd) < 2):
            return
        worst = max(odd, key=lambda name: abs(np.log(gains[name])))
        gain = gains[worst]
        cause = InitializationTooLarge if gain > 1 else InitializationTooSmall
        message = (
            f"The weights of {worst} begin at {gain:.2g} times the size that keeps a signal's strength, and "
            f"the loss on {passed(r)} begins at {ratio:.2g} times that of a constant answer."
        )
        why = cause.because(f"weights begin at {gain:.2g} times their healthy size")
        yield self.finding(
            "info", message, {"weight_gain": gain, "apart": most, "first_loss_ratio": ratio}, why, layers=odd
        )


class ExplodingGradients(Detector):
    """Information where the first layer's gradient begins far above the last's, or one of them at no number.

    The healthy profile is flat (Glorot & Bengio 2010, He et al. 2015); ReLU networks from their own start stay within
    a factor of ten of it.
    """

    kinds = {"exploding_gradients": "the gradient of the first layers is far stronger than that of the last"}
    needs = ("loss",)
    explains = True

    def __call__(self, r: Reading) -> Iterator[Finding]:
        norms = r.at_start("grad_norm_by_layer")
        layers, values = list(norms), list(norms.values())
        if len(values) < 2 or not (values[0] > at.EXPLODING * values[-1] > 0 or not np.isfinite(values).all()):
            return
        gains = [gain for gain in r.at_start("backward_gain").values() if gain > 0]
        grown = float(np.exp(np.mean(np.log(gains)))) if gains else 1.0
        how = f": a typical layer hands back {grown:.2g} times the error signal it gets" if gains else ""
        ratio = values[0] / values[-1] if values[-1] > 0 else float("inf")
        message = f"The gradient of {layers[0]} begins at {ratio:.2g} times that of {layers[-1]}{how}."
        causes = rank(r) or (InitializationTooLarge.because("each layer hands back more than it gets"),)
        seen = {"first_to_last": ratio, "threshold": at.EXPLODING}
        yield self.finding("info", message, seen, *causes, layers=(layers[0],))


class NoisyGradients(Detector):
    """Information where a batch's gradient is far smaller than its own standard error from the start.

    The norm test of Byrd et al. (2012): far above 1 a step goes where its few rows happen to point. Near a minimum
    that is as it should be, so only the first quarter of the records is asked.
    """

    kinds = {"noisy_gradients": "batches disagree so much that steps cancel each other"}
    needs = ("noise_ratio",)
    explains = True

    def __call__(self, r: Reading) -> Iterator[Finding]:
        ratios = r["noise_ratio"]
        early = ratios[: max(1, len(ratios) // 4)]
        noise = float(np.median(early[np.isfinite(early)])) if np.isfinite(early).any() else 0.0
        if noise > at.NOISE_RATIO:
            message = (
                f"From the start the gradient of a batch is {noise:.2g} times smaller than its own error: a step goes "
                "where its few rows happen to point."
            )
            few = BatchTooSmall.because("a step sees too few rows")
            wrong = rows.NoisyLabels.because("or the rows contradict each other")
            yield self.finding("info", message, {"noise_ratio": noise, "threshold": at.NOISE_RATIO}, few, wrong)


class SaturatedUnits(Detector):
    """Information where many of the pre-activations of a squashing layer lie where it is flat.

    Tested before the squashing: an output of 0.99 may be a good answer, a sum of 30 is a unit that cannot learn.
    """

    kinds = {"saturated_units": "units sit where their activation is flat"}
    needs = ("loss",)
    explains = True

    def __call__(self, r: Reading) -> Iterator[Finding]:
        column = "saturated_share" if "saturated_share" in r else "initial_saturated_fraction"
        shares = r.by_layer(column)
        layers = tuple(name for name, share in shares.items() if share > at.SATURATED)
        if layers:
            share, step = max(shares.values()), int(r.steps(column)[-1])
            where = f"on {passed(r)}, before the first step" if column.startswith("initial") else "over a whole epoch"
            message = (
                f"{100 * share:.0f} % of the sums that go into {', '.join(layers)} lie where the "
                f"activation is flat ({where}): hardly any error signal passes."
            )
            flat = SaturatingActivations.because("the activation is flat there")
            large = InitializationTooLarge.because("weights that are too large push sums out")
            seen = {"share": share, "threshold": at.SATURATED}
            yield self.finding("info", message, seen, flat, large, layers=layers, step=step)


class DeadUnits(Detector):
    """Information where many of a rectifying layer's units were off for a whole epoch; critical where all are."""

    kinds = {"dead_units": "units are off for every row"}
    needs = ("silent_units",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        shares = r.by_layer("silent_units")
        layers = tuple(name for name, share in shares.items() if share > at.DEAD)
        if not layers or max(r.by_layer("initial_dead_fraction").values(), default=0.0) == 1:
            return
        worst, step = max(shares.values()), int(r.steps("silent_units")[-1])
        message = (
            f"{100 * worst:.0f} % of the units of {', '.join(layers)} were not on for a single row of the last epoch. "
            "A rectifier that is never on gets no gradient and stays off."
        )
        severity: Severity = "critical" if worst == 1 else "info"
        seen = {"share": worst, "threshold": at.DEAD}
        yield self.finding(severity, message, seen, *rank(r), layers=layers, step=step)


class ClassImbalance(Detector):
    """Information where the rarest class has a small share of the rows of the most frequent."""

    kinds = {"class_imbalance": "a class is much rarer than another"}
    needs = ("class_counts",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        counts = r["class_counts"][0]
        names = r.labels("class_counts") or tuple(str(i) for i in range(len(counts)))
        rarest, most = int(np.argmin(counts)), int(np.argmax(counts))
        if counts[rarest] < at.RARE * counts[most]:
            message = (
                f"Of {scanned(r)}, {counts[rarest]:.0f} are of class {names[rarest]} and {counts[most]:.0f} of "
                f"{names[most]}. A network may do well by never answering the rare class: look at each class, not at "
                "accuracy alone."
            )
            why = rows.ClassImbalance.because("one class outweighs the others")
            seen = {"fewest": float(counts[rarest]), "most": float(counts[most]), "ratio": at.RARE}
            yield self.finding("info", message, seen, why)


class PretrainingStalled(Detector):
    """Layers that describe what they are fed no better after pretraining than before it.

    Information: the training that follows is judged by itself.
    """

    kinds = Progress.kinds
    needs = ("pretraining_error_by_layer",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        errors = r["pretraining_error_by_layer"]
        first, best = errors[0], np.fmin.reduce(errors[1:], 0)
        stalled = ~(best < at.PRETRAINING * first)
        layers = tuple(name for name, s in zip(r.labels("pretraining_error_by_layer"), stalled, strict=False) if s)
        if layers:
            worst = float(np.max(np.where(np.isfinite(best), best / first, np.inf)))
            message = (
                f"Pretraining taught {list_names(layers)} nothing: what goes in can be got back from what comes out no "
                "better than before."
            )
            why = _why_stalled(errors[:, stalled])
            yield self.finding(
                "info", message, {"best_to_first": worst, "threshold": at.PRETRAINING}, why, layers=layers
            )


def _why_stalled(errors: Array) -> Cause:
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
