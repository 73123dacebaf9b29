"""The few questions that a look beside a training can afford: no step of the run is tried out.

They ask the floor, negative curvature by the quadratic model alone, the pace of the losses that the run has seen, and
layers that are cut off. What they leave open is undecided. Thresholds are those of `questions`.
"""

from __future__ import annotations

from mlp.curvature.evidence import Evidence
from mlp.curvature.questions import (
    GROWN,
    IDLE,
    PATIENCE,
    Questions,
    Verdict,
    blocked_layers,
    describe_plateau,
    gains,
    in_words,
    is_done,
    tell_way_out,
)


def is_curved_down(e: Evidence) -> Verdict | None:
    """The model foretells a way down along negative curvature, in a time that can be waited for."""
    if not e.curves_down:
        return None
    patience = PATIENCE * e.course.budget
    steps, share = e.predicted_escape
    if not (share > GROWN and steps <= patience) and not (steps > patience and e.fall_after_perturbation <= patience):
        return None
    return Verdict("saddle", f"the curvature is negative ({e.curves.least:.1e}), and {tell_way_out(steps)}")


def is_falling(e: Evidence) -> Verdict | None:
    """The losses of the latest steps fall, beyond chance and by enough."""
    if not gains(e.past_pace):
        return None
    return Verdict("descending", f"the latest losses gain {in_words(e.past_pace.value)} of what is left in a budget")


def is_flat(e: Evidence) -> Verdict | None:
    """Layers are cut off, and the network is no better than a constant."""
    if e.surface.value < IDLE * e.scale.reference or not blocked_layers(e):
        return None
    return describe_plateau(e, "the network is no better than a constant answer")


BRIEF: Questions = {
    is_done: "the floor",
    is_curved_down: "negative curvature",
    is_falling: "the latest losses",
    is_flat: "layers that are cut off",
}
"""The questions, and what they look at, in words."""
