"""A model: a network, how it ends, and how raw rows become its inputs.

It takes raw rows, as they stood in the source, and gives answers that people read. A population of networks is an
ensemble: its members answer together. While a population trains its members are apart, each with metrics of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.backprop import answer
from mlp.errors import ConfigError
from mlp.model import metrics
from mlp.model.metrics import Appraisal, appraise_outputs, quiet, recall_by_class, score_outputs, score_pieces
from mlp.model.output_head import OutputHead
from mlp.network import Network
from mlp.preprocessing import Part, Preprocessing
from mlp.preprocessing.drift import warn_of_drift

APART = 0.05
"""Two training losses belong to different minima if they differ by more than this share of the loss of a guess."""


@dataclass(frozen=True)
class Model:
    """A network, how it ends, and how raw rows become its inputs.

    `raw`, `evaluate` and `appraise` take a prepared `Part`, which `part` and `rows` make of raw rows. `predict` and
    `probabilities` take raw rows.
    """

    network: Network
    head: OutputHead
    preprocessing: Preprocessing

    @property
    def task(self) -> str:
        """classification, multilabel or regression."""
        return self.preprocessing.task

    def rows(self, X: Any) -> Part:
        """Raw rows whose targets are not known, prepared as those it was trained on.

        DriftedInputsWarning where columns are far off what was learned; likewise for `part`.
        """
        part = self.preprocessing.rows(X)
        warn_of_drift(self.preprocessing.find_drift(part.X))
        return part

    def part(self, X: Any, y: Any) -> Part:
        """Raw rows and their targets, prepared as those it was trained on."""
        raw = self.preprocessing.raw(X)
        warn_of_drift(self.preprocessing.find_drift(raw))
        return self.preprocessing.part(raw, y, self.network.dtype)

    @quiet()
    def raw(self, part: Part) -> Array:
        """Raw outputs (n, n_out): of a network, or of the members of an ensemble together."""
        raw = self.raw_by_member(part)
        return self.head.combine(raw) if self.network.population else raw

    def raw_by_member(self, part: Part) -> Array:
        """Raw outputs of each member apart, (*population, n, n_out)."""
        each = [answer(self.network, block, of=len(part)) for block in part.blocks(self.network.dtype)]
        return each[0] if len(each) == 1 else np.concatenate(each, axis=-2)

    def answers(self, raw: Array) -> Array:
        """What raw outputs (n, n_out) answer: class labels (n,), 0 and 1 (n, k), or numbers (n,) or (n, k)."""
        if self.task == "regression":
            with quiet():
                values = self.head.values(raw)
            return values[:, 0] if self.head.n_out == 1 else values
        codes = self.head.decide(raw)
        if self.task == "multilabel":
            return codes
        assert self.preprocessing.class_labels is not None
        return self.preprocessing.class_labels[codes]

    def predict(self, X: Any) -> Array:
        """The answers to raw rows X.

        Class labels are those that y held, in its dtype. Those of a table are numbers if all are written as Python
        writes them (5, 1.0), or else text as it stands there (007, 1e3).
        """
        return self.answers(self.raw(self.rows(X)))

    def probabilities(self, X: Any) -> Array:
        """A probability for each class or label, (n, n_classes), for raw rows X; ConfigError where there are none."""
        return self.probabilities_of(self.raw(self.rows(X)))

    @quiet()
    def probabilities_of(self, raw: Array) -> Array:
        """The same for raw outputs (n, n_out)."""
        found = self.head.probabilities(raw)
        if found is None:
            raise ConfigError(
                f"a network with the loss {self.head.loss_name!r} and these outputs gives scores, not probabilities. "
                "Train it with cross_entropy."
            )
        return found

    def evaluate(self, part: Part) -> dict[str, Any]:
        """The loss and the metrics of the task, as they are looked at after each epoch."""
        return self._score(part, self.raw)

    def evaluate_by_member(self, part: Part) -> dict[str, Any]:
        """The same of each member apart, (*population,) each."""
        return self._score(part, self.raw_by_member)

    def _score(self, part: Part, raw: Callable[[Part], Array]) -> dict[str, Any]:
        """Loss and metrics of raw outputs. Those of many rows with many classes are never all in memory."""
        size = metrics.CELLS // self.head.n_out
        with quiet():
            if self.task == "regression" or len(part) <= size:
                return score_outputs(self.head, raw(part), part)
            pieces = list(part.pieces(max(1, size), self.network.dtype))
            return score_pieces(self.head, ((raw(piece), piece) for piece in pieces))

    def recall_by_member(self, part: Part) -> Array:
        """The share of each class's rows that is found, (*population, n_classes); 1 for a class without rows."""
        return recall_by_class(self.head, self.raw_by_member(part), self.preprocessing.n_targets, part)

    def appraise(self, part: Part) -> Appraisal:
        """Everything that can be said of its answers to a part."""
        with quiet():
            return appraise_outputs(self.head, self.preprocessing, self.raw(part), part)


def select_members(network: Network, chosen: Array) -> Network:
    """The members of a population that are `chosen` (R,), as a population of their own."""
    found = Network(network.layers, 0, population=(int(chosen.sum()),), dtype=network.dtype)
    np.copyto(found.params, network.params[chosen])
    np.copyto(found.statistics, network.statistics[chosen])
    return found


def copy_member(network: Network, member: int) -> Network:
    """One member of a population as a network of its own."""
    found = Network(network.layers, 0, dtype=network.dtype)
    np.copyto(found.params, network.params[member])
    np.copyto(found.statistics, network.statistics[member])
    return found


def group_minima(losses: Sequence[float], guess: float) -> list[list[float]]:
    """Finite losses by minimum, the best first: each holds all within 5 % of `guess` above its own lowest.

    `guess` is the loss of the best constant answer.

    >>> group_minima([0.35, 0.01, 0.02, 0.36, float("nan"), 0.48], guess=0.69)
    [[0.01, 0.02], [0.35, 0.36], [0.48]]
    """
    found: list[list[float]] = []
    for loss in sorted(loss for loss in losses if np.isfinite(loss)):
        if not found or loss > found[-1][0] + APART * guess:
            found.append([])
        found[-1].append(loss)
    return found
