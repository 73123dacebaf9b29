"""What a training did, as a picture of letters in 60 columns: the loss as a line, the gradient of each layer as a bar.

Colour is the caller's choice, and so is ASCII, for streams that have no other letters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.errors import visible
from mlp.history import History

WIDTH = 60  # columns in all
LINE = 28  # columns of the loss
BAR = 26  # columns of a bar
NAME = 12  # letters of a layer
LAYERS = 12  # that are shown; of more the first and the last half of them
LEAST_DECADES = 3  # of a bar: gradients that differ by less than that look alike
LATEST = 10  # the share of the records, 1/10, whose gradients are shown


class Letters(NamedTuple):
    """`levels` from low to high, `bar`, what stands for no number, and what begins and ends colour."""

    levels: str = "▁▂▃▄▅▆▇█"
    bar: str = "█"
    none: str = "×"
    arrow: str = "→"
    begin: str = ""
    end: str = ""


PLAIN = Letters()
ASCII = Letters("_.-~=+*#", "#", "x", "->")
COLORED = Letters(begin="\033[34m", end="\033[0m")


def draw_training(history: History, letters: Letters = PLAIN) -> str:
    """Two pictures, or what of them was recorded; "" where nothing was."""
    return "\n".join([*_loss(history, letters), *_gradients(history, letters)])


def _loss(history: History, letters: Letters) -> Iterator[str]:
    if "loss" not in history or history.shape("loss") or len(history["loss"]) < 2:
        return
    loss = history["loss"]
    line = sparkline(loss, LINE, letters)
    yield f"{'loss':10}{letters.begin}{line}{letters.end}  {loss[0]:.3g} {letters.arrow} {loss[-1]:.3g}"


def sparkline(values: Array, width: int = LINE, letters: Letters = PLAIN) -> str:
    """The mean of each of `width` pieces as a level; logarithms where all numbers are above 0.

    A piece in which something is no number has a letter of its own.

    >>> sparkline(np.array([8.0, 4.0, 2.0, 1.0])), sparkline(np.array([1.0, np.nan, 1.0]))
    ('█▆▃▁', '▁×▁')
    """
    pieces = np.array_split(np.asarray(values, np.float64), min(width, len(values)))
    whole = np.array([np.isfinite(piece).all() for piece in pieces])
    means = np.array([piece.mean() if fine else np.nan for piece, fine in zip(pieces, whole, strict=True)])
    heights = np.log(means) if (means[whole] > 0).all() else means
    low, high = (heights[whole].min(), heights[whole].max()) if whole.any() else (0.0, 0.0)
    span, top = (high - low) or 1.0, len(letters.levels) - 1
    return "".join(
        letters.levels[round((height - low) / span * top)] if fine else letters.none
        for height, fine in zip(heights.tolist(), whole, strict=True)
    )


def _gradients(history: History, letters: Letters) -> Iterator[str]:
    """The typical norm of each layer's gradient towards the end, the bars on a logarithmic scale."""
    name = "grad_norm_by_layer"
    if name not in history or len(history.shape(name)) != 1 or not len(history[name]):
        return
    norms = history[name][-max(1, len(history[name]) // LATEST) :]
    with np.errstate(invalid="ignore", over="ignore"):
        typical = np.median(norms, axis=0)
    title = "gradient"
    for label, bar, value in _bars(history.labels(name), typical, letters):
        yield f"{title:10}{visible(label)[:NAME]:{NAME}}{letters.begin}{bar:{BAR}}{letters.end}  {value}"
        title = ""


def _bars(labels: Sequence[str], values: Array, letters: Letters) -> Iterator[tuple[str, str, str]]:
    """Each layer with its bar and its number; of many layers the first and the last."""
    fine = values[np.isfinite(values) & (values > 0)]
    high = np.log10(fine.max()) if len(fine) else 0.0
    low = min(np.log10(fine.min()), high - LEAST_DECADES) if len(fine) else -1.0
    places = [*range(len(labels))]
    hidden = places[LAYERS // 2 : -(LAYERS // 2)] if len(places) > LAYERS else []
    for k in places:
        if k in hidden:
            if k == hidden[0]:
                yield f"{len(hidden)} more", "", ""
            continue
        above = bool(np.isfinite(values[k]) and values[k] > 0)
        length = max(1, round((np.log10(values[k]) - low) / (high - low) * BAR)) if above else 0
        yield labels[k], letters.bar * length, f"{values[k]:.1e}"
