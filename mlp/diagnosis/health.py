"""The verdict on a run that is healthy, in words with its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlp.diagnosis.reading import Reading
from mlp.diagnosis.rows_in_words import mean_loss, probed, score
from mlp.history import History


def describe_health(history: History, metrics: Mapping[str, Any], of: str = "") -> str:
    """Say that a run is healthy, with its loss beside that of a guess, and its score beside that of a plain network.

    `of` says whose loss it is, where several networks answer together.

    >>> describe_health(History({"train_loss": [0.25], "reference_loss": [2]}), {})
    'healthy: training loss 0.25 (mean over the last epoch, while it trained); a network that ignores its inputs has 2'
    """
    if "reference_loss" not in history or "train_loss" not in history:
        return "healthy"
    reading, reference = Reading(history), history["reference_loss"][0]
    found = f"healthy: training loss {history['train_loss'][-1]:.3g} ({mean_loss(reading)}{of})"
    found += f"; a network that ignores its inputs has {reference:.3g}"
    name = reading.score_name
    part = "validation" if f"baseline_validation_{name}" in history else "train"
    if f"baseline_{part}_{name}" in history and f"{part}_{name}" in metrics:
        mine, plain = metrics[f"{part}_{name}"], history[f"baseline_{part}_{name}"][-1]
        rows = probed(reading, part)
        where = f" on {rows}" if rows.startswith("the first") else ""
        found += f"; {part} {score(reading)} {mine:.3f}, that of a plain network {plain:.3f}{where}"
    return found
