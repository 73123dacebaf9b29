"""What short twins of a run said about its leading causes: read from a history, no training here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from mlp.diagnosis.finding import Cause
from mlp.diagnosis.reading import Reading

HELPS, IDLE = 0.1, 0.05  # a remedy helps if the score is better by so much, and does nothing below the second
AS_IT_IS = "as it is"
MEASURABLE = frozenset({
    "learning_rate_too_high", "learning_rate_too_low", "momentum_too_high", "epsilon_too_large", "clipping_too_low",
    "unshuffled_batches", "initialization_too_small", "initialization_too_large", "constant_initialization",
    "negative_bias", "no_biases", "weight_decay_too_high", "saturating_activations", "dead_relu",
    "loss_output_mismatch", "missing_nonlinearity", "frozen_layer", "dropout_too_high", "too_little_capacity",
})  # fmt: skip
"""Causes whose remedy a short twin shows: it is a setting, and not more rows, other rows or more steps."""

PLACES = frozenset({"saddle_point", "flat_region", "local_minimum"})
"""Where a run rests, which another cause may have led to: its remedy that helps comes ahead."""


class Counterfactuals(NamedTuple):
    """What twins of so many `steps` came to: `plain` as the run is, `scores` with the remedy for each cause."""

    steps: int
    plain: float
    scores: Mapping[str, float]
    measure: str

    @property
    def helps(self) -> bool:
        """Whether some remedy does."""
        return max(self.scores.values()) - self.plain > HELPS

    def is_idle(self, name: str) -> bool:
        """Whether the remedy for a cause does nothing while that for another helps; so it is of a place to rest."""
        return self.helps and (name in PLACES or self.scores.get(name, 1.0) - self.plain < IDLE)

    def tell(self, cause: Cause) -> Cause:
        """The cause with what was measured, where it was."""
        if cause.name not in self.scores or "measured: " in cause.why:
            return cause
        found = f"{self.measure} after {self.steps} steps is {self.scores[cause.name]:.3f} instead of {self.plain:.3f}"
        return replace(cause, why=f"{cause.why}; measured: with the remedy the {found}")


def read_counterfactuals(r: Reading) -> Counterfactuals | None:
    """What was noted; None where nothing was."""
    if "counterfactuals" not in r:
        return None
    scores = r.by_layer("counterfactuals")
    plain = scores.pop(AS_IT_IS, float("nan"))
    measure = "r²" if r.score_name == "r2" else "mean recall of the classes"
    return Counterfactuals(int(r.one("counterfactual_steps", default=0)), plain, scores, measure) if scores else None
