"""What can be said before the first step, from the data, the first weights and one dry pass.

Certain faults are critical or warnings: a network whose units are all alike stays so. What only makes training harder
is information: it alarms nobody, and explains a lack of progress if there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlp.diagnosis.finding import Cause, Finding
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.rows_in_words import each_scanned, scanned
from mlp.diagnosis.suspects import ranked


def listed(names: list[str], most: int = 5) -> str:
    """The first few names, and how many more."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _wholly(r: Reading, name: str) -> tuple[str, ...]:
    """The layers of which the share in that column is 1."""
    return tuple(layer for layer, s in zip(r.labels(name), r[name][0], strict=False) if s == 1)


@dataclass(frozen=True)
class SymmetricUnits:
    """Critical where all units of a hidden layer are fed and read alike: they get the same gradient at every step.

    A layer of n such units is one unit, written n times. Rumelhart, Hinton & Williams (1986), "symmetry breaking".
    """

    needs: tuple[str, ...] = ("identical_units",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding, for all such layers."""
        layers = _wholly(r, "identical_units")
        if layers:
            yield Finding(
                "symmetric_units",
                "critical",
                f"All units of {', '.join(layers)} begin with the same weights. They get the same gradient at every "
                "step and stay the same for ever, so each of these layers works like a single unit. Draw the weights "
                "at random.",
                layers,
                0,
                {"identical_units": 1.0, "threshold": 1.0},
                (Cause("constant_initialization", "incoming and outgoing weights are equal", 'init = "auto"'),),
            )


@dataclass(frozen=True)
class DeadAtStart:
    """Critical where no unit of a rectifying layer is on for any of the first rows: nothing below gets a gradient."""

    needs: tuple[str, ...] = ("initial_dead_fraction",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding, for all such layers."""
        layers = _wholly(r, "initial_dead_fraction")
        if layers:
            yield Finding(
                "dead_units",
                "critical",
                f"Every unit of {', '.join(layers)} is off for every row that was tried, before training has begun. "
                "The layers below get a gradient of exactly 0 and cannot learn.",
                layers,
                0,
                {"dead_fraction": 1.0, "threshold": 1.0},
                _why_dead(r),
            )


def _why_dead(r: Reading) -> tuple[Cause, ...]:
    """What speaks for itself, then what else holds every sum below 0."""
    known = ranked(r)
    others = (
        Cause("negative_bias", "the bias may hold every sum below 0", "bias = 0.0"),
        Cause("dead_relu", "a rectifier passes no gradient below 0", 'activation = "leaky_relu"'),
        Cause("unscaled_inputs", "large inputs of one sign may switch units off", 'scale = "standard"'),
    )
    return (*known, *(cause for cause in others if cause.name not in {c.name for c in known}))


@dataclass(frozen=True)
class ConstantFeatures:
    """Columns that say nothing: information while others are left, critical when none is."""

    needs: tuple[str, ...] = ("input_std",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding."""
        spread = r["input_std"][0]
        names = r.labels("input_std") or tuple(f"x{i}" for i in range(len(spread)))
        constant = [name for name, s in zip(names, spread, strict=True) if s == 0]
        if constant:
            yield Finding(
                "constant_features",
                "critical"
                if len(constant) == len(spread)
                else "warning"
                if 2 * len(constant) >= len(spread)
                else "info",
                f"{len(constant)} of {len(spread)} features are the same in {each_scanned(r)} "
                f"({listed(constant)}); they say nothing.",
                (),
                0,
                {"constant": len(constant), "features": len(spread)},
                (Cause("constant_features", "the column has no spread", "delete it, or find out why it is constant"),),
            )


@dataclass(frozen=True)
class ContradictoryLabels:
    """Rows with the same inputs and other targets: a warning from the share `warn` on, information from `tell`."""

    warn: float = 0.5
    tell: float = 0.01
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
                (
                    Cause(
                        "contradictory_labels",
                        "equal inputs, different targets",
                        "add the features that differ, or clean",
                    ),
                ),
            )


@dataclass(frozen=True)
class ClassImbalance:
    """Information where the rarest class has less than `ratio` of the rows of the most frequent."""

    ratio: float = 0.1
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
                (Cause("class_imbalance", "one class outweighs the others", 'class_weight = "balanced"'),),
            )


@dataclass(frozen=True)
class UnscaledInputs:
    """Information where inputs are far from mean 0 and deviation 1: root mean square above `large`, or odd spreads."""

    large: float = 10.0
    apart: float = 100.0
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
                (Cause("unscaled_inputs", "features are on different scales", 'scale = "standard"'),),
            )


@dataclass(frozen=True)
class UnscaledTargets:
    """Information where numbers to predict have a mean or a deviation above `large`: weights begin near 1."""

    large: float = 100.0
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
                (Cause("unscaled_targets", "outputs begin near 1", 'scale_target = "standard"'),),
            )


@dataclass(frozen=True)
class VanishingAtStart:
    """Information where the first layer's gradient is below `share` of the last's, before anything has moved.

    Who loses it is read from the gains: those of the activations, or those of the weights. Glorot & Bengio (2010).
    """

    share: float = 1e-2
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
            Cause(
                "saturating_activations",
                f"each activation hands back {others:.2g} of the signal",
                'activation = "relu", or batch_norm = true',
            ),
            Cause("initialization_too_small", f"each weight matrix hands back {weights:.2g} of it", 'init = "auto"'),
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
