"""All findings of a history together, and what nobody could see because it was not recorded.

A tuple, with words for what it leaves open: a verdict that knows of no held-out row says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Any

import numpy as np

from mlp.diagnosis.evidence import has_no_score, is_suspicious
from mlp.diagnosis.finding import Finding
from mlp.diagnosis.reading import Reading
from mlp.errors import visible_lines


class Findings(tuple[Finding, ...]):
    """The findings, most severe first, as a tuple; `unseen`: what the history does not tell, and leaves open.

    >>> found = Findings((), ("rows that were held out: whether what it learned holds for others",))
    >>> found == (), print(found)
    nothing was found
    not seen: rows that were held out: whether what it learned holds for others
    (True, None)
    """

    unseen: tuple[str, ...]

    def __new__(cls, findings: Iterable[Finding] = (), unseen: Iterable[str] = ()) -> Findings:
        """Both in their order."""
        made = super().__new__(cls, findings)
        made.unseen = tuple(unseen)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Findings, (tuple(self), self.unseen)

    def __str__(self) -> str:
        """Each finding with its causes, then what was not seen."""
        lines = [line for finding in self for line in _describe(finding)] or ["nothing was found"]
        return visible_lines("\n".join([*lines, *(f"not seen: {what}" for what in self.unseen)]))


def _describe(finding: Finding) -> Iterator[str]:
    yield f"{finding.severity}: {finding.kind}: {finding.message}"
    yield from (f"    {cause.name}: {cause.why}; remedy: {cause.remedy}" for cause in finding.causes)


def list_unseen(r: Reading) -> Iterator[str]:
    """What a history does not tell, and which questions that leaves open."""
    if not len(r.loss):
        yield "losses: whether it learns at all"
    elif r.is_bare:
        yield "targets: whether the loss is lower than that of the best constant answer"
    if not isfinite(r.score("validation")) and "validation_loss" not in r:
        yield "rows that were held out: whether what it learned holds for others"
    if not any(name.startswith(("baseline_", "crossed_")) for name in r) and (has_no_score(r) or is_suspicious(r)):
        yield "a plain network on the same rows: what they allow (recorder.lay_baseline(X, t))"
    if "input_mean" not in r and "input_size" not in r:
        yield "inputs: whether they are on one scale"
    if "learning_rate" not in r and not isfinite(r.setting("learning_rate")):
        yield "the learning rate, and other settings: whether they are usual"
    yield from _unseen_gradients(r)


def _unseen_gradients(r: Reading) -> Iterator[str]:
    if "grad_norm_by_layer" not in r:
        yield "gradients of the layers: where a signal is lost"
        return
    known = np.atleast_1d(np.isfinite(r["grad_norm_by_layer"]).any(0)).tolist()
    if len(r.loss) and not np.isfinite(r.loss[0]):
        return  # a loss that was no number from the first step on has no gradient
    names = r.labels("grad_norm_by_layer") or [str(i) for i in range(len(known))]
    lost = [name for name, is_known in zip(names, known, strict=False) if not is_known]
    if lost:
        yield f"the gradient of {', '.join(lost)}"
