"""How much a score lacks of what its rows allow, with the standard error of that.

What they allow is what a plain network reaches on the same rows; of a few numbers, what least squares say of rows that
were left out.
"""

from __future__ import annotations

from math import inf, isfinite, sqrt
from typing import NamedTuple

from mlp.diagnosis import thresholds as at
from mlp.diagnosis.reading import Reading


class Shortfall(NamedTuple):
    """By how much the score on a part is lower than the baseline's, with the standard error of that.

    `crossed`: the baseline's is on the same training rows, each answered by a plain network that had not seen it.
    `balanced`: both are balanced accuracies, since classes count the same in the loss. `least`: what may be missing.
    `is_line`: the baseline is a line or a quadratic.
    """

    part: str
    mine: float
    baseline: float
    missing: float
    error: float
    crossed: bool
    balanced: bool = False
    least: float = at.SHORT
    is_line: bool = False

    @property
    def is_clear(self) -> bool:
        """Whether more is missing than chance explains."""
        return self.missing > self.least + 2 * self.error


def shortfall(reading: Reading, part: str) -> Shortfall | None:
    """What is missing on a part; None where nothing was measured there.

    With no row held out the training score is all there is, with few it is nearly so, and a plain network may have
    memorised its own: then its score on training rows it had not seen counts, unless that is a guess: a truth table can
    only be memorised.
    """
    mine, best = reading.score(part), reading.one(f"baseline_{part}_{reading.score_name}")
    line = short_of_a_line(reading, part)
    if line is not None and (line.is_clear or (reading.setting("rows") < at.TINY and reading.score_name == "r2")):
        return line
    if isfinite(reading.one("balanced_scores", part) - reading.one("baseline_balanced", part)):
        return _short_of_balanced(reading, part)
    crossed = reading.one(f"crossed_{reading.score_name}")
    is_known = (
        crossed > reading.one("guess_accuracy", default=0.0) + 0.1 or reading.one("unseen", "signal") > at.SIGNAL / 2
    )
    is_alone = not isfinite(reading.score("validation"))
    is_nearly = (
        part == "train" and reading.setting("validation_scored", inf) < at.FEW_HELD_OUT and best - crossed > at.GAP
    )
    if is_crossed := crossed < best and is_known and (is_alone or is_nearly):
        best = crossed if is_alone else max(crossed, min(best, mine))
    if not (isfinite(mine) and isfinite(best)):
        return None
    mine = max(mine, -1.0)  # r² has no lower end
    n = max(reading.setting(f"{part}_scored", 100.0), 1.0)
    rows, unseen = reading.setting("rows"), reading.one("unseen", "score")
    is_lucky = part == "validation" and n < at.FEW_HELD_OUT and rows > 0 and isfinite(unseen)
    if is_lucky:  # few rows flatter or shame a plain network by chance: others, asked about more rows, count with it
        best = min(best, (n * best + rows * unseen) / (n + rows))
    if reading.score_name == "accuracy":
        error = sqrt(max(best * (1 - best), 1 / n) / n + max(mine * (1 - mine), 1 / n) / n) / sqrt(2)  # the same rows
    else:
        error = 1 / n
    if part == "train":  # these very rows are to be learned: they are a sample only of what is held out
        error *= 0.5 if isfinite(reading.score("validation")) else 0.0
    return Shortfall(part, mine, best, best - mine, error, is_crossed)


def _short_of_balanced(reading: Reading, part: str) -> Shortfall:
    """What is missing where classes count the same: of n rows of a class its recall is known to √(p (1 - p) / n)."""
    mine, best = reading.one("balanced_scores", part), reading.one("baseline_balanced", part)
    rows = reading.one("balanced_scores", f"{part}_rows")
    unsure = [max(score * (1 - score), 1 / rows) / rows for score in (mine, best)]
    known = 1.0 if part == "validation" else 0.5  # as of other scores
    return Shortfall(part, mine, best, best - mine, known * sqrt(sum(unsure) / 2), False, True)


def short_of_a_line(reading: Reading, part: str) -> Shortfall | None:
    """What the answers to a few rows lack beside a line or a quadratic; None where none was laid.

    No network memorises what a line or a quadratic tells of rows it has not seen. Where these are met exactly, there
    is no chance in the rows, and little may be missing.
    """
    mine, line = reading.score("train"), reading.one(f"line_{reading.score_name}")
    if part != "train" or not isfinite(mine - line):
        return None
    error = reading.one(f"line_{reading.score_name}_error", default=0.0)
    least = at.SHORT_OF_EXACT if line > at.EXACT else at.SHORT
    return Shortfall(part, max(mine, -1.0), line, line - max(mine, -1.0), error, False, least=least, is_line=True)


def is_below_a_line(trained: Shortfall | None) -> bool:
    """Whether a line or a quadratic answers rows that it has not seen better than the run those that it has."""
    return trained is not None and trained.is_line and trained.is_clear


def knows_more(reading: Reading, trained: Shortfall | None) -> bool:
    """Whether plain networks know more of rows that they had not seen than the run of those it was trained on."""
    score, error = (reading.one("unseen", name) for name in ("score", "error"))
    return trained is not None and trained.is_clear and score - 2 * error - trained.mine > at.SHORT
