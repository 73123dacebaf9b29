"""Rows: inputs and targets on odd scales, constant, contradictory, without meaning, or too few."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlp.diagnosis.evidence import is_by_heart, is_exonerated, is_meaningless
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.suspicion import Suspicion, between, suspect

REGULARIZE = "early_stopping = true, l2 = 1e-3, dropout = 0.3, or more rows"
CLEAN = "clean the labels, or stop early"


def unscaled_inputs(r: Reading) -> Iterator[Suspicion]:
    """Inputs far from size 1, or of very different sizes, where nothing scales them."""
    if r.setting("scaled", 0.0) == 1:
        return
    size, ratio = _input_scales(r)
    if size > 5 or ratio > 30 or 0 < size < 0.1:
        why = f"inputs have a size of {size:.3g}"
        why += f", the widest feature {ratio:.3g} times that of the narrowest" if ratio > 1 else ""
        odd = max(between(size, 4, 15), between(ratio, 20, 200), between(1 / max(size, 1e-30), 8, 40))
        yield suspect(0.4 + 0.53 * odd, "unscaled_inputs", why, 'scale = "standard"')


def _input_scales(r: Reading) -> tuple[float, float]:
    """The root mean square of the inputs, and how many times the widest feature varies as much as the narrowest."""
    if "input_std" not in r or "input_mean" not in r:
        return r.one("input_size", default=1.0), 1.0
    mean, spread = r["input_mean"][0], r["input_std"][0]
    size, varying = float(np.sqrt(np.mean(mean**2 + spread**2))), spread[spread > 0]
    if not varying.size:  # constants, which are never too small
        return max(size, 1.0), 1.0
    return size, float(varying.max() / varying.min())


def outliers(r: Reading) -> Iterator[Suspicion]:
    """A few values that set the scale for all."""
    tail = r.one("input_tail", default=1.0)
    if tail > 8:
        why = f"a few values are {tail:.0f} times as far out as the others: they, not the rest, set the scale"
        remedy = "clip or remove the outliers, then scale"
        yield suspect(0.4 + 0.57 * between(tail, 6, 20), "unscaled_inputs", why, remedy)
    tail = r.one("target_tail", default=1.0)
    if tail > 8:
        why = f"a few targets are {tail:.0f} times as far out as the others"
        yield suspect(
            0.4 + 0.57 * between(tail, 6, 20), "unscaled_targets", why, 'clip the outliers, or name = "huber"'
        )


def unscaled_targets(r: Reading) -> Iterator[Suspicion]:
    """Numbers to predict that are far from the size at which outputs begin."""
    if "class_counts" in r:
        return
    size = r.one("target_size", default=1.0)
    if "target_std" in r and "target_mean" in r:
        size = float(np.sqrt(r["target_std"][0] ** 2 + r["target_mean"][0] ** 2).max())
    if size > 10 or size < 0.01:
        why = f"targets have a size of {size:.3g}, and outputs begin near 1"
        odd = max(between(size, 5, 50), between(1 / max(size, 1e-30), 50, 500))
        yield suspect(0.4 + 0.54 * odd, "unscaled_targets", why, 'scale_target = "standard"')


def constant(r: Reading) -> Iterator[Suspicion]:
    """Features that are the same in every row."""
    share = float((r["input_std"][0] == 0).mean()) if "input_std" in r else 0.0
    if share > 0.3:
        weight = 0.99 if share == 1 else 0.97 if share >= 0.5 and not is_exonerated(r) else 0.3
        yield suspect(
            weight, "constant_features", f"{100 * share:.0f} % of the features are constant", "features that vary"
        )


def contradictory(r: Reading) -> Iterator[Suspicion]:
    """Equal rows with different targets."""
    share = r.one("contradictory_rows", default=0.0)
    if share > 0.05:
        why = f"{100 * share:.0f} % of the rows looked through have a twin with another target"
        yield suspect(0.4 + 0.58 * between(share, 0.05, 0.4), "contradictory_labels", why, "clean the labels")


def meaning(r: Reading) -> Iterator[Suspicion]:
    """Labels that contradict their surroundings, or that nothing learned from them predicts."""
    noise, plain = r.one("label_noise", default=0.0), r.one(f"baseline_validation_{r.score_name}")
    meaningless, noisy = is_meaningless(r), noise > 0.12 and 1 - plain > 0.7 * noise
    if meaningless:
        why = "on the rows to validate on a plain network is no better than guessing"
        yield suspect(0.96, "uninformative_labels", why, "check that rows and labels match")
    if noisy:
        why = f"about {100 * noise:.0f} % of the labels contradict their surroundings"
        yield suspect(0.7 if meaningless else 0.94, "noisy_labels", why, CLEAN)
    elif meaningless:
        yield suspect(0.6, "noisy_labels", "too many labels are wrong", CLEAN)


def by_heart(r: Reading) -> Iterator[Suspicion]:
    """Rows that are learned by heart."""
    if not is_by_heart(r):
        return
    few = r.setting("rows")
    why = f"there are only {few:.0f} rows to train on" if few < 200 else "nothing holds the weights back"
    weight = 0.65 if is_meaningless(r) else 0.9 if few < 80 else 0.75
    yield suspect(weight, "too_little_regularization", why, REGULARIZE)
    yield suspect(0.3, "noisy_labels", "labels that are wrong can only be learned by heart", CLEAN)


def imbalance(r: Reading) -> Iterator[Suspicion]:
    """A class that is rare beside another."""
    if "class_counts" not in r:
        return
    counts = r["class_counts"][0]
    share = float(counts.min() / counts.max())
    if share < 0.1:
        why = f"the rarest class has {100 * share:.1g} % of the rows of the most frequent"
        weight = 0.4 + 0.2 * between(0.1 / max(share, 1e-6), 1, 10)
        yield suspect(weight, "class_imbalance", why, 'class_weight = "balanced"')


ROWS = (
    unscaled_inputs, outliers, unscaled_targets, constant, contradictory, meaning, by_heart, imbalance,
)  # fmt: skip
