"""Faults that are certain: a loss that left the numbers, a wrong gradient, an output that cannot answer.

They alarm by themselves, at any loss. Those that are known before the first step come last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.diagnosis import thresholds as at
from mlp.diagnosis.causes import rank
from mlp.diagnosis.causes import rows as causes_in_rows
from mlp.diagnosis.causes.layers import DeadReLU, FrozenLayer, LossOutputMismatch, WrongGradient
from mlp.diagnosis.causes.rows import UnscaledInputs, UnscaledTargets
from mlp.diagnosis.causes.steps import LearningRateTooHigh, LearningRateTooLow
from mlp.diagnosis.causes.weights import ConstantInitialization, InitializationTooLarge, NegativeBias
from mlp.diagnosis.evidence import frozen_layers, has_no_score, is_at_rest, is_contrary, uphill, wrong_layers
from mlp.diagnosis.finding import Cause, Detector, Finding, Severity
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.rows_in_words import each_scanned, list_names, passed


class Divergence(Detector):
    """Critical at the first step whose loss is NaN or infinite: nothing after it can be trusted.

    The loss of every recorded step is looked at, and where there is one the mean of every epoch, "train_loss": it tells
    of steps that were not recorded. A population has diverged when all of its members have. Where there is "n_classes"
    the targets are classes, which cannot be too large.

    Critical too where the mean recent loss is a million times what the run began with, and what a constant answer has:
    a few more such steps would have left the numbers.
    """

    kinds = {
        "divergence": "the loss is no number any more, or a million times what it was",
        "non_finite_data": "cells of the data are missing or infinite",
    }
    needs = ("loss",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        for name in ("loss", "train_loss"):
            if name in r:
                lost = np.flatnonzero(~np.isfinite(_best(r, name)))
                if lost.size:
                    yield self._lost(r, name, int(lost[0]))
                    return
        if r.has_exploded:
            step = int(r.steps("loss")[np.argmax(r.loss > r.exploding)])
            causes = _grown(r, step)
            message = f"The loss has grown from {r.start:.3g} to {r.now:.3g} in {r.done} steps: training diverges."
            seen = {"loss": r.now, "first_loss": r.start, "threshold": r.exploding}
            yield self.finding("critical", message + _most_likely(causes), seen, *causes, step=step)

    def _lost(self, r: Reading, name: str, record: int) -> Finding:
        step, lost = int(r.steps(name)[record]), _best(r, name)[record]
        before = _best(r, "loss")[r.steps("loss") < step]
        seen: dict[str, Any] = {"loss": str(lost)}
        if before.size:
            seen |= {"first_loss": float(before[0]), "largest_finite_loss": float(before.max())}
        causes = _grown(r, step) if before.size else _from_the_start(r)
        message = f"The loss is {lost} at step {step}: training has diverged and was stopped."
        found = self.finding("critical", message + _most_likely(causes), seen, *causes, step=step)
        is_data = bool(causes) and causes[0].name == "non_finite_data"
        return replace(found, kind="non_finite_data") if is_data else found


class GradientMismatch(Detector):
    """Critical where backward and differences of forward disagree, for a layer or a loss that is not the library's."""

    kinds = {"wrong_gradient": "the loss does not change as the gradient says"}
    needs = ("gradient_error",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        wrong = wrong_layers(r)
        if wrong:
            worst = max(r.by_layer("gradient_error").values())
            message = (
                f"The gradient of {', '.join(wrong)} is not the gradient: differences of the loss disagree with it by "
                f"{worst:.2g} of its size. Look at `backward` of the last of these layers and of what follows it."
            )
            why = WrongGradient.because("the loss does not change as the gradient says")
            yield self.finding("critical", message, {"error": worst, "threshold": at.GRADIENT_ERROR}, why, layers=wrong)


class Uphill(Detector):
    """Critical where nine in ten of the first steps go uphill, ⟨g, u⟩ > 0, or the loss rises as it was to fall.

    The first step of any rule is downhill; momentum may turn a later one uphill, but not most of them.
    """

    kinds = GradientMismatch.kinds
    needs = ("loss", "descent")

    def __call__(self, r: Reading) -> Iterator[Finding]:
        share, why = uphill(r), WrongGradient.because("the loss does not change as the gradient says")
        if share > at.UPHILL:
            message = f"{100 * share:.0f} % of the first steps go uphill: along the gradient instead of against it."
            yield self.finding("critical", message, {"uphill": share, "threshold": at.UPHILL}, why, step=1)
        elif not wrong_layers(r) and is_contrary(r):
            message = "The loss rises by what its gradient promises it to fall, although steps are small and agree."
            yield self.finding("critical", message, {"promised": r.promised, "slope": r.trend.slope}, why, step=12)


class OutputMismatch(Detector):
    """An end that cannot give the answers: certain where targets lie out of reach, else it explains slow progress."""

    kinds = {"output_loss_mismatch": "the last layer cannot give what the loss asks for"}
    explains = True

    def __call__(self, r: Reading) -> Iterator[Finding]:
        far, share = r.one("out_of_reach", default=0.0), 1.0
        severity: Severity = "info"
        if r.one("constant_output", default=0.0):
            severity, message = "critical", "A softmax over a single output is always 1: nothing can be learned."
        elif far > at.OUT_OF_REACH:
            severity, share = "warning", far
            message = f"{100 * far:.0f} % of the targets of {passed(r)} lie outside what the last layer can give."
        elif r.one("squashed_twice", default=0.0):
            message = "The outputs pass an activation, and the loss has one of its own: the answer is squashed twice."
            severity = "warning" if has_no_score(r) and r.finished and r.skill < at.PLAINLY_WELL else "info"
        else:
            return
        why = LossOutputMismatch.because(message.rstrip("."))
        yield self.finding(severity, message, {"out_of_reach": share, "threshold": at.OUT_OF_REACH}, why)


class FrozenParameters(Detector):
    """A warning where a layer's parameters never move although a gradient reaches them."""

    kinds = {"frozen_parameters": "a layer never moves"}
    needs = ("update_norm_by_layer", "grad_norm_by_layer")

    def __call__(self, r: Reading) -> Iterator[Finding]:
        layers = frozen_layers(r)
        if layers:
            pulled = float(r["grad_norm_by_layer"].max())
            message = (
                f"{', '.join(layers)}: not one of {r.done} steps moved any parameter, although the gradient there is "
                f"up to {pulled:.2g}."
            )
            why = (
                LearningRateTooLow.because("the learning rate of every step is 0", LearningRateTooLow.higher(r, 100.0))
                if is_at_rest(r)
                else FrozenLayer.because("the rule leaves these parameters out")
            )
            seen = {"update_norm": 0.0, "grad_norm": pulled}
            yield self.finding("warning", message, seen, why, layers=layers, step=1)


class ConstantFeatures(Detector):
    """Columns that say nothing: information while others are left, critical when none is."""

    kinds = {"constant_features": "columns have the same value in every row"}
    needs = ("input_std",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        spread = r["input_std"][0]
        names = r.labels("input_std") or tuple(f"x{i}" for i in range(len(spread)))
        constant = [name for name, s in zip(names, spread, strict=True) if s == 0]
        n, total = len(constant), len(spread)
        if constant:
            severity: Severity = "critical" if n == total else "warning" if 2 * n >= total else "info"
            message = (
                f"{n} of {total} features are the same in {each_scanned(r)} ({list_names(constant)}); they say nothing."
            )
            why = causes_in_rows.ConstantFeatures.because("the column has no spread")
            yield self.finding(severity, message, {"constant": n, "features": total}, why)


def _wholly(r: Reading, name: str) -> tuple[str, ...]:
    """The layers of which the share in that column is 1."""
    return tuple(layer for layer, s in zip(r.labels(name), r[name][0], strict=False) if s == 1)


class SymmetricUnits(Detector):
    """Critical where all units of a hidden layer are fed and read alike: they get the same gradient at every step.

    A layer of n such units is one unit, written n times. Rumelhart, Hinton & Williams (1986), "symmetry breaking".
    """

    kinds = {"symmetric_units": "units of a layer are doubles of each other, and stay so"}
    needs = ("identical_units",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        layers = _wholly(r, "identical_units")
        if layers:
            message = (
                f"All units of {', '.join(layers)} begin with the same weights. They get the same gradient at every "
                "step and stay the same for ever, so each of these layers works like a single unit. Draw the weights "
                "at random."
            )
            why = ConstantInitialization.because("incoming and outgoing weights are equal")
            yield self.finding("critical", message, {"identical_units": 1.0, "threshold": 1.0}, why, layers=layers)


class DeadAtStart(Detector):
    """Critical where no unit of a rectifying layer is on for any of the first rows: nothing below gets a gradient."""

    kinds = {"dead_units": "units are off for every row"}
    needs = ("initial_dead_fraction",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        layers = _wholly(r, "initial_dead_fraction")
        if layers:
            message = (
                f"Every unit of {', '.join(layers)} is off for every row that was tried, before training has begun. "
                "The layers below get a gradient of exactly 0 and cannot learn."
            )
            yield self.finding(
                "critical", message, {"dead_fraction": 1.0, "threshold": 1.0}, *_why_dead(r), layers=layers
            )


def _best(r: Reading, name: str) -> Array:
    """The loss of each record; for a population the lowest there is, (n_records,)."""
    losses = r[name]
    lowest: Array = np.fmin.reduce(losses, axis=tuple(range(1, losses.ndim)))  # fmin passes over NaN
    return lowest


def _rate(r: Reading, step: int) -> float:
    """The learning rate at that step or the last recorded before it; 0 where none was."""
    if "learning_rate" not in r:
        return 0.0
    until = r["learning_rate"][r.steps("learning_rate") <= step]
    return float(np.max(until[-1])) if len(until) else 0.0


OVERFLOW = "the first weights are so large that sums overflow"
LARGE = "large inputs make large gradients"


def _from_the_start(r: Reading) -> tuple[Cause, ...]:
    """Causes where no step was made before: the learning rate cannot be to blame. Classes cannot be too large."""
    targets = UnscaledTargets.because("the targets are so large that their errors overflow")
    inputs, weights = UnscaledInputs.because(LARGE), InitializationTooLarge.because(OVERFLOW)
    if max(r.one("input_size"), r.one("target_size")) < at.OVERFLOWS:
        why = "inputs and targets are not large: the loss takes the logarithm of 0, or divides by it"
        return rank(r, LossOutputMismatch.because(why, "a loss of raw outputs, such as cross_entropy"), inputs, weights)
    return rank(r, weights, inputs) if "n_classes" in r else rank(r, targets, inputs, weights)


def _grown(r: Reading, step: int) -> tuple[Cause, ...]:
    """Causes of a loss that was a number at first."""
    why = "the learning rate is too high, and the loss grew until it left the range of numbers"
    rate = LearningRateTooHigh.because(why, LearningRateTooHigh.lower(_rate(r, step), r.setting("usual_rate")))
    return rank(r, rate, InitializationTooLarge.because(OVERFLOW), UnscaledInputs.because(LARGE))


def _most_likely(causes: tuple[Cause, ...]) -> str:
    """The first cause as a sentence."""
    return f" Most likely: {causes[0].why}; try {causes[0].remedy}." if causes else ""


def _why_dead(r: Reading) -> tuple[Cause, ...]:
    """What speaks for itself, then what else holds every sum below 0."""
    return rank(
        r,
        NegativeBias.because("the bias may hold every sum below 0"),
        DeadReLU.because("a rectifier passes no gradient below 0"),
        UnscaledInputs.because("large inputs of one sign may switch units off"),
    )


FAULTS: tuple[Detector, ...] = (
    Divergence(), GradientMismatch(), Uphill(), OutputMismatch(), FrozenParameters(), ConstantFeatures(),
    SymmetricUnits(), DeadAtStart(),
)  # fmt: skip
