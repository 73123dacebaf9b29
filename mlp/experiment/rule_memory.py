"""How a training would go on from the weights that answer: with which memory of its rule, at which rate.

The memory belongs to the weights that trained last. Where others answer, the best of all epochs or an average, there is
none. A run directory has it in its checkpoint, and a run that was only saved has none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import MLPError
from mlp.experiment.checkpoint import read_checkpoint
from mlp.history import History
from mlp.network import Network
from mlp.optimizers import Optimizer
from mlp.storage.snapshot import restore


def memory_at(network: Network, rule: Optimizer, params: Array, memory: Any) -> Any:
    """The memory of a rule that stands at `params` (*population, P), for the one network that answers.

    None where the rule stands elsewhere.
    """
    if network.population:
        return None
    if params.ndim == 1:
        return memory if np.array_equal(params, network.params) else None
    from mlp.curvature.trials import memory_of_member  # 20 ms, for populations

    same = np.flatnonzero((params == network.params).all(-1))
    return memory_of_member(memory, rule.init(network.params), int(same[0])) if len(same) else None


def read_memory(folder: Path, network: Network, rule: Optimizer) -> Any:
    """The same from the checkpoint in a run directory; None where there is no checkpoint, or one of another run."""
    try:
        saved = read_checkpoint(folder)
        arrays = {name.removeprefix("state/"): array for name, array in saved.arrays.items()}
        params = restore(saved.state["params"], arrays)
        if params.shape[-1:] != network.params.shape or params.dtype != network.dtype:
            return None
        return memory_at(network, rule, params, restore(saved.state["memory"], arrays, rule.init(params)))
    except MLPError:
        return None


def usual_rate(history: History) -> float | None:
    """The mean learning rate of a training: at the end of many schedules it is 0, and nothing would move."""
    rates = np.asarray(history["learning_rate"], float) if "learning_rate" in history else np.empty(0)
    found = float(rates.mean()) if rates.ndim == 1 and len(rates) else np.nan
    return found if np.isfinite(found) and found > 0 else None
