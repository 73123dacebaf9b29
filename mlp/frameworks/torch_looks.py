"""At which steps the nodes of a PyTorch model are looked at, and over how many its units are counted.

A look takes about a third of a small step, so there are few; what may be dead is looked at until it has been on.
"""

from __future__ import annotations

from math import nan

from mlp.frameworks.gradients import Gradients
from mlp.frameworks.rows import RowsMet
from mlp.frameworks.torch_modules import Part
from mlp.frameworks.torch_nodes import Look, Units, record_look
from mlp.history import History

LOOK = 97  # steps from one look at the nodes to the next
ROWS = 2048  # that stand for an epoch, where nobody knows how many it has


class Looks:
    """The looks of one training. `look`: that of the step that is coming; `due`: after so many steps to ask again."""

    def __init__(self, history: History, parts: list[Part], gradients: Gradients, rows: RowsMet) -> None:
        self.history, self.parts, self.gradients, self.rows = history, parts, gradients, rows
        self.look: Look | None = None
        self.due = 0
        self.batch = 1
        self._units: Units | None = None
        self._next_units = 0

    def prepare(self, step: int) -> None:
        """Hang the hooks of the next step, if it is looked at."""
        if self._units is None and step >= self._next_units:
            self._units = Units(step)
        wanted = step % LOOK == 0 or not (self._units is None or self._units.is_settled)
        if wanted and self.look is None:
            self.look = Look(self.parts)
        elif self.look is not None:
            self.look.forget()
            if not wanted:
                self.close()
        is_near = wanted or self._units is not None
        self.due = step + 1 if is_near else min(step + LOOK - step % LOOK, self._next_units)

    def note_look(self, step: int, n_losses: int) -> None:
        """Record what a look showed, and which units were silent over a window of steps."""
        look, units = self.look, self._units
        if look is not None and look.passages:
            if step % LOOK == 0:
                record_look(self.history, look, step, self._square_dense(look) if n_losses == 1 else nan)
            if units is not None:
                units.look(look)
        if units is not None and step + 1 >= units.start + self._window:
            units.note_shares(self.history, step)
            self._units, self._next_units = None, step + max(150, 4 * self._window)

    def close(self) -> None:
        """Take the hooks off."""
        if self.look is not None:
            self.look.close()
            self.look = None

    def _square_dense(self, look: Look) -> float:
        """‖∂L/∂θ‖² over the dense layers; NaN where one of them was used twice."""
        grads = dict(zip(self.gradients.grads.labels, self.gradients.squares, strict=True))
        names = [p.name for p in look.dense]
        return sum(grads.get(name, nan) for name in names) if len(set(names)) == len(names) else nan

    @property
    def _window(self) -> int:
        """Steps over which units are looked at: an epoch, where that is known and not long."""
        batch = max(1, self.batch)
        if self.rows.n_rows is None:
            return max(32, ROWS // batch)
        return min(1000, max(1, self.rows.n_rows // batch))
