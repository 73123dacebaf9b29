"""The rows that pass by in a foreign loop: how many there are, some of them for later, and which were seen before.

Nobody says how many rows an epoch has. A row is known by a hash; when all rows of a batch were met before, the first
epoch is over. Rows that are made anew at every step never come again, and then nothing is said of epochs.
"""

from __future__ import annotations

import numpy as np

from mlp.arrays import Array

MOST = 1 << 18  # rows whose hashes are kept: 30 MB
KEPT_ROWS, KEPT_CELLS = 2048, 1 << 22  # rows that are kept, and their cells at most
COLUMNS = 64  # of a row enter its hash: 6 µs for a batch of 32


class RowsMet:
    """The rows of one training.

    `n_rows`: those of an epoch; None until the first is over. `is_open`: whether there is more to learn of them.
    `n_lost`: those that hold NaN or infinite cells.
    `is_shuffled`: whether the second epoch began with other rows than the first; True until that is known.
    """

    def __init__(self, n_rows: int | None = None) -> None:
        self.n_rows, self.is_open, self.is_shuffled = n_rows, True, True
        self._first: list[int] = []
        self.n_lost = 0
        self.known: set[int] = set()
        self.met = 0
        self._kept: list[tuple[Array, Array]] = []
        self._stride = 1  # of the batches, every so many are kept: the sample is spread over the whole epoch
        self._batches = 0
        self._factors: Array = np.empty(0, np.uint64)

    def add_batch(self, x: Array, target: Array) -> None:
        """Note a batch x (n, n_features), as long as there is something to learn of it."""
        hashes = self._hash(x)
        is_again = bool(self.known) and self.known.issuperset(hashes)
        if is_again or (self.n_rows is not None and self.met >= self.n_rows):
            self.is_shuffled = len(hashes) == self.met or hashes != self._first
            self.n_rows, self.is_open = self.n_rows or self.met, False
            return
        self._first = self._first or hashes
        self.n_lost += int(np.count_nonzero(~np.isfinite(x).all(1)))
        self.known.update(hashes)
        self.met += len(x)
        if self._batches % self._stride == 0:
            self._keep(np.array(x), np.array(target))
        self._batches += 1
        if self.met > MOST:
            self.is_open = False

    def _keep(self, x: Array, target: Array) -> None:
        self._kept.append((x, target))
        most = min(KEPT_ROWS, max(64, KEPT_CELLS // max(1, x.shape[1])))
        while sum(len(x) for x, _ in self._kept) > most and len(self._kept) > 1:
            self._kept = self._kept[::2]
            self._stride *= 2

    def share_known(self, x: Array) -> float:
        """The share of some rows that were trained on."""
        hashes = self._hash(x)
        return sum(h in self.known for h in hashes) / max(1, len(hashes))

    def kept(self) -> tuple[Array, Array] | None:
        """The rows that were kept, and their targets; None where there are none."""
        alike = [(x, t) for x, t in self._kept if t.shape[1:] == self._kept[0][1].shape[1:]]
        if not alike:
            return None
        return np.concatenate([x for x, _ in alike]), np.concatenate([t for _, t in alike])

    def _hash(self, x: Array) -> list[int]:
        """A whole number for each row, the same for equal rows: a random sum of the bits of some columns, modulo 2⁶⁴.

        Whole numbers, because a product of floating-point numbers may round equal rows differently.
        """
        some = x[:, :: max(1, x.shape[1] // COLUMNS)]
        if len(self._factors) != some.shape[1]:
            drawn = np.random.default_rng(0).integers(1, 2**63, some.shape[1], dtype=np.uint64)
            self._factors = np.asarray(drawn)
        bits: Array = (some.astype(np.float64) + 0.0).view(np.uint64)  # -0.0 is 0.0
        mixed = np.asarray(bits ^ (bits >> np.uint64(29)) ^ (bits >> np.uint64(53)))
        found: list[int] = mixed.dot(self._factors).tolist()
        return found
