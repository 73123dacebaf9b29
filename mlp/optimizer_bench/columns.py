"""Numbers and columns of tables, as text."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, isnan


def format_number(value: float) -> str:
    """Four digits; nothing for what is not known, – for what never happened."""
    return "" if isnan(value) else f"{value:.4g}" if isfinite(value) else "–"


def align_columns(lines: Sequence[Sequence[str]]) -> list[str]:
    """Lines of equal columns: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  " + "  ".join(c.ljust(w) if not i else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    ]
