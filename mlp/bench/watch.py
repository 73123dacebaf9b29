"""What is seen of a population while it trains, member by member, and who has had enough.

A member ends when the problem's stopping rule says so, when its numbers are none any more, or with the epochs. What is
noted of it afterwards does not count.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.problems import Problem, larger_is_better
from mlp.problems.problem import Measures

POINTS = 25  # of a curve that are kept


class Watch:
    """The notes on `n` members of a population on its way through a problem."""

    def __init__(self, problem: Problem, n: int, full_batch: bool) -> None:
        per_epoch = 1 if full_batch else problem.per_epoch
        self._problem, self._n = problem, n
        self._every, self._last = problem.every * per_epoch, problem.epochs * per_epoch
        self._judge = problem.stop.begin(n) if problem.stop else None
        self._losses: list[Array] = []
        self._curves: list[tuple[int, Measures]] = []
        self._running = np.ones(n, bool)
        self._final = _Moment(n)
        self._best = _Moment(n)
        self._reached = _Moment(n)

    def met(self, loss: Any) -> None:
        """Hear the loss of an update; only a stopping rule listens."""
        if self._judge:
            self._losses.append(np.array(loss, float, ndmin=1))

    def due(self, t: int) -> bool:
        """Whether update t is to be measured."""
        return t % self._every == 0 or t == self._last

    def ended(self, t: int) -> bool:
        """Whether nobody goes on after update t."""
        return t == self._last or not self._running.any()

    def note(self, t: int, evaluations: int, measures: Measures) -> None:
        """Write down what was measured after update t, which took so many gradients until now."""
        seen = {name: np.atleast_1d(values).astype(float) for name, values in measures.items()}
        chosen = seen[self._problem.chosen_by]
        self._curves.append((t, seen))
        self._final.set(self._running, t, evaluations, seen)
        self._best.set(self._running & self._better(chosen), t, evaluations, seen)
        self._reached.set(self._running & ~self._reached.there & self._problem.target.met(seen), t, evaluations, seen)
        self._running &= np.isfinite(chosen)
        if self._losses and self._judge:
            self._running &= ~self._judge(np.array(self._losses), seen)
            self._losses.clear()

    def diverged(self) -> None:
        """Whoever is still running ends here, and comes to nothing."""
        t, seen = self._curves[-1]
        self.note(t, int(self._final.evaluations.max()), {name: np.full(self._n, np.nan) for name in seen})

    def _better(self, values: Array) -> Any:
        """Whose value beats all before it; the first always does."""
        name = self._problem.chosen_by
        before = self._best.measures.get(name)
        if before is None:
            return np.ones(self._n, bool)
        return values > before if larger_is_better(name) else values < before

    def members(self) -> list[dict[str, Any]]:
        """The notes as plain values, one entry for each member."""
        return [self._member(i) for i in range(self._n)]

    def _member(self, i: int) -> dict[str, Any]:
        return {
            "final": self._final.of(i),
            "best": self._best.of(i),
            "reached": self._reached.of(i),
            "curve": self._curve(i),
        }

    def _curve(self, i: int) -> dict[str, list[Any]]:
        """Score and what is chosen by, at `POINTS` moments until the member ended."""
        there = [(t, seen) for t, seen in self._curves if t <= self._final.step[i]]
        picked = [there[k] for k in sorted(set(np.linspace(0, len(there) - 1, POINTS).astype(int)))]
        names = sorted({self._problem.score, self._problem.chosen_by})
        return {"step": [t for t, _ in picked]} | {name: [plain(seen[name][i]) for _, seen in picked] for name in names}


class _Moment:
    """A moment in the course of each member: when it was and what was measured."""

    def __init__(self, n: int) -> None:
        self.there = np.zeros(n, bool)
        self.step = np.zeros(n, int)
        self.evaluations = np.zeros(n, int)
        self.measures: Measures = {}

    def set(self, whose: Array, t: int, evaluations: int, seen: Measures) -> None:
        """It is now, for some members."""
        self.there |= whose
        self.step[whose], self.evaluations[whose] = t, evaluations
        for name, values in seen.items():
            kept = self.measures.setdefault(name, np.full(len(whose), np.nan))
            kept[whose] = values[whose]

    def of(self, i: int) -> dict[str, Any] | None:
        """That of one member; None where it never came."""
        if not self.there[i]:
            return None
        measured = {name: plain(values[i]) for name, values in self.measures.items()}
        return {"step": int(self.step[i]), "gradients": int(self.evaluations[i]), **measured}


def plain(value: Any) -> float | None:
    """A number as JSON has it; None for one that is none."""
    return float(value) if np.isfinite(value) else None
