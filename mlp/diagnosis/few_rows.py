"""What few rows allow: the run's own experiment, asked about rows it had not seen, beside ridge regression.

Of fifty rows that a network memorises, others show nothing but that it did. If ridge regression does no better on rows
that neither had seen, no more was to be had, and to memorise did no harm; if it does, it did.
"""

from __future__ import annotations

from typing import NamedTuple

from mlp.diagnosis import thresholds as at
from mlp.diagnosis.evidence import count_inputs, is_meaningless
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.rows_in_words import score
from mlp.diagnosis.shortfall import shortfall


class LeftOut(NamedTuple):
    """What is known of training rows that were not seen: `mlp.experiment.few_rows` measures it.

    `own`: the score of the same experiment, and `loss` its mean loss. `signal`: by how many standard errors its answers
    fit the targets better than at random. `ridge`: the score of ridge regression. `missing`: by how much that is
    better, `error`: the standard error of this difference, row by row.
    """

    own: float
    loss: float
    signal: float
    ridge: float
    missing: float
    error: float


def read_left_out(r: Reading) -> LeftOut | None:
    """What was noted at the end of a run; None where nobody was asked, and on the way."""
    if not r.finished or "few_rows" not in r:
        return None
    return LeftOut(*(r.one("few_rows", name) for name in LeftOut._fields))


def allow_no_more(r: Reading, near: float = at.NEAR, errors: float = at.NEAR_ERRORS) -> bool:
    """Whether there is evidence that the rows to train on are too few for more than the run made of them.

    Of hardly more rows than inputs ridge regression makes as little: then it is the rows that are to blame.
    """
    found = read_left_out(r)
    if found is None or at.FEWEST_PER_INPUT * count_inputs(r) > r.setting("rows") or misleads(r, found):
        return False
    return found.signal > at.HOLDS and not others_know_more(r, found, near, errors) and not is_meaningless(r)


def others_know_more(r: Reading, found: LeftOut, near: float = at.NEAR, errors: float = at.NEAR_ERRORS) -> bool:
    """Whether ridge regression, or a plain network asked about enough rows that were held out, is clearly better.

    Ridge regression knows lines and quadratics only: that it knows no more of a spiral says nothing.
    """
    if found.missing > near + errors * found.error:
        return True
    held_out = shortfall(r, "validation")
    is_known = held_out is not None and r.setting("validation_scored", 0.0) >= at.FEW_HELD_OUT
    return is_known and held_out is not None and held_out.is_clear


def misleads(r: Reading, found: LeftOut) -> bool:
    """Whether answers to rows that were not seen are given with far more certainty than they deserve.

    Then what was memorised does harm, also where no more of them are right elsewhere.
    """
    return found.loss > at.MISLEADING * r.reference > 0


def describe_left_out(r: Reading, found: LeftOut) -> str:
    """Both scores, with the 95 % interval of their difference, and the loss where that is the harm."""
    name, half = score(r), 1.96 * found.error
    apart = f"{found.missing - half:+.2f} to {found.missing + half:+.2f}"
    costs = f"; its loss there is {found.loss:.3g}, that of a constant answer {r.reference:.3g}"
    rows = "rows to train on" + (" and rows to validate on" if r.setting("validation_scored", 0.0) > 0 else "")
    return (
        f"On {rows} that it had not seen, the same experiment has {found.own:.3f} of {name}, and ridge "
        f"regression {found.ridge:.3f} ({apart}, 95 %){costs if misleads(r, found) else ''}"
    )
