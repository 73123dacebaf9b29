"""What a history proves or disproves: yes, no, which layers, and how much is missing. No weights, no causes.

Two measures say whether a run learns, both without a unit. The *reference* is the loss of the best constant answer; a
run that ends there has learned nothing. The *baseline* is the score of a plain network, trained a few hundred steps on
the same rows; a run that ends clearly below it could have learned more.
"""

from __future__ import annotations

from math import inf, isfinite, nan, sqrt
from typing import NamedTuple

import numpy as np

from mlp.diagnosis import thresholds as at
from mlp.diagnosis.reading import Reading, trend


def wrong_layers(r: Reading) -> tuple[str, ...]:
    """The layers whose gradient disagrees with differences of the loss."""
    return tuple(name for name, error in r.by_layer("gradient_error").items() if not error <= at.GRADIENT_ERROR)


def shrinks(r: Reading) -> bool:
    """Whether the rule shrinks the weights hard beside what the gradient says, as AdamW may; that may lead uphill."""
    return r.setting("weight_decay", 0.0) > at.SHORT


def uphill(r: Reading) -> float:
    """The share of the first steps that go uphill, ⟨g, u⟩ > 0; 0 if the first does not: all rules begin downhill."""
    if shrinks(r):
        return 0.0
    descent = r["descent"] if "descent" in r else np.empty(0)
    first = descent[np.isfinite(descent)][:20]
    return float((first > 0).mean()) if len(first) and first[0] > 0 else 0.0


def is_contrary(r: Reading) -> bool:
    """Whether the loss rises by about what its gradient promises it to fall, from small steps that all point one way.

    Steps that are too long raise the loss too, but they are long, or turn back and forth.
    """
    if "descent" not in r or "param_norm" not in r or shrinks(r):
        return False
    return any(_rises_as_promised(r, n) for n in (15, 30, 60) if len(r.loss) >= n)


def _rises_as_promised(r: Reading, n: int) -> bool:
    early, descent, cosines = trend(r.loss[:n]), r.first("descent", n), r.first("grad_cosine", n)
    if not len(descent):
        return False
    promised = -float(descent.mean())
    moved = float(np.median(r.first("update_norm", n)) / max(float(r["param_norm"][0]), 1e-30))
    rises = early.slope - 3 * early.slope_error > 0 and 0.2 * promised < early.slope < 5 * promised
    return bool(rises and moved < 0.05 and (not len(cosines) or np.median(cosines) > -0.1))


def frozen_layers(r: Reading) -> tuple[str, ...]:
    """The layers that no step has moved although a gradient reaches them."""
    if not all(name in r and len(r[name]) > 1 for name in ("update_norm_by_layer", "grad_norm_by_layer")):
        return ()
    moved, pulled = r["update_norm_by_layer"], r["grad_norm_by_layer"]
    at = np.isin(r.steps("grad_norm_by_layer"), r.steps("update_norm_by_layer"))  # of the others nothing is known
    still = (moved == 0).all(0) & (pulled[at] > 0).any(0) if at.any() else np.zeros(moved.shape[1], bool)
    return tuple(name for name, s in zip(r.labels("update_norm_by_layer"), still, strict=False) if s)


def is_without_gradient(r: Reading) -> bool:
    """Whether every gradient of every layer was exactly 0, at a loss that is not."""
    pulled = r["grad_norm_by_layer"] if "grad_norm_by_layer" in r else np.ones(1)
    return len(pulled) >= 2 and not pulled.any() and r.now > 1e-3


def clipped_to(r: Reading) -> float:
    """The norm to which gradients are cut, where updates of η times that length give it away; 0 where they do not."""
    if not all(name in r and len(r[name]) > 3 for name in ("update_norm", "learning_rate", "grad_norm")):
        return 0.0
    steps = r.steps("update_norm")
    rate, norm = (r[name][np.isin(r.steps(name), steps)] for name in ("learning_rate", "grad_norm"))
    if not len(rate) == len(norm) == len(steps) or not (rate > 0).all():
        return 0.0
    length = r["update_norm"] / rate
    is_cut = length.std() < 1e-3 * length.mean() and norm.std() > 1e-2 * norm.mean()
    return float(length.mean()) if is_cut else 0.0


def memorises(r: Reading) -> bool:
    """Whether the rows trained on are answered well and others clearly worse."""
    well, gap = at.MEMORISED
    train, held_out = r.score("train"), np.fmin(r.score("validation"), r.one(f"crossed_{r.score_name}", default=inf))
    return bool(train > well and train - max(held_out, 0.0) > gap)  # fmin passes over NaN


def guess(r: Reading) -> float | None:
    """An accuracy or r² that a guess may reach by luck; None where it is not known."""
    n = max(r.setting("validation_scored", 100.0), 1)
    if r.score_name == "r2":  # an answer that has nothing to do with n targets has r² ≤ z²/n with luck of z deviations
        return max(4 / n, 0.2)  # and one that explains less than a fifth of the spread is as good as none
    counts = r["class_counts"][0] if "class_counts" in r else np.ones(1)
    most = r.one("guess_accuracy", default=float(counts.max() / counts.sum()))
    if not most < 1:
        return None
    luck = float(most + 2 * np.sqrt(most * (1 - most) / n))
    return luck if luck < 0.9 else None  # so few rows, or one class so frequent, that hardly a score could pass


def is_rare(r: Reading) -> bool:
    """Whether a class is so rare that the most frequent one is a good answer."""
    return "class_counts" in r and bool(r["class_counts"][0].min() < at.RARE * r["class_counts"][0].max())


def is_meaningless(r: Reading) -> bool:
    """Whether held-out answers are guesses, the network's and a plain network's alike."""
    chance, plain = guess(r), r.one(f"baseline_validation_{r.score_name}")
    return chance is not None and plain <= chance and not r.score("validation") > chance and not is_rare(r)


def is_exonerated(r: Reading) -> bool:
    """Whether a plain network does much better on the same rows, so that these are not to blame."""
    plain = r.one(f"baseline_validation_{r.score_name}", default=r.one(f"baseline_train_{r.score_name}"))
    mine = r.score("validation") if isfinite(r.score("validation")) else r.score("train")
    return plain - (max(mine, 0.0) if isfinite(mine) else 0.0) > at.SHORT


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
        return self.missing > at.SHORT + 2 * self.error


def shortfall(reading: Reading, part: str) -> Shortfall | None:
    """What is missing on a part; None where nothing was measured there.

    With no row held out the training score is all there is, and a plain network may have memorised its own: then its
    score on training rows it had not seen counts, unless that is a guess: a truth table can only be memorised.
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
    return reading.one("validation_loss") > reading.reference and held_out.missing > max(at.SHORT, held_out.error)


OF_POINT = ("point_loss", "point_floor", "point_least", "point_escape")
"""Columns of a look at a point. One that says nothing at its step was not asked for."""


class Rest(NamedTuple):
    """The point at which a probe saw the run latest: its kind, the layers that are cut off, and numbers of it."""

    kind: str
    layers: tuple[str, ...]
    step: int
    loss: float
    floor: float
    least: float
    escape: float


def rest(r: Reading) -> Rest | None:
    """Where a run rests; None where no probe looked, or the run has gone on for long since."""
    if "point_kind" not in r or r.steps("point_kind")[-1] + 1 < at.LOOKED_AT * r.done:
        return None
    kind = max(r.by_layer("point_kind").items(), key=lambda entry: entry[1])[0]
    layers = tuple(name for name, cut in r.by_layer("point_layers").items() if cut)
    step = int(r.steps("point_kind")[-1])
    numbers = {name: r.one(name) if name in r and r.steps(name)[-1] == step else nan for name in OF_POINT}
    return Rest(kind, layers, step, *numbers.values())


def is_suspicious(reading: Reading) -> bool:
    """Whether it is worth while to train a plain network beside it: the run is slow, or ended not plainly well."""
    if not len(reading.loss) or not isfinite(reading.now):
        return False
    if reading.finished:
        if reading.setting("rows") < 100:  # a perfect score on ten held-out rows says little
            return True
        return min(reading.score("train"), reading.one(f"validation_{reading.score_name}", default=1.0)) < 0.98
    return reading.done >= 0.03 * reading.planned and reading.skill < 0.25
