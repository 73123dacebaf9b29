"""What short twins of a run said about its leading causes: read from a history, no training here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from mlp.diagnosis.finding import Cause
from mlp.diagnosis.reading import Reading

HELPS = 0.1  # by how much a score must be better with the remedy than as it was, and than with any other
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
    def clearly_best(self) -> str | None:
        """The cause whose remedy helps, and more than any other; None where that is not clear."""
        name = max(self.scores, key=lambda cause: self.scores[cause])
        others = [self.plain, *(value for other, value in self.scores.items() if other != name)]
        return name if self.scores[name] - max(others) > HELPS else None

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
