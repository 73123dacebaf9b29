"""Causes in the steps: too long, too short, too few, or led astray."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil, inf, isfinite, nan

import numpy as np

from mlp.diagnosis import thresholds as at
from mlp.diagnosis.causes.known_cause import Changes, Experiment, KnownCause, Suspicion
from mlp.diagnosis.evidence import Rest, clipped_to, has_no_score, is_at_rest, latest_resting_point
from mlp.diagnosis.loops import forgetting, is_unfinished, late_fall
from mlp.diagnosis.reading import Reading

ENOUGH_STEPS = 1500
"""Steps that a small network needs at most at a usual rate, twice what the baseline has."""
PATIENCE = 20
"""Epochs without any gain that early stopping may wait for."""


def _moved(r: Reading, times: float) -> str:
    """What speaks for an odd rate: how it compares with the usual, and how far updates move the weights."""
    usual = f"it is {times:.2g} times what is usual for this rule" if abs(times - 1) > 1e-9 else ""
    moved = f"a typical update moves the weights by {r.pace:.1g} of their size" if isfinite(r.pace) else ""
    return "; ".join(filter(None, (usual, moved))) or "updates are far from usual"


def _rates(r: Reading) -> tuple[float, float]:
    """The learning rate, and the one that is usual for the rule; NaN where it is not known."""
    return r.setting("learning_rate", r.one("learning_rate")), r.setting("usual_rate")


def _mean_rate(r: Reading) -> float:
    """The mean learning rate of the whole schedule; that of the latest step where no schedule is known."""
    return r.setting("mean_rate", _rates(r)[0])


def still_falls(r: Reading) -> bool:
    """Whether the loss fell until a run ended of which no score is known."""
    fall = late_fall(r) if has_no_score(r) else None
    return fall is not None and is_unfinished(r, fall)


def was_stopped(r: Reading) -> bool:
    """Whether early stopping ended the run, long before its last step."""
    is_short = "ended" in r and 0 < r.done < 0.9 * r.planned
    return is_short and r.setting("early_stopping", 0.0) == 1 and isfinite(r.now) and not r.is_rising


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")


class LearningRateTooHigh(KnownCause):
    """A rate far above what is usual for the rule, steps long beside the weights, or a loss that rises."""

    name = "learning_rate_too_high"
    meaning = "steps are longer than the curvature of the loss allows"
    remedy = "a tenth of the learning rate"
    repeatable = True

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        rate, usual = _rates(r)
        share = rate / usual if usual > 0 and isfinite(rate) else 1.0
        lower = self.lower(rate, usual)
        if share > at.RATE_TOO_HIGH[0] or r.pace > at.RATE_TOO_HIGH[1]:
            weight = max(at.RATE_BY_RATIO(share), at.RATE_BY_PACE(r.pace))
            yield self.suspect(weight, _moved(r, share), lower)
        if r.is_rising:
            yield self.suspect(at.LOSS_RISES, "the loss rises instead of falling", lower)
        if "loss_along" in r:
            begun, tenth, whole, _ = r["loss_along"][-1]
            if whole > begun > tenth:
                why = "the loss rises along the step, and falls along a tenth of it"
                yield self.suspect(at.LOSS_RISES_ALONG, why, lower)
        dead = max(r.by_layer("initial_dead_fraction").values(), default=0.0)
        silent = max(r.by_layer("silent_units").values(), default=0.0)
        if silent > at.DEAD and not dead > at.DEAD_AT_START:
            why = f"{100 * silent:.0f} % of a layer's units went dead on the way"
            yield self.suspect(at.WENT_DEAD(silent), why, lower)
        yield from self._seen(latest_resting_point(r), lower)

    @classmethod
    def _seen(cls, found: Rest | None, lower: str) -> Iterator[Suspicion]:
        """What a probe saw."""
        if found is not None and found.kind == "bouncing":
            yield cls.suspect(at.BOUNCES, "steps at a lower rate lower the loss, and these do not", lower)
        if found is not None and found.kind == "noise_floor":
            why = "steps on all rows lower the loss, and those on a few rows do not"
            yield cls.suspect(at.ON_NOISE_FLOOR, why, 'schedule = "cosine"')

    @classmethod
    def lower(cls, rate: float, usual: float) -> str:
        """The remedy for a rate, as a sentence."""
        return f"learning_rate {rate:g} → {lower_rate(rate, usual):g}" if rate > 0 and rate < inf else cls.remedy

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        lower = lower_rate(experiment.rate, experiment.usual_rate)
        yield {"optimizer": {"learning_rate": lower}}
        yield {"optimizer": {"learning_rate": _three_digits(lower * 0.2)}}
        found = latest_resting_point(experiment.history)
        if found is not None and found.kind == "noise_floor":
            yield {"optimizer": {"schedule": "cosine"}}


def lower_rate(rate: float, usual: float) -> float:
    """The usual rate of the rule; a tenth, where the rate is hardly higher than that, or no rate is usual."""
    return usual if rate > 1.5 * usual > 0 else _three_digits(rate / 10)


class LearningRateTooLow(KnownCause):
    """A rate, mean of the whole schedule, far below what is usual for the rule, or steps tiny beside the weights."""

    name = "learning_rate_too_low"
    meaning = "steps are too short to arrive within the run"
    remedy = "ten times the learning rate, or more"
    repeatable = True

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        usual, mean = r.setting("usual_rate"), _mean_rate(r)
        lack = usual / mean if usual > 0 and mean > 0 else 1.0
        if is_at_rest(r):
            yield self.suspect(1.0, "the learning rate of every step is 0", self.higher(r, 100.0))
        if lack > at.RATE_TOO_LOW[0] or r.pace < at.RATE_TOO_LOW[1]:
            weight = max(at.LACK_BY_RATIO(lack), at.LACK_BY_PACE(1e-3 / max(r.pace, 1e-30)))
            yield self.suspect(weight, _moved(r, 1 / lack), self.higher(r, 100.0))
        if "loss_along" in r:
            begun, tenth, whole, tenfold = r["loss_along"][-1]
            if not whole > begun > tenth and tenfold < whole and begun - whole < 0.01 * begun:
                why = "the loss still falls ten times as far along the step"
                yield self.suspect(at.LOSS_FALLS_ALONG, why, self.higher(r, 10.0))
        if still_falls(r):
            yield self.suspect(at.SLOW_AT_THE_END, "the loss still fell when the run ended")

    @staticmethod
    def higher(r: Reading, times: float) -> str:
        """The remedy as a sentence: a rate, `times` as high where no rate is usual, or no schedule that lowers it."""
        (rate, usual), mean = _rates(r), _mean_rate(r)
        if rate == 0:
            return f"learning_rate 0 → {usual:g}" if usual > 0 else "a learning rate above 0"
        if not 0 < rate < inf:
            return f"{times:.0f} times the learning rate"
        if not usual > 0:
            return f"learning_rate {rate:g} → {times * rate:.2g}"
        if rate >= usual and mean < 0.9 * rate:
            return 'schedule = "constant"'
        return f"learning_rate {rate:g} → {higher_rate(rate, usual):g}"

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        """A higher rate, and no schedule that takes it away again."""
        rate, usual = experiment.rate, experiment.usual_rate
        unscheduled = {} if experiment.sections["optimizer"]["schedule"] == "constant" else {"schedule": "constant"}
        higher = _three_digits(rate if unscheduled and rate >= usual else higher_rate(rate, usual))
        yield {"optimizer": {"learning_rate": higher, **unscheduled}}
        yield {"optimizer": {"learning_rate": _three_digits(5 * higher), **unscheduled}}


def higher_rate(rate: float, usual: float) -> float:
    """The usual rate of the rule; three times what is as high already."""
    return _three_digits(usual if rate < usual else 3 * rate)


class MomentumTooHigh(KnownCause):
    """Steps that go on and on."""

    name = "momentum_too_high"
    meaning = "a step goes on for hundreds more"
    remedy = "momentum = 0.9"

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        rest = 1 - r.setting("momentum", 0.0)
        if rest < 0.05 and 1 - rest > r.setting("usual_momentum", 0.9):
            why = f"with a momentum of {1 - rest:g} a step goes on for {1 / max(rest, 1e-9):.0f} more"
            yield self.suspect(at.MOMENTUM(0.05 / max(rest, 1e-9)), why)

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        """0.9, under whichever name the rule has it; a step then goes on for 10 more, and the usual rates suit that."""
        for key in ("momentum", "beta1"):
            if experiment.rule.get(key) is not None:
                yield {"optimizer": {key: 0.9, **experiment.capped_learning_rate}}
                return


class EpsilonTooLarge(KnownCause):
    """An ε that outweighs the gradients it is to guard."""

    name = "epsilon_too_large"
    meaning = "epsilon is larger than the gradients it should guard"
    remedy = "epsilon = 1e-8"
    repeatable = True

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        value = r.setting("epsilon", 0.0)
        if value > at.EPSILON:
            why = f"an epsilon of {value:g} is larger than the gradients it should guard"
            yield self.suspect(at.EPSILON_WEIGHT(value), why)

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        """1e-8 as in the paper on Adam, and a rate that is not below the usual: it was chosen for another epsilon."""
        if experiment.rule.get("epsilon") is not None:
            rate, usual = experiment.rate, experiment.usual_rate
            yield {"optimizer": {"epsilon": 1e-8, "learning_rate": min(max(rate, usual / 3), usual)}}
            yield {"optimizer": {"epsilon": 1e-8, "learning_rate": usual}}


class ClippingTooLow(KnownCause):
    """Gradients cut to a small part of themselves."""

    name = "clipping_too_low"
    meaning = "gradients are cut to almost nothing"
    remedy = "clip_norm = 0.0, clip_value = 0.0"
    change = {"optimizer": {"clip_norm": 0.0, "clip_value": 0.0}}

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        norm = float(np.median(r["grad_norm"])) if "grad_norm" in r and len(r["grad_norm"]) else 0.0
        given = max(r.setting("clip_norm"), r.setting("clip_value"))
        limit = given if given > 0 else clipped_to(r)
        if 0 < limit < norm / at.CLIPPED.low:
            yield self.suspect(at.CLIPPED(norm / limit), f"gradients of {norm:.2g} are cut to {limit:g}")


def _batches_of_32(experiment: Experiment) -> Changes:
    """32 rows a step, and as many epochs as that needs; a rate no higher than usual."""
    epochs = _epochs_for_enough(experiment.sections["training"]["epochs"], experiment.history.setting("rows"), 32)
    return {"training": {"batch_size": 32, "epochs": epochs}, "optimizer": experiment.capped_learning_rate}


def _epochs_for_enough(epochs: int, rows: float, size: float) -> int:
    """As many epochs as make `ENOUGH_STEPS`, and no fewer than there were."""
    return max(epochs, ceil(ENOUGH_STEPS / ceil(rows / size))) if isfinite(rows) else epochs


class BatchTooSmall(KnownCause):
    """Steps that see too few rows to know where to go."""

    name = "batch_too_small"
    meaning = "each step follows the noise of a few rows"
    remedy = "batch_size = 32"

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        size = r.setting("batch_size")
        if size <= 2 and r.setting("batch_norm", 0.0) == 1:
            yield self.suspect(at.BATCH_NORM_OF_TWO, "batch norm takes mean and deviation from two rows")
        elif size <= 4:
            weight = at.ONE_ROW if size == 1 else at.FOUR_ROWS
            if has_no_score(r) and r.pace < at.NOISY_PACE:  # short steps go by the mean of many
                weight *= r.pace / at.NOISY_PACE
            yield self.suspect(weight, f"each step sees {size:.0f} of the rows")

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        yield _batches_of_32(experiment)


def count_epochs(r: Reading) -> float:
    """The epochs that are planned; of a loop those that were begun."""
    return r.setting("epochs", r.one("epoch") + 1 if has_no_score(r) and not r.is_bare else nan)


def _lengths(r: Reading) -> tuple[float, float] | None:
    """How few the steps are, and how hopelessly few; None where the loss rises or is none, or that is not known."""
    if r.is_rising or (len(r.loss) and not isfinite(r.now)) or not 0 < count_epochs(r) < inf or not r.planned:
        return None
    return at.FEW_STEPS(500 / r.planned), at.HOPELESS(120 / r.planned)


class BatchTooLarge(KnownCause):
    """Too few steps, because each takes so many rows."""

    name = "batch_too_large"
    meaning = "an epoch is only a few steps"
    remedy = "batch_size = 32"

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        lengths, rows, size = _lengths(r), r.setting("rows"), r.setting("batch_size")
        if lengths and size > at.LARGE_BATCH and size >= at.LARGE_SHARE * rows and lengths[0] > 0:
            why = f"{size:.0f} of {rows:.0f} rows in each step make only {r.planned} steps"
            yield self.suspect(max(at.LARGE_BATCH_WEIGHT(lengths[0]), at.HOPELESS_BATCH * lengths[1]), why)

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        yield _batches_of_32(experiment)


class TooFewEpochs(KnownCause):
    """Too few steps, for want of epochs."""

    name = "too_few_epochs"
    meaning = "training ended before it had arrived"
    remedy = "three times as many epochs, or more"
    repeatable = True

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        if lengths := _lengths(r):
            few, hopeless = lengths
            epochs = count_epochs(r)
            weight = max(at.LACK_OF_EPOCHS(few * at.FEW_EPOCHS(20 / epochs)), at.HOPELESS_EPOCHS * hopeless)
            yield self.suspect(weight, f"{epochs:.0f} epochs are {r.planned} steps", self.longer(r))
        if still_falls(r):
            yield self.suspect(at.FALLS_AT_THE_END, "the loss still fell when the run ended")
        if was_stopped(r):
            why = f"early stopping ended the run after {r.done} of {r.planned} steps"
            yield self.suspect(at.STOPPED_EARLY(r.planned / r.done), why, self.longer(r))

    @classmethod
    def longer(cls, r: Reading) -> str:
        """The remedy for a run, as a sentence."""
        if was_stopped(r):
            return f"early_stopping = {{patience = {PATIENCE}}}, or false"
        epochs = r.setting("epochs")
        more = cls._more(int(epochs), r.setting("rows"), r.setting("batch_size")) if 0 < epochs < inf else 0
        return f"epochs {epochs:.0f} → {more}" if more else cls.remedy

    @staticmethod
    def _more(epochs: int, rows: float, size: float) -> int:
        """Three times as many, and at least `ENOUGH_STEPS` steps."""
        known = rows > 0 and size > 0 and isfinite(rows) and isfinite(size)
        return max(_epochs_for_enough(epochs, rows, size) if known else epochs, 3 * epochs)

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        """More epochs; where early stopping leaves none of them, more patience with any gain, and then no end."""
        training, rows = experiment.sections["training"], experiment.history.setting("rows")
        if was_stopped(experiment.history):
            given = training["early_stopping"]
            waits = given.get("patience", 0) if isinstance(given, Mapping) else 0
            yield {"training": {"early_stopping": {"patience": max(PATIENCE, waits)}}}
            yield {"training": {"early_stopping": False}}
            return
        size = rows if training["batch_size"] == "full" else training["batch_size"]
        yield {"training": {"epochs": self._more(training["epochs"], rows, size)}}


class UnshuffledBatches(KnownCause):
    """Rows that come in the same order in every epoch, where that order says something of the targets."""

    name = "unshuffled_batches"
    meaning = "batches are of one class after another"
    remedy = "shuffle = true"
    change = {"training": {"shuffle": True}}
    settled_by = {"shuffle": 1.0}

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        if r.setting("shuffle", 1.0) == 0:
            ordered = r.one("ordered_targets", default=1.0)
            weight = at.UNSHUFFLED if ordered > at.ORDERED else at.UNSHUFFLED_AT_RANDOM
            like = f", and {100 * ordered:.0f} % more neighbours than by chance have the same target"
            why = "rows come in the same order in every epoch" + (like if at.ORDERED < ordered < 1 else "")
            yield self.suspect(weight, why)
        elif (ordered := r.one("ordered_batches", default=0.0)) > at.ORDERED and "shuffle" not in r.labels("settings"):
            why = f"rows come in an order: {100 * ordered:.0f} % of the targets' spread lies between batches"
            yield self.suspect(at.UNSHUFFLED if forgetting(r) else at.ORDERED_BATCHES, why)


STEPS: tuple[KnownCause, ...] = (
    LearningRateTooHigh(), LearningRateTooLow(), MomentumTooHigh(), EpsilonTooLarge(), ClippingTooLow(),
    BatchTooSmall(), BatchTooLarge(), TooFewEpochs(), UnshuffledBatches(),
)  # fmt: skip
