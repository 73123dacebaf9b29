"""Scores that are too good, or that no training can make good: leaks, and numbers and classes taken for each other.

A leak comes out well. So it is told by what it does to the score, where that can be measured, and is information else.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, sqrt

import numpy as np

from mlp.diagnosis import thresholds as at
from mlp.diagnosis.causes import leaks
from mlp.diagnosis.evidence import are_numbers_as_classes, has_coarse_rows, is_like_classes
from mlp.diagnosis.finding import Detector, Finding, Severity
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.rows_in_words import list_names, score


def _marked(r: Reading, name: str) -> list[str]:
    """The columns that a fact marks with 1."""
    if name not in r:
        return []
    names = r.labels(name) or tuple(f"x{i}" for i in range(len(r[name][0])))
    return [column for column, mark in zip(names, r[name][0], strict=True) if mark == 1]


class LeakedRows(Detector):
    """Rows to validate or test on that stand among the training rows, in a table that has no equal rows by chance.

    A warning where the score is better for it, or where hardly a row is left to tell.
    """

    kinds = {"leaked_rows": "rows to validate or test on stand among the training rows"}

    def __call__(self, r: Reading) -> Iterator[Finding]:
        columns = {"validate": "leaked_rows", "test": "leaked_test_rows"}
        found = {use: r.one(column, default=0.0) for use, column in columns.items()}
        shares = {use: share for use, share in found.items() if share >= at.LEAKED}
        if not shares or has_coarse_rows(r):
            return
        flattered = self._flattered(r)
        told = " and ".join(f"{100 * share:.0f} % of the rows to {use} on" for use, share in shares.items())
        message = f"{told} have inputs that stand among the rows to train on too." + self._effect(r, flattered)
        alarms = flattered > at.FLATTERED or max(shares.values()) > at.ALL_LEAKED
        severity: Severity = "warning" if alarms else "info"
        why = leaks.LeakedRows.because("their answers may be memorised, and then the score says nothing of new rows")
        yield self.finding(severity, message, {**shares, "flattered": flattered, "threshold": at.FLATTERED}, why)

    def _flattered(self, r: Reading) -> float:
        """By how much the score is better for the leaked rows, by more than chance; 0 where that is not known."""
        leaked, n_leaked, clean, n_clean = (
            r.one("leaked_scores", name) for name in ("leaked", "leaked_n", "clean", "clean_n")
        )
        if not (isfinite(leaked) and isfinite(clean)) or n_clean < 5:
            return 0.0
        leaked, clean = max(leaked, 0.0), max(clean, 0.0)
        error = sqrt(max(clean * (1 - clean), 1 / n_clean) / n_clean + max(leaked * (1 - leaked), 0.0) / n_leaked)
        gain = (leaked - clean) * n_leaked / (n_leaked + n_clean)
        return gain if leaked - clean > 2 * error else 0.0

    def _effect(self, r: Reading, flattered: float) -> str:
        leaked, clean = r.one("leaked_scores", "leaked"), r.one("leaked_scores", "clean")
        if not isfinite(clean):
            return " The score there says nothing of new rows."
        better = f": the score is better by {flattered:.3f} for it" if flattered > 0 else ", which may be chance"
        return f" On them the {score(r)} is {leaked:.3f}, on the others {clean:.3f}{better}."


class LeakedTarget(Detector):
    """A column that holds the target: a warning. One that alone tells all classes, as no other does: information."""

    kinds = {"leaked_target": "a column holds the target, or tells it alone"}
    needs = ("target_copies",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        copies = _marked(r, "target_copies")
        telling = [name for name in _marked(r, "telling_columns") if name not in copies]
        found: tuple[tuple[Severity, list[str], str], ...] = (
            ("warning", copies, "is the target itself"),
            ("info", telling, "alone tells all classes, and no other column nearly does"),
        )
        for severity, columns, what in found:
            if columns:
                message = (
                    f"The column {list_names(columns)} {what}. Was it known before the target? If not, leave it out: "
                    "new rows will not have it."
                )
                why = leaks.LeakedTarget.because("the column may be known only after the target")
                yield self.finding(severity, message, {"columns": len(columns)}, why)


class IdentifierFeature(Detector):
    """A column that numbers the rows: information, and a warning where the classes follow that number."""

    kinds = {"identifier_feature": "a column numbers the rows"}
    needs = ("identifiers",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        columns = _marked(r, "identifiers")
        if columns:
            order = r.one("identifier_order", default=0.0)
            follows = ", and rows with numbers next to each other have the same class" if order > at.ORDERED else ""
            message = (
                f"The column {list_names(columns)} holds another whole number for every row{follows}. It numbers the "
                "rows, and says nothing of new ones."
            )
            why = leaks.IdentifierFeature.because("every row has a number of its own")
            severity: Severity = "warning" if follows else "info"
            seen = {"columns": len(columns), "order": order, "threshold": at.ORDERED}
            yield self.finding(severity, message, seen, why)


class DriftedInputs(Detector):
    """Rows to validate or test on whose columns are far off what was learned: a warning where it is another unit.

    When a finished run is asked, the same is a `DriftedInputsWarning`.
    """

    kinds = {"drifted_inputs": "columns of other rows are far off what was learned"}

    def __call__(self, r: Reading) -> Iterator[Finding]:
        columns = {"validate": "drifted_inputs", "test": "drifted_test_inputs"}
        for use, name in columns.items():
            if name in r and r[name][0].max() > 0:
                beyond = float(r[name][0].max())
                severity: Severity = "warning" if beyond > at.DRIFTED else "info"
                message = f"Of the rows to {use} on, {'; '.join(r.labels(name)[:3])}. Their score says little."
                why = leaks.DriftedInputs.because("these rows lie beyond all that was learned from")
                yield self.finding(severity, message, {"ranges_beyond": beyond, "threshold": at.DRIFTED}, why)


class NumbersAsClasses(Detector):
    """Whole numbers with an order, each a class of its own: a warning where hardly a right answer is found."""

    kinds = {"numbers_as_classes": "numbers that have an order are learned as classes"}
    needs = ("neighbour_gap", "n_classes")

    def __call__(self, r: Reading) -> Iterator[Finding]:
        if not are_numbers_as_classes(r):
            return
        classes, gap, wrong = r.one("n_classes"), r.one("neighbour_gap"), r.one("error_gap")
        held_out = np.fmin(r.score("validation"), r.score("train"))
        poor = r.finished and held_out < at.POOR_AMONG_MANY
        told = (
            f"rows that look alike have targets {gap:.2f} times as far apart as any two rows"
            if gap < at.GAP_OF_A_QUANTITY
            else f"wrong answers are {wrong:.2f} times as far from what is true as those of any other row"
        )
        message = (
            f"The {classes:.0f} classes are whole numbers in an order: {told}. A classifier does not "
            "know that 7 is nearer to 8 than to 70, and needs rows of each. Learn them as numbers."
        )
        why = leaks.NumbersAsClasses.because("what looks alike has targets that are close")
        severity: Severity = "warning" if poor else "info"
        seen = {"neighbour_gap": gap, "error_gap": wrong, "threshold": at.GAP_OF_A_QUANTITY}
        yield self.finding(severity, message, seen, why)


class ClassesAsNumbers(Detector):
    """Few whole targets under a loss of numbers: information, and a warning where a classifier does far better."""

    kinds = {"classes_as_numbers": "few distinct whole targets are learned as a quantity"}
    needs = ("neighbour_gap", "distinct_targets")

    def __call__(self, r: Reading) -> Iterator[Finding]:
        distinct, gap = r.one("distinct_targets"), r.one("neighbour_gap")
        if not is_like_classes(r):
            return
        mine, classes = r.one("rounded_accuracy"), r.one("class_accuracy")
        measured = (
            f" Rounded, the answers are right for {100 * mine:.0f} % of the rows; a plain classifier is for "
            f"{100 * classes:.0f} %."
            if isfinite(classes)
            else ""
        )
        message = (
            f"The targets are {distinct:.0f} whole numbers, and rows that look alike have any others: they seem to be "
            f"names of classes, not a quantity.{measured}"
        )
        why = leaks.ClassesAsNumbers.because("a class lies between others that it has nothing to do with")
        severity: Severity = "warning" if classes - mine > at.GAP else "info"
        seen = {"distinct": distinct, "neighbour_gap": gap, "threshold": at.GAP_OF_A_QUANTITY}
        yield self.finding(severity, message, seen, why)


LEAKS: tuple[Detector, ...] = (
    NumbersAsClasses(), ClassesAsNumbers(), LeakedRows(), LeakedTarget(), IdentifierFeature(),
    DriftedInputs(),
)  # fmt: skip
