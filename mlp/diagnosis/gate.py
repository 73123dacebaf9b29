"""The progress gate: whether a run learns, and whether it learns as much as its rows allow.

Two measures, both without a unit. The *reference* is the loss of the best constant answer; a run that ends there has
learned nothing. The *baseline* is the score of a plain network, trained a few hundred steps on the same rows; a run
that ends clearly below it could have learned more. Every other detector only explains what the gate has seen.
"""

from __future__ import annotations

from math import isfinite, sqrt
from typing import NamedTuple

from mlp.diagnosis.reading import Reading

NONE = 0.95  # a loss of this share of the reference is no progress
SHORT = 0.05  # a score that is lower than the baseline's by more than this, and its error, is too low


class Shortfall(NamedTuple):
    """By how much the score on a part is lower than the baseline's, with the standard error of that.

    `crossed`: the baseline's is on the same training rows, each answered by a plain network that had not seen it.
    """

    part: str
    mine: float
    baseline: float
    missing: float
    error: float
    crossed: bool

    @property
    def is_clear(self) -> bool:
        """Whether more is missing than chance explains."""
        return self.missing > SHORT + 2 * self.error


def shortfall(reading: Reading, part: str) -> Shortfall | None:
    """What is missing on a part; None where nothing was measured there.

    With no row held out the training score is all there is, and a plain network may have got its own by heart: then
    its score on training rows it had not seen counts, unless that is a guess: a truth table can only be got by heart.
    """
    mine, best = reading.score(part), reading.one(f"baseline_{part}_{reading.score_name}")
    crossed = reading.one(f"crossed_{reading.score_name}")
    is_lower = crossed < best and crossed > reading.one("guess_accuracy", default=0.0) + 0.1
    if is_crossed := is_lower and not isfinite(reading.score("validation")):
        best = crossed
    if not (isfinite(mine) and isfinite(best)):
        return None
    mine = max(mine, -1.0)  # r² has no lower end
    n = max(reading.setting(f"{part}_scored", 100.0), 1.0)
    if reading.score_name == "accuracy":
        error = sqrt(max(best * (1 - best), 1 / n) / n + max(mine * (1 - mine), 1 / n) / n) / sqrt(2)  # the same rows
        if part == "train":  # these very rows are to be learned: they are a sample only of what is held out
            error *= 0.5 if isfinite(reading.score("validation")) else 0.0
    else:
        error = 1 / n
    return Shortfall(part, mine, best, best - mine, error, is_crossed)


def is_overconfident(reading: Reading) -> bool:
    """Whether held-out answers cost more than a constant one, while a plain network gives better ones."""
    held_out = shortfall(reading, "validation")
    if held_out is None or "validation_loss" not in reading or "reference_loss" not in reading:
        return False
    return reading.one("validation_loss") > reading.reference and held_out.missing > max(SHORT, held_out.error)


def is_suspicious(reading: Reading) -> bool:
    """Whether it is worth while to train a plain network beside it: the run is slow, or ended not plainly well."""
    if not len(reading.loss) or not isfinite(reading.now):
        return False
    if reading.finished:
        if reading.setting("rows") < 100:  # a perfect score on ten held-out rows says little
            return True
        return min(reading.score("train"), reading.one(f"validation_{reading.score_name}", default=1.0)) < 0.98
    return reading.done >= 0.03 * reading.planned and reading.skill < 0.25
