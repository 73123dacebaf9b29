"""What the history of a loop that was driven by hand proves: no score is known of it, and no setting that it was given.

What it has is the losses of all its steps, what the recorder read from its batches, its layers and its rule.
"""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

import numpy as np

from mlp.diagnosis import thresholds as at
from mlp.diagnosis.evidence import has_no_score
from mlp.diagnosis.reading import Reading


class LateFall(NamedTuple):
    """The mean loss half way and at the end of a run, and by what share of the reference it fell between."""

    middle: float
    last: float
    share: float


def late_fall(r: Reading) -> LateFall | None:
    """How far the loss fell in the last half of a run that is over; None where too little is known."""
    n, tenth = len(r.loss), len(r.loss) // 10
    if n < at.FEWEST or r.is_bare or not r.finished or not r.reference > 0:
        return None
    parts = (
        (slice(4 * tenth, 6 * tenth), slice(8 * tenth, None)) if n >= at.FEW else (slice(n // 2), slice(n // 2, None))
    )
    middle, last = (float(r.loss[part].mean()) for part in parts)
    return LateFall(middle, last, (middle - last) / r.reference)


def is_unfinished(r: Reading, fall: LateFall) -> bool:
    """Whether so much was gained in the last half that the end came early, and so much is left that it matters.

    Of fewer than forty steps it is enough that the loss fell, and most of it is left.
    """
    if len(r.loss) < at.FEW:
        return r.skill < at.MOSTLY_RIGHT and r.trend.slope + 2 * r.trend.slope_error < 0
    enough = at.MOSTLY_RIGHT if "rarest_class" in r else at.PLAINLY_WELL
    return fall.share > at.STILL_FALLING and r.skill < enough


def loses_its_gradient(r: Reading) -> bool:
    """Whether the first gradient that is no number belongs to a loss that is one: the slope of ln 0, 0 · ∞."""
    if "grad_norm_by_layer" not in r:
        return False
    lost = np.flatnonzero(~np.isfinite(np.atleast_2d(r["grad_norm_by_layer"])).all(-1))
    return bool(len(lost) and lost[0] < len(r.loss) and isfinite(r.loss[lost[0]]))


def is_flat_for_long(r: Reading) -> bool:
    """Whether a loop made many steps of an ordinary length, and its loss stayed at that of a constant answer."""
    fall = late_fall(r) if has_no_score(r) and r.done >= at.LONG else None
    low, high = at.ORDINARY_PACE
    return fall is not None and abs(fall.share) < at.STILL_FALLING / 2 and r.skill < at.SHORT and low < r.pace < high


class Forgetting(NamedTuple):
    """The loss of rows of the first epoch that were asked again, and that of the steps until then."""

    remembered: float
    of_steps: float


def forgetting(r: Reading) -> Forgetting | None:
    """How much worse rows are answered that were learned a while ago; None where nothing shows that it matters."""
    if "remembered_loss" not in r or not has_no_score(r):
        return None
    asked = int(np.searchsorted(r.steps("loss"), r.steps("remembered_loss")[-1])) + 1
    found = Forgetting(r.one("remembered_loss"), float(r.loss[3 * asked // 4 : asked].mean()))
    gone, seems_gone = (r.reference - value for value in found)
    is_bad = found.remembered > r.reference / 2 and gone < at.FORGOTTEN * seems_gone
    return found if is_bad else None
