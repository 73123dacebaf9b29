"""What "auto" means for an estimator: how long it trains, how fast, and with what restraint.

Chosen on digits, wine, breast cancer and iris (`benchmarks/estimators.py`), whose numbers are therefore not those of
data never looked at. Whoever names a value gets that value.
"""

from __future__ import annotations

from dataclasses import fields
from math import ceil
from typing import Any

import numpy as np

from mlp.config.optimizer import adam_rate
from mlp.optimizers import OPTIMIZERS

LENGTHS = {"classification": (20, 150), "multilabel": (20, 150), "regression": (40, 600)}
"""How long a training is: so many epochs, and more for at least so many steps.

Twenty epochs of a small table are some dozen steps, and end before the network has gone anywhere. Numbers take longer
than classes: r² on a sine of two periods is 0.47 after 150 steps and 0.69 after 600.
"""
HIGHEST_RATE = 0.02
"""What Adam's learning rate begins with at most: twice the limit of `adam_rate`.

A run with a cosine schedule goes at half its first rate on average.
"""
PORTION_RATE = 0.001
"""Adam's learning rate in `partial_fit`, which does not know how long it will train: that of its paper."""
L2 = 1e-3
SMOOTHING = 0.1
"""How much of each label goes to all classes evenly, in the cross-entropy.

Accuracy without and with it: iris 0.955, 0.973; digits 0.980, 0.987; breast cancer 0.977, 0.982; wine 0.976, 0.970
(`benchmarks/estimators.py smoothing`, 25 fits each, 10 of digits).
"""


def is_word(given: Any, word: str) -> bool:
    """Whether it is that word; arrays compare by element, so `==` alone will not do."""
    return isinstance(given, str) and given == word


def epochs(given: Any, task: str, batch_size: Any, n_train: int) -> Any:
    """How often to go through the rows."""
    if not is_word(given, "auto"):
        return given
    least, steps = LENGTHS[task]
    return max(least, ceil(steps / per_epoch(batch_size, n_train)))


def per_epoch(batch_size: Any, n_train: int) -> int:
    """Steps in an epoch; 1 too for what is no size, which the configuration refuses."""
    is_size = isinstance(batch_size, int | np.integer) and batch_size >= 1
    return ceil(n_train / int(batch_size)) if is_size else 1


def rate(rule: Any, n_epochs: Any, steps_per_epoch: int) -> dict[str, Any]:
    """The learning rate of a run with a cosine, where the rule should not have its usual one."""
    if rule not in ("adam", "adamw") or not isinstance(n_epochs, int | np.integer) or n_epochs < 1:
        return {}
    return {"learning_rate": adam_rate(int(n_epochs) * steps_per_epoch, HIGHEST_RATE)}


def schedule(given: Any, rule: Any) -> Any:
    """A cosine; but rules that compare one step with the next, and those that do without a schedule, get none."""
    if not is_word(given, "auto"):
        return given
    kind = _kind(rule)
    suits = kind is not None and not (kind.full_batch or kind.alone or rule.startswith("schedule_free"))
    return "cosine" if suits and any(f.name == "learning_rate" for f in fields(kind)) else "constant"


def l2(given: Any, rule: Any) -> Any:
    """A little; none for rules that search, some of which know no penalties."""
    if not is_word(given, "auto"):
        return given
    kind = _kind(rule)
    return 0.0 if kind is not None and kind.alone else L2


def scale_target(given: Any, loss: Any) -> Any:
    """Numbers are scaled to be learned, but not counts."""
    if not is_word(given, "auto"):
        return given
    return "none" if loss == "poisson" else "standard"


def _kind(rule: Any) -> Any:
    """The rule of that name; None where there is none, which the configuration refuses."""
    return OPTIMIZERS.get(rule) if isinstance(rule, str) else None
