"""What the layers and the gradient show: parts that stand still, a gradient that is none, an end that cannot answer.

Alone most of this is information. It alarms where it is a fault for certain, and where a lack of progress asks why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlp.diagnosis.evidence import frozen_layers, is_contrary, uphill, wrong_layers
from mlp.diagnosis.finding import Cause, Finding
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.rows_in_words import passed
from mlp.diagnosis.suspects import ranked
from mlp.diagnosis.suspects.gradient import AUTOMATIC, WRONG_GRADIENT


@dataclass(frozen=True)
class Uphill:
    """Critical where nine in ten of the first steps go uphill, ⟨g, u⟩ > 0, or the loss rises as it was to fall.

    The first step of any rule is downhill; momentum may turn a later one uphill, but not most of them.
    """

    share: float = 0.9
    needs: tuple[str, ...] = ("loss", "descent")

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding."""
        share = uphill(r)
        if share > self.share:
            message = f"{100 * share:.0f} % of the first steps go uphill: along the gradient instead of against it."
            yield self._finding(1, message, {"uphill": share, "threshold": self.share})
        elif not wrong_layers(r) and is_contrary(r):
            message = "The loss rises by what its gradient promises it to fall, although steps are small and agree."
            yield self._finding(12, message, {"promised": r.promised, "slope": r.trend.slope})

    def _finding(self, step: int, message: str, evidence: dict[str, float]) -> Finding:
        return Finding("wrong_gradient", "critical", message, (), step, evidence, (WRONG_GRADIENT,))


@dataclass(frozen=True)
class WrongGradient:
    """Critical where backward and differences of forward disagree, for a layer or a loss that is not the library's."""

    tolerance: float = 1e-3
    needs: tuple[str, ...] = ("gradient_error",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding."""
        wrong = wrong_layers(r, self.tolerance)
        if wrong:
            worst = max(r.by_layer("gradient_error").values())
            yield Finding(
                "wrong_gradient",
                "critical",
                f"The gradient of {', '.join(wrong)} is not the gradient: differences of the loss disagree with it by "
                f"{worst:.2g} of its size. Look at `backward` of the last of these layers and of what follows it.",
                wrong,
                0,
                {"error": worst, "threshold": self.tolerance},
                (WRONG_GRADIENT,),
            )


@dataclass(frozen=True)
class FrozenParameters:
    """A warning where a layer's parameters never move although a gradient reaches them."""

    needs: tuple[str, ...] = ("update_norm_by_layer", "grad_norm_by_layer")

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding, for all such layers."""
        layers = frozen_layers(r)
        if layers:
            pulled = float(r["grad_norm_by_layer"].max())
            yield Finding(
                "frozen_parameters",
                "warning",
                f"{', '.join(layers)}: not one of {r.done} steps moved any parameter, although the gradient there is "
                f"up to {pulled:.2g}.",
                layers,
                1,
                {"update_norm": 0.0, "grad_norm": pulled},
                (Cause("frozen_layer", "the rule leaves these parameters out", "frozen = []"),),
            )


@dataclass(frozen=True)
class OutputMismatch:
    """An end that cannot give the answers: certain where targets lie out of reach, else it explains slow progress."""

    share: float = 0.05
    needs: tuple[str, ...] = ()

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding."""
        unreachable = r.one("out_of_reach", default=0.0)
        if r.one("constant_output", default=0.0):
            yield self._finding(
                "critical", "A softmax over a single output is always 1: nothing can be learned.", AUTOMATIC
            )
        elif unreachable > self.share:
            why = f"{100 * unreachable:.0f} % of the targets of {passed(r)} lie outside what the last layer can give."
            yield self._finding("warning", why, AUTOMATIC, unreachable)
        elif r.one("squashed_twice", default=0.0):
            why = "The outputs pass an activation, and the loss has one of its own: the answer is squashed twice."
            yield self._finding("info", why, AUTOMATIC)

    def _finding(self, severity: str, message: str, remedy: str, share: float = 1.0) -> Finding:
        cause = Cause("loss_output_mismatch", message.rstrip("."), remedy)
        evidence = {"out_of_reach": share, "threshold": self.share}
        return Finding("output_loss_mismatch", severity, message, (), 0, evidence, (cause,))  # type: ignore[arg-type]


@dataclass(frozen=True)
class PoorInitialization:
    """Information where the first loss is far above that of a constant answer, or weights have an odd size."""

    excess: float = 3.0
    apart: float = 3.0
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
        name = "initialization_too_large" if large else "initialization_too_small"
        yield Finding(
            "poor_initialization",
            "info",
            f"The weights of {worst} begin at {gains[worst]:.2g} times the size that keeps a signal's strength, and "
            f"the loss on {passed(r)} begins at {ratio:.2g} times that of a constant answer.",
            odd,
            0,
            {"weight_gain": gains[worst], "apart": self.apart, "first_loss_ratio": ratio},
            (Cause(name, f"weights begin at {gains[worst]:.2g} times their healthy size", 'init = "auto"'),),
        )


@dataclass(frozen=True)
class SaturatedUnits:
    """Information where `share` of the pre-activations of a squashing layer lie where it is flat.

    Tested before the squashing: an output of 0.99 may be a good answer, a sum of 30 is a unit that cannot learn.
    """

    share: float = 0.5
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
                    Cause("saturating_activations", "the activation is flat there", 'activation = "relu"'),
                    Cause("initialization_too_large", "weights that are too large push sums out", 'init = "auto"'),
                ),
            )


@dataclass(frozen=True)
class DeadUnits:
    """Information where `share` of a rectifying layer's units were off for a whole epoch; critical where all are."""

    share: float = 0.5
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
            ranked(r),
        )


@dataclass(frozen=True)
class ExplodingGradients:
    """Information where the first layer's gradient begins at `times` the last's, or one of them at no number.

    The healthy profile is flat (Glorot & Bengio 2010, He et al. 2015); ReLU networks from their own start stay within
    a factor of ten of it.
    """

    times: float = 100.0
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
            ranked(r)
            or (Cause("initialization_too_large", "each layer hands back more than it gets", 'init = "auto"'),),
        )


@dataclass(frozen=True)
class NoisyGradients:
    """Information where a batch's gradient is `times` smaller than its own standard error from the start.

    The norm test of Byrd et al. (2012): far above 1 a step goes where its few rows happen to point. Near a minimum
    that is as it should be, so only the first quarter of the records is asked.
    """

    times: float = 3.0
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
                    Cause("batch_too_small", "a step sees too few rows", "batch_size = 32 or more"),
                    Cause("noisy_labels", "or the rows contradict each other", "clean the labels"),
                ),
            )
