"""Progress: whether the loss falls, and whether it fell as far as these rows allow."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from mlp.diagnosis import thresholds as at
from mlp.diagnosis.causes import rank, suspicions
from mlp.diagnosis.evidence import (
    answers_better_than_a_guess,
    has_no_score,
    is_absurd,
    is_near,
    is_overconfident,
    is_without_gradient,
    last_loss,
    memorises,
)
from mlp.diagnosis.few_rows import allow_no_more, describe_left_out, read_left_out
from mlp.diagnosis.finding import Detector, Finding, Severity
from mlp.diagnosis.loops import forgetting, is_unfinished, late_fall
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.rows_in_words import crossed, mean_loss, probed, score, scored, trained_on
from mlp.diagnosis.shortfall import Shortfall, is_below_a_line, knows_more, short_of_a_line, shortfall


class Progress(Detector):
    """A warning where the loss does not fall, falls too slowly, or stopped above what a plain network reaches.

    While the run trains, it is held against the budget: what its steps promise, to first order, or a straight line
    through its losses, whichever is kinder, must lead somewhere within the planned steps. A loss
    that is no number or has exploded is divergence, and no finding here.
    """

    kinds = {
        "no_progress": "the loss is no better than that of a constant answer",
        "slow_progress": "the loss falls, too slowly for the steps that are planned",
        "stagnation": "the loss stopped above what these rows allow",
        "oscillation": "the loss goes up and down instead of falling",
        "unfinished": "the loss was still falling when the run ended",
        "overconfident": "most answers are right, and the wrong ones cost more than a constant answer",
    }
    needs = ("loss",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        if not isfinite(r.now) or not isfinite(r.start) or r.reference <= 0 or r.has_exploded:
            return
        seen = _at_the_end(r) if r.finished else _on_the_way(r)
        severity: Severity = "warning"
        if seen is None and r.finished:
            seen, severity = _worth_a_word(r), "info"
        if seen is not None:
            kind, message, evidence = seen
            yield Finding(kind, severity, message, (), r.done - 1, evidence, rank(r))


Seen = tuple[str, str, dict[str, float]]


def _on_the_way(r: Reading) -> Seen | None:
    """What the steps so far say of the rest."""
    level = {"recent_loss": r.now, "reference_loss": r.reference, "steps": float(r.done)}
    if r.done >= 5 and r.now - 2 * r.error > at.RISEN * max(r.start, r.reference):
        why = (
            f"The loss has risen from {r.start:.3g} to {r.now:.3g} (mean over the latest steps) in {r.done} steps "
            "instead of falling."
        )
        return "no_progress", why, level | {"threshold": at.RISEN}
    weight, cause = next(iter(suspicions(r)), (0.0, None))
    if cause is not None and weight >= at.CERTAIN and not r.skill > 0.9:
        return (
            "no_progress",
            f"This is not likely to train: {cause.why}. Remedy: {cause.remedy}.",
            level | {"suspicion": weight},
        )
    if r.now < at.PROJECTED * min(r.start, r.reference):
        return None
    if r.done >= 3 and isfinite(r.promised):
        budget = r.promised * r.planned * _building_up(r)
        if budget < at.BUDGET * r.now:
            why = (
                f"The loss is {r.now:.4g} (mean over the latest steps), and all {r.planned} planned steps together "
                f"promise to lower it by {max(budget, 0):.2g}: at this pace the run ends where it began."
            )
            return "no_progress", why, level | {"promised": budget, "threshold": at.BUDGET * r.now}
    return _projection(r, level)


def _projection(r: Reading, level: dict[str, float]) -> Seen | None:
    """Where a straight line through the losses leads by the end of the planned steps."""
    line = r.trend
    ahead = line.level + (line.slope - 2 * line.slope_error) * (r.planned - r.done)
    if (
        r.done >= 0.05 * r.planned
        and line.level - 2 * line.level_error > 0.9 * r.reference
        and ahead > at.PROJECTED * r.reference
    ):
        why = (
            f"After {r.done} of {r.planned} steps the loss is {r.now:.4g} (mean over the latest steps); a network that "
            f"ignores its inputs has {r.reference:.4g}. Going on like this it ends above {ahead:.3g}."
        )
        kind = "slow_progress" if line.slope + 2 * line.slope_error < 0 else "no_progress"
        return kind, why, level | {"projected": ahead, "threshold": at.PROJECTED * r.reference}
    return None


def _building_up(r: Reading) -> float:
    """How many times longer steps get while a momentum builds up."""
    momentum = r.setting("momentum", 0.0)
    return 1 / (1 - momentum) if 0 < momentum < 1 and r.done < 3 / (1 - momentum) else 1.0


def _at_the_end(r: Reading) -> Seen | None:
    """What the run came to."""
    reached = last_loss(r)
    level = {"mean_loss": reached, "reference_loss": r.reference}
    loss = f"{reached:.4g} ({mean_loss(r)})"
    if is_without_gradient(r):
        why = f"The loss is {loss}, and not one of {r.done} steps had a gradient: nothing can change."
        return "no_progress", why, level | {"grad_norm": 0.0}
    if r.is_bare and reached < at.SMALL_LOSS:
        return None
    if is_absurd(r):
        return None if is_near(r) else _absurd_loss(r)
    is_below = is_below_a_line(shortfall(r, "train"))
    is_well = answers_better_than_a_guess(r) or (allow_no_more(r, 0.0, 1.0) and not is_below)
    if isfinite(reached) and reached >= at.NO_PROGRESS * r.reference and not is_well:
        why = (
            f"After {r.done} steps the loss is {loss}, and it began at {r.reference:.4g}."
            if r.is_bare
            else f"After {r.done} steps the loss is {loss}. A network that ignores its inputs and always gives "
            f"the best constant answer has {r.reference:.4g}: this one is hardly better."
        )
        return "no_progress", why, level | {"threshold": at.NO_PROGRESS}
    if has_no_score(r):
        return _while_forgetting(r, level) or _while_falling(r, level)
    return None if allow_no_more(r) and not is_below else _below_others(r, level)


def _below_others(r: Reading, level: dict[str, float]) -> Seen | None:
    """Whether the answers of a run that is over are clearly worse than those of others to the same rows."""
    trained, held_out = shortfall(r, "train"), shortfall(r, "validation")
    short = [s for s in (trained, held_out) if s is not None and s.is_clear]
    if trained is not None and held_out is not None and not short:
        both = trained.missing > 0.02 and held_out.missing > at.SHORT + held_out.error
        short = [held_out] if both or is_overconfident(r) else []
    is_even = held_out is not None and not held_out.is_clear and held_out.missing <= max(0.03, held_out.error)
    is_better = any(s is not None and s.missing < 0 for s in (trained, held_out))
    is_plain = is_below_a_line(trained) or knows_more(r, trained)
    if not short or ((is_even or is_better) and not is_plain):
        return _below_ridge(r, level)  # rows that are memorised less than by a plain network are no fault
    worst = trained if trained is not None and is_below_a_line(trained) else max(short, key=lambda s: s.missing)
    numbers = {f"{worst.part}_score": worst.mine, f"{worst.part}_baseline": worst.baseline, "error": worst.error}
    return _short_kind(r), _allows_more(r, worst), level | numbers


def _below_ridge(r: Reading, level: dict[str, float]) -> Seen | None:
    """Whether few rows that were left out are answered clearly worse than by ridge regression, row by row."""
    found = read_left_out(r)
    if found is None or not found.missing > at.SHORT + 2 * found.error:
        return None
    seen = {"left_out_score": found.own, "ridge_score": found.ridge, "error": found.error}
    return _short_kind(r), f"{describe_left_out(r, found)}: these rows allow more.", level | seen


def _absurd_loss(r: Reading) -> Seen:
    """Most answers are right, and the loss is above that of a constant one: a few are wrong with certainty."""
    reached, train = last_loss(r), r.score("train")
    each = f": about {reached / (1 - train):.2g} for each wrong one" if train < 1 else ""
    why = (
        f"The {score(r)} is {train:.3f} on {scored(r, 'train')}, and the loss is {reached:.4g} ({mean_loss(r)}){each}. "
        f"The best constant answer has {r.reference:.4g}: wrong answers are given with certainty, for outputs are far "
        "too large. Probabilities mean nothing then."
    )
    level = {"mean_loss": reached, "reference_loss": r.reference}
    return "overconfident", why, level | {"train_score": train, "threshold": at.ABSURD * r.reference}


def _worth_a_word(r: Reading) -> Seen | None:
    """What is information about a run that came out well."""
    if not isfinite(r.now) or r.has_exploded:
        return None
    return _absurd_loss(r) if is_absurd(r) else _almost_there(r)


def _almost_there(r: Reading) -> Seen | None:
    """Whether a few numbers, that a line or a quadratic meets exactly, are met a little worse: worth a word."""
    if r.setting("rows") > at.FEW_NUMBERS or r.score_name != "r2" or not r.trend.slope + 2 * r.trend.slope_error < 0:
        return None
    s = short_of_a_line(r, "train")
    if s is None or not (s.baseline > at.EXACT and s.missing > at.ALMOST_EXACT + 2 * s.error):
        return None
    seen = {"train_score": s.mine, "train_baseline": s.baseline, "error": s.error}
    return "unfinished", f"{_allows_more(r, s)} The loss still fell when the run ended.", seen


def _while_forgetting(r: Reading, level: dict[str, float]) -> Seen | None:
    """Whether rows come in an order, and those far off in it are forgotten each time."""
    seen = forgetting(r)
    if seen is None:
        return None
    why = (
        f"Rows of the first epoch, asked again, have a loss of {seen.remembered:.4g}, and the latest steps "
        f"{seen.of_steps:.4g}; the best constant answer has {r.reference:.4g}. Rows come in an order, and those far "
        "off in it are forgotten: the loss of a step is measured just after its neighbours were learned."
    )
    return "oscillation", why, level | seen._asdict() | {"threshold": at.FORGOTTEN}


def _while_falling(r: Reading, level: dict[str, float]) -> Seen | None:
    """Whether a run of which no score is known ended while its loss fell: by much, and far from its end."""
    fall = late_fall(r)
    if fall is None or not is_unfinished(r, fall):
        return None
    why = (
        f"The loss still fell when the run ended: from {fall.middle:.4g} to {fall.last:.4g}, the means of "
        f"earlier and of the last steps. The best constant answer has {r.reference:.4g}, and only "
        f"{100 * r.skill:.0f} % of that is gone."
    )
    return "unfinished", why, level | {"half_way": fall.middle, "last": fall.last, "threshold": at.STILL_FALLING}


def _allows_more(r: Reading, s: Shortfall) -> str:
    """The score of the run and that of the plain network, and on which rows they are."""
    if s.is_line:
        line = f"A line or a quadratic through all rows but one, asked about that one, has {s.baseline:.3f}"
        mine = f"After the last epoch the {score(r)} is {s.mine:.3f} on {scored(r, s.part)}"
        return f"{mine}. {line}: these rows allow more."
    mine, asked = scored(r, s.part), probed(r, s.part)
    plain = f"A plain network, trained for some hundred steps on {trained_on(r)}, has {s.baseline:.3f}"
    plain += "" if asked == mine else f" on {asked}"
    name = "balanced accuracy" if s.balanced else score(r)
    return (
        f"After the last epoch the {name} is {s.mine:.3f} on {mine}. "
        f"{f'{crossed(r)} {s.baseline:.3f}' if s.crossed else plain}: these rows allow more."
    )


def _short_kind(r: Reading) -> str:
    """What a run does that ends short of the baseline: memorise, still fall, swing, or stand."""
    if memorises(r):
        return "overfitting"
    if r.trend.slope + 2 * r.trend.slope_error < 0:
        return "unfinished"
    swing = float(r.loss[r.recent].std())
    return "oscillation" if swing > 0.5 * r.now and swing > 0.1 * r.reference else "stagnation"


PROGRESS: tuple[Detector, ...] = (Progress(),)
