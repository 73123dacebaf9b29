"""Causes of scores that are too good: rows or columns that know what they should not; and numbers taken for names."""

from __future__ import annotations

from collections.abc import Iterator

from mlp.diagnosis import thresholds as at
from mlp.diagnosis.causes.known_cause import Changes, Experiment, KnownCause, Suspicion
from mlp.diagnosis.causes.layers import LossOutputMismatch
from mlp.diagnosis.evidence import are_numbers_as_classes, is_like_classes
from mlp.diagnosis.reading import Reading


class LeakedRows(KnownCause):
    """Rows that stand in the training part and in another."""

    name = "leaked_rows"
    meaning = "rows to validate or test on are rows that were trained on"
    remedy = "take repeated rows out before the data is parted, or give another file to validate or test on"


class LeakedTarget(KnownCause):
    """A column that holds the target, or what is known only after it."""

    name = "leaked_target"
    meaning = "a column holds the target, or what is known only after it"
    remedy = "leave the column out: [data] ignore"


class IdentifierFeature(KnownCause):
    """A column that only numbers the rows."""

    name = "identifier_feature"
    meaning = "a column numbers the rows, and says nothing of new ones"
    remedy = "leave the column out: [data] ignore"


class DriftedInputs(KnownCause):
    """Rows that do not come from where the training rows came from."""

    name = "drifted_inputs"
    meaning = "columns are far off what was learned: another unit, another order, or another source"
    remedy = "give the columns in the order and the units of the training, or train on rows like these"


class NumbersAsClasses(KnownCause):
    """Whole numbers with an order, each of which is learned as a class of its own."""

    name = "numbers_as_classes"
    meaning = "numbers that have an order are learned as classes that have none"
    remedy = 'task = "regression"'
    change = {"data": {"task": "regression", "scale_target": "standard"}}
    task = "classification"

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        if are_numbers_as_classes(r):
            classes = r.one("n_classes", default=0.0)
            yield self.suspect(at.NUMBERS_AS_CLASSES, f"the {classes:.0f} classes are whole numbers in an order")

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        """Numbers to predict; keys that only classes have are taken away."""
        yield {**self.change, **next(LossOutputMismatch().changes(experiment))}


class ClassesAsNumbers(KnownCause):
    """Names of classes that are whole numbers, and are learned as a quantity."""

    name = "classes_as_numbers"
    meaning = "classes are learned as a quantity, and lie between others that they have nothing to do with"
    remedy = 'task = "classification"'
    change = {"data": {"task": "classification", "scale_target": "none"}}
    task = "regression"

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        better = r.one("class_accuracy") - r.one("rounded_accuracy")
        if is_like_classes(r) and better > at.GAP:
            why = f"a plain classifier is right for {100 * better:.0f} % more of the rows"
            yield self.suspect(at.NUMBERS_AS_CLASSES, why)
        elif is_like_classes(r) and better != better:  # nobody asked a classifier
            why = f"the {r.one('distinct_targets'):.0f} whole targets have no order"
            yield self.suspect(at.MAYBE_CLASSES, why)

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        """Classes; keys that only numbers have are taken away."""
        yield {**self.change, **next(LossOutputMismatch().changes(experiment))}


LEAKS: tuple[KnownCause, ...] = (
    NumbersAsClasses(), ClassesAsNumbers(), LeakedRows(), LeakedTarget(), IdentifierFeature(),
    DriftedInputs(),
)  # fmt: skip
