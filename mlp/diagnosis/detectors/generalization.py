"""Generalization: what was memorised, what was left out, and what cannot be learned."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, nan, sqrt

import numpy as np

from mlp.arrays import Array
from mlp.diagnosis import thresholds as at
from mlp.diagnosis.causes import rank
from mlp.diagnosis.causes.rows import ClassImbalance, TooFewRows
from mlp.diagnosis.causes.steps import TooFewEpochs
from mlp.diagnosis.detectors.progress import Progress
from mlp.diagnosis.evidence import (
    are_numbers_as_classes,
    guess,
    has_coarse_rows,
    is_meaningless,
    is_overconfident,
    is_without_evidence,
)
from mlp.diagnosis.few_rows import LeftOut, allow_no_more, describe_left_out, read_left_out
from mlp.diagnosis.finding import Cause, Detector, Finding, Severity
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.rows_in_words import compared, crossed, probed, score, scored
from mlp.diagnosis.shortfall import shortfall


class Overfitting(Detector):
    """A warning where training answers are better than held-out ones by `GAP`, and something else says so too.

    That is a validation loss that has risen far above its lowest, a plain network that does clearly better on held-out
    rows, or numbers that both answer worse than by their mean: a single epoch in which validation gets worse is no
    overfitting. The gap must be larger than half of `GAP` by more than chance. Below `FEW_ROWS` rows the validation
    part says little: then those training rows count with it that a plain network was asked about without having seen
    them. Where the experiment itself was asked about them, its answers count: information, if no more was to be had.
    """

    kinds = {"overfitting": "rows are memorised: training goes on to improve while validation gets worse"}
    needs = ("loss",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        if (left_out := read_left_out(r)) is not None:
            yield from self._of_few(r, left_out)
            return
        train, (held_out, error, where) = r.score("train"), self._held_out(r)
        gap = train - max(held_out, 0.0)
        if not (gap > at.GAP and gap > at.GAP / 2 + at.GAP_SIGMAS * error):
            return
        told = "the network memorises the rows" if train > at.PLAINLY_WELL else "what it learned holds for no others"
        reached = f"After the last epoch the {score(r)} is {train:.3f} on {scored(r, 'train')}{where}"
        message = f"{reached}: {told}.{self._turned(r)}"
        seen = {"train_score": train, "held_out": held_out, "gap": gap, "gap_threshold": at.GAP, "error": error}
        yield self.finding("warning", message, seen, *rank(r), step=r.done - 1)

    def _of_few(self, r: Reading, found: LeftOut) -> Iterator[Finding]:
        """The verdict on few rows: what counts is whether something does better on rows that it had not seen."""
        train, gap = r.score("train"), r.score("train") - max(found.own, 0.0)
        if not gap > at.GAP:
            return
        reached = f"After the last epoch the {score(r)} is {train:.3f} on {scored(r, 'train')}"
        harm = "the rows are memorised" if found.signal > at.HOLDS else "what it learned holds for no others"
        message = f"{reached}. {describe_left_out(r, found)}: "
        message += (
            "no more was to be had of so few rows." if (even := allow_no_more(r)) else f"{harm}.{self._turned(r)}"
        )
        seen = {"train_score": train, "held_out": found.own, "gap": gap, "gap_threshold": at.GAP}
        seen |= {"missing": found.missing, "error": found.error, "signal": found.signal}
        yield self.finding("info" if even else "warning", message, seen, *rank(r), step=r.done - 1)

    def _held_out(self, r: Reading) -> tuple[float, float, str]:
        """The score on rows held out, its standard error, and what it is in words.

        No number where nothing but the gap speaks for overfitting.
        """
        held_out, n = r.score("validation"), max(r.setting("validation_scored", 100.0), 1.0)
        other, rows = r.one(f"crossed_{r.score_name}"), r.setting("rows")
        if isfinite(other) and rows < at.FEW_ROWS and r.score("train") > 0.97:
            n, counted = (n, max(held_out, 0.0)) if isfinite(held_out) else (0.0, 0.0)
            together = (n * counted + rows * max(other, 0.0)) / (n + rows)
            usual = at.GAP / 2  # a network that is well misses as many: chance is measured from there
            error = sqrt(usual * (1 - usual) / (rows + n))
            # the rows are another network's, which learned from a fifth fewer
            return together, 1.5 * error, self._few(r, held_out, other, together)
        missing = shortfall(r, "validation")
        short = is_overconfident(r) or (missing is not None and missing.is_clear)
        is_worse = r.score_name == "r2" and held_out < 0 and n >= at.FEW_HELD_OUT  # an accuracy may be so by bad luck
        holds_nowhere = is_worse and is_without_evidence(r) and not is_meaningless(r)
        if not self._has_turned(r) and not holds_nowhere and not (short and r.score("train") > at.MEMORISED[0]):
            return nan, nan, ""
        error = sqrt(max(held_out * (1 - held_out), 0.01) / n)
        return held_out, error, f" and {held_out:.3f} on {scored(r, 'validation')}"

    def _few(self, r: Reading, held_out: float, other: float, together: float) -> str:
        """Both scores of rows that are few, and what they come to."""
        plain = f". {crossed(r)} {other:.3f}"
        if not isfinite(held_out):
            return plain
        below = ", what is below 0 as 0" if min(held_out, other) < 0 else ""
        return (
            f" and {held_out:.3f} on {scored(r, 'validation')}{plain}. Weighed by their numbers of rows{below}, both "
            f"come to {together:.3f} on rows that were not trained on"
        )

    def _has_turned(self, r: Reading) -> bool:
        """Whether the validation loss has risen for good; with early stopping the weights of before come back."""
        losses = r.get("validation_loss", np.empty(0))
        comes_back = r.setting("early_stopping", 0.0) == 1
        return len(losses) > 1 and not comes_back and bool(losses[-1] > at.VALIDATION_RISE * losses.min())

    def _turned(self, r: Reading) -> str:
        """When the validation loss was lowest."""
        if not self._has_turned(r):
            return ""
        losses = r["validation_loss"]
        lowest = int(np.argmin(losses))
        step = int(r.steps("validation_loss")[lowest])
        return f" The validation loss was lowest at step {step} ({losses[lowest]:.3g}) and is {losses[-1]:.3g} now."


class Uninformative(Detector):
    """A warning where held-out answers are no better than guesses, the network's and a plain network's alike."""

    kinds = Progress.kinds
    needs = ("loss",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        chance, held_out = guess(r), r.score("validation")
        plain = r.one(f"baseline_validation_{r.score_name}")
        if not r.finished or chance is None or not isfinite(plain) or not is_meaningless(r) or allow_no_more(r):
            return
        asked = "" if scored(r, "validation") == probed(r, "validation") else f" on {probed(r, 'validation')}"
        reached = (
            f"After the last epoch the {score(r)} is {held_out:.3f} on {scored(r, 'validation')}, that of a plain "
            f"network {plain:.3f}{asked}, and guessing may reach {chance:.3f}"
            if isfinite(held_out)
            else f"{crossed(r)} {r.one('unseen', 'score'):.3f} of {score(r)}, and guessing may reach {chance:.3f}"
        )
        message = f"{reached}: nothing that was learned from the rows to train on holds for others."
        known = {"validation_score": held_out, "validation_baseline": plain}
        seen = (known if isfinite(held_out) else {"unseen_score": r.one("unseen", "score")}) | {"chance": chance}
        yield self.finding("warning", message, seen, *rank(r), step=r.done - 1)


class NoisyLabels(Detector):
    """Many of the labels contradict surroundings that are otherwise of one class: a warning where that does harm.

    Overlapping classes do that at their borders only; wrong labels do it everywhere. The estimate is made with the
    baseline, by the neighbours of each row, and counts only where a plain network too misses as many.
    """

    kinds = {"stagnation": Progress.kinds["stagnation"]}
    needs = ("loss", "label_noise")

    def __call__(self, r: Reading) -> Iterator[Finding]:
        noise, error = r.one("label_noise"), r.one("label_noise_error", default=0.0)
        plain = r.one(f"baseline_validation_{r.score_name}")
        if not (noise > at.LABEL_NOISE and noise - 2 * error > at.LABEL_NOISE / 1.5) or 1 - plain < 0.7 * noise:
            return
        if are_numbers_as_classes(r):
            return  # of which each contradicts its surroundings
        message = (
            f"About {100 * noise:.0f} % of the labels contradict their surroundings, also where these agree (an "
            f"estimate from {compared(r)}): labels are wrong, or the features do not tell the classes apart. A network "
            "that is trained long enough memorises them."
        )
        seen, step = {"label_noise": noise, "error": error, "threshold": at.LABEL_NOISE}, r.steps("label_noise")[-1]
        severity: Severity = "warning" if self._does_harm(r, noise) and not allow_no_more(r) else "info"
        yield self.finding(severity, message, seen, *rank(r), step=int(step))

    def _does_harm(self, r: Reading, noise: float) -> bool:
        """Whether labels are memorised, or held-out answers are worse than the noise has it.

        Else the network does what can be done: chance in the labels is the nature of many tables, and no fault.
        """
        train, held_out, n = r.score("train"), r.score("validation"), r.setting("validation_scored", 100.0)
        if not isfinite(held_out):
            held_out, n = r.one(f"crossed_{r.score_name}"), r.setting("rows", 100.0)
        if has_coarse_rows(r) or not isfinite(train) or not isfinite(held_out):
            return not has_coarse_rows(r)
        unseen, rows = r.one("unseen", "score"), r.setting("rows")
        if isfinite(unseen) and rows > 0:  # of more rows than those held out
            held_out, n = (n * held_out + rows * unseen) / (n + rows), n + rows
        error = sqrt(max(held_out * (1 - held_out), 1 / n) / n)
        return max(train, 1 - noise) - held_out > at.GAP + 2 * error


class MinorityIgnored(Detector):
    """A warning where a class that has far fewer rows than the most frequent one has a low recall.

    Below by more than half a standard error: of seven rows held out, three found are no recall of 43 %.
    """

    kinds = {"minority_class_ignored": "a rare class is hardly ever found, and accuracy hides it"}
    needs = ("class_counts", "recall")

    def __call__(self, r: Reading) -> Iterator[Finding]:
        counts, recall = r["class_counts"][0], r["recall"][-1]
        names = r.labels("class_counts") or tuple(str(i) for i in range(len(counts)))
        asked = self._asked(r, counts)
        n = np.maximum(asked, 1.0)
        error = np.sqrt(np.maximum(recall * (1 - recall), 0.1) / n)
        is_weighted = r.setting("balanced", 0.0) == 1  # the remedy is in force: be sure
        sure = recall + (1.5 if is_weighted else 0.5) * error
        rare = (counts < at.MINORITY[0] * counts.max()) & (sure < at.MINORITY[1])
        if are_numbers_as_classes(r) or not rare.any() or (not r.finished and r.done < 0.2 * r.planned):
            return
        worst = int(np.argmin(np.where(rare, recall, np.inf)))
        part = "validation" if r.setting("validation_scored", 1.0) > 0 else "train"
        message = (
            f"After the last epoch the network finds {100 * recall[worst]:.0f} % of the {asked[worst]:.0f} rows of "
            f"class {names[worst]} among {scored(r, part)}; {counts[worst]:.0f} of {counts.sum():.0f} rows to train on "
            "have this class. Its accuracy hides that: always answering the most frequent class would do."
        )
        found, step = float(recall[worst]), int(r.steps("recall")[-1])
        seen = {"recall": found, "threshold": at.MINORITY[1], "recall_rows": float(asked[worst])}
        yield self.finding("warning", message, seen, *self._causes(r, counts[worst], is_weighted), step=step)

    def _causes(self, r: Reading, rows: float, is_weighted: bool) -> Iterator[Cause]:
        """Weights, where the loss has none; few rows where it has; and a training that is not at its end."""
        if is_weighted:
            yield TooFewRows.because(f"{rows:.0f} rows of that class are too few to learn what they have in common")
        else:
            yield ClassImbalance.because("one class outweighs the others in the loss")
        if not is_weighted or r.trend.slope + 2 * r.trend.slope_error < 0 or r.skill < 0.5:
            yield TooFewEpochs.because("rare rows are learned last", TooFewEpochs.longer(r))

    def _asked(self, r: Reading, counts: Array) -> Array:
        """Of how many rows of each class the recall is; where that is not known, as many as their share of all."""
        if "recall_rows" in r:
            return np.asarray(r["recall_rows"][0])
        share = r.setting("validation_scored", 0.0) / (r.setting("rows") or np.nan)
        return np.asarray(counts * share if share > 0 else counts)


GENERALIZATION: tuple[Detector, ...] = (Overfitting(), Uninformative(), NoisyLabels(), MinorityIgnored())
