"""Causes in the rows: on odd scales, constant, contradictory, without meaning, too few, or rare."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlp.diagnosis import thresholds as at
from mlp.diagnosis.causes.known_cause import Changes, Experiment, KnownCause, Suspicion
from mlp.diagnosis.evidence import (
    are_numbers_as_classes,
    baseline_learns_same_rows,
    count_inputs,
    falls_short_elsewhere,
    has_coarse_rows,
    is_meaningless,
    is_without_evidence,
    lack_of_rows,
    lost_to_twins,
    memorises,
)
from mlp.diagnosis.few_rows import others_know_more, read_left_out
from mlp.diagnosis.finding import Cause
from mlp.diagnosis.loops import is_flat_for_long, loses_its_gradient
from mlp.diagnosis.reading import Reading

STOP_EARLY: Changes = {"training": {"early_stopping": {"patience": 5}}}


class UnscaledInputs(KnownCause):
    """Inputs far from size 1, or of very different sizes, where nothing scales them; or a few that set the scale."""

    name = "unscaled_inputs"
    meaning = "inputs are not on one scale around 0"
    remedy = 'scale = "standard"'
    change = {"data": {"scale": "standard"}}
    settled_by = {"scaled": 1.0}

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        low, high, apart = at.INPUT_SIGN
        size, ratio = _input_scales(r)
        if r.setting("scaled", 0.0) != 1 and (size > high or ratio > apart or 0 < size < low):
            why = f"inputs have a size of {size:.3g}"
            why += f", the widest feature {ratio:.3g} times that of the narrowest" if ratio > 1 else ""
            weights = at.INPUT_LARGE(size), at.INPUT_SPREAD(ratio), at.INPUT_SMALL(1 / max(size, 1e-30))
            yield self.suspect(max(weights), why)
        tail = r.one("input_tail", default=1.0)
        if tail > at.TAIL:
            why = f"a few values are {tail:.0f} times as far out as the others: they, not the rest, set the scale"
            yield self.suspect(at.TAIL_WEIGHT(tail), why, "clip or remove the outliers, then scale")


def _input_scales(r: Reading) -> tuple[float, float]:
    """The root mean square of the inputs, and how many times the widest feature varies as much as the narrowest."""
    if "input_std" not in r or "input_mean" not in r:
        return r.one("input_size", default=1.0), 1.0
    mean, spread = r["input_mean"][0], r["input_std"][0]
    size, varying = float(np.sqrt(np.mean(mean**2 + spread**2))), spread[spread > 0]
    if not varying.size:  # constants, which are never too small
        return max(size, 1.0), 1.0
    return size, float(varying.max() / varying.min())


class UnscaledTargets(KnownCause):
    """Numbers to predict that are far from the size at which outputs begin."""

    name = "unscaled_targets"
    meaning = "numbers to predict are far from deviation 1"
    remedy = 'scale_target = "standard"'
    change = {"data": {"scale_target": "standard"}}
    task = "regression"

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        low, high = at.TARGET_SIGN
        size = r.one("target_size", default=1.0)
        if "target_std" in r and "target_mean" in r:
            size = float(np.sqrt(r["target_std"][0] ** 2 + r["target_mean"][0] ** 2).max())
        if "class_counts" not in r and (size > high or 0 < size < low):
            why = f"targets have a size of {size:.3g}, and outputs begin near 1"
            yield self.suspect(max(at.TARGET_LARGE(size), at.TARGET_SMALL(1 / max(size, 1e-30))), why)
        tail = r.one("target_tail", default=1.0)
        if tail > at.TAIL:
            why = f"a few targets are {tail:.0f} times as far out as the others"
            yield self.suspect(at.TAIL_WEIGHT(tail), why, 'clip the outliers, or name = "huber"')


class NonFiniteData(KnownCause):
    """A loss that is not a number from one step to the next, although it was low and the steps short."""

    name = "non_finite_data"
    meaning = "cells are missing or infinite"
    remedy = "fill them, or delete their rows"

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        if not len(r.loss) or np.isfinite(r.loss[-1]):
            return
        if (n := r.one("non_finite_rows", default=0.0)) > 0:
            yield self.suspect(1.0, f"{n:.0f} of the rows that were met hold NaN or infinite cells")
            return
        before = r.loss[np.isfinite(r.loss)]
        calm = len(before) and before.max() < 3 * before[0] and (r.pace < 0.5 or loses_its_gradient(r))
        if calm and "input_std" not in r:  # the rows of an experiment were looked through
            why = f"the loss was {before[-1]:.3g} one step earlier"
            yield self.suspect(at.NOT_A_NUMBER, why, "look for NaN and infinite cells in the batch of that step")


class ConstantFeatures(KnownCause):
    """Features that are the same in every row."""

    name = "constant_features"
    meaning = "columns say nothing"
    remedy = "find out why they do not vary, and give columns that do"

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        share = float((r["input_std"][0] == 0).mean()) if "input_std" in r else 0.0
        if share > at.CONSTANT:
            half = share >= 0.5 and not baseline_learns_same_rows(r)
            weight = at.ALL_CONSTANT if share == 1 else at.HALF_CONSTANT if half else at.SOME_CONSTANT
            yield self.suspect(weight, f"{100 * share:.0f} % of the features are constant")


class UninformativeLabels(KnownCause):
    """Labels that nothing learned from them predicts."""

    name = "uninformative_labels"
    meaning = "inputs say nothing of the targets"
    remedy = "check that rows and labels belong together, or find better features"

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        if is_meaningless(r):
            yield self.suspect(at.MEANINGLESS, "on the rows to validate on a plain network is no better than guessing")
        elif is_flat_for_long(r):
            yield self.suspect(at.FLAT_FOR_LONG, "the loss stays at that of a constant answer, and no setting is odd")
        elif is_without_evidence(r) and r.setting("validation_scored", 0.0) >= at.FEW_HELD_OUT:
            why = "on the rows to validate on nothing is better than a guess, though a little may be there"
            yield self.suspect(at.MAYBE_MEANINGLESS, why)
        elif (found := read_left_out(r)) is None or others_know_more(r, found):
            return
        elif not found.signal > at.HOLDS and falls_short_elsewhere(r):
            yield self.suspect(at.MAYBE_MEANINGLESS, "what was learned holds for no rows that were not seen")


class NoisyLabels(KnownCause):
    """Labels that contradict their surroundings."""

    name = "noisy_labels"
    meaning = "many targets are wrong"
    remedy = "correct the labels; early_stopping = true keeps the harm small"
    change = STOP_EARLY
    mends = False

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        noise, plain = r.one("label_noise", default=0.0), r.one(f"baseline_validation_{r.score_name}")
        sure = noise - 2 * r.one("label_noise_error", default=0.0) > at.NOISE_SIGN / 1.5
        sure = sure and not are_numbers_as_classes(r)  # of which each contradicts its surroundings
        meaningless, noisy = is_meaningless(r), noise > at.NOISE_SIGN and sure and 1 - plain > 0.7 * noise
        if noisy:
            why = f"about {100 * noise:.0f} % of the labels contradict their surroundings"
            beside = meaningless or baseline_learns_same_rows(r)  # a plain network does better with the same labels
            beside = beside or lack_of_rows(r) > at.MANY_INPUTS  # of which the nearest rows are far off
            yield self.suspect(at.NOISY_BESIDE if beside else at.NOISY, why)
        elif meaningless:
            yield self.suspect(at.NOISY_MAYBE, "too many labels are wrong")
        elif is_without_evidence(r) and r.one("unseen", "signal", 0.0) > at.SIGNAL:
            yield self.suspect(at.NOISY_MAYBE, "there is something to learn, and chance hides most of it")
        if memorises(r):
            yield self.suspect(at.NOISY_MEMORISED, "labels that are wrong can only be memorised")


class ContradictoryLabels(KnownCause):
    """Equal rows with different targets."""

    name = "contradictory_labels"
    meaning = "equal rows have different targets"
    remedy = "add the features that differ, or decide which target is right and delete the others"

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        share, lost = r.one("contradictory_rows", default=0.0), lost_to_twins(r)
        if lost > at.TWINS and has_coarse_rows(r):
            why = f"{100 * lost:.0f} % of what there is to explain is chance among equal rows"
            yield Suspicion(at.COARSE_TWINS, self.by_chance(why))
        elif lost > at.TWINS:
            why = f"{100 * share:.0f} % of the rows looked through have a twin with another target"
            yield self.suspect(at.TWINS_EXONERATED if baseline_learns_same_rows(r) else at.TWINS_WEIGHT(lost), why)

    @classmethod
    def by_chance(cls, why: str) -> Cause:
        """The same cause where no row is wrong: the columns do not tell rows apart."""
        return cls.because(why, "add a column that tells equal rows apart; what is left is chance, and no row is wrong")


class ClassImbalance(KnownCause):
    """A class that is rare beside another."""

    name = "class_imbalance"
    meaning = "one class outweighs the others in the loss"
    remedy = 'class_weight = "balanced"'
    settled_by = {"balanced": 1.0}
    task = "classification"

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        if "class_counts" in r:
            counts = r["class_counts"][0]
            share = float(counts.min() / counts.max())
            if share < at.RARE:
                yield self._rare(share)
        elif r.one("rarest_class") < at.RARE:
            yield self._rare(r.one("rarest_class"))

    @classmethod
    def _rare(cls, share: float) -> Suspicion:
        why = f"the rarest class has {100 * share:.1g} % of the rows of the most frequent"
        return cls.suspect(at.IMBALANCE(at.RARE / max(share, 1e-6)), why)

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        """Classes that weigh the same, and some l2: a few rows with a large weight are memorised otherwise."""
        yield {"data": {"class_weight": "balanced"}, "loss": {"l2": max(experiment.sections["loss"]["l2"], 1e-3)}}


class TooFewRows(KnownCause):
    """Fewer rows than so many inputs need, where what was learned does not hold for others."""

    name = "too_few_rows"
    meaning = "there are too few rows for so many inputs"
    remedy = "more rows, fewer columns, l2 = 1e-3, dropout = 0.2, early_stopping = true"
    change = {"loss": {"l2": 1e-3}, "network": {"dropout": 0.2}, **STOP_EARLY}
    mends = False

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        rows, inputs, lack = r.setting("rows"), count_inputs(r), lack_of_rows(r)
        if lack > 1 and falls_short_elsewhere(r):
            why = f"{rows:.0f} rows to train on are few for {inputs:.0f} inputs"
            yield self.suspect(at.LACK_OF_ROWS(lack), why)


class TooLittleRegularization(KnownCause):
    """Rows that are memorised."""

    name = "too_little_regularization"
    meaning = "nothing keeps the network from memorising rows"
    remedy = "early_stopping = true, l2 = 1e-3, dropout = 0.2, or more rows"
    change = {"loss": {"l2": 1e-3}, "network": {"dropout": 0.2}, **STOP_EARLY}

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        if memorises(r):
            rows = r.setting("rows")
            why = f"there are only {rows:.0f} rows to train on" if rows < 200 else "nothing holds the weights back"
            few = at.MEMORISES_FEW if rows < at.VERY_FEW else at.MEMORISES
            yield self.suspect(at.MEMORISES_MEANINGLESS if is_meaningless(r) else few, why)


ROWS: tuple[KnownCause, ...] = (
    UnscaledInputs(), UnscaledTargets(), NonFiniteData(), ConstantFeatures(), TooFewRows(), UninformativeLabels(),
    NoisyLabels(), ContradictoryLabels(), ClassImbalance(), TooLittleRegularization(),
)  # fmt: skip
