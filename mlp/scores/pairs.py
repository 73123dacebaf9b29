"""Truth and answers belong together cell by cell, or there is nothing to score."""

from __future__ import annotations

import numpy as np

from mlp.arrays import Array
from mlp.errors import ShapeError


def check_pairs(**arrays: Array) -> None:
    """Refuse arrays of different shapes: NumPy would stretch one to the other, and the score would mean nothing."""
    shapes = {name: np.shape(values) for name, values in arrays.items()}
    if len(set(shapes.values())) > 1:
        given = " and ".join(f"{name} has shape {shape}" for name, shape in shapes.items())
        raise ShapeError(f"{given}. Give both in one shape.")
