"""Comparing optimizers: what is tried, how it is chosen, and what may be said of it afterwards.

`settings` says what somebody wants to know, `protocol` turns it into trials and trials into a `Comparison`, `trial`
carries one out, `statistics` and `summary` say what came of it. Nothing here prints or draws.
"""

from mlp.bench.protocol import Cell, Comparison, Progress, compare, n_trials
from mlp.bench.settings import Settings, settings
from mlp.bench.summary import Row, profiles, rows, sensitivity

__all__ = [
    "Cell",
    "Comparison",
    "Progress",
    "Row",
    "Settings",
    "compare",
    "n_trials",
    "profiles",
    "rows",
    "sensitivity",
    "settings",
]
