"""Runs side by side as a page: metrics and which are best, what differs, what was found, curves over steps and seconds.

It says what `RunComparison` says, and draws what the runs recorded.
"""

from mlp.comparison_page.build import build_comparison_page

__all__ = ["build_comparison_page"]
