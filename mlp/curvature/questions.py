"""The questions that tell kinds of points apart, in the order in which they are asked.

Each looks at the evidence and answers with a verdict, or with None: then the next is asked. The last always answers.
Thresholds are shares: of what is left to gain, of what a constant answer leaves, of a budget of steps.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import NamedTuple, TypeAlias

import numpy as np

from mlp.curvature.evidence import MATERIAL, Evidence, Pace
from mlp.curvature.trials import has_rate
from mlp.layers import Dense, Identity
from mlp.losses import AbsoluteError, BinaryHinge, Focal, Hinge, Loss, Quantile, SigmoidFocal, SquaredError
from mlp.network import Network

DONE = 1e-3  # of what the best constant answer leaves: less than that is nothing
LITTLE = 1e-2  # of what is left to gain: more, and minibatches hold the loss up
PATIENCE = 10.0  # budgets that a way out of a saddle may take and still be one
GROWN = 0.8  # of the first material fall, owed to negative curvature: more, and the point is a saddle's
PASSED = 1e-3  # of a change in a layer that reaches the outputs: less, and the layer is cut off
FLAT = 0.05  # of a signal that activations let through on average: less, and it is they that cut it off
IDLE = 0.9  # of the best constant answer's loss: more, and a network with a layer cut off does nothing
OUTWARD = 0.9  # cosine between the way down and the weights: more, and they only grow
SURE = 3.0  # standard errors
SOON = 0.4  # of a budget: a saddle nearer than that is left while minibatches are tried
STRONG = 1e-4  # of the largest eigenvalue: a more negative one is a saddle's, though layers are cut off
FASTER = 8.0  # times the own rate: less is no other rate


class Verdict(NamedTuple):
    """A kind, why, and the layers that it is about."""

    kind: str
    why: str
    layers: tuple[str, ...] = ()


def is_done(e: Evidence) -> Verdict | None:
    """Nothing is left to gain that a constant answer would notice, or that rounding would."""
    left = e.scale.reference - e.scale.floor
    rounding = 50 * e.rounding * max(abs(e.surface.value), abs(e.scale.reference))
    if e.gap > max(DONE * left, rounding):
        return None
    further = "; the weights can go on growing for ever" if _only_grows(e) else ""
    return Verdict("global_minimum", f"the loss is within {e.gap:.1e} of what no network can beat{further}")


def is_bouncing(e: Evidence) -> Verdict | None:
    """A lower rate would lower the loss on all rows, and this one does not.

    Not told from rate · λ_max > 2 alone: networks descend beyond it (Cohen et al. 2021), and one that is thrown about
    between saturated places sees eigenvalues of 1e-81.
    """
    if not has_rate(e.rule):
        return None
    fell, ahead = e.fell(e.paths), e.forecast(e.paths)
    slower, own = max(fell[:-1].max(), ahead[:-1].max()), fell[-1]
    held = slower >= MATERIAL and own < 0.5 * fell[:-1].max()
    held = held or (slower >= MATERIAL and own < 0.5 * slower and ahead[-1] < 0.5 * slower and own <= 0)
    if held or _swings(e):
        why = f"steps at rate {e.rate:g} gain {in_words(own)}, and at a lower rate {in_words(slower)}"
        return Verdict("bouncing", why)
    if own < -1 and e.higher_forecast.max() >= MATERIAL:
        rate = float(e.higher_rates[np.argmax(e.higher_forecast)])
        why = f"steps at rate {e.rate:g} raise the loss, and gradient descent at {rate:.1e} would lower it"
        return Verdict("bouncing", why)
    return None


def _swings(e: Evidence) -> bool:
    """Whether the own path stays where it is on average, well above where a lower rate comes."""
    path = e.paths[len(e.paths) // 5 :, -1]
    before, after = path[: len(path) // 2].mean(), path[len(path) // 2 :].mean()
    if not np.isfinite(before) or not np.isfinite(after):
        return False
    level = after - e.scale.floor
    lowest = e.paths[-max(3, len(e.paths) // 10) :, :-1].mean(0).min()
    stays = before - after < MATERIAL * level
    return bool(stays and after - lowest > 0.25 * level and e.surface.value - lowest > MATERIAL * e.gap)


def is_valley(e: Evidence) -> Verdict | None:
    """All rows are right, larger outputs alone bring the loss to its floor, and the way down is to grow.

    Soudry et al. (2018): the weights grow like ln t, and the loss falls like 1/t.
    """
    if not _only_grows(e):
        return None
    return Verdict("valley", "every row is right, and the loss falls for ever as the weights grow: there is no minimum")


def _only_grows(e: Evidence) -> bool:
    g, params = e.surface.grad, e.surface.params
    outward = -float(g @ params) > OUTWARD * float(np.linalg.norm(g) * np.linalg.norm(params))
    if not outward or e.surface.network.penalised or not isinstance(e.surface.network.layers[-1], Dense):
        return False
    batch, loss = e.surface.batch, e.surface.loss
    left = [float(loss.value(k * e.surface.outputs, batch.target, batch.weights)) - e.scale.floor for k in (1, 4, 256)]
    return left[0] > left[1] >= 0 and left[2] <= 0.01 * left[0]


def is_saddle(e: Evidence) -> Verdict | None:
    """The first material fall will be owed to negative curvature, in a time that can be waited for."""
    if not e.curves_down:
        return None
    patience = PATIENCE * e.course.budget
    grown = e.escape.share > GROWN and e.escape.steps <= patience
    if e.escape.steps > e.course.budget and _idle(e):
        return None
    if not grown and not (e.escape.steps > patience and e.fall_after_perturbation <= patience):
        return None
    soon = e.noisy and e.escape.steps <= SOON * e.course.budget
    if soon and max(e.noisy_pace.value, e.noisy_fall) < MATERIAL:
        return _held_up(e, MATERIAL)
    return Verdict("saddle", f"the curvature is negative ({e.curves.least:.1e}), and {tell_way_out(e.escape.steps)}")


def tell_way_out(steps: float) -> str:
    """How long it takes, in words."""
    if steps < inf:
        return f"the way down takes about {steps:.3g} steps"
    return "no step leads out by itself: nothing points down"


def is_descending(e: Evidence) -> Verdict | None:
    """The run's own steps go on lowering the loss."""
    if not e.noisy:
        ahead, own = e.forecast(e.paths)[-1], e.fell(e.paths)[-1]
        if ahead >= MATERIAL and own > 0:
            return Verdict("descending", f"{in_words(ahead)} of what is left will be gained in {e.course.budget} steps")
        return None
    if e.noisy_fall >= MATERIAL:
        return Verdict("descending", f"minibatches gain {in_words(e.noisy_fall)} of what is left at once")
    now = e.noisy_pace
    if gains(now) or (gains(e.past_pace) and now.value + 2 * now.error >= MATERIAL):
        pace = now if gains(now) else e.past_pace
        return Verdict("descending", f"minibatches gain {in_words(pace.value)} of what is left in a budget")
    return None


def gains(pace: Pace) -> bool:
    """Whether a loss falls, beyond chance and by enough."""
    return pace.value >= MATERIAL and pace.value > SURE * pace.error


def is_plateau(e: Evidence) -> Verdict | None:
    """Layers are cut off, the network is no better than a constant, and its steps gain nothing."""
    return describe_plateau(e, "the network is no better than a constant answer") if _idle(e) else None


def _idle(e: Evidence) -> bool:
    still = e.surface.value >= IDLE * e.scale.reference and e.forecast(e.paths)[-1] < MATERIAL
    return still and bool(blocked_layers(e))


def blocked_layers(e: Evidence) -> tuple[str, ...]:
    """The layers whose changes no longer reach the outputs of most rows, because activations let nothing through.

    Weights that are next to nothing cut a layer off as well; that is a saddle's doing and not counted.
    """
    names = [
        reach.name
        for reach in e.reaches
        if reach.outputs < PASSED * max(reach.own, 1) and (reach.slopes < FLAT or reach.own < PASSED)
    ]
    return tuple(names) if set(names) - {e.reaches[-1].name} else ()


def describe_plateau(e: Evidence, more: str) -> Verdict:
    """A plateau, with the layers that make it one."""
    layers = blocked_layers(e)
    return Verdict("plateau", f"changes of {', '.join(layers)} no longer reach the outputs, and {more}", layers)


def is_slow(e: Evidence) -> Verdict | None:
    """A higher rate would lower the loss, or all rows at once would."""
    ahead, own = e.higher_forecast, float(e.forecast(e.paths)[-1])
    best = int(np.argmax(ahead))
    if max(own, ahead[best]) < MATERIAL:
        return None
    rate = float(e.higher_rates[best])
    if own < MATERIAL and rate >= FASTER * e.rate:
        return Verdict(
            "descending", f"the rate is too low: gradient descent at {rate:.1e} would gain {in_words(ahead[best])}"
        )
    if e.noisy:
        return _held_up(e, max(own, ahead[best]))
    return Verdict("descending", f"gradient descent at {rate:.1e} would gain {in_words(ahead[best])}")


def _held_up(e: Evidence, fall: float) -> Verdict:
    return Verdict(
        "noise_floor", f"steps on all rows would gain {in_words(fall)}, those on {e.course.batch_size} rows do not"
    )


def is_passed(e: Evidence) -> Verdict | None:
    """A trust region, which sees curvature, finds a way down that steps do not."""
    fall = e.trust_region_decrease
    if fall < MATERIAL:
        return None
    if blocked_layers(e):
        return describe_plateau(e, f"a trust region gains {in_words(fall)}")
    if e.noisy and _by_steps(e) >= LITTLE:
        return _held_up(e, fall)
    if not e.curves_down and e.predicted_newton_decrease >= 0.5 * fall:
        return Verdict(
            "descending",
            f"slowly: Newton's step would gain {in_words(e.predicted_newton_decrease)} along flat directions",
        )
    return Verdict("saddle", f"a trust region gains {in_words(fall)}, and {tell_way_out(e.escape.steps)}")


def is_weak_saddle(e: Evidence) -> Verdict | None:
    """Negative curvature that leads somewhere, in a time beyond all patience."""
    if not e.curves_down:
        return None
    fall = max(e.fall_along_least, e.trust_region_decrease)
    if fall - 10 * e.predicted_newton_decrease <= DONE:
        return None
    if blocked_layers(e) and e.curves.least > -STRONG * e.curves.largest:
        return describe_plateau(e, f"a trust region gains {in_words(fall)}")
    return Verdict(
        "saddle",
        f"along its negative curvature ({e.curves.least:.1e}) lie {in_words(fall)}, and {tell_way_out(e.escape.steps)}",
    )


def is_noise(e: Evidence) -> Verdict | None:
    """A little more would be gained on all rows: that much minibatches hold up."""
    return _held_up(e, _by_steps(e)) if e.noisy and _by_steps(e) >= LITTLE else None


def _by_steps(e: Evidence) -> float:
    """What gradient descent on all rows would gain, at the own rate or a higher one."""
    return float(max(e.forecast(e.paths)[-1], e.higher_forecast.max()))


def is_degenerate(e: Evidence) -> Verdict | None:
    """Small random pushes of two sizes lead down, though no curvature shows it; of cut-off layers a larger one."""
    if blocked_layers(e) and e.fall_after_push(0.2) >= MATERIAL:
        return describe_plateau(e, "a push leads down")
    falls = [e.fall_after_push(0.02)]
    if falls[0] >= MATERIAL:
        falls.append(e.fall_after_push(0.004))
    if min(falls) < MATERIAL:
        return None
    if blocked_layers(e):
        return describe_plateau(e, "a push leads down")
    return Verdict(
        "saddle", f"a degenerate one: the slightest push leads {in_words(falls[0])} down, and no curvature shows it"
    )


def is_minimum(e: Evidence) -> Verdict:
    """None of the ways down leads anywhere."""
    if all_minima_are_global(e.surface.network, e.surface.loss):
        return Verdict(
            "global_minimum", "nothing near is lower, and a model that is linear in its inputs has no other minima"
        )
    return Verdict("local_minimum", "no rate, no direction of curvature and no push leads down")


def all_minima_are_global(network: Network, loss: Loss) -> bool:
    """Whether every minimum is known to be global.

    One dense layer and a convex loss: the loss is convex. Several without activations: squared error (Baldi & Hornik
    1989; Kawaguchi 2016), or a smooth convex loss if no layer is narrower than both ends (Laurent & von Brecht 2018).
    """
    if not all(isinstance(layer, Dense | Identity) for layer in network.layers) or isinstance(
        loss, Focal | SigmoidFocal
    ):
        return False
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    if len(dense) == 1:
        return True
    wide = min(layer.n_out for layer in dense) >= min(network.n_in, network.n_out)
    smooth = not isinstance(loss, AbsoluteError | Quantile | Hinge | BinaryHinge)
    return not network.penalised and (isinstance(loss, SquaredError) or (wide and smooth))


Questions: TypeAlias = dict[Callable[[Evidence], Verdict | None], str]
QUESTIONS: Questions = {  # and what they look at, in words
    is_done: "the floor",
    is_bouncing: "lower rates",
    is_valley: "weights that only grow",
    is_saddle: "negative curvature",
    is_descending: "the run's own pace",
    is_plateau: "layers that are cut off",
    is_slow: "higher rates",
    is_passed: "a trust region",
    is_weak_saddle: "what lies along the least eigenvector",
    is_noise: "what minibatches hold up",
    is_degenerate: "random pushes",
    is_minimum: "nothing",
}


def in_words(fall: float) -> str:
    """A fall in words: a share of what is left to gain."""
    if not fall > 0:
        return "nothing"
    return "all" if fall >= 0.995 else f"{100 * fall:.2g} %"
