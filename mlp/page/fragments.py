"""Pieces of HTML for notebooks: tables and small curves, without script, in the colours of the notebook.

All text is escaped here, and nowhere else. Lines take `currentColor`, so that they are seen on light and on dark.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

import numpy as np

from mlp.arrays import Array
from mlp.page.build import to_visible
from mlp.page.downsampling import bucket_extremes

WIDTH, HEIGHT = 420, 90
BUCKETS = 200


def escape(text: object) -> str:
    r"""Text that is read as text, and nothing in it works unseen.

    >>> escape("<b> & \x1b")
    '&lt;b&gt; &amp; \\x1b'
    """
    return html.escape(to_visible(str(text)))


def tag(name: str, *inside: str) -> str:
    """An element around HTML.

    >>> tag("p", "a", "b")
    '<p>ab</p>'
    """
    return f"<{name}>{''.join(inside)}</{name}>"


def text(name: str, content: object) -> str:
    """An element around text.

    >>> text("p", "a < b")
    '<p>a &lt; b</p>'
    """
    return tag(name, escape(content))


def table(columns: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A table of text; the first cell of a row is its head."""
    head = tag("tr", *(f'<th scope="col">{escape(column)}</th>' for column in columns))
    body = (
        tag("tr", f'<th scope="row">{escape(row[0])}</th>', *(text("td", cell) for cell in row[1:])) for row in rows
    )
    return tag("table", tag("thead", head), tag("tbody", *body))


def draw_curve(steps: Array, values: Array, name: str) -> str:
    """A curve as inline SVG, on a logarithmic scale where all its numbers are above 0; "" for less than two numbers.

    What is no number leaves a hole.
    """
    kept = bucket_extremes(np.asarray(values, np.float64), BUCKETS, 4 * BUCKETS)
    x, y = np.asarray(steps, np.float64)[kept], np.asarray(values, np.float64)[kept]
    fine = np.isfinite(y)
    if fine.sum() < 2:
        return ""
    low, high = y[fine].min(), y[fine].max()
    heights = np.log(np.where(fine, y, 1)) if low > 0 else np.where(fine, y, 0)
    path = _path(_scale(x, np.ones(len(x), bool), WIDTH), HEIGHT - _scale(heights, fine, HEIGHT), fine)
    label = escape(f"{name}: from {y[fine][0]:.3g} to {y[fine][-1]:.3g}, between {low:.3g} and {high:.3g}")
    return (
        f'<svg role="img" aria-label="{label}" width="{WIDTH}" height="{HEIGHT + 4}" '
        f'viewBox="0 -2 {WIDTH} {HEIGHT + 4}"><title>{label}</title>'
        f'<path d="{path}" fill="none" stroke="currentColor" stroke-width="1.3"/></svg>'
    )


def _scale(values: Array, fine: Array, length: int) -> Array:
    """From 0 to `length`."""
    low, high = values[fine].min(), values[fine].max()
    return np.asarray((values - low) / ((high - low) or 1) * length)


def _path(x: Array, y: Array, fine: Array) -> str:
    pen, parts = "M", list[str]()
    for i in range(len(x)):
        if fine[i]:
            parts.append(f"{pen}{x[i]:.1f} {y[i]:.1f}")
        pen = "L" if fine[i] else "M"
    return "".join(parts)
