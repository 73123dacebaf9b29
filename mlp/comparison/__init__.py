"""Runs side by side: what differs between them, which is better, and whether that could be chance.

Reads finished runs and trains nothing. Two runs that were tested on the same rows, or are asked about the same source,
are compared row by row.
"""

from mlp.comparison.comparison import Comparison, Duel, compare, short

__all__ = ["Comparison", "Duel", "compare", "short"]
