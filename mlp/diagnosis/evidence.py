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
from mlp.diagnosis.shortfall import shortfall


def wrong_layers(r: Reading) -> tuple[str, ...]:
    """The layers whose gradient disagrees with differences of the loss; none where the loss is no number."""
    if len(r.loss) and not isfinite(r.start):
        return ()
    return tuple(name for name, error in r.by_layer("gradient_error").items() if not error <= at.GRADIENT_ERROR)


def decays_weights_hard(r: Reading) -> bool:
    """Whether the rule shrinks the weights hard beside what the gradient says, as AdamW may; that may lead uphill."""
    return r.setting("weight_decay", 0.0) > at.SHORT


def uphill(r: Reading) -> float:
    """The share of the first steps that go uphill, ⟨g, u⟩ > 0; 0 if the first does not: all rules begin downhill."""
    if decays_weights_hard(r):
        return 0.0
    descent = r["descent"] if "descent" in r else np.empty(0)
    first = descent[np.isfinite(descent)][:20]
    return float((first > 0).mean()) if len(first) and first[0] > 0 else 0.0


def comes_in_order(r: Reading) -> bool:
    """Whether rows come in the same order in every epoch, and neighbours have the same target."""
    return r.setting("shuffle", 1.0) == 0 and r.one("ordered_targets", default=1.0) > at.ORDERED


def is_contrary(r: Reading) -> bool:
    """Whether the loss rises by about what its gradient promises it to fall, from small steps that all point one way.

    Steps that are too long raise the loss too, but they are long, or turn back and forth. Where rows are sorted by
    target and not shuffled, the losses of two batches are those of two classes: the second rises while the first falls.
    """
    if "descent" not in r or "param_norm" not in r or decays_weights_hard(r) or comes_in_order(r):
        return False
    return any(_rises_as_promised(r, n) for n in (15, 30, 60) if len(r.loss) >= n)


def _rises_as_promised(r: Reading, n: int) -> bool:
    early, descent, cosines = trend(r.loss[:n]), r.first("descent", n), r.first("grad_cosine", n)
    if not len(descent):
        return False
    promised = -float(descent.mean())
    moved = float(np.median(r.first("update_norm", n)) / max(float(r["param_norm"][0]), 1e-30))
    rises = early.slope > (3 + at.FEW_LOSSES / n) * early.slope_error and 0.2 * promised < early.slope < 5 * promised
    return bool(rises and moved < 0.05 and (not len(cosines) or np.median(cosines) > -0.1))


def frozen_layers(r: Reading) -> tuple[str, ...]:
    """The layers that no step has moved although a gradient reaches them."""
    if not all(name in r and len(r[name]) > 1 for name in ("update_norm_by_layer", "grad_norm_by_layer")):
        return ()
    moved, pulled = r["update_norm_by_layer"], r["grad_norm_by_layer"]
    at = np.isin(r.steps("grad_norm_by_layer"), r.steps("update_norm_by_layer"))  # of the others nothing is known
    still = (moved == 0).all(0) & (pulled[at] > 0).any(0) if at.any() else np.zeros(moved.shape[1], bool)
    return tuple(name for name, s in zip(r.labels("update_norm_by_layer"), still, strict=False) if s)


def is_at_rest(r: Reading) -> bool:
    """Whether the learning rate of every step was 0."""
    rates = r["learning_rate"] if "learning_rate" in r else np.ones(1)
    return len(rates) > 0 and not rates.any()


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


def answers_better_than_a_guess(r: Reading) -> bool:
    """Whether more rows to train on have a right answer than chance explains, though the loss is hardly lower.

    So it is where labels are mostly chance, and answers cautious. Only of a table whose rows plain networks know no
    better: else the run is short of what they reach. Where none was asked, the loss must have come to rest.
    """
    unseen = r.one("unseen", "score")
    if isfinite(unseen):
        return r.score("train") > unseen and is_clearly_right(r, 0.0)
    return not r.trend.slope + 2 * r.trend.slope_error < 0 and is_clearly_right(r, 0.0, at.LIKELY)


def is_clearly_right(r: Reading, least: float = at.GAP, errors: float = at.SIGNAL) -> bool:
    """Whether more rows to train on have a right class than chance explains, and than a guess has by `least`."""
    n, train = r.setting("train_scored", r.one("baseline_rows", "train", 0.0)), r.score("train")
    if r.score_name == "r2" or not n > 0 or not isfinite(train):
        return False
    guessed = _plain_guess(r)
    return train - guessed > max(least, errors * sqrt(max(guessed * (1 - guessed), 1 / n) / n))


def last_loss(r: Reading) -> float:
    """The mean loss over the last epoch, while it trained; over the latest steps where epochs are not known."""
    return r.one("train_loss", default=r.now)


def is_absurd(r: Reading) -> bool:
    """Whether the loss is above that of a constant answer, and far more rows have a right answer than that has."""
    return last_loss(r) > at.ABSURD * r.reference > 0 and not r.is_bare and is_clearly_right(r)


def is_near(r: Reading) -> bool:
    """Whether scores are known to be about those of a plain network; where there is none, to be high."""
    found = [s for part in ("train", "validation") if (s := shortfall(r, part)) is not None]
    return all(s.missing <= at.NEAR + s.error for s in found) if found else r.score("train") > at.HIGH


def memorises(r: Reading) -> bool:
    """Whether the rows trained on are answered well and others clearly worse.

    The others are those to validate on. Where these are few, plain networks' answers to rows that they had not seen
    count if they are worse; or those of the experiment itself, where it was asked.
    """
    well, gap = at.MEMORISED
    train, held_out = r.score("train"), r.one("few_rows", "own", r.score("validation"))
    if not (isfinite(held_out) and r.setting("validation_scored", 0.0) >= at.ENOUGH_HELD_OUT):
        held_out = np.fmin(held_out, r.one(f"crossed_{r.score_name}", default=inf))  # fmin passes over NaN
    return bool(train > well and train - max(held_out, 0.0) > gap)


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


def is_without_evidence(r: Reading) -> bool:
    """Whether held-out answers are no better than lucky guesses, the network's and a plain network's alike."""
    chance, plain = guess(r), r.one(f"baseline_validation_{r.score_name}")
    return chance is not None and plain <= chance and not r.score("validation") > chance and not is_rare(r)


def is_meaningless(r: Reading) -> bool:
    """Whether there is evidence that the inputs say nothing of the targets, or next to nothing.

    A score no better than a guess proves nothing where few rows are held out. So plain networks are asked about rows to
    train on that they had not seen: their answers must not fit better than at random, and two standard errors more than
    their score must not come to much more than a guess.
    """
    if not is_without_evidence(r):
        return False
    score, error, signal = (r.one("unseen", name) for name in ("score", "error", "signal"))
    rows, held_out = r.setting("rows"), r.one("baseline_rows", "validation", 0.0)
    if rows > 0 and held_out > 0:  # the rows to validate on are as new to a plain network
        plain = r.one(f"baseline_validation_{r.score_name}")
        score, error = (rows * score + held_out * plain) / (rows + held_out), error * sqrt(rows / (rows + held_out))
    is_sharp = error < at.SHARP or (r.score_name == "r2" and rows + held_out >= at.SHARP_ROWS)
    half = 1.0 if is_sharp else 0.5  # where rows are few, half a sign may well be one, and half a gain
    little = score + 2 * error < _plain_guess(r) + half * at.LITTLE
    if not isfinite(score):  # nobody was asked: the rows held out are all there is, and an r² of a few says nothing
        return r.score_name == "accuracy" or r.setting("validation_scored", 0.0) >= at.ENOUGH_HELD_OUT
    return little and not signal > half * at.SIGNAL


def _plain_guess(r: Reading) -> float:
    """The accuracy of the most frequent class; the r² of the mean."""
    if r.score_name == "r2":
        return 0.0
    counts = r["class_counts"][0] if "class_counts" in r else np.ones(2)
    return r.one("guess_accuracy", default=float(counts.max() / counts.sum()))


def are_numbers_as_classes(r: Reading) -> bool:
    """Whether classes are many whole numbers of which rows that look alike have close ones, or wrong answers are close.

    Of k names the wrong answers are about as far as any, give or take one over √(2k): each has a few that it is taken
    for.
    """
    classes, wrong = r.one("n_classes"), r.one("error_gap")
    if not classes > at.MANY_CLASSES:
        return False
    return r.one("neighbour_gap") < at.GAP_OF_A_QUANTITY or wrong < 1 - at.GAP_OF_ERRORS / sqrt(2 * classes)


def is_like_classes(r: Reading) -> bool:
    """Whether numbers to predict are few whole ones, and rows that look alike have any of them: names, no quantity."""
    is_few = r.one("distinct_targets") <= at.FEW_VALUES
    return is_few and "class_counts" not in r and r.one("neighbour_gap") >= at.GAP_OF_A_QUANTITY


def count_inputs(r: Reading) -> float:
    """The inputs that vary; all of them where that is not known, and 0 where none is."""
    return float((r["input_std"][0] > 0).sum()) if "input_std" in r else r.setting("inputs", 0.0)


def falls_short_elsewhere(r: Reading) -> bool:
    """Whether answers to rows that were not trained on are clearly worse: the network's, or those of plain networks."""
    train = np.fmax(r.score("train"), r.one(f"baseline_train_{r.score_name}"))
    others = np.fmin(r.score("validation"), r.one(f"crossed_{r.score_name}", default=inf))
    return bool(train - max(others, 0.0) > at.GAP)


def lack_of_rows(r: Reading) -> float:
    """How many times as many rows as there are so many inputs need, by the usual rule of thumb; 0 if not known."""
    rows = r.setting("rows")
    return at.ROWS_PER_INPUT * count_inputs(r) / rows if rows > 0 else 0.0


def lost_to_twins(r: Reading) -> float:
    """The share of what there is to explain that equal rows with different targets forbid; else the share of rows."""
    return r.one("contradictory_loss", default=r.one("contradictory_rows", default=0.0))


def has_coarse_rows(r: Reading) -> bool:
    """Whether rows are equal by chance, since few columns have few values."""
    return r.one("expected_twins", default=0.0) > at.COARSE


def baseline_learns_same_rows(r: Reading) -> bool:
    """Whether a plain network does much better on the same rows, so that these are not to blame.

    Or plain networks on training rows that they had not seen, where the network has seen them.
    """
    plain = r.one(f"baseline_validation_{r.score_name}", default=r.one(f"baseline_train_{r.score_name}"))
    train = r.score("train")
    mine = r.score("validation") if isfinite(r.score("validation")) else train
    apart = r.one("unseen", "score") - r.one("unseen", "error") - max(train, 0.0)
    return plain - (max(mine, 0.0) if isfinite(mine) else 0.0) > at.SHORT or apart > at.SHORT


def gradient_share_at_first_layer(r: Reading) -> float:
    """Which share of the last layer's gradient reaches the first at the start; 1 where that is not known.

    It is the ratio of both, or the product of what each layer hands back, if that is less: inputs that are not centred
    give the first layer a gradient from their constant part, while the signal has gone.
    """
    norms, gains = list(r.at_start("grad_norm_by_layer").values()), list(r.at_start("backward_gain").values())
    if len(norms) < 3 or not norms[-1] > 0:
        return 1.0
    handed = float(np.prod(gains)) if len(gains) > 2 and np.isfinite(gains).all() else inf
    return min(norms[0] / norms[-1], handed)


def has_no_score(r: Reading) -> bool:
    """Whether nothing says how good the answers are but the loss: a loop that was driven by hand."""
    return not any(isfinite(r.score(part)) for part in ("train", "validation"))


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


def latest_resting_point(r: Reading) -> Rest | None:
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
